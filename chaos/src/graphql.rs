//! GraphQL requests, as a program makes them.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody answered, or a part is away: the same again may succeed.
    #[error("no answer: {0}")]
    Away(String),
    /// The access token is no longer good.
    #[error("the token is refused")]
    Unauthenticated,
    /// It will not become better.
    #[error("refused with {code}: {message}")]
    Refused { code: String, message: String },
}

/// The endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    client: Client,
    url: String,
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
        })
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
            "UNAVAILABLE" | "RATE_LIMITED" | "INTERNAL" => AskError::Away(code.to_owned()),
            _ => AskError::Refused {
                code: code.to_owned(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            },
        })
    }
}
