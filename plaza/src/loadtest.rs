//! `plaza loadtest`: what the load tester learns of a `plaza up` on this
//! machine.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum as _;
use plaza_loadtest::{LoadtestArgs, Local, Watched};

use crate::up::{data::Data, database_url_name, name::PartName};

/// When it ran, and what it found is not as it has to be.
const NOT_HELD: u8 = 3;

/// Seeds, runs or compares.
pub(crate) async fn run(args: LoadtestArgs) -> anyhow::Result<ExitCode> {
    let is_good = plaza_loadtest::run(args, locate).await?;
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_HELD)
    })
}

fn locate(folder: PathBuf) -> anyhow::Result<Local> {
    let data = Data::locate(Some(folder))?;
    let url = |service| data.root().join("secrets").join(database_url_name(service));
    let processes = PartName::value_variants().iter().filter_map(|part| {
        let pid = data.pid_file(*part).running()?.pid;
        Some(Watched {
            name: part.as_str().to_owned(),
            pid,
        })
    });
    Ok(Local {
        url: data.instance().map(|instance| instance.url),
        auth_database_url: url("auth"),
        rooms_database_url: url("rooms"),
        messages_database_url: url("messages"),
        processes: processes.collect(),
    })
}
