//! The load tester: it seeds a Plaza with virtual users, follows a room with
//! very many of them while some write, or has them behave as people in many
//! rooms, and accounts for every delivery.
//!
//! - `seed` works on the databases, through the services' own storage.
//! - `run` meets Plaza as its users do: GraphQL for what is sent and asked,
//!   and a WebSocket each for what comes.
//! - `accounting` decides what is missing, doubled or out of order. It is pure,
//!   and needs the same memory a subscriber whatever comes.
//! - `series` is a run second by second, in bounded memory.
//! - `merge` judges what several processes of one run found.
//! - `compare` puts two reports side by side, and `html` makes a page of one.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

mod accounting;
mod cast;
mod compare;
mod fleet;
mod graphql;
mod html;
mod json;
mod latency;
mod load;
mod merge;
mod numbers;
mod open_files;
mod part;
mod processes;
mod progress;
mod report;
mod run;
mod scenario;
mod seed;
mod series;
mod wire;

use std::path::PathBuf;

pub use compare::CompareArgs;
pub use html::HtmlArgs;
pub use merge::MergeArgs;
pub use processes::Watched;
pub use run::RunArgs;
pub use seed::SeedArgs;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct LoadtestArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes virtual users, a room that they are in or many, and their history, in bulk on the databases
    Seed(SeedArgs),
    /// Follows one room or many with virtual users, writes to them, and accounts for every delivery
    ///
    /// Ends with 0 when every delivery is accounted for, with 3 when not, and with 1 when it could not be run.
    Run(Box<RunArgs>),
    /// Judges the parts of a run that several processes found together, as one report
    ///
    /// Ends as `run` does.
    Merge(MergeArgs),
    /// Puts two reports side by side
    ///
    /// Ends with 3 when in the second not every delivery is accounted for, or a figure is worse than allowed.
    Compare(CompareArgs),
    /// Makes one HTML file of a report, with plots
    Html(HtmlArgs),
}

/// What is known of a Plaza that runs on this machine.
#[derive(Debug, Clone, Default)]
pub struct Local {
    /// Where its gateway is, while it runs.
    pub url: Option<String>,
    /// File with the URL of the database of auth.
    pub auth_database_url: PathBuf,
    /// Of rooms.
    pub rooms_database_url: PathBuf,
    /// Of messages.
    pub messages_database_url: PathBuf,
    /// Its processes, as far as they run.
    pub processes: Vec<Watched>,
}

/// Does it; whether what was found is as it has to be. `locate` looks into the
/// data folder of a `plaza up`.
pub async fn run(
    args: LoadtestArgs,
    locate: impl Fn(PathBuf) -> anyhow::Result<Local>,
) -> anyhow::Result<bool> {
    match args.action {
        Action::Seed(args) => {
            let local = args.data().map(locate).transpose()?;
            seed::run(&args, local.as_ref()).await?;
            Ok(true)
        }
        Action::Run(args) => {
            let local = args.data().map(locate).transpose()?;
            run::run(&args, local).await
        }
        Action::Merge(args) => merge::run(&args),
        Action::Compare(args) => Ok(compare::run(&args)?),
        Action::Html(args) => {
            html::run(&args)?;
            Ok(true)
        }
    }
}
