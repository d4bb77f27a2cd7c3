//! What is asked of backups and restores.

use kube::ResourceExt as _;

use crate::{
    api::{ChatDeployment, ChatDeploymentSpec, RestoreSpec, S3Store},
    facts::Facts,
};

use super::{Problem, Reason, secret_value};

/// Words that stand for a whole schedule.
const WORDS: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field of a schedule, as the CronJob controller takes it.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of the numbers, from the least on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
    },
    Field {
        name: "day of month",
        least: 1,
        most: 31,
        names: &[],
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &MONTHS,
    },
    Field {
        name: "day of week",
        least: 0,
        most: 6,
        names: &DAYS,
    },
];

/// Which Secrets the stores of backups are opened with.
pub(super) fn named_secrets(spec: &ChatDeploymentSpec) -> Vec<String> {
    stores(spec)
        .flat_map(|(_, store)| store.secrets())
        .map(|(_, named, _)| named.secret_name.clone())
        .collect()
}

/// The stores of backups, by their fields.
fn stores(spec: &ChatDeploymentSpec) -> impl Iterator<Item = (&'static str, &S3Store)> {
    let backup = spec.backup.as_ref().and_then(|backup| backup.s3.as_ref());
    let restore = spec
        .restore
        .as_ref()
        .and_then(|restore| restore.s3.as_ref());
    [("spec.backup.s3", backup), ("spec.restore.s3", restore)]
        .into_iter()
        .filter_map(|(field, store)| Some((field, store?)))
}

/// What is wrong goes to `problems`.
pub(super) fn check(chat: &ChatDeployment, facts: &Facts, problems: &mut Vec<Problem>) {
    let status = chat.status.as_ref();
    let has_run = status.is_some_and(|status| status.version.is_some());
    for (field, store) in stores(&chat.spec) {
        // Nothing is restored any more: the Secret may be gone.
        if has_run && field == "spec.restore.s3" {
            continue;
        }
        for (named, secret, usual) in store.secrets() {
            let field = format!("{field}.{named}");
            problems.extend(secret_value(&field, secret, usual, facts).err());
        }
    }
    if let Some(backup) = &chat.spec.backup
        && let Some(fault) = fault(&backup.schedule)
    {
        problems.push(Problem::new(
            "spec.backup.schedule",
            Reason::InvalidSpec,
            format!(
                "spec.backup.schedule is {:?}, which {fault}: write minute, hour, day of month, month and day of week in \
                 UTC, such as \"0 3 * * *\", or one of {}",
                backup.schedule,
                WORDS.join(", ")
            ),
        ));
    }
    if let Some(restore) = &chat.spec.restore
        && let Some(fault) = too_late(chat, restore)
    {
        problems.push(Problem::new(
            "spec.restore",
            Reason::InvalidSpec,
            format!(
                "spec.restore is for a new ChatDeployment, and {fault}: remove spec.restore, and make a ChatDeployment of \
                 another name to restore into"
            ),
        ));
    }
}

/// Why it is no longer the time to restore; `None`: it is, or this is what was
/// restored.
fn too_late(chat: &ChatDeployment, restore: &RestoreSpec) -> Option<String> {
    let status = chat.status.as_ref()?;
    status.version.as_ref()?;
    let Some(restored) = &status.restored else {
        return Some("this one runs".to_owned());
    };
    let namespace = chat.namespace().unwrap_or_default();
    let asked = restore.done(&namespace, &chat.name_any(), restore.backup.clone());
    let same = restored.is_of(&asked)
        && (restore.backup == RestoreSpec::LATEST || restored.backup == restore.backup);
    (!same).then(|| {
        format!(
            "this one has begun with {} of {}",
            restored.backup,
            restored.place()
        )
    })
}

/// What is wrong with a schedule.
fn fault(schedule: &str) -> Option<String> {
    if schedule.starts_with('@') {
        return (!WORDS.contains(&schedule)).then(|| "is no word that is known".to_owned());
    }
    let written: Vec<&str> = schedule.split_whitespace().collect();
    if written.len() != FIELDS.len() {
        return Some(format!("has {} fields, not 5", written.len()));
    }
    FIELDS
        .iter()
        .zip(written)
        .find(|(field, written)| !written.split(',').all(|item| field.takes(item)))
        .map(|(field, written)| {
            format!(
                "has {written:?} as its {}, which is from {} to {}",
                field.name, field.least, field.most
            )
        })
}

impl Field {
    /// Whether it may have this item of a list: `*`, a number or a range, each
    /// with a step or without.
    fn takes(&self, item: &str) -> bool {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if step.is_some_and(|step| number(step).is_none_or(|step| step == 0)) {
            return false;
        }
        if matches!(range, "*" | "?") {
            return true;
        }
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        match (self.value(from), self.value(to)) {
            (Some(from), Some(to)) => from <= to,
            _ => false,
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(place) => self.least + u32::try_from(place).ok()?,
            None => number(text)?,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

/// Digits alone: a sign is no number to cron.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{BackupSpec, ChatDeploymentStatus, Restored, Storage},
        testing::{
            backed_up_to_s3, nothing, restored_from_s3, s3_secrets, secret, settings, trial,
        },
        validate::{named_secrets, validate},
    };

    #[test]
    fn schedules_are_what_cron_takes() {
        for right in [
            "0 3 * * *",
            "*/15 0-6,22-23 1 jan-MAR sun",
            "5/10 ? * 12 0-6/2",
            "@daily",
        ] {
            assert_eq!(fault(right), None, "{right}");
        }
        for (wrong, word) in [
            ("", "0 fields"),
            ("0 3 * *", "4 fields"),
            ("0 0 3 * * *", "6 fields"),
            ("60 3 * * *", "minute"),
            ("0 24 * * *", "hour"),
            ("0 3 0 * *", "day of month"),
            ("0 3 * 13 *", "month"),
            ("0 3 * * 7", "day of week"),
            ("0 3 * * mo", "day of week"),
            ("*/0 3 * * *", "minute"),
            ("9-5 3 * * *", "minute"),
            ("+1 3 * * *", "minute"),
            (", 3 * * *", "minute"),
            ("@often", "no word"),
        ] {
            let fault = fault(wrong).unwrap();
            assert!(fault.contains(word), "{wrong}: {fault}");
        }
    }

    fn problems(chat: &ChatDeployment) -> Vec<Problem> {
        let mut problems = Vec::new();
        check(chat, &nothing(), &mut problems);
        problems
    }

    #[test]
    fn a_schedule_that_cannot_be_says_what_to_write() {
        let mut chat = trial();
        chat.spec.backup = Some(BackupSpec {
            schedule: "61 3 * * *".into(),
            volume: Storage::of_backups(),
            s3: None,
            keep: 7,
            suspend: false,
        });
        let problem = problems(&chat).remove(0);
        assert_eq!(problem.field, "spec.backup.schedule");
        assert!(
            problem.message.contains("minute") && problem.message.contains("\"0 3 * * *\""),
            "{}",
            problem.message
        );
    }

    #[test]
    fn a_chat_that_runs_is_not_restored() {
        let mut chat = trial();
        let restore = |backup: &str| RestoreSpec {
            claim_name: Some("old-backup".into()),
            s3: None,
            backup: backup.into(),
        };
        chat.spec.restore = Some(restore("latest"));
        assert!(problems(&chat).is_empty(), "it is new");
        let mut status = ChatDeploymentStatus {
            version: Some("0.1.0".into()),
            ..ChatDeploymentStatus::default()
        };
        chat.status = Some(status.clone());
        let problem = problems(&chat).remove(0);
        assert!(problem.message.contains("this one runs"), "{problem:?}");
        status.restored = Some(Restored {
            claim_name: Some("old-backup".into()),
            store: None,
            backup: "20260101T000000Z".into(),
        });
        chat.status = Some(status);
        assert!(problems(&chat).is_empty(), "it began with that");
        chat.spec.restore = Some(restore("20260101T000000Z"));
        assert!(problems(&chat).is_empty());
        chat.spec.restore = Some(restore("20260202T000000Z"));
        let problem = problems(&chat).remove(0);
        assert!(problem.message.contains("20260101T000000Z"), "{problem:?}");
    }

    #[test]
    fn a_store_needs_its_key() {
        let chat = backed_up_to_s3();
        validate(&chat, s3_secrets(), &settings()).unwrap();
        assert!(named_secrets("chat", &chat.spec).contains(&"chat-s3".to_owned()));
        let missing = problems(&chat).remove(0);
        assert_eq!(
            (missing.field.as_str(), missing.reason),
            ("spec.backup.s3.accessKeyId", Reason::SecretNotFound)
        );
        assert!(
            missing.message.contains("the Secret chat-s3")
                && missing.message.contains("access-key-id"),
            "{missing:?}"
        );
        let mut facts = nothing();
        let without = secret(&[("access-key-id", "a")]);
        facts.secrets.insert("chat-s3".into(), Some(without));
        let mut all = Vec::new();
        check(&chat, &facts, &mut all);
        let missing = all.remove(0);
        assert_eq!(
            (missing.field.as_str(), missing.reason),
            ("spec.backup.s3.secretAccessKey", Reason::SecretKeyMissing)
        );
        assert!(
            all.is_empty() && missing.message.contains("secret-access-key"),
            "{missing:?}"
        );
    }

    #[test]
    fn what_was_restored_needs_its_key_no_more() {
        let mut chat = restored_from_s3();
        validate(&chat, s3_secrets(), &settings()).unwrap();
        assert_eq!(problems(&chat).len(), 2);
        let spec = chat.spec.restore.clone().unwrap();
        chat.status = Some(ChatDeploymentStatus {
            version: Some("0.1.0".into()),
            restored: Some(spec.done("default", "new-chat", "20260101T000000Z".into())),
            ..ChatDeploymentStatus::default()
        });
        assert!(problems(&chat).is_empty());
        let other = chat.spec.restore.as_mut().unwrap();
        other.s3.as_mut().unwrap().prefix = Some("another".into());
        let problem = problems(&chat).remove(0);
        assert!(
            problem
                .message
                .contains("20260101T000000Z of the store https://s3.example.org/chat-backups/"),
            "{problem:?}"
        );
    }
}
