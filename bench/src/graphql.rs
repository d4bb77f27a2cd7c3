//! GraphQL requests, as the app makes them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use plaza_kit::http_client::Peer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::times::Times;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The gateway's endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    peer: Peer,
}

/// A document with its variables.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) document: &'static str,
    pub(crate) variables: Value,
}

impl Endpoint {
    /// Of the Plaza at this base URL.
    pub(crate) fn new(base: &str) -> anyhow::Result<Self> {
        Ok(Self {
            peer: Peer::new(base, TIMEOUT)?,
        })
    }

    /// One operation; its data.
    pub(crate) async fn ask(&self, token: &str, request: &Request) -> anyhow::Result<Value> {
        let body = json!({ "query": request.document, "variables": request.variables });
        let sent = self.peer.request(Method::POST, "/graphql");
        let response = sent.bearer_auth(token).json(&body).send().await?;
        let mut answer: Value = response.json().await.context("an answer is no JSON")?;
        if let Some(error) = answer["errors"].get(0) {
            bail!("the gateway answers {error}");
        }
        Ok(answer["data"].take())
    }

    /// The same again and again, one at a time: how long each took.
    pub(crate) async fn time(
        &self,
        token: &str,
        requests: impl Iterator<Item = Request>,
    ) -> anyhow::Result<Times> {
        let mut times = Times::default();
        for request in requests {
            let begun = Instant::now();
            self.ask(token, &request).await?;
            times.add(begun.elapsed());
        }
        Ok(times)
    }
}
