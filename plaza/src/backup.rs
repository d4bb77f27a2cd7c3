//! `plaza backup`: backups of the operator's Jobs, to a store and back.

use std::{fs, io};

use plaza_backup::{PullArgs, PushArgs};
use plaza_kit::telemetry::{self, TelemetryArgs};

/// Where a container's last words are read, if it is one.
const LAST_WORDS: &str = "/dev/termination-log";

/// Which way.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Brings whole backups of a folder to a store, and removes old ones there
    Push {
        #[command(flatten)]
        own: PushArgs,
        #[command(flatten)]
        telemetry: TelemetryArgs,
    },
    /// Fetches a backup from a store into a folder
    Pull {
        #[command(flatten)]
        own: PullArgs,
        #[command(flatten)]
        telemetry: TelemetryArgs,
    },
}

/// Does it, and says which backup it was about.
pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Push { own, telemetry } => {
            let _telemetry = telemetry::init("backup-push", &telemetry)?;
            let name = plaza_backup::push(&own).await?;
            println!("the backup {name} is in the store");
            // The operator reads it there.
            match fs::OpenOptions::new().write(true).open(LAST_WORDS) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => io::Write::write_all(&mut file?, name.as_bytes())?,
            }
        }
        Action::Pull { own, telemetry } => {
            let _telemetry = telemetry::init("backup-pull", &telemetry)?;
            let name = plaza_backup::pull(&own).await?;
            println!("the backup {name} is fetched");
        }
    }
    Ok(())
}
