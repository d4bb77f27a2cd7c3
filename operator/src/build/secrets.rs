//! Secrets that are made once.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use secrecy::ExposeSecret as _;

use crate::validate::Validated;

use super::labels;

/// A file that could not be put into words.
#[derive(Debug, thiserror::Error)]
pub enum CannotWrite {
    /// Centrifugo's configuration.
    #[error("cannot write Centrifugo's configuration")]
    Centrifugo(#[source] serde_json::Error),
    /// The alert rules.
    #[error("cannot write the alert rules")]
    Alerts(#[source] serde_saphyr::Error),
}

/// Those that are not there yet, and the names of all.
pub(super) fn made_once(validated: &Validated) -> (Vec<Secret>, Vec<String>) {
    let all = &validated.generated.secrets;
    let new = all
        .iter()
        .filter(|secret| secret.new)
        .map(|secret| Secret {
            metadata: labels::metadata(validated, secret.name.clone(), None),
            type_: Some("Opaque".to_owned()),
            data: Some(
                secret
                    .values
                    .iter()
                    .map(|(key, value)| {
                        let bytes = value.expose_secret().as_bytes().to_vec();
                        (key.clone(), ByteString(bytes))
                    })
                    .collect(),
            ),
            ..Secret::default()
        })
        .collect();
    (new, all.iter().map(|secret| secret.name.clone()).collect())
}
