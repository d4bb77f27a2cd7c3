//! What is done with the databases by Jobs: filled from a backup, brought to a
//! schema, backed up.

use k8s_openapi::api::{apps::v1::StatefulSet, batch::v1::Job};
use kube::ResourceExt as _;

use crate::{
    api::Restored,
    build::{Backups, COMPONENT_LABEL},
    component::Component,
    validate::Validated,
};

use super::{
    super::{ReconcileError, backups, live},
    applier::Applier,
    orphans,
};

/// Where the migration stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::controller) enum Migration {
    /// It waits for the managed PostgreSQL.
    WaitsForStore,
    /// It waits until this Job has filled the databases from a backup.
    Restores(String),
    /// That could not be done.
    RestoreFailed {
        /// The Job.
        job: String,
        /// Why Kubernetes gave it up.
        why: String,
    },
    /// It runs.
    Runs(String),
    /// It is done.
    Done,
    /// It failed.
    Failed {
        /// The Job.
        job: String,
        /// Why Kubernetes gave it up.
        why: String,
    },
    /// Nothing runs: there is nothing to migrate for.
    Hibernated,
}

impl Migration {
    /// Whether somebody has to do something before it goes on.
    pub(in crate::controller) fn has_failed(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::RestoreFailed { .. })
    }
}

/// Whether the databases may be migrated.
pub(super) enum Restore {
    /// They are not what they are to be yet.
    Waits(Migration),
    /// They may; and what they began with.
    Over(Option<Restored>),
}

impl Applier<'_> {
    /// Fills the databases of a new chat from a backup, if it is to have one.
    pub(super) async fn restore(
        &self,
        validated: &Validated,
        job: Option<&Job>,
        stores: &[(Component, StatefulSet)],
    ) -> Result<Restore, ReconcileError> {
        let (Some(job), Some(spec), false, None) = (
            job,
            &validated.spec.restore,
            validated.has_run,
            &validated.restored,
        ) else {
            return Ok(Restore::Over(validated.restored.clone()));
        };
        let name = job.name_any();
        let found = self.job(&name).await?;
        let hibernated = validated.spec.hibernated;
        match found.as_ref().map(live::job_end) {
            Some(Some(Ok(()))) => {
                let component = Component::Restore;
                let pods =
                    backups::pods(self.context, self.namespace, &validated.name, component).await?;
                let told = backups::told(&pods, &name);
                let backup = told.unwrap_or_else(|| spec.backup.clone());
                let restored = spec.done(self.namespace, &validated.name, backup);
                Ok(Restore::Over(Some(restored)))
            }
            _ if hibernated => Ok(Restore::Waits(Migration::Hibernated)),
            Some(Some(Err(why))) => Ok(Restore::Waits(Migration::RestoreFailed { job: name, why })),
            Some(None) => Ok(Restore::Waits(Migration::Restores(name))),
            None if waits_for_postgres(stores) => Ok(Restore::Waits(Migration::WaitsForStore)),
            None => {
                self.remove_jobs_of(Component::Restore).await?;
                self.create(job).await?;
                Ok(Restore::Waits(Migration::Restores(name)))
            }
        }
    }

    /// Runs the migration when it has not run, and when there is a database.
    pub(super) async fn migrate(
        &self,
        validated: &Validated,
        job: &Job,
        stores: &[(Component, StatefulSet)],
    ) -> Result<Migration, ReconcileError> {
        let name = job.name_any();
        let found = self.job(&name).await?;
        if let Some(found) = found {
            return Ok(match live::job_end(&found) {
                Some(Ok(())) => Migration::Done,
                Some(Err(why)) if !validated.spec.hibernated => {
                    Migration::Failed { job: name, why }
                }
                _ if validated.spec.hibernated => Migration::Hibernated,
                _ => Migration::Runs(name),
            });
        }
        if validated.spec.hibernated {
            return Ok(Migration::Hibernated);
        }
        if waits_for_postgres(stores) {
            return Ok(Migration::WaitsForStore);
        }
        self.create(job).await?;
        Ok(Migration::Runs(name))
    }

    /// The volume and the schedule of backups, and the one that was asked for.
    pub(super) async fn back_up(&self, backups: &Backups) -> Result<(), ReconcileError> {
        let Backups {
            config_map,
            claim,
            cron_job,
            job,
        } = backups;
        self.apply(config_map).await?;
        if !self.is_there(claim) {
            self.create(claim).await?;
        }
        self.apply(cron_job).await?;
        match job {
            Some(job) if !self.is_there(job) => self.create(job).await,
            _ => Ok(()),
        }
    }

    /// Removes the Jobs of something that was asked for in other words.
    async fn remove_jobs_of(&self, component: Component) -> Result<(), ReconcileError> {
        for ((kind, name), entry) in self.inventory.iter() {
            let labels = entry.metadata.labels.as_ref();
            let of = labels.and_then(|labels| labels.get(COMPONENT_LABEL));
            if kind == "Job" && of.is_some_and(|of| of == component.name()) {
                orphans::delete(self, &entry.resource, name).await?;
            }
        }
        Ok(())
    }
}

fn waits_for_postgres(stores: &[(Component, StatefulSet)]) -> bool {
    stores
        .iter()
        .any(|(component, store)| *component == Component::Postgres && !live::is_ready(store))
}
