//! `plaza standalone`: every service in one process, for an installation that
//! one machine carries. They stay apart: each has its database, its background
//! tasks and its listener, and they call each other over loopback.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, FromArgMatches as _};
use futures::future::{join_all, select_all};
use plaza_kit::{shutdown::Shutdown, telemetry::TelemetryArgs};
use tokio::task::{JoinError, JoinHandle};

use crate::cli::{Cli, Subcommand};

/// Where the services listen. All else is set as for separate processes, in the
/// environment and in the file.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StandaloneArgs {
    /// Address and port of the GraphQL API and the web app
    #[arg(long, env = "PLAZA_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address and port of /healthz, /readyz and /metrics
    #[arg(long, env = "PLAZA_OPS_LISTEN", default_value = "127.0.0.1:9080")]
    ops_listen: SocketAddr,
    /// Address and port of auth's API, where Centrifugo finds the keys
    #[arg(long, env = "PLAZA_AUTH_LISTEN", default_value = "127.0.0.1:8081")]
    auth_listen: SocketAddr,
    /// Address and port of rooms' API, which Centrifugo asks whom to let in
    #[arg(long, env = "PLAZA_ROOMS_LISTEN", default_value = "127.0.0.1:8082")]
    rooms_listen: SocketAddr,
    /// Address and port of messages' API
    #[arg(long, env = "PLAZA_MESSAGES_LISTEN", default_value = "127.0.0.1:8083")]
    messages_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
    /// TOML file with settings; its keys are the long flags without the dashes
    #[arg(long, env = "PLAZA_CONFIG")]
    config: Option<PathBuf>,
}

/// They stop in this order: who calls others first.
const STAGES: [&[&str]; 3] = [
    &["gateway"],
    &["rooms", "messages"],
    &["messages-publisher", "auth"],
];

/// How long the gateway waits for the services that it asks.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// One service that runs.
struct Running {
    name: &'static str,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

/// Runs all of them until a signal, or until one of them ends.
pub(crate) async fn run(args: &StandaloneArgs) -> anyhow::Result<()> {
    // All are checked before the first begins.
    let mut parts = Vec::new();
    for name in STAGES.into_iter().flatten() {
        let part = args.part(name).with_context(|| format!("in {name}"))?;
        parts.push((*name, part));
    }
    let realtime = parts.iter().any(|(_, part)| {
        let Subcommand::Messages(messages) = part else {
            return false;
        };
        messages.own.realtime_enabled
    });
    parts.retain(|(name, _)| realtime || *name != "messages-publisher");
    let signals = Shutdown::on_signals()?;
    let (others, gateway): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|(name, _)| *name != "gateway");
    let started = |parts: Vec<(_, _)>| parts.into_iter().map(|(name, part)| start(name, part));
    let mut running: Vec<Running> = started(others).collect();
    let asked = asked_by_gateway(&running);
    let ended_early = tokio::select! {
        first = first_end(&mut running, &signals) => Some(first),
        () = until_reached(&asked) => None,
    };
    let first = if let Some(first) = ended_early {
        first
    } else {
        running.extend(started(gateway));
        first_end(&mut running, &signals).await
    };
    let failed = first.map(|(at, ended)| {
        let service = running.swap_remove(at);
        let ended = ended.map_err(Into::into).and_then(|ended| ended);
        let error = ended.err();
        error.map_or_else(
            || anyhow::anyhow!("{} ended by itself", service.name),
            |error| error.context(format!("{} has ended", service.name)),
        )
    });
    let stopped = stop(running).await;
    failed.map_or(stopped, Err)
}

impl StandaloneArgs {
    /// A service's settings: those of the environment and the file, and ours for
    /// where it listens and where it finds the others.
    fn part(&self, name: &str) -> anyhow::Result<Subcommand> {
        let command = Cli::command();
        let known = command.find_subcommand(name).context("no such part")?;
        let (listen, ops) = match name {
            "auth" => (self.auth_listen, None),
            "rooms" => (self.rooms_listen, None),
            "messages" => (self.messages_listen, None),
            _ => (self.listen, (name == "gateway").then_some(self.ops_listen)),
        };
        // One process, one set of metrics: the others' addresses are nobody's.
        let ops = ops.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let ours = [
            ("listen", listen.to_string()),
            ("ops-listen", ops.to_string()),
            ("auth-url", format!("http://{}", self.auth_listen)),
            ("rooms-url", format!("http://{}", self.rooms_listen)),
            ("messages-url", format!("http://{}", self.messages_listen)),
        ];
        let mut line: Vec<OsString> = vec!["plaza".into(), name.into()];
        for (flag, value) in ours {
            if known
                .get_arguments()
                .any(|arg| arg.get_long() == Some(flag))
            {
                line.push(format!("--{flag}={value}").into());
            }
        }
        if let Some(file) = &self.config {
            line.extend(["--config".into(), file.into()]);
        }
        let line = plaza_kit::config::with_file(&command, line)?;
        let matches = command.try_get_matches_from(line)?;
        Ok(Cli::from_arg_matches(&matches)?.part)
    }
}

/// The services that the gateway asks.
fn asked_by_gateway(running: &[Running]) -> Vec<Shutdown> {
    let asked = running
        .iter()
        .filter(|service| service.name != "messages-publisher");
    asked.map(|service| service.shutdown.clone()).collect()
}

/// Waits until those that the gateway asks are ready, so that it is so too when
/// it says so; but not for long: without a database they may never be, and it
/// tells its callers.
async fn until_reached(asked: &[Shutdown]) {
    let reached = join_all(asked.iter().map(Shutdown::reached));
    let _ = tokio::time::timeout(START_PATIENCE, reached).await;
}

/// A service that ended, by its place, and how.
type End = (usize, Result<anyhow::Result<()>, JoinError>);

/// Waits for the first that ends; none: a signal came before.
async fn first_end(running: &mut [Running], signals: &Shutdown) -> Option<End> {
    let tasks = running.iter_mut().map(|service| &mut service.task);
    tokio::select! {
        () = signals.stopping() => None,
        (ended, at, _) = select_all(tasks) => Some((at, ended)),
    }
}

fn start(name: &'static str, part: Subcommand) -> Running {
    let shutdown = Shutdown::new();
    let own = shutdown.clone();
    let task = tokio::spawn(async move {
        match part {
            Subcommand::Auth(part) => plaza_auth::run(part.own, own).await,
            Subcommand::Rooms(part) => plaza_rooms::run(part.own, own).await,
            Subcommand::Messages(part) => plaza_messages::run(part.own, own).await,
            Subcommand::MessagesPublisher(part) => {
                plaza_messages::publisher::run(part.own, own).await
            }
            Subcommand::Gateway(part) => plaza_gateway::run(part.own, own).await,
            _ => bail!("{name} is no service"),
        }
    });
    Running {
        name,
        shutdown,
        task,
    }
}

/// Stops them stage by stage; the first error.
async fn stop(mut running: Vec<Running>) -> anyhow::Result<()> {
    let mut result = Ok(());
    for stage in STAGES {
        let ends = running
            .extract_if(.., |service| stage.contains(&service.name))
            .map(|service| async move {
                service.shutdown.begin();
                let ended = service.task.await.map_err(Into::into);
                ended
                    .and_then(|ended: anyhow::Result<()>| ended)
                    .with_context(|| service.name)
            });
        let ends: Vec<_> = ends.collect();
        for ended in join_all(ends).await {
            result = result.and(ended);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use futures::FutureExt;
    use plaza_kit::health::Readiness;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        standalone: StandaloneArgs,
    }

    #[test]
    fn each_service_is_told_where_it_listens_and_where_the_others_are() {
        let args = Line::parse_from(["standalone", "--rooms-listen=127.0.0.1:7002"]).standalone;
        let Subcommand::Messages(messages) = args.part("messages").unwrap() else {
            panic!("another part");
        };
        assert_eq!(messages.own.listen.listen.to_string(), "127.0.0.1:8083");
        assert_eq!(messages.own.peers.rooms_url, "http://127.0.0.1:7002");
        assert_eq!(messages.own.ops.ops_listen.port(), 0);
        let Subcommand::Gateway(gateway) = args.part("gateway").unwrap() else {
            panic!("another part");
        };
        assert_eq!(gateway.own.ops.ops_listen.to_string(), "127.0.0.1:9080");
    }

    fn running(
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> Running {
        Running {
            name,
            shutdown: Shutdown::new(),
            task: tokio::spawn(task),
        }
    }

    #[tokio::test]
    async fn the_gateway_waits_for_those_that_it_asks_and_no_longer() {
        let services = ["messages", "messages-publisher", "auth"];
        let running = services.map(|name| running(name, std::future::pending()));
        let asked = asked_by_gateway(&running);
        let may_begin = || until_reached(&asked).now_or_never().is_some();
        assert!(!may_begin());
        let [messages, _, auth] = &running;
        Readiness::new(&messages.shutdown, &[]).set("database", true);
        assert!(!may_begin());
        Readiness::new(&auth.shutdown, &[]).set("database", true);
        assert!(may_begin());
    }

    #[tokio::test]
    async fn the_first_that_ends_is_told_and_so_is_that_a_signal_came_before() {
        let signals = Shutdown::new();
        let ends = async { bail!("no database") };
        let mut services = [
            running("rooms", std::future::pending()),
            running("auth", ends),
        ];
        let (at, ended) = first_end(&mut services, &signals).await.unwrap();
        assert_eq!(services[at].name, "auth");
        assert_eq!(ended.unwrap().unwrap_err().to_string(), "no database");
        signals.begin();
        let mut rest = [running("rooms", std::future::pending())];
        assert!(first_end(&mut rest, &signals).await.is_none());
    }

    #[test]
    fn every_service_stops_in_one_stage() {
        let mut names: Vec<_> = STAGES.into_iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 5);
    }
}
