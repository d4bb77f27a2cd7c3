//! GraphQL requests, as the app makes them.

use std::time::Duration;

use reqwest::{Client, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// When to ask again, unless the answer says so.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody answered: what was asked may be done or not.
    #[error("no answer: {0}")]
    Away(#[source] reqwest::Error),
    /// The answer is an error.
    #[error("refused with {code}: {message}")]
    Refused {
        code: String,
        message: String,
        again_after: Duration,
    },
    /// The answer is not what was asked for.
    #[error("the answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl AskError {
    /// Whether the same again may succeed.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Refused { code, .. } => {
                matches!(code.as_str(), "RATE_LIMITED" | "UNAVAILABLE" | "INTERNAL")
            }
            Self::Unreadable(_) => false,
        }
    }

    /// How long to wait before it; none: by a growing delay.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused {
                code, again_after, ..
            } if code == "RATE_LIMITED" => Some(*again_after),
            _ => None,
        }
    }

    /// A bounded label for the report.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Away(error) if error.is_timeout() => "graphql timeout".into(),
            Self::Away(error) if error.is_connect() => "graphql connect".into(),
            Self::Away(error) => error.status().map_or_else(
                || "graphql no answer".into(),
                |status| format!("graphql http {}", status.as_u16()),
            ),
            Self::Refused { code, .. } => format!("graphql {code}"),
            Self::Unreadable(_) => "graphql unreadable".into(),
        }
    }
}

/// The endpoint. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    client: Client,
    url: String,
}

impl Endpoint {
    /// Of the Plaza at a base URL such as `http://127.0.0.1:8080`.
    pub(crate) fn new(base: &str) -> reqwest::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(1_024)
            .build()?;
        let base = base.trim_end_matches('/');
        Ok(Self {
            client,
            url: format!("{base}/graphql"),
        })
    }

    /// One operation; `field` of its data.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        token: &str,
        query: &str,
        variables: &Value,
        field: &str,
    ) -> Result<T, AskError> {
        let response = self
            .client
            .post(&self.url)
            .bearer_auth(token)
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .map_err(away)?;
        let status = response.error_for_status_ref().map(drop);
        let body = response.bytes().await.map_err(away)?;
        match serde_json::from_slice::<Value>(&body) {
            Ok(answer) => read(answer, field),
            // A proxy's page says less than its status.
            Err(error) => Err(status.map_or_else(away, |()| AskError::Unreadable(error))),
        }
    }
}

fn away(error: reqwest::Error) -> AskError {
    AskError::Away(error.without_url())
}

/// A field of an answer's data, or its first error.
fn read<T: DeserializeOwned>(mut answer: Value, field: &str) -> Result<T, AskError> {
    if let Some(error) = answer["errors"].get(0) {
        let extensions = &error["extensions"];
        let again_after = extensions["retryAfterMs"].as_u64();
        return Err(AskError::Refused {
            code: extensions["code"].as_str().unwrap_or("none").to_owned(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            again_after: again_after.map_or(AGAIN_AFTER, Duration::from_millis),
        });
    }
    serde_json::from_value(answer["data"][field].take()).map_err(AskError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_or_the_first_error_is_read() {
        let answer = json!({ "data": { "n": 5 } });
        assert_eq!(read::<u8>(answer, "n").unwrap(), 5);
        let error = read::<u8>(json!({ "data": { "n": "five" } }), "n").unwrap_err();
        assert!(matches!(error, AskError::Unreadable(_)) && !error.passes());
        let limited = json!({ "data": null, "errors": [{
            "message": "Too much.", "extensions": { "code": "RATE_LIMITED", "retryAfterMs": 7 } }] });
        let error = read::<u8>(limited, "n").unwrap_err();
        assert!(error.passes());
        assert_eq!(error.wait(), Some(Duration::from_millis(7)));
        assert_eq!(error.label(), "graphql RATE_LIMITED");
        let refused =
            json!({ "errors": [{ "message": "No.", "extensions": { "code": "FORBIDDEN" } }] });
        let error = read::<u8>(refused, "n").unwrap_err();
        assert!(!error.passes() && error.wait().is_none());
    }
}
