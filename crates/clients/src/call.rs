use std::{fmt, time::Duration};

use plaza_kit::{
    http_client::{Peer, PeerError},
    token::{SERVICE_HEADER, ServiceTokens, ServiceTokensError},
};
use plaza_types::{ApiError, Code};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Longest time a call between services may take.
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

    /// Whether the connection ended before the answer. One that was not made has
    /// been tried again, and who let the time pass may still be at it.
    fn is_cut(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } if !source.is_connect() && !source.is_timeout())
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
    peer: Peer,
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
        self.twice(who, self.peer.request(Method::GET, path).query(query))
            .await
    }

    /// What is the same when it is heard twice: a question, or a change that
    /// says what is to be. It is said once more where the other side ended the
    /// connection before its answer, as a replica does that is killed.
    pub(crate) async fn repeatable<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<A, ClientError> {
        self.twice(who, self.peer.request(method, path).json(body))
            .await
    }

    /// What is said once.
    pub(crate) async fn call<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync + ?Sized),
    ) -> Result<A, ClientError> {
        self.send(who, self.peer.request(method, path).json(body))
            .await
    }

    async fn twice<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        request: reqwest::RequestBuilder,
    ) -> Result<A, ClientError> {
        let again = request.try_clone();
        match (self.send(who, request).await, again) {
            (Err(error), Some(again)) if error.is_cut() => self.send(who, again).await,
            (answer, _) => answer,
        }
    }

    async fn send<A: DeserializeOwned>(
        &self,
        who: As<'_>,
        request: reqwest::RequestBuilder,
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// A service that ends this many connections before its answer, and how
    /// often it was asked.
    async fn cuts(connections: u32) -> (Service, Arc<AtomicU32>) {
        plaza_kit::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(AtomicU32::new(0));
        let counted = heard.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4_096]).await.unwrap();
                if counted.fetch_add(1, Ordering::Relaxed) >= connections {
                    let answer =
                        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntrue";
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        (Service::new("part", &base).unwrap(), heard)
    }

    #[tokio::test]
    async fn what_may_be_heard_twice_is_said_again_when_the_answer_is_cut_off() {
        let (service, heard) = cuts(1).await;
        let answer: bool = service
            .repeatable(As::Anyone, Method::POST, "/", &())
            .await
            .unwrap();
        assert!(answer);
        assert_eq!(heard.load(Ordering::Relaxed), 2);

        let (service, heard) = cuts(1).await;
        let answer: bool = service.get(As::Anyone, "/", &()).await.unwrap();
        assert!(answer);
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn it_is_said_twice_at_most_and_all_else_once() {
        let (service, heard) = cuts(u32::MAX).await;
        let answer: Result<bool, _> = service.get(As::Anyone, "/", &()).await;
        assert!(answer.unwrap_err().is_cut());
        assert_eq!(heard.load(Ordering::Relaxed), 2);

        let (service, heard) = cuts(1).await;
        let answer: Result<bool, _> = service.call(As::Anyone, Method::POST, "/", &()).await;
        assert!(answer.unwrap_err().is_cut());
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }
}
