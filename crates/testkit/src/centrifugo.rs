//! Centrifugo for tests.

use plaza_centrifugo::config::{Settings, subscribe_proxy};
use plaza_local::{
    Binaries, Centrifugo, CentrifugoOptions, CentrifugoPorts, LocalError, Output, Program,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::server::{chain, home};
use crate::{OwnRedis, own_redis};

/// How a test wants its Centrifugo.
#[derive(Debug, Clone, Default)]
pub struct TestCentrifugoOptions {
    /// Where the keys of connection tokens are published; without it no token
    /// can be verified.
    pub jwks_url: Option<String>,
    /// Origins that may connect from a page.
    pub origins: Vec<String>,
    /// Base URL of the rooms that is asked about proxied channels; without it
    /// none of them opens.
    pub rooms_url: Option<String>,
    /// Redis of the engine, several shards of it; none: a server of its own.
    pub redis_urls: Vec<String>,
}

/// A Centrifugo of a test's own, configured as in production.
#[derive(Debug)]
pub struct TestCentrifugo {
    /// Base URL of the server API; the same after a restart.
    pub api_url: String,
    /// Key of the server API.
    pub api_key: String,
    /// What it tells rooms when it asks.
    pub proxy_secret: String,
    /// URL for clients; the same after a restart.
    pub ws_url: String,
    settings: Settings,
    options: CentrifugoOptions,
    server: Option<Centrifugo>,
    _redis: Option<OwnRedis>,
}

/// A running Centrifugo that the test may stop, kill and start again.
pub async fn centrifugo(wanted: TestCentrifugoOptions) -> TestCentrifugo {
    let redis = if wanted.redis_urls.is_empty() {
        Some(own_redis().await)
    } else {
        None
    };
    let own_url = redis.as_ref().map(|redis| redis.url.clone());
    let redis_urls = wanted.redis_urls.into_iter().chain(own_url);
    let api_key = plaza_local::random_hex(16).unwrap_or_else(|error| panic!("{error}"));
    let proxy_secret = plaza_local::random_hex(16).unwrap_or_else(|error| panic!("{error}"));
    let rooms_url = wanted.rooms_url.as_deref();
    let settings = Settings {
        address: "127.0.0.1".into(),
        port: 0,
        internal_address: "127.0.0.1".into(),
        internal_port: 0,
        allowed_origins: wanted.origins,
        jwks_endpoint: wanted
            .jwks_url
            .unwrap_or_else(|| "http://127.0.0.1:9/jwks".into()),
        redis_urls: redis_urls.map(Into::into).collect(),
        redis_prefix: "centrifugo".into(),
        api_key: SecretString::from(api_key.clone()),
        subscribe_proxy: subscribe_proxy(rooms_url.unwrap_or("http://127.0.0.1:9")),
        proxy_secret: SecretString::from(proxy_secret.clone()),
        log_level: "info".into(),
    };
    let mut options = options(api_key.clone());
    let server = start(&options, &settings)
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    options.ports = Some(server.ports);
    TestCentrifugo {
        api_url: server.api_url(),
        api_key,
        proxy_secret,
        ws_url: server.websocket_url(),
        settings,
        options,
        server: Some(server),
        _redis: redis,
    }
}

impl TestCentrifugo {
    /// Stops it in good order.
    pub async fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.process.kill().await;
        }
    }

    /// Starts it again on the same ports.
    pub async fn start(&mut self) {
        if self.server.is_some() {
            return;
        }
        let server = start(&self.options, &self.settings)
            .await
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(
            Some(server.ports),
            self.options.ports,
            "a port of the stopped Centrifugo was taken by another process"
        );
        self.server = Some(server);
    }
}

async fn start(options: &CentrifugoOptions, settings: &Settings) -> Result<Centrifugo, LocalError> {
    let configuration = |ports: CentrifugoPorts| {
        let settings = Settings {
            port: ports.client,
            internal_port: ports.api,
            ..settings.clone()
        };
        match settings.to_json() {
            Ok(text) => text.expose_secret().to_owned(),
            Err(error) => panic!("no configuration for Centrifugo: {error}"),
        }
    };
    Centrifugo::start(options, configuration, &home().reaper).await
}

fn options(api_key: String) -> CentrifugoOptions {
    let home = home();
    let program = Binaries::find()
        .program(Program::Centrifugo)
        .and_then(|program| home.executable(&program))
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    let folder = home.server_folder("centrifugo");
    let log = folder.with_extension("log");
    CentrifugoOptions {
        program,
        output: Output::File(log.clone()),
        log,
        account: home.account.clone(),
        ports: None,
        api_key,
        pid_file: None,
        folder,
    }
}
