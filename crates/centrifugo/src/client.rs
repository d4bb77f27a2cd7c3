//! The server API over HTTP.

use std::{path::PathBuf, time::Duration};

use bytes::{Bytes, BytesMut};
use plaza_kit::{
    config::{ConfigError, secret},
    http_client::{Peer, PeerError},
};
use reqwest::{Method, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    Channel,
    api::{BatchRequest, BatchResponse, Command, ErrorBody, Outcome, outcomes},
};

/// Upper bound of a request's time: shorter than the 3 s for which the owner
/// of a partition may be sure to be it.
pub const MAX_TIMEOUT: Duration = Duration::from_millis(2_900);

/// Largest answer that is read. An entry of a broadcast's answer is below 100 bytes.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// Where Centrifugo's server API is.
#[derive(Debug, Clone, clap::Args)]
pub struct ClientArgs {
    /// Base URL of Centrifugo's internal port, such as http://centrifugo:9000
    #[arg(
        long,
        env = "PLAZA_CENTRIFUGO_API_URL",
        default_value = "http://127.0.0.1:9000"
    )]
    pub centrifugo_api_url: String,
    /// Key of Centrifugo's server API
    #[arg(long, env = "PLAZA_CENTRIFUGO_API_KEY", hide_env_values = true)]
    pub centrifugo_api_key: Option<SecretString>,
    /// File that holds the key
    #[arg(long, env = "PLAZA_CENTRIFUGO_API_KEY_FILE")]
    pub centrifugo_api_key_file: Option<PathBuf>,
    /// Longest time a request to Centrifugo may take (ms); below 3 s
    #[arg(long, env = "PLAZA_CENTRIFUGO_TIMEOUT_MS", default_value_t = 2_500,
          value_parser = clap::value_parser!(u64).range(100..=2_900))]
    pub centrifugo_timeout_ms: u64,
}

impl ClientArgs {
    /// The configured client; no connection is made yet.
    pub fn client(&self) -> Result<Client, ConfigError> {
        const NAME: &str = "PLAZA_CENTRIFUGO_API_KEY";
        let key = secret(
            NAME,
            self.centrifugo_api_key.as_ref(),
            self.centrifugo_api_key_file.as_ref(),
        )?;
        let timeout = Duration::from_millis(self.centrifugo_timeout_ms);
        Client::new(&self.centrifugo_api_url, &key, timeout).map_err(|error| match error {
            ClientError::Key => ConfigError::Invalid {
                name: NAME,
                why: error.to_string(),
            },
            ClientError::Peer(error) => ConfigError::Invalid {
                name: "PLAZA_CENTRIFUGO_API_URL",
                why: error.to_string(),
            },
        })
    }
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key holds something that no header may.
    #[error("the key can have visible ASCII characters only")]
    Key,
    /// The address is none.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// Why a call as a whole has no answer. Its outcome is unknown: the same
/// commands have to be sent again.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection, or no answer in time.
    #[error("Centrifugo does not answer")]
    Transport(#[from] reqwest::Error),
    /// Another status than 200; 401 means that the key is wrong.
    #[error("Centrifugo answered with status {0}")]
    Status(u16),
    /// The whole call was refused.
    #[error("Centrifugo refused the call with code {code}: {message}")]
    Refused {
        /// Centrifugo's error code.
        code: u32,
        /// Centrifugo's wording.
        message: String,
    },
    /// Not what Centrifugo's API answers.
    #[error("Centrifugo's answer cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// An answer without a reply for each command and channel.
    #[error("Centrifugo's answer does not fit the commands")]
    Mismatch,
    /// More than this client reads.
    #[error("Centrifugo's answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
}

/// Centrifugo's server API. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    peer: Peer,
    key: HeaderValue,
}

impl Client {
    /// A client of the API at `base`; each call takes `timeout` at most, and
    /// never more than [`MAX_TIMEOUT`].
    pub fn new(base: &str, key: &SecretString, timeout: Duration) -> Result<Self, ClientError> {
        let mut key = HeaderValue::from_str(key.expose_secret()).map_err(|_| ClientError::Key)?;
        key.set_sensitive(true);
        Ok(Self {
            peer: Peer::new(base, timeout.min(MAX_TIMEOUT))?,
            key,
        })
    }

    /// Publishes to one channel.
    pub async fn publish(&self, channel: Channel, data: &RawValue) -> Result<Outcome, CallError> {
        let mut outcomes = self.batch(&[Command::Publish { channel, data }]).await?;
        outcomes
            .pop()
            .and_then(|mut of_channel| of_channel.pop())
            .ok_or(CallError::Mismatch)
    }

    /// Publishes the same to each of many channels; the outcomes are in their order.
    pub async fn broadcast(
        &self,
        channels: &[Channel],
        data: &RawValue,
    ) -> Result<Vec<Outcome>, CallError> {
        let mut outcomes = self.batch(&[Command::Broadcast { channels, data }]).await?;
        outcomes.pop().ok_or(CallError::Mismatch)
    }

    /// Runs the commands in parallel; a channel should occur in one of them
    /// only, since their order is lost. Answers the outcomes of each command's
    /// channels.
    pub async fn batch(&self, commands: &[Command<'_>]) -> Result<Vec<Vec<Outcome>>, CallError> {
        let request = BatchRequest {
            commands,
            parallel: true,
        };
        let answer: BatchResponse = self.post("/api/batch", &request).await?;
        if let Some(error) = answer.error {
            return Err(error.into());
        }
        if answer.replies.len() != commands.len() {
            return Err(CallError::Mismatch);
        }
        commands
            .iter()
            .zip(answer.replies)
            .map(|(command, reply)| outcomes(command, reply).ok_or(CallError::Mismatch))
            .collect()
    }

    /// One call of the API.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        let response = self
            .peer
            .request(Method::POST, path)
            .header("X-API-Key", self.key.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(body)?)
            .send()
            .await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(CallError::Status(response.status().as_u16()));
        }
        Ok(serde_json::from_slice(&bounded(response).await?)?)
    }
}

impl From<ErrorBody> for CallError {
    fn from(error: ErrorBody) -> Self {
        Self::Refused {
            code: error.code,
            message: error.message,
        }
    }
}

async fn bounded(mut response: reqwest::Response) -> Result<Bytes, CallError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
