//! `plaza ctl`: looks at a running `plaza up`, and stops and starts its parts.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::up::control::{Answer, Question, ask};
use crate::up::data::Data;
use crate::up::name::PartName;
use crate::up::supervisor::{State, Wish};

/// How long a whole Plaza may take to stop.
const DOWN_PATIENCE: Duration = Duration::from_mins(3);

/// What to do with a running `plaza up`.
#[derive(Debug, clap::Args)]
pub(crate) struct CtlArgs {
    /// Data folder of the Plaza that is meant
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Shows the URL and every part with its process
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ends a part in good order and leaves it down
    Stop {
        /// The part
        name: PartName,
    },
    /// Starts a part that was stopped or killed, and waits until it is ready
    Start {
        /// The part
        name: PartName,
    },
    /// Ends a part with SIGKILL and leaves it down
    Kill {
        /// The part
        name: PartName,
    },
    /// Stops everything and waits for its end
    Down,
}

/// Asks the running Plaza and prints what it says.
pub(crate) async fn run(args: CtlArgs) -> anyhow::Result<()> {
    let data = Data::locate(args.data)?;
    let socket = data.control_socket();
    let (question, json) = match args.action {
        Action::Status { json } => (Question::Status, json),
        Action::Stop { name } => (Question::Part(Wish::Stop, name), false),
        Action::Start { name } => (Question::Part(Wish::Start, name), false),
        Action::Kill { name } => (Question::Part(Wish::Kill, name), false),
        Action::Down => return down(&data).await,
    };
    let answer = ask(&socket, &question).await?;
    if let Some(error) = answer.error {
        bail!(error);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else {
        print!("{}", table(&answer));
    }
    Ok(())
}

async fn down(data: &Data) -> anyhow::Result<()> {
    ask(&data.control_socket(), &Question::Down).await?;
    let ended = async {
        while data.claim()?.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(DOWN_PATIENCE, ended)
        .await
        .context("Plaza is still stopping; its log says on what it waits")?
}

fn table(answer: &Answer) -> String {
    let mut text = format!("{}\n", answer.url);
    for part in &answer.parts {
        let state = match part.state {
            State::Running { pid } => format!("running, pid {pid}"),
            State::Restarting => "restarting".to_owned(),
            State::Stopped => "stopped".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<12} {state}", part.name);
    }
    text
}
