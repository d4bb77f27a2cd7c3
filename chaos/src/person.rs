//! Somebody with an account and a session that is renewed when it ends.

use std::time::Duration;

use anyhow::Context as _;
use plaza_kit::retry::Backoff;
use plaza_types::MessageId;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::graphql::{AskError, Endpoint};

/// Somebody who takes part.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    endpoint: Endpoint,
    session: Mutex<Tokens>,
}

#[derive(Debug, Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn read(session: &Value) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let text = session[name].as_str().map(str::to_owned);
            text.with_context(|| format!("the session has no {name}"))
        };
        Ok(Self {
            access: text("accessToken")?,
            refresh: text("refreshToken")?,
        })
    }
}

impl Person {
    /// Opens an account.
    pub(crate) async fn register(endpoint: Endpoint) -> anyhow::Result<Self> {
        let name = MessageId::new().uuid().simple().to_string();
        // The random end: names of one moment differ there.
        let input = json!({
            "username": format!("p{}", &name[14..]),
            "password": format!("secret {name}"),
            "client": "NATIVE",
        });
        let query = "mutation($input: RegisterInput!) {
            register(input: $input) { accessToken refreshToken user { id } } }";
        let data = endpoint
            .ask(None, query, &json!({ "input": input }))
            .await?;
        let session = &data["register"];
        Ok(Self {
            id: session["user"]["id"]
                .as_str()
                .context("the account has no id")?
                .to_owned(),
            session: Mutex::new(Tokens::read(session)?),
            endpoint,
        })
    }

    /// One operation by this person; a session that has ended is renewed once.
    pub(crate) async fn ask(&self, query: &str, variables: &Value) -> Result<Value, AskError> {
        let token = self.session.lock().await.access.clone();
        match self.endpoint.ask(Some(&token), query, variables).await {
            Err(AskError::Unauthenticated) => {
                let token = self.renew(&token).await?;
                self.endpoint.ask(Some(&token), query, variables).await
            }
            other => other,
        }
    }

    /// The same until there is an answer, or `patience` is over.
    pub(crate) async fn insist(
        &self,
        query: &str,
        variables: &Value,
        patience: Duration,
    ) -> Result<Value, AskError> {
        let begun = tokio::time::Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
        loop {
            match self.ask(query, variables).await {
                Err(AskError::Away(_)) if begun.elapsed() < patience => {
                    tokio::time::sleep(backoff.delay()).await;
                }
                other => return other,
            }
        }
    }

    async fn renew(&self, stale: &str) -> Result<String, AskError> {
        let mut session = self.session.lock().await;
        if session.access == stale {
            let query = "mutation($input: RefreshSessionInput) {
                refreshSession(input: $input) { accessToken refreshToken } }";
            let input = json!({ "input": { "refreshToken": session.refresh } });
            let data = self.endpoint.ask(None, query, &input).await?;
            *session = Tokens::read(&data["refreshSession"])
                .map_err(|error| AskError::Away(error.to_string()))?;
        }
        Ok(session.access.clone())
    }
}
