//! The command line.

use std::path::PathBuf;

use plaza_kit::telemetry::TelemetryArgs;
use plaza_loadtest::LoadtestArgs;

use crate::{
    admin::AdminArgs, backup::BackupArgs, ctl::CtlArgs, dead_letters::DeadLettersArgs,
    migrate::MigrateArgs, setup::SetupArgs, standalone::StandaloneArgs, up::UpArgs,
};

/// Plaza: a self-hosted messenger for rooms where tens of thousands are online at once.
#[derive(Debug, clap::Parser)]
#[command(
    name = "plaza",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) part: Subcommand,
}

/// One part of Plaza.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Accounts, passwords, sessions, signing keys and real-time tokens
    Auth(Part<plaza_auth::AuthArgs>),
    /// Rooms, members and discovery
    Rooms(Part<plaza_rooms::RoomsArgs>),
    /// Messages, their order and read state
    Messages(Part<plaza_messages::MessagesArgs>),
    /// Forwards events from Redis Streams to Centrifugo
    MessagesPublisher(Part<plaza_messages::publisher::PublisherArgs>),
    /// The GraphQL API, and the web app
    Gateway(Part<plaza_gateway::GatewayArgs>),
    /// Keeps every ChatDeployment of a Kubernetes cluster as it asks for
    Operator(Part<plaza_operator::OperatorArgs>),
    /// All of these services in one process, set by the environment and the file as they are
    Standalone(StandaloneArgs),
    /// Brings the databases to this version's schema; run it before the services of a new version
    Migrate(Part<MigrateArgs>),
    /// Brings backups to an S3-compatible store, or fetches one, as the operator's Jobs do
    Backup(BackupArgs),
    /// Makes the secrets of an installation without the operator, and Centrifugo's configuration
    Setup(SetupArgs),
    /// Makes administrators, disables, enables and lists accounts, and rotates signing keys
    Admin(AdminArgs),
    /// Runs all of Plaza on this machine, with servers of its own
    Up(UpArgs),
    /// Looks at a running `plaza up`, and stops or starts single parts of it
    Ctl(CtlArgs),
    /// Lists events that could never be published, and hands them to the publisher again
    DeadLetters(DeadLettersArgs),
    /// Seeds virtual users, loads a Plaza with them and accounts for every delivery
    Loadtest(LoadtestArgs),
    /// Prints the GraphQL schema
    Schema,
    /// Prints the reference of every setting, in Markdown
    ConfigReference,
    /// Prints the CRD of the ChatDeployment, as YAML
    Crd,
    /// Prints the reference of the ChatDeployment, in Markdown
    CrdReference,
}

/// A part's own configuration and what all parts have.
#[derive(Debug, clap::Args)]
pub(crate) struct Part<A: clap::Args> {
    #[command(flatten)]
    pub(crate) own: A,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
    /// TOML file with settings; its keys are the long flags without the dashes
    #[arg(long, env = "PLAZA_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}
