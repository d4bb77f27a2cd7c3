//! `plaza setup`: the secrets of an installation that no operator looks after,
//! and Centrifugo's configuration, in one folder for each part that reads them.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use plaza_centrifugo::config::{Settings, subscribe_proxy};
use plaza_local::{create_folder, random_hex, write_private};
use secrecy::ExposeSecret as _;

use crate::up::databases::{SERVICES, role};

/// Random bytes of a secret; it has twice as many characters.
const SECRET_BYTES: usize = 32;
/// Numbers of Redis' databases, so that one server does for both.
const STREAMS: u8 = 0;
const ENGINE: u8 = 1;

/// Where the parts find each other, and where to write.
#[derive(Debug, clap::Args)]
pub(crate) struct SetupArgs {
    /// Folder that gets `plaza`, `centrifugo`, `postgres` and `redis`, each with what that part reads
    #[arg(long)]
    folder: PathBuf,
    /// Every origin that people open Plaza at, separated by commas
    #[arg(
        long,
        env = "PLAZA_PUBLIC_ORIGINS",
        value_delimiter = ',',
        default_value = "http://localhost:8080,http://127.0.0.1:8080"
    )]
    public_origins: Vec<String>,
    /// PostgreSQL, with the roles and databases `plaza_auth`, `plaza_rooms` and `plaza_messages`
    #[arg(long, default_value = "postgres:5432")]
    postgres: String,
    /// Redis, for the event streams and for Centrifugo
    #[arg(long, default_value = "redis:6379")]
    redis: String,
    /// Base URL of auth, as Centrifugo reaches it
    #[arg(long, env = "PLAZA_AUTH_URL", default_value = "http://auth:8081")]
    auth_url: String,
    /// Base URL of rooms, as Centrifugo reaches it
    #[arg(long, env = "PLAZA_ROOMS_URL", default_value = "http://rooms:8082")]
    rooms_url: String,
    /// Let every user read the files: for volumes that containers with users of their own share
    #[arg(long)]
    readable: bool,
}

/// Makes what is missing; what is there and what was made by hand stays. What
/// is made of other values, such as a URL, is written anew each time.
pub(crate) fn run(args: &SetupArgs) -> anyhow::Result<()> {
    let of = |name: &str| Folder::of(args, name);
    let (plaza, postgres, redis) = (of("plaza")?, of("postgres")?, of("redis")?);
    plaza.secret("internal-secret")?;
    plaza.secret("refresh-key")?;
    let api_key = plaza.secret("centrifugo-api-key")?;
    let proxy_secret = plaza.secret("centrifugo-proxy-secret")?;

    postgres.secret("superuser-password")?;
    for service in SERVICES {
        let password = postgres.secret(&format!("{service}-password"))?;
        let server = &args.postgres;
        let role = role(service);
        let url = format!("postgres://{role}:{password}@{server}/{role}");
        plaza.write(&format!("{service}-database-url"), &url)?;
    }
    let password = redis.secret("password")?;
    let url = |number| format!("redis://:{password}@{}/{number}", args.redis);
    plaza.write("redis-url", &url(STREAMS))?;

    let settings = Settings {
        address: "0.0.0.0".into(),
        port: 8000,
        internal_address: "0.0.0.0".into(),
        internal_port: 9000,
        allowed_origins: args.public_origins.clone(),
        jwks_endpoint: format!("{}/jwks", args.auth_url),
        redis_urls: vec![url(ENGINE).into()],
        redis_prefix: "centrifugo".into(),
        api_key: api_key.into(),
        subscribe_proxy: subscribe_proxy(&args.rooms_url),
        proxy_secret: proxy_secret.into(),
        log_level: "info".into(),
    };
    let settings = settings
        .to_json()
        .context("cannot write Centrifugo's configuration")?;
    of("centrifugo")?.write("centrifugo.json", settings.expose_secret())?;
    println!("{} has all secrets", args.folder.display());
    Ok(())
}

/// What one part reads.
struct Folder {
    path: PathBuf,
    mode: Option<u32>,
}

impl Folder {
    fn of(args: &SetupArgs, name: &str) -> anyhow::Result<Self> {
        let path = args.folder.join(name);
        create_folder(&path, None)?;
        Ok(Self {
            path,
            mode: args.readable.then_some(0o644),
        })
    }

    /// A secret that is made once and kept.
    fn secret(&self, name: &str) -> anyhow::Result<String> {
        let kept = match std::fs::read_to_string(self.path.join(name)) {
            Ok(text) => text.trim().to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| self.cannot("read", name)),
        };
        if !kept.is_empty() {
            return Ok(kept);
        }
        let secret = random_hex(SECRET_BYTES)?;
        self.write(name, &secret)?;
        Ok(secret)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        write_private(&path, text.as_bytes(), None)?;
        if let Some(mode) = self.mode {
            set_mode(&path, mode).with_context(|| self.cannot("open up", name))?;
        }
        Ok(())
    }

    fn cannot(&self, what: &str, name: &str) -> String {
        format!("cannot {what} {}", self.path.join(name).display())
    }
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn args(folder: &Path, readable: bool) -> SetupArgs {
        SetupArgs {
            folder: folder.to_owned(),
            public_origins: vec!["https://chat.example.org".to_owned()],
            postgres: "postgres:5432".to_owned(),
            redis: "redis:6379".to_owned(),
            auth_url: "http://auth:8081".to_owned(),
            rooms_url: "http://rooms:8082".to_owned(),
            readable,
        }
    }

    /// Path within the folder, to content and mode.
    fn files(folder: &Path) -> BTreeMap<String, (String, u32)> {
        let mut files = BTreeMap::new();
        for part in ["plaza", "centrifugo", "postgres", "redis"] {
            for entry in std::fs::read_dir(folder.join(part)).unwrap() {
                let path = entry.unwrap().path();
                let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, (std::fs::read_to_string(path).unwrap(), mode));
            }
        }
        files
    }

    #[test]
    fn secrets_are_made_once_and_what_is_made_of_them_fits() {
        let folder = tempfile::tempdir().unwrap();
        run(&args(folder.path(), false)).unwrap();
        let made = files(folder.path());
        assert_eq!(made.len(), 14, "{:?}", made.keys());
        assert!(made.values().all(|(_, mode)| *mode == 0o600));
        let text = |name: &str| &made[name].0;
        assert_eq!(
            *text("plaza/rooms-database-url"),
            format!(
                "postgres://plaza_rooms:{}@postgres:5432/plaza_rooms",
                text("postgres/rooms-password")
            )
        );
        assert!(text("plaza/redis-url").contains(text("redis/password").as_str()));
        let centrifugo = text("centrifugo/centrifugo.json");
        for name in ["centrifugo-api-key", "centrifugo-proxy-secret"] {
            let secret = text(&format!("plaza/{name}"));
            assert_eq!(secret.len(), 2 * SECRET_BYTES);
            assert!(centrifugo.contains(secret.as_str()), "{name}");
        }
        assert!(centrifugo.contains("https://chat.example.org"));

        std::fs::write(folder.path().join("redis/password"), "mine\n").unwrap();
        run(&args(folder.path(), true)).unwrap();
        let again = files(folder.path());
        assert_eq!(again["plaza/redis-url"].0, "redis://:mine@redis:6379/0");
        assert_eq!(again["plaza/redis-url"].1, 0o644);
        for (name, (text, _)) in &again {
            let kept = made[name].0 == *text;
            let of_redis = name.contains("redis") || name.starts_with("centrifugo/");
            assert_eq!(kept, !of_redis, "{name}");
        }
    }
}
