//! Which parts run, on which ports, and what each is told.

mod environments;
mod layout;
mod wanted;
mod wires;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use plaza_centrifugo::config::{Settings, subscribe_proxy};
use plaza_local::{
    Account, Binaries, CentrifugoOptions, Durability, Launch, LineSink, Output, Postgres,
    PostgresOptions, Program, Reaper, Redis, RedisOptions, StopSignal,
};
use secrecy::SecretString;

use super::console::Console;
use super::data::{Data, Ports};
use super::databases::{self, SERVICES};
use super::log_file::LogFile;
use super::name::PartName;
use super::recipe::{Kind, Own, Recipe};

pub(crate) use self::environments::Environments;
use self::layout::{Column, Layout};
pub(crate) use self::wanted::Wanted;
pub(crate) use self::wires::Wires;

/// Connections of the local PostgreSQL: three services' pools and some to spare.
const POSTGRES_CONNECTIONS: u16 = 100;
/// The same with two processes of each service.
const POSTGRES_CONNECTIONS_OF_TWO: u16 = 200;
/// Redis holds the streams in one logical database and Centrifugo's engine in
/// the other.
const STREAMS: u16 = 0;
const ENGINE: u16 = 1;

/// Variables of ours that the parts must not inherit: what `plaza up` decides
/// itself. Everything else, such as `PLAZA_LOG`, reaches them.
const DECIDED: [&str; 32] = [
    "PLAZA_CONFIG",
    "PLAZA_LISTEN",
    "PLAZA_AUTH_LISTEN",
    "PLAZA_ROOMS_LISTEN",
    "PLAZA_MESSAGES_LISTEN",
    "PLAZA_OPS_LISTEN",
    "PLAZA_LOG_FORMAT",
    "PLAZA_INTERNAL_SECRET",
    "PLAZA_INTERNAL_SECRET_FILE",
    "PLAZA_AUTH_REFRESH_KEY",
    "PLAZA_AUTH_REFRESH_KEY_FILE",
    "PLAZA_AUTH_URL",
    "PLAZA_ROOMS_URL",
    "PLAZA_MESSAGES_URL",
    "PLAZA_AUTH_DATABASE_URL",
    "PLAZA_AUTH_DATABASE_URL_FILE",
    "PLAZA_ROOMS_DATABASE_URL",
    "PLAZA_ROOMS_DATABASE_URL_FILE",
    "PLAZA_MESSAGES_DATABASE_URL",
    "PLAZA_MESSAGES_DATABASE_URL_FILE",
    "PLAZA_REDIS_URL",
    "PLAZA_REDIS_URL_FILE",
    "PLAZA_CENTRIFUGO_API_KEY",
    "PLAZA_CENTRIFUGO_API_KEY_FILE",
    "PLAZA_CENTRIFUGO_API_URL",
    "PLAZA_CENTRIFUGO_PROXY_SECRET",
    "PLAZA_CENTRIFUGO_PROXY_SECRET_FILE",
    "PLAZA_REALTIME_ENABLED",
    "PLAZA_REALTIME_ENDPOINT",
    "PLAZA_PUBLIC_ORIGINS",
    "PLAZA_SPA_DIR",
    "PLAZA_DEV",
];

/// What every recipe needs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) data: Data,
    pub(crate) account: Option<Account>,
    pub(crate) reaper: Reaper,
    pub(crate) console: Console,
    pub(crate) wanted: Wanted,
    binaries: Binaries,
    executable: PathBuf,
}

/// Where the servers are once they run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Servers<'a> {
    /// `None` with real time off.
    pub(crate) redis: Option<&'a Redis>,
}

impl Plan {
    pub(crate) fn new(
        data: Data,
        account: Option<Account>,
        reaper: Reaper,
        console: Console,
        wanted: Wanted,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            data,
            account,
            reaper,
            console,
            wanted,
            binaries: Binaries::find(),
            executable: std::env::current_exe().context("cannot find my own executable")?,
        })
    }

    pub(crate) fn postgres(&self, ports: &Ports) -> anyhow::Result<PostgresOptions> {
        let name = PartName::Postgres;
        Ok(PostgresOptions {
            binaries: self.binaries.postgres()?,
            folder: self.data.server(name),
            log: self.data.log(name.as_str()),
            output: self.output(name),
            account: self.account.clone(),
            durability: Durability::Kept,
            port: ports.get(name.as_str()),
            max_connections: if self.wanted.two {
                POSTGRES_CONNECTIONS_OF_TWO
            } else {
                POSTGRES_CONNECTIONS
            },
            environment: self.wanted.environments.of(name.as_str()),
            pid_file: Some(self.data.pid_file(name)),
        })
    }

    pub(crate) fn redis(&self, ports: &Ports) -> anyhow::Result<RedisOptions> {
        let name = PartName::Redis;
        Ok(RedisOptions {
            directives: Vec::new(),
            program: self.program(Program::Redis)?,
            folder: self.data.server(name),
            log: self.data.log(name.as_str()),
            output: self.output(name),
            account: self.account.clone(),
            durability: Durability::Kept,
            port: ports.get(name.as_str()),
            databases: 2,
            environment: self.wanted.environments.of(name.as_str()),
            pid_file: Some(self.data.pid_file(name)),
        })
    }

    /// Recipes of everything but PostgreSQL and Redis, on ports that are free
    /// now, in the order of their start.
    pub(crate) fn recipes(
        &self,
        servers: Servers<'_>,
        ports: &mut Ports,
    ) -> anyhow::Result<Vec<Recipe>> {
        let layout = Layout::choose(&self.wanted, ports)?;
        let mut names = if self.wanted.standalone {
            vec![PartName::Standalone, PartName::Centrifugo]
        } else {
            vec![
                PartName::Auth,
                PartName::Centrifugo,
                PartName::Rooms,
                PartName::Messages,
                PartName::Publisher,
                PartName::Gateway,
            ]
        };
        if servers.redis.is_none() {
            names.retain(|name| !matches!(name, PartName::Centrifugo | PartName::Publisher));
        }
        let two = |name: PartName| {
            let second = self.wanted.two.then(|| name.second()).flatten();
            [Some(name), second].into_iter().flatten()
        };
        let recipes = names.into_iter().flat_map(two).map(|name| {
            let column = layout.column(name);
            match servers.redis {
                Some(redis) if name.first() == PartName::Centrifugo => {
                    self.centrifugo(name, redis, column)
                }
                _ => self.own(name, servers, column),
            }
        });
        recipes.collect()
    }

    pub(crate) fn recipe(&self, name: PartName, kind: Kind) -> Recipe {
        Recipe {
            name,
            kind,
            data: self.data.clone(),
            reaper: self.reaper.clone(),
        }
    }

    /// `plaza migrate` for the three databases.
    pub(crate) fn migration(&self) -> Launch {
        let databases = SERVICES
            .iter()
            .map(|service| self.database_variable(service));
        self.launch(PartName::Messages, "migrate", databases.collect())
    }

    /// The port of a server or of one of our own parts, as a part is told it.
    fn told(&self, told: PartName, meant: PartName, own: u16) -> u16 {
        let wires = &self.wanted.wires;
        wires.port(told.as_str(), meant.as_str(), own)
    }

    /// Where a part finds one of our own parts.
    fn url(&self, told: PartName, meant: PartName, column: &Column) -> String {
        let port = self.told(told, meant, column.of(meant).api);
        format!("http://127.0.0.1:{port}")
    }

    /// Where a part finds a logical database of Redis.
    fn redis_url(&self, told: PartName, redis: &Redis, database: u16) -> String {
        redis.url_at(self.told(told, PartName::Redis, redis.port), database)
    }

    /// Where a service finds its database.
    pub(crate) fn database_url(&self, service: &str, password: &str, server: &Postgres) -> String {
        let (wires, name) = (&self.wanted.wires, PartName::Postgres);
        let port = wires.port(service, name.as_str(), server.port);
        let role = databases::role(service);
        server.url_at(port, &role, password, &role)
    }

    fn centrifugo(&self, name: PartName, redis: &Redis, column: &Column) -> anyhow::Result<Recipe> {
        let (_, api_key) = self.data.secret("centrifugo-api-key")?;
        let (_, proxy_secret) = self.data.secret("centrifugo-proxy-secret")?;
        let settings = Settings {
            address: self.wanted.bind_address().into(),
            port: column.centrifugo.client,
            internal_address: "127.0.0.1".into(),
            internal_port: column.centrifugo.api,
            allowed_origins: self.wanted.origins(column.gateway.api),
            jwks_endpoint: format!("{}/jwks", self.url(name, PartName::Auth, column)),
            redis_urls: vec![self.redis_url(name, redis, ENGINE).into()],
            redis_prefix: "centrifugo".into(),
            api_key: SecretString::from(api_key.clone()),
            subscribe_proxy: subscribe_proxy(&self.url(name, PartName::Rooms, column)),
            proxy_secret: SecretString::from(proxy_secret),
            log_level: "info".into(),
        };
        let options = CentrifugoOptions {
            program: self.program(Program::Centrifugo)?,
            folder: self.data.server(name),
            log: self.data.log(name.as_str()),
            output: self.output(name),
            account: self.account.clone(),
            ports: Some(column.centrifugo),
            api_key,
            pid_file: Some(self.data.pid_file(name)),
        };
        let kind = Kind::Centrifugo(Box::new(options), Box::new(settings));
        Ok(self.recipe(name, kind))
    }

    fn own(&self, name: PartName, servers: Servers<'_>, column: &Column) -> anyhow::Result<Recipe> {
        let (internal_secret, _) = self.data.secret("internal-secret")?;
        let own = column.of(name);
        let is = |part| name.first() == part || name == PartName::Standalone;
        let listen = if is(PartName::Gateway) {
            self.wanted.bind_address()
        } else {
            "127.0.0.1"
        };
        let mut environment: Vec<(&str, OsString)> = vec![
            (
                "PLAZA_OPS_LISTEN",
                format!("127.0.0.1:{}", own.operations).into(),
            ),
            ("PLAZA_INTERNAL_SECRET_FILE", internal_secret.into()),
            (
                "PLAZA_AUTH_URL",
                self.url(name, PartName::Auth, column).into(),
            ),
            (
                "PLAZA_ROOMS_URL",
                self.url(name, PartName::Rooms, column).into(),
            ),
            (
                "PLAZA_MESSAGES_URL",
                self.url(name, PartName::Messages, column).into(),
            ),
            (
                "PLAZA_REALTIME_ENABLED",
                servers.redis.is_some().to_string().into(),
            ),
        ];
        let is_publisher = name.first() == PartName::Publisher;
        let command = if is_publisher {
            "messages-publisher"
        } else {
            name.first().as_str()
        };
        if !is_publisher {
            environment.push(("PLAZA_LISTEN", format!("{listen}:{}", own.api).into()));
        }
        let databases = SERVICES
            .iter()
            .filter(|service| command == **service || name == PartName::Standalone);
        environment.extend(databases.map(|service| self.database_variable(service)));
        if let Some(redis) = servers.redis {
            environment.extend(self.realtime(name, redis, column)?);
        }
        if is(PartName::Rooms) && servers.redis.is_some() {
            let (file, _) = self.data.secret("centrifugo-proxy-secret")?;
            environment.push(("PLAZA_CENTRIFUGO_PROXY_SECRET_FILE", file.into()));
        }
        if is(PartName::Auth) {
            let (refresh_key, _) = self.data.secret("refresh-key")?;
            environment.push(("PLAZA_AUTH_REFRESH_KEY_FILE", refresh_key.into()));
        }
        if is(PartName::Gateway) {
            let origins = self.wanted.origins(column.gateway.api).join(",");
            environment.push(("PLAZA_PUBLIC_ORIGINS", origins.into()));
            environment.extend(self.wanted.limits());
            if let Some(spa) = &self.wanted.spa {
                environment.push(("PLAZA_SPA_DIR", spa.into()));
            }
        }
        let mut ports = vec![own.operations];
        if !is_publisher {
            ports.push(own.api);
        }
        if name == PartName::Standalone {
            for (variable, service) in [
                ("PLAZA_AUTH_LISTEN", column.auth),
                ("PLAZA_ROOMS_LISTEN", column.rooms),
                ("PLAZA_MESSAGES_LISTEN", column.messages),
            ] {
                environment.push((variable, format!("127.0.0.1:{}", service.api).into()));
                ports.push(service.api);
            }
        }
        let kind = Kind::Own(Box::new(Own {
            launch: self.launch(name, command, environment),
            operations: format!("http://127.0.0.1:{}", own.operations),
            ports,
        }));
        Ok(self.recipe(name, kind))
    }

    /// What a part is told of Redis and Centrifugo.
    fn realtime(
        &self,
        name: PartName,
        redis: &Redis,
        column: &Column,
    ) -> anyhow::Result<[(&'static str, OsString); 4]> {
        let url = self.redis_url(name, redis, STREAMS);
        let file = self
            .data
            .derived_secret(&format!("{name}-redis-url"), &url)?;
        let (api_key_file, _) = self.data.secret("centrifugo-api-key")?;
        let centrifugo = column.centrifugo;
        let api = self.told(name, PartName::Centrifugo, centrifugo.api);
        Ok([
            ("PLAZA_REDIS_URL_FILE", file.into()),
            ("PLAZA_CENTRIFUGO_API_KEY_FILE", api_key_file.into()),
            (
                "PLAZA_CENTRIFUGO_API_URL",
                format!("http://127.0.0.1:{api}").into(),
            ),
            (
                "PLAZA_REALTIME_ENDPOINT",
                self.websocket(centrifugo.client).into(),
            ),
        ])
    }

    fn launch(&self, name: PartName, command: &str, environment: Vec<(&str, OsString)>) -> Launch {
        let mut variables: Vec<(OsString, Option<OsString>)> =
            DECIDED.iter().map(|name| (name.into(), None)).collect();
        variables.push(("PLAZA_LOG_FORMAT".into(), Some("json".into())));
        variables.extend(
            environment
                .into_iter()
                .map(|(name, value)| (name.into(), Some(value))),
        );
        if command != "migrate" {
            variables.extend(self.wanted.environments.of(name.as_str()));
        }
        Launch {
            name: command.to_owned(),
            program: self.executable.clone(),
            arguments: vec![command.into()],
            environment: variables,
            folder: self.data.root().to_path_buf(),
            account: None,
            output: self.output(name),
            stop: StopSignal::Term,
            pid_file: (command != "migrate").then(|| self.data.pid_file(name)),
        }
    }

    /// The variable that tells a service its database.
    fn database_variable(&self, service: &str) -> (&'static str, OsString) {
        let variable = match service {
            "auth" => "PLAZA_AUTH_DATABASE_URL_FILE",
            "rooms" => "PLAZA_ROOMS_DATABASE_URL_FILE",
            _ => "PLAZA_MESSAGES_DATABASE_URL_FILE",
        };
        (variable, self.database_url_file(service).into())
    }

    /// The file that holds the URL of a service's database.
    pub(crate) fn database_url_file(&self, service: &str) -> PathBuf {
        self.data
            .root()
            .join("secrets")
            .join(database_url_name(service))
    }

    /// Where browsers connect to Centrifugo.
    fn websocket(&self, port: u16) -> String {
        let host = self.wanted.host.as_deref().unwrap_or("127.0.0.1");
        let centrifugo = PartName::Centrifugo.as_str();
        let port = self.wanted.wires.port(wires::PEOPLE, centrifugo, port);
        format!("ws://{host}:{port}/connection/websocket")
    }

    fn program(&self, program: Program) -> anyhow::Result<PathBuf> {
        let path = self.binaries.program(program)?;
        Ok(match &self.account {
            Some(account) => account.executable(&path, &self.data.programs())?,
            None => path,
        })
    }

    /// Each line goes to the part's file as it is, and readable to the terminal.
    fn output(&self, name: PartName) -> Output {
        let file = Mutex::new(LogFile::open(self.data.log(name.as_str())));
        let console = self.console.clone();
        Output::Lines(LineSink::new(move |line| {
            file.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .append(line);
            console.log(name, line);
        }))
    }
}

/// Name of the secret with the URL of a service's database.
pub(crate) fn database_url_name(service: &str) -> String {
    format!("{service}-database-url")
}
