//! Configuration: flags, environment, and an optional TOML file, in this order
//! of strength. One struct per concern; `--help` lists all of it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

/// Why a configuration is refused, before anything is started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A needed value is nowhere.
    #[error(
        "{0} is not set: give it as an environment variable, or as {0}_FILE naming a file that holds it"
    )]
    Missing(&'static str),
    /// A file that should hold a secret or the configuration.
    #[error("{name}: cannot read {path}")]
    Unreadable {
        /// What names the file.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file is no TOML.
    #[error("{path} is not valid TOML")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
    /// A key that no part knows: most likely a typing error.
    #[error(
        "{path}: unknown key {key:?}; `plaza {part} --help` lists the keys (long flags without the dashes)"
    )]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The part that was started.
        part: String,
    },
    /// A value that breaks a rule.
    #[error("{name}: {why}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
}

/// A default that depends on a type parameter: `default_value_t` would keep one
/// value for all of them.
fn loopback(port: u16) -> String {
    SocketAddr::from(([127, 0, 0, 1], port)).to_string()
}

/// The HTTP listener of a service; `PORT` is its default port.
#[derive(Debug, Clone, clap::Args)]
pub struct ListenArgs<const PORT: u16> {
    /// Address and port of the service's own API
    #[arg(long, env = "PLAZA_LISTEN", default_value = loopback(PORT))]
    pub listen: SocketAddr,
    /// Longest time a request may take (ms)
    #[arg(long, env = "PLAZA_REQUEST_TIMEOUT_MS", default_value_t = 10_000)]
    pub request_timeout_ms: u64,
    /// Largest request body (bytes)
    #[arg(long, env = "PLAZA_MAX_BODY_BYTES", default_value_t = 256 * 1024)]
    pub max_body_bytes: usize,
}

/// The operations listener: /healthz, /readyz and /metrics.
#[derive(Debug, Clone, clap::Args)]
pub struct OpsArgs<const PORT: u16> {
    /// Address and port of /healthz, /readyz and /metrics
    #[arg(long, env = "PLAZA_OPS_LISTEN", default_value = loopback(PORT))]
    pub ops_listen: SocketAddr,
    /// How long to go on accepting after a signal to stop, so that load balancers notice first (ms)
    #[arg(long, env = "PLAZA_DRAIN_DELAY_MS", default_value_t = 0)]
    pub drain_delay_ms: u64,
    /// Longest time for what is under way to finish after a signal to stop (ms)
    #[arg(long, env = "PLAZA_DRAIN_TIMEOUT_MS", default_value_t = 15_000)]
    pub drain_timeout_ms: u64,
}

/// The secret that services sign their calls to each other with.
#[derive(Debug, Clone, clap::Args)]
pub struct InternalSecretArgs {
    /// Secret shared by all services, at least 32 bytes
    #[arg(long, env = "PLAZA_INTERNAL_SECRET", hide_env_values = true)]
    pub internal_secret: Option<SecretString>,
    /// File that holds it
    #[arg(long, env = "PLAZA_INTERNAL_SECRET_FILE")]
    pub internal_secret_file: Option<PathBuf>,
    /// The secret before the present one, accepted while it is rotated
    #[arg(long, env = "PLAZA_INTERNAL_SECRET_PREVIOUS", hide_env_values = true)]
    pub internal_secret_previous: Option<SecretString>,
    /// File that holds the secret before the present one
    #[arg(long, env = "PLAZA_INTERNAL_SECRET_PREVIOUS_FILE")]
    pub internal_secret_previous_file: Option<PathBuf>,
}

/// Bounds of a service's pool of database connections.
#[derive(Debug, Clone, clap::Args)]
pub struct PoolArgs {
    /// Most connections to the database
    #[arg(long, env = "PLAZA_DATABASE_MAX_CONNECTIONS", default_value_t = 16)]
    pub database_max_connections: u32,
    /// Longest wait for a connection from the pool (ms)
    #[arg(
        long,
        env = "PLAZA_DATABASE_ACQUIRE_TIMEOUT_MS",
        default_value_t = 3_000
    )]
    pub database_acquire_timeout_ms: u64,
    /// Longest time a statement may run (ms); below 30 s, which the relay relies on
    #[arg(long, env = "PLAZA_DATABASE_STATEMENT_TIMEOUT_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(100..=25_000))]
    pub database_statement_timeout_ms: u64,
}

/// A secret given directly or as a file; `name` is its environment variable.
pub fn secret(
    name: &'static str,
    inline: Option<&SecretString>,
    file: Option<&PathBuf>,
) -> Result<SecretString, ConfigError> {
    optional_secret(name, inline, file)?.ok_or(ConfigError::Missing(name))
}

/// Like [`secret`], for one that may be absent. An empty value counts as absent.
pub fn optional_secret(
    name: &'static str,
    inline: Option<&SecretString>,
    file: Option<&PathBuf>,
) -> Result<Option<SecretString>, ConfigError> {
    use secrecy::ExposeSecret;
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            name: format!("{name}_FILE"),
            path: path.clone(),
            source,
        })?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()));
    }
    Ok(inline
        .filter(|secret| !secret.expose_secret().is_empty())
        .cloned())
}

/// Adds the values of the configuration file to the command line, where
/// neither a flag nor the environment gives them.
///
/// The file is named by `--config FILE` behind the subcommand or by
/// `PLAZA_CONFIG`. Its keys are the long flags without the dashes; at the top
/// level they hold for every part that has them, in a table named after a part
/// for that part alone.
pub fn with_file(
    command: &clap::Command,
    args: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, ConfigError> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let Some((place, part)) = args
        .iter()
        .enumerate()
        .skip(1)
        .find_map(|(place, arg)| Some((place, command.find_subcommand(arg.to_str()?)?)))
    else {
        return Ok(args);
    };
    let Some(path) = file_named(&args, part) else {
        return Ok(args);
    };

    let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
        name: "--config".into(),
        path: path.clone(),
        source,
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|source| ConfigError::Syntax {
        path: path.clone(),
        source,
    })?;
    let from_file = values_for(command, part, &table, &path)?;

    let given: BTreeSet<String> = args[place..]
        .iter()
        .filter_map(|arg| arg.to_str()?.strip_prefix("--"))
        .map(|flag| flag.split('=').next().unwrap_or(flag).to_owned())
        .collect();
    let added: Vec<OsString> = part
        .get_arguments()
        .filter_map(|arg| {
            let long = arg.get_long()?;
            let value = from_file.iter().find(|(key, _)| key == long)?.1.clone();
            let in_environment = arg
                .get_env()
                .is_some_and(|name| std::env::var_os(name).is_some());
            (!in_environment && !given.contains(long)).then(|| flag(arg, long, &value))?
        })
        .collect();
    let behind = place + 1;
    args.splice(behind..behind, added);
    Ok(args)
}

fn flag(arg: &clap::Arg, long: &str, value: &str) -> Option<OsString> {
    match arg.get_action() {
        clap::ArgAction::SetTrue => (value == "true").then(|| format!("--{long}").into()),
        _ => Some(format!("--{long}={value}").into()),
    }
}

fn file_named(args: &[OsString], part: &clap::Command) -> Option<PathBuf> {
    part.get_arguments()
        .find(|arg| arg.get_long() == Some("config"))?;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(text) = arg.to_str() else { continue };
        if text == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    std::env::var_os("PLAZA_CONFIG")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

fn values_for(
    command: &clap::Command,
    part: &clap::Command,
    table: &toml::Table,
    path: &Path,
) -> Result<Vec<(String, String)>, ConfigError> {
    let has = |part: &clap::Command, key: &str| {
        part.get_arguments().any(|arg| arg.get_long() == Some(key))
    };
    let unknown = |key: &str| ConfigError::UnknownKey {
        path: path.to_owned(),
        key: key.to_owned(),
        part: part.get_name().to_owned(),
    };
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), ToOwned::to_owned)
            })
            .collect::<Vec<_>>()
            .join(","),
        other => other.to_string(),
    };
    let mut own = Vec::new();
    let mut common = Vec::new();
    for (key, value) in table {
        if let toml::Value::Table(section) = value {
            let of = command.find_subcommand(key).ok_or_else(|| unknown(key))?;
            for (key, value) in section {
                if !has(of, key) {
                    return Err(unknown(&format!("{}.{key}", of.get_name())));
                }
                if of.get_name() == part.get_name() {
                    own.push((key.clone(), text(value)));
                }
            }
        } else if command.get_subcommands().any(|part| has(part, key)) {
            common.push((key.clone(), text(value)));
        } else {
            return Err(unknown(key));
        }
    }
    own.extend(common);
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};

    fn command() -> Command {
        let part = |name: &'static str| {
            Command::new(name)
                .arg(Arg::new("config").long("config"))
                .arg(Arg::new("listen").long("listen"))
                .arg(Arg::new("dev").long("dev").action(clap::ArgAction::SetTrue))
        };
        Command::new("plaza")
            .subcommand(part("auth").arg(Arg::new("issuer").long("issuer")))
            .subcommand(part("rooms"))
    }

    fn expand(file: &str, args: &[&str]) -> Result<Vec<String>, ConfigError> {
        let dir = std::env::temp_dir().join(format!("plaza-config-{}", uuid::Uuid::now_v7()));
        std::fs::write(&dir, file).unwrap();
        let mut line: Vec<OsString> = args.iter().map(Into::into).collect();
        line.push("--config".into());
        line.push(dir.clone().into());
        let result = with_file(&command(), line);
        std::fs::remove_file(&dir).unwrap();
        Ok(result?
            .iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .take_while(|arg| arg != "--config")
            .collect())
    }

    #[test]
    fn a_part_takes_its_own_table_then_the_common_keys() {
        let file = "listen = \"a\"\ndev = true\n[auth]\nlisten = \"b\"\nissuer = \"me\"\n";
        assert_eq!(
            expand(file, &["plaza", "auth"]).unwrap(),
            ["plaza", "auth", "--listen=b", "--dev", "--issuer=me"]
        );
        assert_eq!(
            expand(file, &["plaza", "rooms"]).unwrap(),
            ["plaza", "rooms", "--listen=a", "--dev"]
        );
    }

    #[test]
    fn a_flag_is_stronger_than_the_file() {
        assert_eq!(
            expand("listen = \"a\"", &["plaza", "auth", "--listen", "c"]).unwrap(),
            ["plaza", "auth", "--listen", "c"]
        );
    }

    #[test]
    fn a_typing_error_is_named() {
        let error = expand("lissen = \"a\"", &["plaza", "auth"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("lissen") && error.contains("plaza auth --help"),
            "{error}"
        );
        assert!(expand("[auth]\nlissen = 1", &["plaza", "rooms"]).is_err());
        assert!(expand("[nobody]\nlisten = 1", &["plaza", "rooms"]).is_err());
    }

    #[test]
    fn a_missing_secret_says_how_to_give_it() {
        let error = secret("PLAZA_X", None, None).unwrap_err().to_string();
        assert!(error.contains("PLAZA_X_FILE"), "{error}");
    }
}
