//! GraphQL requests, as a program makes them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(10);
/// When to ask again, unless the answer says so.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody answered, or a part is away: the same again may succeed.
    #[error("no answer: {0}")]
    Away(String),
    /// Too much was asked: the same again succeeds after this time.
    #[error("too much was asked; again after {0:?}")]
    Limited(Duration),
    /// The access token is no longer good.
    #[error("the token is refused")]
    Unauthenticated,
    /// It will not become better.
    #[error("refused with {code}: {message}")]
    Refused { code: String, message: String },
}

impl AskError {
    /// Whether the same again may succeed.
    pub(crate) const fn passes(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Limited(_))
    }

    /// How long to wait before it.
    pub(crate) const fn wait(&self) -> Duration {
        match self {
            Self::Limited(after) => *after,
            _ => AGAIN_AFTER,
        }
    }
}

/// The endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    client: Client,
    url: String,
    /// Answers that too much was asked.
    limited: Arc<AtomicU64>,
}

impl Endpoint {
    pub(crate) fn new(base: &str) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self {
            client,
            url: format!("{base}/graphql"),
            limited: Arc::default(),
        })
    }

    /// How often anybody was answered that too much was asked.
    pub(crate) fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }

    /// One operation; its data.
    pub(crate) async fn ask(
        &self,
        token: Option<&str>,
        query: &str,
        variables: &Value,
    ) -> Result<Value, AskError> {
        let mut request = self
            .client
            .post(&self.url)
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let away = |error: reqwest::Error| AskError::Away(error.without_url().to_string());
        let response = request.send().await.map_err(away)?;
        let mut answer: Value = response.json().await.map_err(away)?;
        let Some(error) = answer["errors"].get(0) else {
            return Ok(answer["data"].take());
        };
        let code = error["extensions"]["code"].as_str().unwrap_or("none");
        Err(match code {
            "UNAUTHENTICATED" => AskError::Unauthenticated,
            "RATE_LIMITED" => {
                self.limited.fetch_add(1, Ordering::Relaxed);
                let after = error["extensions"]["retryAfterMs"].as_u64();
                AskError::Limited(after.map_or(AGAIN_AFTER, Duration::from_millis))
            }
            "UNAVAILABLE" | "INTERNAL" => AskError::Away(code.to_owned()),
            _ => AskError::Refused {
                code: code.to_owned(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            },
        })
    }
}
