//! `plaza-operator`: runs the controller, or prints what is generated from the
//! resource's types.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

use std::process::ExitCode;

use clap::Parser as _;
use plaza_kit::{shutdown::Shutdown, telemetry};
use plaza_operator::{OperatorArgs, generate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The operator of Plaza.
#[derive(Debug, clap::Parser)]
#[command(version)]
enum Cli {
    /// Keeps every ChatDeployment as it asks for
    Run(Box<OperatorArgs>),
    /// Prints the CRD as YAML
    Crd,
    /// Prints the reference of the CRD as Markdown
    Reference,
}

#[tokio::main]
async fn main() -> ExitCode {
    plaza_kit::install_crypto();
    let result = match Cli::parse() {
        Cli::Run(args) => run(*args).await,
        Cli::Crd => generate::crd_yaml()
            .map(|text| print!("{text}"))
            .map_err(Into::into),
        Cli::Reference => {
            print!("{}", generate::reference());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plaza-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: OperatorArgs) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let telemetry = telemetry::init("operator", &args.telemetry)?;
    let result = plaza_operator::run(args, shutdown).await;
    // The exporter flushes on a thread that may block: not on the runtime's.
    tokio::task::spawn_blocking(move || drop(telemetry)).await?;
    result
}
