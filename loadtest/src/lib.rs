//! The load tester: it seeds a Plaza with virtual users, follows a room with
//! very many of them while some write, and accounts for every delivery.
//!
//! - `seed` works on the databases, through the services' own storage.
//! - `run` meets Plaza as its users do: GraphQL for what is sent and asked,
//!   and a WebSocket each for what comes.
//! - `accounting` decides what is missing, doubled or out of order. It is pure,
//!   and needs the same memory a subscriber whatever comes.
//! - `compare` puts two reports side by side.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

mod accounting;
mod cast;
mod compare;
mod graphql;
mod latency;
mod open_files;
mod processes;
mod progress;
mod report;
mod run;
mod scenario;
mod seed;
mod wire;

use std::path::PathBuf;

pub use compare::CompareArgs;
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
    /// Makes virtual users, a room that they are in and its history, in bulk on the databases
    Seed(SeedArgs),
    /// Follows the room with virtual users, writes to it, and accounts for every delivery
    ///
    /// Ends with 0 when every delivery is accounted for, with 3 when not, and with 1 when it could not be run.
    Run(RunArgs),
    /// Puts two reports side by side
    ///
    /// Ends with 3 when in the second not every delivery is accounted for, or a figure is worse than allowed.
    Compare(CompareArgs),
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
        Action::Compare(args) => Ok(compare::run(&args)?),
    }
}
