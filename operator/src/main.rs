//! The operator alone, as a process: what its tests start. People run
//! `plaza operator`.

use clap::Parser as _;
use plaza_kit::{
    shutdown::Shutdown,
    telemetry::{self, TelemetryArgs},
};
use plaza_operator::OperatorArgs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    own: OperatorArgs,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    plaza_kit::install_crypto();
    let cli = Cli::parse();
    let shutdown = Shutdown::on_signals()?;
    let run = plaza_operator::run(cli.own, shutdown);
    telemetry::around("operator", &cli.telemetry, run).await
}
