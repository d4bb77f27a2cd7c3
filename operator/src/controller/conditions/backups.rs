//! The conditions of backups, and of the backup that a chat began with.

use super::{
    super::{
        apply::{Applied, Migration},
        backups::Found,
    },
    Component, Verdict, trouble_of,
};

/// Whether the newest backup succeeded.
pub(super) fn backup_succeeded(applied: &Applied) -> Verdict {
    let kind = "BackupSucceeded";
    let Some(found) = &applied.backups else {
        return Verdict::new(
            kind,
            false,
            "Disabled",
            "spec.backup is not set: no backups are made",
        );
    };
    if let Some(failed) = &found.failed {
        return Verdict::new(
            kind,
            false,
            "BackupFailed",
            format!(
                "the Job {} failed: {}. {}",
                failed.job,
                failed.why,
                before(found)
            ),
        );
    }
    if let Some(trouble) = &found.trouble {
        return Verdict::new(
            kind,
            false,
            trouble.reason,
            format!("{}. {}", trouble.message, before(found)),
        );
    }
    if let Some(last) = &found.last {
        let store = found.store.as_ref();
        let store = store.map_or_else(String::new, |store| format!(" and in the store {store}"));
        return Verdict::new(
            kind,
            true,
            "Succeeded",
            format!(
                "the backup {} was whole at {}, on the claim {}{}",
                last.name.as_deref().unwrap_or("of an unknown name"),
                last.completed_at.0,
                found.claim,
                store
            ),
        );
    }
    let next = if found.suspended {
        "spec.backup.suspend is true".to_owned()
    } else {
        format!("the schedule is {} (UTC)", found.schedule)
    };
    Verdict::new(
        kind,
        None,
        "NeverRan",
        format!(
            "no backup has ended yet, and {next}. The annotation plaza.dev/backup with a new word makes one now"
        ),
    )
}

fn before(found: &Found) -> String {
    match &found.last {
        Some(last) => format!(
            "The last that is whole is {} of {}",
            last.name.as_deref().unwrap_or(&last.job),
            last.completed_at.0
        ),
        None => "None is whole yet".to_owned(),
    }
}

/// Whether the databases are those of the backup that was asked for; `None`:
/// none was.
pub(super) fn restored(applied: &Applied) -> Option<Verdict> {
    let kind = "Restored";
    if let Some(restored) = &applied.restored {
        return Some(Verdict::new(
            kind,
            true,
            "Restored",
            format!(
                "it began with the backup {} of {}, in a new epoch",
                restored.backup,
                restored.place()
            ),
        ));
    }
    Some(match &applied.migration {
        Migration::WaitsForStore if applied.restores => Verdict::new(
            kind,
            false,
            "Starting",
            "the managed PostgreSQL is not ready yet",
        ),
        Migration::Hibernated if applied.restores => Verdict::new(
            kind,
            None,
            "Hibernated",
            "it is restored when the chat is woken",
        ),
        Migration::Restores(job) => match trouble_of(applied, Component::Restore) {
            Some(trouble) => Verdict::new(
                kind,
                false,
                "Restoring",
                format!("the Job {job} is tried again: {}", trouble.message),
            ),
            None => Verdict::new(kind, false, "Restoring", format!("the Job {job} runs")),
        },
        Migration::RestoreFailed { job, why } => {
            let told = trouble_of(applied, Component::Restore)
                .map_or_else(|| why.clone(), |trouble| trouble.message.clone());
            Verdict::new(
                kind,
                false,
                "RestoreFailed",
                format!(
                    "the Job {job} failed, and nothing was started: {told}. Mend it, or change spec.restore; then delete \
                     the Job to have it run again"
                ),
            )
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Backup, Restored},
        controller::{backups::Failed, conditions::tests::well, diagnose::Trouble},
    };
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    fn found() -> Found {
        Found {
            last: None,
            failed: None,
            trouble: None,
            claim: "chat-backup".into(),
            store: None,
            schedule: "0 3 * * *".into(),
            suspended: false,
        }
    }

    fn told(found: Found) -> (String, bool, String) {
        let mut applied = well();
        applied.backups = Some(found);
        let verdict = backup_succeeded(&applied);
        (
            format!("{} {}", verdict.status(), verdict.reason),
            verdict.is_bad(),
            verdict.message,
        )
    }

    #[test]
    fn a_backup_says_its_name_and_what_went_wrong() {
        let (is, bad, message) = told(found());
        assert_eq!((is.as_str(), bad), ("Unknown NeverRan", false));
        assert!(message.contains("0 3 * * * (UTC)"), "{message}");
        let last = Some(Backup {
            name: Some("20260101T030000Z".into()),
            job: "one".into(),
            completed_at: Time(Timestamp::UNIX_EPOCH),
        });
        let (is, bad, message) = told(Found {
            last: last.clone(),
            ..found()
        });
        assert_eq!((is.as_str(), bad), ("True Succeeded", false));
        assert!(message.contains("20260101T030000Z") && message.ends_with("chat-backup"));
        let (_, _, message) = told(Found {
            last: last.clone(),
            store: Some("https://s3.example.org/backups/chat".into()),
            ..found()
        });
        assert!(
            message.ends_with("and in the store https://s3.example.org/backups/chat"),
            "{message}"
        );
        let failed = Some(Failed {
            job: "two".into(),
            at: Timestamp::UNIX_EPOCH,
            why: "the volume is full".into(),
        });
        let (is, bad, message) = told(Found {
            last: last.clone(),
            failed,
            ..found()
        });
        assert_eq!((is.as_str(), bad), ("False BackupFailed", true));
        assert!(
            message.contains("Job two failed: the volume is full")
                && message.contains("20260101T030000Z"),
            "{message}"
        );
        let trouble = Some(Trouble {
            component: "backup".into(),
            reason: "NoStorageClass",
            message: "PersistentVolumeClaim chat-backup waits".into(),
        });
        let (is, bad, _) = told(Found {
            last,
            trouble,
            ..found()
        });
        assert_eq!((is.as_str(), bad), ("False NoStorageClass", true));
    }

    #[test]
    fn a_restore_that_failed_stands_in_the_way_of_everything() {
        let mut applied = well();
        assert_eq!(restored(&applied), None);
        applied.restores = true;
        applied.migration = Migration::Restores("chat-restore-1".into());
        let verdict = restored(&applied).unwrap();
        assert_eq!(
            (verdict.reason.as_str(), verdict.is_bad()),
            ("Restoring", false)
        );
        applied.migration = Migration::RestoreFailed {
            job: "chat-restore-1".into(),
            why: "it was tried too often".into(),
        };
        applied.troubles = vec![Trouble {
            component: "restore".into(),
            reason: "PodFailed",
            message: "Pod chat-restore-1-x failed: the backup is damaged".into(),
        }];
        let verdict = restored(&applied).unwrap();
        assert_eq!(
            (verdict.reason.as_str(), verdict.is_bad()),
            ("RestoreFailed", true)
        );
        assert!(verdict.message.contains("the backup is damaged"));
        for kind in ["Ready", "Degraded", "Progressing", "MigrationsApplied"] {
            let verdicts = super::super::of_applied(&applied);
            let verdict = verdicts
                .iter()
                .find(|verdict| verdict.kind == kind)
                .unwrap();
            if kind != "Ready" {
                assert_eq!(verdict.reason, "RestoreFailed", "{kind}");
            }
        }
        applied.migration = Migration::Done;
        applied.restored = Some(Restored {
            claim_name: Some("old-backup".into()),
            store: None,
            backup: "20260101T030000Z".into(),
        });
        let verdict = restored(&applied).unwrap();
        assert_eq!(verdict.holds, Some(true));
        assert!(verdict.message.contains("20260101T030000Z"));
    }
}
