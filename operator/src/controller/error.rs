//! What ends a reconciliation before its end.

use std::fmt::Write as _;

use crate::{build::CannotWrite, facts::NoEntropy};

/// Why a reconciliation is tried again later.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The API server refused, or did not answer.
    #[error("cannot {verb} {object}")]
    Api {
        /// What was tried.
        verb: &'static str,
        /// With which object.
        object: String,
        /// Why it failed.
        source: Box<kube::Error>,
    },
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// A file of the chat cannot be put into words.
    #[error(transparent)]
    Write(#[from] CannotWrite),
}

impl ReconcileError {
    pub(super) fn api(
        verb: &'static str,
        object: impl Into<String>,
    ) -> impl FnOnce(kube::Error) -> Self {
        let object = object.into();
        move |source| Self::Api {
            verb,
            object,
            source: Box::new(source),
        }
    }

    /// In a word, for conditions and metrics: these words are kept.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Api { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if status.is_forbidden() => "Forbidden",
                kube::Error::Api(status) if status.is_conflict() => "Conflict",
                error if is_missing(error) => "NotFound",
                kube::Error::Api(status) if status.is_invalid() => "Refused",
                kube::Error::Api(_) => "ApiError",
                _ => "ApiUnavailable",
            },
            Self::Entropy(_) => "NoEntropy",
            Self::Write(_) => "CannotWrite",
        }
    }

    /// For people: what failed, why, and what to do where that is known.
    pub fn message(&self) -> String {
        let advice = match self.reason() {
            "Forbidden" => {
                ". Give the operator the role that k8s/operator has, or lift the quota that the API server names"
            }
            "NotFound" => {
                ". The cluster does not know this kind: install its CRDs (for httpRoute those of the Gateway API), or \
                 remove the field that asks for it"
            }
            _ => "",
        };
        format!("{}{advice}", chain(self))
    }
}

/// Whether there is no such object, or no such kind: to that the API server
/// answers without a reason.
pub(super) fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// An error with all its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn failed(code: u16, reason: &str) -> ReconcileError {
        let status = Status::failure("why", reason).with_code(code).boxed();
        ReconcileError::api("apply", "HTTPRoute chat")(kube::Error::Api(status))
    }

    #[test]
    fn errors_say_what_to_do() {
        let unknown = failed(404, "Failed to parse error data");
        assert_eq!(unknown.reason(), "NotFound");
        assert!(
            unknown
                .message()
                .starts_with("cannot apply HTTPRoute chat: ")
        );
        assert!(unknown.message().contains("install its CRDs"));
        let forbidden = failed(403, "Forbidden");
        assert_eq!(forbidden.reason(), "Forbidden");
        assert!(
            forbidden
                .message()
                .contains("the role that k8s/operator has")
        );
        assert_eq!(failed(409, "Conflict").reason(), "Conflict");
        assert_eq!(failed(500, "InternalError").reason(), "ApiError");
    }
}
