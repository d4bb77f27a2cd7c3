//! One request, with further tries while that may help.

use std::{error::Error as _, time::Duration};

use reqwest::{RequestBuilder, Response, header::HeaderMap};

use crate::{BackupError, error::meaning, store::Store};

/// How often a request is tried.
const TRIES: u32 = 5;
/// The pause after the first try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// Bytes of a refusal that are read.
const REFUSAL_BYTES: usize = 64 << 10;
/// Characters of the store's own words that are repeated.
const WORDS: usize = 300;

/// What the store answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Store {
    /// Asks until there is an answer, which has at most so many bytes. Each try
    /// is signed anew.
    pub(crate) async fn send(
        &self,
        doing: &str,
        most: usize,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, BackupError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.once(doing, most, request()).await {
                Err(error) if error.passes() => {
                    tracing::warn!(%error, "it is tried again");
                    tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
        self.once(doing, most, request()).await
    }

    async fn once(
        &self,
        doing: &str,
        most: usize,
        request: RequestBuilder,
    ) -> Result<Answer, BackupError> {
        let mut response = request
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            let headers = std::mem::take(response.headers_mut());
            let (body, whole) = self.body(response, most).await?;
            if !whole {
                return Err(self.unclear(doing, format!("it sends more than {most} bytes")));
            }
            return Ok(Answer { headers, body });
        }
        let (body, _) = self.body(response, REFUSAL_BYTES).await?;
        let body = String::from_utf8_lossy(&body);
        let code = element(&body, "Code").unwrap_or("no code of S3");
        Err(BackupError::Refused {
            endpoint: self.endpoint.clone(),
            what: meaning(code, doing, self.bucket.name(), self.bucket.region()),
            status,
            code: code.chars().take(WORDS).collect(),
            message: element(&body, "Message")
                .unwrap_or_default()
                .chars()
                .take(WORDS)
                .collect(),
        })
    }

    /// The body up to a bound, and whether that is all.
    async fn body(
        &self,
        mut response: Response,
        most: usize,
    ) -> Result<(Vec<u8>, bool), BackupError> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable(error))?
        {
            if body.len() + chunk.len() > most {
                return Ok((body, false));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body, true))
    }

    /// Without the URL, which has the signature.
    fn unreachable(&self, error: reqwest::Error) -> BackupError {
        let error = error.without_url();
        let mut why = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            why = deeper.to_string();
            cause = deeper.source();
        }
        BackupError::Unreachable {
            endpoint: self.endpoint.clone(),
            why,
        }
    }
}

/// The text of an element of a refusal: `<Error><Code>…</Code>…`.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.is_empty()).then_some(text)
}
