//! The Job that has the next signing key sign. A key that is not known for a
//! minute yet is refused, and tried again until it is not.

use k8s_openapi::api::batch::v1::Job;

use crate::{component::Component, validate::Validated};

use super::command;

/// The Job, if somebody asked for it: one for each word.
pub(super) fn job(validated: &Validated) -> Option<Job> {
    let component = Component::RotateKeys;
    let word = validated.rotation_request.as_ref()?;
    let databases = validated.databases.iter();
    let of_auth = databases.filter(|database| database.service == Component::Auth);
    let template = command::template(validated, component, &["admin", "rotate-keys"], of_auth);
    Some(command::job(
        validated,
        component,
        word.as_bytes(),
        template,
    ))
}
