//! How a part is started, the first time and every time after.

use std::time::Duration;

use anyhow::{Context as _, bail};
use plaza_centrifugo::config::Settings;
use plaza_kit::http_client::Peer;
use plaza_local::{
    Centrifugo, CentrifugoOptions, CentrifugoPorts, Launch, LocalError, Postgres, PostgresOptions,
    Process, Reaper, Redis, RedisOptions, is_free,
};
use secrecy::ExposeSecret as _;

use super::data::Data;
use super::name::PartName;

/// How long one of Plaza's own parts may take until it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// Everything that is needed to start a part again.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) name: PartName,
    pub(crate) kind: Kind,
    pub(crate) data: Data,
    pub(crate) reaper: Reaper,
}

/// What kind of part it is. Ports are fixed here: others know them.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Postgres(Box<PostgresOptions>),
    Redis(Box<RedisOptions>),
    Centrifugo(Box<CentrifugoOptions>, Box<Settings>),
    Own(Box<Own>),
}

/// One of Plaza's own parts.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) launch: Launch,
    /// Base URL of its operations port.
    pub(crate) operations: String,
    /// Ports that it listens on.
    pub(crate) ports: Vec<u16>,
}

/// Why a part did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Somebody else listens on its port now.
    #[error("port {0} is used by another program")]
    PortTaken(u16),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl From<LocalError> for StartError {
    fn from(error: LocalError) -> Self {
        Self::Other(error.into())
    }
}

impl Recipe {
    /// Starts the part on its ports and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<Process, StartError> {
        match &self.kind {
            Kind::Postgres(options) => {
                let server = Postgres::start(options, &self.reaper).await?;
                same_port(options.port, server.port)?;
                Ok(server.process)
            }
            Kind::Redis(options) => {
                let server = Redis::start(options, &self.reaper).await?;
                same_port(options.port, server.port)?;
                Ok(server.process)
            }
            Kind::Centrifugo(options, settings) => {
                let file = configuration(settings)?;
                let server = Centrifugo::start(options, file, &self.reaper).await?;
                let wanted = options.ports;
                same_port(wanted.map(|ports| ports.client), server.ports.client)?;
                same_port(wanted.map(|ports| ports.api), server.ports.api)?;
                Ok(server.process)
            }
            Kind::Own(own) => self.start_own(own).await,
        }
    }

    async fn start_own(&self, own: &Own) -> Result<Process, StartError> {
        if let Some(taken) = own.ports.iter().find(|port| !is_free(**port)) {
            return Err(StartError::PortTaken(*taken));
        }
        let peer = Peer::new(&own.operations, Duration::from_secs(2))
            .context("cannot ask whether it is ready")?;
        let mut process = Process::start(&own.launch, &self.reaper)?;
        let ready = process
            .until_ready(&self.data.log(self.name.as_str()), READY_PATIENCE, || {
                let request = peer.request(reqwest::Method::GET, "/readyz");
                async move {
                    let answer = request.send().await;
                    answer.is_ok_and(|answer| answer.status().is_success())
                }
            })
            .await;
        match ready {
            Ok(()) => Ok(process),
            Err(error) => {
                // Somebody was quicker than we between the look and the bind.
                let ended = matches!(error, LocalError::Ended { .. });
                let taken = own.ports.iter().find(|port| ended && !is_free(**port));
                Err(taken.map_or_else(|| error.into(), |port| StartError::PortTaken(*port)))
            }
        }
    }
}

/// Centrifugo's configuration for the ports that it gets.
fn configuration(settings: &Settings) -> Result<impl Fn(CentrifugoPorts) -> String, anyhow::Error> {
    // Only the ports differ, so what can be written once can be written again.
    settings
        .to_json()
        .context("cannot write Centrifugo's configuration")?;
    let settings = settings.clone();
    Ok(move |ports: CentrifugoPorts| {
        let settings = Settings {
            port: ports.client,
            internal_port: ports.api,
            ..settings.clone()
        };
        settings
            .to_json()
            .map(|text| text.expose_secret().to_owned())
            .unwrap_or_default()
    })
}

fn same_port(wanted: Option<u16>, got: u16) -> Result<(), StartError> {
    match wanted {
        Some(wanted) if wanted != got => Err(StartError::PortTaken(wanted)),
        _ => Ok(()),
    }
}

/// Stops what an earlier run was killed before it could stop, found by pid
/// files; never a process that only has the same number.
pub(crate) async fn stop_leftovers(data: &Data, say: impl Fn(&str)) -> anyhow::Result<()> {
    use nix::sys::signal::Signal;
    let names = <PartName as clap::ValueEnum>::value_variants();
    for name in names.iter().rev() {
        let file = data.pid_file(*name);
        let Some(process) = file.running() else {
            file.remove();
            continue;
        };
        say(&format!(
            "  stopping {name} (pid {}), which an earlier run left behind",
            process.pid
        ));
        let signal = match name {
            PartName::Postgres => Signal::SIGINT,
            _ => Signal::SIGTERM,
        };
        if !process.stop(signal, Duration::from_secs(20)).await {
            bail!(
                "{name} (pid {}) of an earlier run cannot be stopped",
                process.pid
            );
        }
        file.remove();
    }
    Ok(())
}
