//! `plaza admin`: accounts and signing keys, on auth's database.

mod prompt;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plaza_auth::{
    PasswordArgs,
    admin::{Account, Admin, Done, Listed},
};
use plaza_kit::{
    config::{PoolArgs, secret},
    db,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::up::data::Data;

const DATABASE_URL: &str = "PLAZA_AUTH_DATABASE_URL";
/// Connections that a command needs.
const CONNECTIONS: u32 = 2;

/// Which database, and what to do.
#[derive(Debug, clap::Args)]
pub(crate) struct AdminArgs {
    /// Database of auth
    #[arg(long, env = DATABASE_URL, hide_env_values = true, global = true)]
    auth_database_url: Option<SecretString>,
    /// File that holds the URL of auth's database
    #[arg(long, env = "PLAZA_AUTH_DATABASE_URL_FILE", global = true)]
    auth_database_url_file: Option<PathBuf>,
    /// Data folder of the `plaza up` that is meant, in place of a URL
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes an administrator's account; the password is asked for
    Create {
        /// The name for mentions
        username: String,
        /// The name to read; the username when absent
        #[arg(long)]
        display_name: Option<String>,
        /// File that holds the password, in place of asking
        #[arg(long)]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        passwords: PasswordArgs,
    },
    /// Ends every session of an account at once, and lets nobody sign in to it
    Disable {
        /// Whose, without regard to case
        username: String,
    },
    /// Lets the owner of a disabled account sign in again
    Enable {
        /// Whose, without regard to case
        username: String,
    },
    /// Lists accounts by name
    List {
        /// Administrators alone
        #[arg(long)]
        admins: bool,
        /// Disabled accounts alone
        #[arg(long)]
        disabled: bool,
        /// Those behind this name
        #[arg(long)]
        after: Option<String>,
        /// How many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
    /// Lets the next signing key sign, and publishes another one; nobody is logged out
    RotateKeys {
        /// The former key has leaked: nothing that it signed is good any more. Apps refresh their tokens; restart Centrifugo, which goes on trusting a key that it knows
        #[arg(long)]
        withdraw: bool,
    },
}

/// Does it and says what was done.
pub(crate) async fn run(args: AdminArgs) -> anyhow::Result<()> {
    let admin = Admin::new(args.pool()?);
    match args.action {
        Action::Create {
            username,
            display_name,
            password_file,
            passwords,
        } => {
            let password = match password_file {
                Some(path) => from_file(&path)?,
                None => prompt::new_password()?,
            };
            let passwords = passwords.passwords()?;
            let id = admin
                .create(&username, display_name.as_deref(), password, &passwords)
                .await?;
            println!("{username} is an administrator ({id}).");
        }
        Action::Disable { username } => match admin.disable(&username).await? {
            Done::Changed { sessions: 1 } => {
                println!("{username} is disabled; 1 session was ended.");
            }
            Done::Changed { sessions } => {
                println!("{username} is disabled; {sessions} sessions were ended.");
            }
            Done::Already => println!("{username} was disabled already."),
        },
        Action::Enable { username } => match admin.enable(&username).await? {
            Done::Changed { .. } => println!("{username} can sign in again."),
            Done::Already => println!("{username} was not disabled."),
        },
        Action::RotateKeys { withdraw } => {
            let kid = admin.rotate_keys(withdraw).await?;
            println!("{kid} signs within 5 s.");
            if withdraw {
                println!("What the former key signed is refused within 30 s. Restart Centrifugo.");
            }
        }
        Action::List {
            admins,
            disabled,
            after,
            limit,
        } => {
            let which = Listed {
                admins,
                disabled,
                after,
                limit,
            };
            let accounts = admin.list(&which).await?;
            print!("{}", table(&accounts));
            if accounts.len() == usize::from(limit)
                && let Some(last) = accounts.last()
            {
                println!("There may be more: --after {}", last.username);
            }
        }
    }
    Ok(())
}

impl AdminArgs {
    fn pool(&self) -> anyhow::Result<sqlx::PgPool> {
        let of_up = match &self.data {
            Some(folder) => Some(
                Data::locate(Some(folder.clone()))?
                    .root()
                    .join("secrets/auth-database-url"),
            ),
            None => None,
        };
        let file = of_up.as_ref().or(self.auth_database_url_file.as_ref());
        let url = secret(DATABASE_URL, self.auth_database_url.as_ref(), file)
            .context("which database? Name the data folder of a `plaza up` by --data, or a URL")?;
        let bounds = PoolArgs {
            database_max_connections: CONNECTIONS,
            database_acquire_timeout_ms: 10_000,
            database_statement_timeout_ms: 10_000,
        };
        Ok(db::pool(DATABASE_URL, &url, &bounds)?)
    }
}

/// The first line of a file.
fn from_file(path: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the password from {}", path.display()))?;
    let text = SecretString::from(text);
    let line = text.expose_secret().lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("{} holds no password in its first line", path.display());
    }
    Ok(line.to_owned().into())
}

/// One line an account.
fn table(accounts: &[Account]) -> String {
    let width = accounts
        .iter()
        .map(|account| account.username.chars().count())
        .max()
        .unwrap_or_default()
        .max("username".len());
    let line = |name: &str, role: &str, state: &str, sessions: &str, since: &str| {
        format!("{name:width$}  {role:5}  {state:8}  {sessions:>8}  {since}\n")
    };
    let mut text = line("username", "role", "state", "sessions", "since");
    for account in accounts {
        text.push_str(&line(
            &account.username,
            if account.admin { "admin" } else { "user" },
            account.disabled_at.map_or("active", |_| "disabled"),
            &account.sessions.to_string(),
            &account.created_at.format("%Y-%m-%d").to_string(),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn an_account_is_one_line() {
        let account = |username: &str, disabled: bool| Account {
            id: plaza_types::UserId::new(),
            username: username.into(),
            display_name: String::new(),
            admin: !disabled,
            created_at: DateTime::from_timestamp(0, 0).unwrap(),
            disabled_at: disabled.then(|| DateTime::from_timestamp(1, 0).unwrap()),
            sessions: 2,
        };
        assert_eq!(
            table(&[account("ada", false), account("eve", true)]),
            "username  role   state     sessions  since\n\
             ada       admin  active           2  1970-01-01\n\
             eve       user   disabled         2  1970-01-01\n"
        );
    }

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "correct horse \nsecond\n").unwrap();
        assert_eq!(from_file(&path).unwrap().expose_secret(), "correct horse ");
        std::fs::write(&path, "\n").unwrap();
        assert!(from_file(&path).is_err());
        let missing = from_file(&folder.path().join("missing")).unwrap_err();
        assert!(format!("{missing:#}").contains("missing"));
    }
}
