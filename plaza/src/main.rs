//! The one executable: each part of Plaza is a subcommand.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

mod admin;
mod backup;
mod cli;
mod ctl;
mod dead_letters;
mod loadtest;
mod migrate;
mod reference;
mod setup;
mod standalone;
mod up;
#[cfg(feature = "upgrade-test")]
mod upgrade_test;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use plaza_kit::{shutdown::Shutdown, telemetry};

use crate::cli::{Cli, Part, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    plaza_kit::install_crypto();
    let command = Cli::command();
    let args = match plaza_kit::config::with_file(&command, std::env::args_os()) {
        Ok(args) => args,
        Err(error) => return fail(&error.into()),
    };
    let cli = command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(cli.part)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("plaza: {error:#}");
    ExitCode::FAILURE
}

async fn run(part: Subcommand) -> anyhow::Result<ExitCode> {
    match part {
        Subcommand::Loadtest(args) => return loadtest::run(args).await,
        Subcommand::Auth(part) => serve("auth", part, plaza_auth::run).await,
        Subcommand::Rooms(part) => serve("rooms", part, plaza_rooms::run).await,
        Subcommand::Messages(part) => serve("messages", part, plaza_messages::run).await,
        Subcommand::MessagesPublisher(part) => {
            serve("messages-publisher", part, plaza_messages::publisher::run).await
        }
        Subcommand::Gateway(part) => serve("gateway", part, plaza_gateway::run).await,
        Subcommand::Operator(part) => serve("operator", part, plaza_operator::run).await,
        Subcommand::Standalone(args) => {
            let telemetry = args.telemetry.clone();
            telemetry::around("standalone", &telemetry, standalone::run(&args)).await
        }
        Subcommand::Migrate(part) => {
            let _telemetry = telemetry::init("migrate", &part.telemetry)?;
            migrate::run(&part.own).await
        }
        Subcommand::Backup(args) => backup::run(args).await,
        Subcommand::Setup(args) => setup::run(&args),
        Subcommand::Admin(args) => admin::run(args).await,
        Subcommand::Up(args) => up::run(args).await,
        Subcommand::Ctl(args) => ctl::run(args).await,
        Subcommand::DeadLetters(args) => dead_letters::run(args).await,
        Subcommand::Schema => {
            print!("{}", plaza_gateway::sdl());
            Ok(())
        }
        Subcommand::ConfigReference => {
            print!("{}", reference::markdown(&Cli::command()));
            Ok(())
        }
        Subcommand::Crd => {
            print!("{}", plaza_operator::generate::crd_yaml()?);
            Ok(())
        }
        Subcommand::CrdReference => {
            print!("{}", plaza_operator::generate::reference());
            Ok(())
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Runs one service until a signal comes, with telemetry around it.
async fn serve<A: clap::Args, F>(
    name: &'static str,
    part: Part<A>,
    run: impl FnOnce(A, Shutdown) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let shutdown = Shutdown::on_signals()?;
    telemetry::around(name, &part.telemetry, run(part.own, shutdown)).await
}
