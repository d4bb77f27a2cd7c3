//! Somebody with an account and a session that is renewed when it ends.

use std::time::Duration;

use plaza_kit::retry::Backoff;
use plaza_types::MessageId;
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};

use crate::graphql::{AskError, Endpoint};

/// How long signing in is tried.
const PATIENCE: Duration = Duration::from_mins(1);

/// Somebody who takes part.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    password: String,
    endpoint: Endpoint,
    session: Mutex<Tokens>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
enum SignInError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the session has no {0}")]
    Field(&'static str),
}

#[derive(Debug, Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn read(session: &Value) -> Result<Self, SignInError> {
        let text = |name| {
            let text = session[name].as_str().map(str::to_owned);
            text.ok_or(SignInError::Field(name))
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
        let query = "mutation($input: RegisterInput!) {
            session: register(input: $input) { accessToken refreshToken user { id } } }";
        Self::keep_trying(|| {
            let random = MessageId::new().uuid().simple().to_string();
            // The random end: names of one moment differ there. Another one
            // each time, since the one before may be taken by now.
            let (name, password) = (format!("p{}", &random[14..]), format!("secret {random}"));
            Self::sign_in(endpoint.clone(), query, name, password)
        })
        .await
    }

    /// Somebody else, at the same place.
    pub(crate) async fn anew(&self) -> anyhow::Result<Self> {
        Self::register(self.endpoint.clone()).await
    }

    /// The same person in another session.
    pub(crate) async fn again(&self) -> anyhow::Result<Self> {
        let query = "mutation($input: LoginInput!) {
            session: login(input: $input) { accessToken refreshToken user { id } } }";
        Self::keep_trying(|| {
            let (name, password) = (self.name.clone(), self.password.clone());
            Self::sign_in(self.endpoint.clone(), query, name, password)
        })
        .await
    }

    /// Until there is an answer, or [`PATIENCE`] is over.
    async fn keep_trying<F>(sign_in: impl Fn() -> F) -> anyhow::Result<Self>
    where
        F: Future<Output = Result<Self, SignInError>>,
    {
        let begun = Instant::now();
        loop {
            match sign_in().await {
                Err(SignInError::Ask(error)) if error.passes() && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(error.wait()).await;
                }
                other => return Ok(other?),
            }
        }
    }

    async fn sign_in(
        endpoint: Endpoint,
        query: &str,
        name: String,
        password: String,
    ) -> Result<Self, SignInError> {
        let input = json!({ "username": name, "password": password, "client": "NATIVE" });
        let data = endpoint
            .ask(None, query, &json!({ "input": input }))
            .await?;
        let session = &data["session"];
        Ok(Self {
            id: session["user"]["id"]
                .as_str()
                .ok_or(SignInError::Field("id"))?
                .to_owned(),
            session: Mutex::new(Tokens::read(session)?),
            name,
            password,
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
        let begun = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
        loop {
            let delay = match self.ask(query, variables).await {
                Err(AskError::Away(_)) => backoff.delay(),
                Err(AskError::Limited(after)) => after,
                other => return other,
            };
            if begun.elapsed() + delay > patience {
                return self.ask(query, variables).await;
            }
            tokio::time::sleep(delay).await;
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
