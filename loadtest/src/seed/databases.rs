//! Where the databases are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plaza_kit::{
    config::{PoolArgs, secret},
    db,
};
use secrecy::SecretString;
use sqlx::PgPool;

use crate::Local;

const AUTH: &str = "PLAZA_AUTH_DATABASE_URL";
const ROOMS: &str = "PLAZA_ROOMS_DATABASE_URL";
const MESSAGES: &str = "PLAZA_MESSAGES_DATABASE_URL";

/// One statement writes thousands of rows; it takes no part in what the relay
/// reads.
const BOUNDS: PoolArgs = PoolArgs {
    database_max_connections: 2,
    database_acquire_timeout_ms: 10_000,
    database_statement_timeout_ms: 120_000,
};

/// Which databases: of a `plaza up`, or by their URLs.
#[derive(Debug, clap::Args)]
pub(super) struct DatabaseArgs {
    /// Data folder of the `plaza up` that is meant, in place of URLs
    #[arg(long)]
    pub(super) data: Option<PathBuf>,
    /// Database of auth
    #[arg(long, env = AUTH, hide_env_values = true)]
    auth_database_url: Option<SecretString>,
    /// File that holds the URL of auth's database
    #[arg(long, env = "PLAZA_AUTH_DATABASE_URL_FILE")]
    auth_database_url_file: Option<PathBuf>,
    /// Database of rooms
    #[arg(long, env = ROOMS, hide_env_values = true)]
    rooms_database_url: Option<SecretString>,
    /// File that holds the URL of the rooms database
    #[arg(long, env = "PLAZA_ROOMS_DATABASE_URL_FILE")]
    rooms_database_url_file: Option<PathBuf>,
    /// Database of messages
    #[arg(long, env = MESSAGES, hide_env_values = true)]
    messages_database_url: Option<SecretString>,
    /// File that holds the URL of the messages database
    #[arg(long, env = "PLAZA_MESSAGES_DATABASE_URL_FILE")]
    messages_database_url_file: Option<PathBuf>,
}

/// All three.
#[derive(Debug)]
pub(super) struct Databases {
    pub(super) auth: PgPool,
    pub(super) rooms: PgPool,
    pub(super) messages: PgPool,
}

impl Databases {
    /// Of the local Plaza, or by the URLs.
    pub(super) fn find(args: &DatabaseArgs, local: Option<&Local>) -> anyhow::Result<Self> {
        let pool =
            |name, url: &Option<SecretString>, file: &Option<PathBuf>, of_up: Option<&Path>| {
                let of_up = of_up.map(Path::to_owned);
                let url = secret(name, url.as_ref(), of_up.as_ref().or(file.as_ref())).context(
                "which databases? Name the data folder of a `plaza up` by --data, or three URLs",
            )?;
                anyhow::Ok(db::pool(name, &url, &BOUNDS)?)
            };
        Ok(Self {
            auth: pool(
                AUTH,
                &args.auth_database_url,
                &args.auth_database_url_file,
                local.map(|local| &*local.auth_database_url),
            )?,
            rooms: pool(
                ROOMS,
                &args.rooms_database_url,
                &args.rooms_database_url_file,
                local.map(|local| &*local.rooms_database_url),
            )?,
            messages: pool(
                MESSAGES,
                &args.messages_database_url,
                &args.messages_database_url_file,
                local.map(|local| &*local.messages_database_url),
            )?,
        })
    }
}
