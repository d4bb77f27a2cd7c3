//! The Job that brings the databases to this version's schema.

use k8s_openapi::api::batch::v1::Job;

use crate::{component::Component, validate::Validated};

use super::command;

/// The Job, whose name says what it runs: another version is another Job.
pub(super) fn job(validated: &Validated) -> Job {
    let component = Component::Migrate;
    let databases = validated.databases.iter();
    let template = command::template(validated, component, &["migrate"], databases);
    let runs = serde_json::to_vec(&template).unwrap_or_default();
    command::job(validated, component, &runs, template)
}
