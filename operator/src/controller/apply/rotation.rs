//! The rotation of the signing keys, when it is asked for.

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;

use crate::{component::Component, validate::Validated};

use super::{
    super::{ReconcileError, backups, live},
    applier::Applier,
};

/// Where it stands, with the name of its Job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::controller) enum Rotation {
    /// It runs.
    Runs(String),
    /// Another key signs.
    Done(String),
    /// It was given up.
    Failed {
        /// The Job.
        job: String,
        /// Its last words.
        why: String,
    },
}

impl Applier<'_> {
    /// Runs the Job once.
    pub(super) async fn rotate(
        &self,
        validated: &Validated,
        job: &Job,
    ) -> Result<Rotation, ReconcileError> {
        let name = job.name_any();
        if !self.is_there(job) {
            self.create(job).await?;
            return Ok(Rotation::Runs(name));
        }
        let found = self.job(&name).await?;
        Ok(match found.as_ref().and_then(live::job_end) {
            None => Rotation::Runs(name),
            Some(Ok(())) => Rotation::Done(name),
            Some(Err(why)) => {
                let component = Component::RotateKeys;
                let pods =
                    backups::pods(self.context, self.namespace, &validated.name, component).await?;
                Rotation::Failed {
                    why: backups::last_words(&pods, &name).unwrap_or(why),
                    job: name,
                }
            }
        })
    }
}
