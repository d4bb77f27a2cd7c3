//! What can go wrong, in words that say what to do: the last line of the Job is
//! what the chat's condition tells people.

use std::{io, path::PathBuf};

use plaza_kit::config::ConfigError;
use reqwest::StatusCode;

/// Why a backup is not where it should be.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A setting.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// Nobody answers.
    #[error(
        "the store {endpoint} cannot be reached ({why}): check the endpoint, its certificate, and that the pods of the Job are let \
         out to it"
    )]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What was seen.
        why: String,
    },
    /// The store says no.
    #[error("the store {endpoint} {what} (HTTP {}, {code}{})", status.as_u16(), said(message))]
    Refused {
        /// Where.
        endpoint: String,
        /// What it means, and what to do.
        what: String,
        /// Of HTTP.
        status: StatusCode,
        /// Of S3.
        code: String,
        /// The store's own words.
        message: String,
    },
    /// The store answers something else.
    #[error("the store {endpoint} does not answer as S3 does when it is asked {doing}: {why}")]
    Unclear {
        /// Where.
        endpoint: String,
        /// What it was asked.
        doing: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// A file or folder here.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is nothing to bring to the store.
    #[error("there is no whole backup in {}", .0.display())]
    NothingToPush(PathBuf),
    /// There is nothing in the store.
    #[error(
        "there is no whole backup at {place}: name the bucket and the prefix of the chat that made them, <namespace>/<name> unless \
         it was given one"
    )]
    NothingThere {
        /// The store's endpoint, the bucket and the prefix.
        place: String,
    },
    /// It has others.
    #[error("there is no whole backup {name} at {place}, which has {has}")]
    NotThere {
        /// Which was asked for.
        name: String,
        /// The store's endpoint, the bucket and the prefix.
        place: String,
        /// The newest that are there.
        has: String,
    },
}

impl BackupError {
    /// Whether it may be over soon.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    )
            }
            _ => false,
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// What the code of a refusal means, and what to do.
pub(crate) fn meaning(code: &str, doing: &str, bucket: &str, region: &str) -> String {
    match code {
        "NoSuchBucket" => format!("has no bucket {bucket}: create it, or name another"),
        // The second is what versitygw says.
        "InvalidAccessKeyId" | "XAdminUserNotFound" => {
            "does not know the access key's id: check the Secret that it is read from".to_owned()
        }
        "SignatureDoesNotMatch" => {
            "does not accept the secret access key: check the Secret that it is read from"
                .to_owned()
        }
        "AuthorizationHeaderMalformed"
        | "AuthorizationQueryParametersError"
        | "PermanentRedirect"
        | "IllegalLocationConstraintException" => {
            format!(
                "does not take requests for the region {region}: name that of the bucket {bucket}"
            )
        }
        "RequestTimeTooSkewed" => {
            "has another time than this node: set the clocks right".to_owned()
        }
        "AccessDenied" => format!(
            "does not allow {doing}: let the key read, write, list and delete in the bucket {bucket}"
        ),
        _ => format!("refuses {doing}"),
    }
}
