//! The control socket of a running `plaza up`: one question and one answer a
//! connection, each a line of JSON.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::name::PartName;
use super::supervisor::{State, Supervisor, Wish};

/// A question is no longer than this (bytes).
const QUESTION_BYTES: u64 = 1024;
/// Who says nothing for so long is not listened to.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be asked of a running Plaza.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Question {
    /// What runs.
    Status,
    /// Stop, start or kill one part.
    Part(Wish, PartName),
    /// Stop everything.
    Down,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Why the wish was not fulfilled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Where the web app is.
    pub(crate) url: String,
    /// All parts, in the order of their start.
    pub(crate) parts: Vec<Part>,
}

/// A part in an [`Answer`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: PartName,
    /// What it is doing.
    #[serde(flatten)]
    pub(crate) state: State,
}

/// Answers questions until `down`, which a question may bring about itself.
pub(crate) fn serve(
    socket: &Path,
    supervisor: Arc<Supervisor>,
    url: String,
    down: CancellationToken,
) -> anyhow::Result<()> {
    // Ours by the claim on the folder; one that is there is of a killed run.
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)
        .with_context(|| format!("cannot listen on {}", socket.display()))?;
    std::fs::set_permissions(socket, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    tokio::spawn(async move {
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                () = down.cancelled() => return,
            };
            match stream {
                Ok((stream, _)) => {
                    let (supervisor, url, down) =
                        (Arc::clone(&supervisor), url.clone(), down.clone());
                    tokio::spawn(async move {
                        // Who asks and goes away gets no answer.
                        let _ = answer(stream, &supervisor, url, &down).await;
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(())
}

async fn answer(
    stream: UnixStream,
    supervisor: &Supervisor,
    url: String,
    down: &CancellationToken,
) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(QUESTION_BYTES));
    tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await??;
    let error = match serde_json::from_str(&line) {
        Ok(Question::Status) => None,
        Ok(Question::Part(wish, name)) => supervisor.fulfil(name, wish).await.err(),
        Ok(Question::Down) => {
            down.cancel();
            None
        }
        Err(error) => Some(format!("not a question: {error}")),
    };
    let parts = supervisor
        .states()
        .into_iter()
        .map(|(name, state)| Part { name, state })
        .collect();
    let mut text = serde_json::to_vec(&Answer { error, url, parts })?;
    text.push(b'\n');
    write.write_all(&text).await?;
    Ok(())
}

/// Asks the Plaza that runs in a data folder; fails when none does.
pub(crate) async fn ask(socket: &Path, question: &Question) -> anyhow::Result<Answer> {
    let mut stream = UnixStream::connect(socket)
        .await
        .with_context(|| format!("no Plaza runs here: nobody listens on {}", socket.display()))?;
    let mut text = serde_json::to_vec(question)?;
    text.push(b'\n');
    stream.write_all(&text).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.is_empty() {
        bail!("Plaza ended before it answered");
    }
    serde_json::from_slice(&answer).context("the answer makes no sense: is it another version?")
}
