use std::{fmt, time::Duration};

use plaza_kit::{
    http_client::{Peer, PeerError},
    token::{SERVICE_HEADER, ServiceTokens, ServiceTokensError},
};
use plaza_types::{ApiError, Code};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::persist::{Hearing, Tries};

/// Longest time that one try of a call between services may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The service answered with a refusal.
    #[error("{service} refused: {}", .error.code.as_str())]
    Refused {
        /// Who refused.
        service: &'static str,
        /// The refusal; fit to be passed on.
        #[source]
        error: ApiError,
    },
    /// No answer, or none in time.
    #[error("{service} does not answer")]
    Unreachable {
        /// Who.
        service: &'static str,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that cannot be read.
    #[error("{service} answered {status} with what cannot be read")]
    Unreadable {
        /// Who.
        service: &'static str,
        /// The HTTP status.
        status: u16,
        /// Why, where the body was the reason.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// No token could be signed for the call.
    #[error("cannot sign the call")]
    Sign(#[from] ServiceTokensError),
}

impl ClientError {
    /// The code that the service refused with; none: it did not answer.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { error, .. } => Some(error.code),
            _ => None,
        }
    }
}

/// What a caller of the calling service is told: refusals pass as they are,
/// but INTERNAL and everything else becomes UNAVAILABLE.
impl From<&ClientError> for ApiError {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::Refused { error, .. } => error.clone(),
            ClientError::Unreachable { .. } => Self::unavailable(1_000),
            ClientError::Unreadable { .. } | ClientError::Sign(_) => Self::internal(),
        }
    }
}

/// For whom a call is made.
#[derive(Clone, Copy)]
pub enum As<'a> {
    /// Nobody yet: login and the like.
    Anyone,
    /// A user, by their own access token.
    User(&'a str),
    /// The calling service itself.
    Service(&'a ServiceTokens),
    /// A user, by their own access token, where the calling service vouches
    /// for what it asks.
    UserThrough(&'a str, &'a ServiceTokens),
}

impl fmt::Debug for As<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anyone => "Anyone",
            Self::User(_) => "User",
            Self::Service(_) => "Service",
            Self::UserThrough(..) => "UserThrough",
        })
    }
}

/// Where the other services are.
#[derive(Debug, Clone, clap::Args)]
pub struct PeersArgs {
    /// Base URL of auth
    #[arg(long, env = "PLAZA_AUTH_URL", default_value = "http://127.0.0.1:8081")]
    pub auth_url: String,
    /// Base URL of rooms
    #[arg(long, env = "PLAZA_ROOMS_URL", default_value = "http://127.0.0.1:8082")]
    pub rooms_url: String,
    /// Base URL of messages
    #[arg(
        long,
        env = "PLAZA_MESSAGES_URL",
        default_value = "http://127.0.0.1:8083"
    )]
    pub messages_url: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Service {
    name: &'static str,
    pub(crate) peer: Peer,
}

#[derive(Deserialize)]
struct Refusal {
    error: ApiError,
}

impl Service {
    pub(crate) fn new(name: &'static str, base: &str) -> Result<Self, PeerError> {
        Ok(Self {
            name,
            peer: Peer::new(base, TIMEOUT)?,
        })
    }

    pub(crate) async fn get<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        path: &str,
        query: &(impl Serialize + Sync + ?Sized),
    ) -> Result<A, ClientError> {
        self.say(Hearing::Repeatable, who, || {
            self.peer.request(Method::GET, path).query(query)
        })
        .await
    }

    /// What is the same when it is heard twice: a question, or a change that
    /// says what is to be.
    pub(crate) async fn repeatable<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<A, ClientError> {
        self.say(Hearing::Repeatable, who, || {
            self.peer.request(method.clone(), path).json(body)
        })
        .await
    }

    /// What is heard once.
    pub(crate) async fn call<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<A, ClientError> {
        self.say(Hearing::Once, who, || {
            self.peer.request(method.clone(), path).json(body)
        })
        .await
    }

    async fn say<A: DeserializeOwned>(
        &self,
        hearing: Hearing,
        who: As<'_>,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<A, ClientError> {
        let mut tries = Tries::new(hearing);
        loop {
            match self.send(who, request()).await {
                Err(error) if tries.more_after(&error).await => {}
                answer => return answer,
            }
        }
    }

    /// One try.
    pub(crate) async fn send<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        request: RequestBuilder,
    ) -> Result<A, ClientError> {
        let request = match who {
            As::Anyone => request,
            As::User(token) => request.bearer_auth(token),
            As::Service(tokens) => request.bearer_auth(tokens.sign()?),
            As::UserThrough(token, tokens) => request
                .bearer_auth(token)
                .header(SERVICE_HEADER, tokens.sign()?),
        };
        let unreachable = |source: reqwest::Error| ClientError::Unreachable {
            service: self.name,
            // The URL may hold a search text.
            source: source.without_url(),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        let unreadable = |source| ClientError::Unreadable {
            service: self.name,
            status: status.as_u16(),
            source,
        };
        if status.is_success() {
            // An empty answer reads as JSON's null.
            let body = if body.is_empty() { &b"null"[..] } else { &body };
            return serde_json::from_slice(body).map_err(|error| unreadable(Some(error)));
        }
        match serde_json::from_slice::<Refusal>(&body) {
            Ok(Refusal { error }) => Err(ClientError::Refused {
                service: self.name,
                error,
            }),
            Err(error) => Err(unreadable(Some(error))),
        }
    }
}
