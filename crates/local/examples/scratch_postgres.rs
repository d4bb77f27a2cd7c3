//! Runs a command beside a throw-away PostgreSQL:
//! `scratch_postgres COMMAND…`, which finds the server's URL (without a
//! database) in `SCRATCH_POSTGRES_URL` and its programs first on `PATH`.

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use plaza_local::{
    Account, Binaries, Durability, Output, Postgres, PostgresOptions, Reaper, create_folder,
    random_hex,
};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().context("which command?")?;
    let account = Account::for_servers(None)?;
    let reaper = Reaper::start()?;
    let folder = std::env::temp_dir().join(format!("plaza-scratch-{}", random_hex(6)?));
    reaper.remove(&folder);
    create_folder(&folder, account.as_ref())?;
    let binaries = Binaries::find().postgres()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(binaries.folder.clone()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders)?;
    let options = PostgresOptions {
        binaries,
        log: folder.join("log"),
        output: Output::File(folder.join("log")),
        folder: folder.join("server"),
        account,
        durability: Durability::ThrowAway,
        port: None,
        max_connections: 50,
        environment: Vec::new(),
        pid_file: None,
    };
    let postgres = Postgres::start(&options, &reaper).await?;
    let url = postgres.url("");
    let status = Command::new(program)
        .args(arguments)
        .env("SCRATCH_POSTGRES_URL", url.trim_end_matches('/'))
        .env("PATH", path)
        .status()
        .context("cannot run the command")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}
