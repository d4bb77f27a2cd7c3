//! `plaza up`: all of Plaza on this machine, with servers of its own, in the
//! foreground.
//!
//! Every part is a process of its own: [`plan`] says what each is told,
//! [`recipe`] how it is started, [`supervisor`] keeps it running, and
//! [`control`] lets others stop and start it.

mod bring_up;
mod console;
pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod databases;
mod demo;
mod log_file;
mod log_line;
pub(crate) mod name;
mod plan;
mod recipe;
pub(crate) mod supervisor;

use std::io::IsTerminal as _;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use plaza_local::{Account, Reaper};
use serde::de::DeserializeOwned;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::bring_up::bring_up;
use self::console::Console;
use self::data::{Data, Instance};
pub(crate) use self::plan::database_url_name;
use self::plan::{Plan, Wanted};

/// How long we wait for another start on the same data to be ready.
const OTHER_START_PATIENCE: Duration = Duration::from_mins(2);
/// How often we look whether our terminal is still there.
const TERMINAL_LOOK: Duration = Duration::from_millis(500);

/// What the terminal gets of the parts' logs once everything is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    /// Each line
    Everything,
    /// Warnings and errors
    Warnings,
}

/// All of Plaza on this machine.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Folder for all data [default: /var/lib/plaza for root, else $XDG_DATA_HOME/plaza or ~/.local/share/plaza]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Name or address that others reach this machine by: opens Plaza to the network, without demo users
    #[arg(long)]
    host: Option<String>,
    /// Port of the web app [default: the one of the last start, else 8080, else a free one]
    #[arg(long)]
    port: Option<u16>,
    /// Make no demo users and rooms
    #[arg(long)]
    no_demo: bool,
    /// Run without Redis, Centrifugo and the publisher: the web app polls
    #[arg(long)]
    realtime_off: bool,
    /// Run all of Plaza's own parts as one process, which takes less memory
    #[arg(long, conflicts_with = "wires")]
    standalone: bool,
    /// How many processes of each of Plaza's own parts and of Centrifugo; the second gateway has an address of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), conflicts_with = "standalone")]
    replicas: u8,
    /// What to show of the parts' logs; their files have everything, and a line that is shown costs time
    #[arg(long, value_enum, default_value_t = Shown::Everything)]
    show: Shown,
    /// Folder of the built web app
    #[arg(long, value_name = "DIR")]
    spa: Option<PathBuf>,
    /// JSON of ports that parts are told in place of the real ones, for fault tests
    #[arg(long, value_name = "FILE", hide = true)]
    wires: Option<PathBuf>,
    /// JSON of variables that single parts find in their environment, for fault tests
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "standalone")]
    environments: Option<PathBuf>,
}

impl UpArgs {
    fn wanted(&self) -> anyhow::Result<Wanted> {
        let host = self
            .host
            .as_deref()
            .map(str::trim)
            .filter(|host| !host.is_empty())
            .map(checked_host)
            .transpose()?;
        let spa = match &self.spa {
            Some(folder) if !folder.join("index.html").is_file() => bail!(
                "{} holds no built web app (index.html is missing); build it with `make spa`",
                folder.display()
            ),
            Some(folder) => Some(std::path::absolute(folder)?),
            None => None,
        };
        Ok(Wanted {
            host,
            port: self.port,
            realtime: !self.realtime_off,
            standalone: self.standalone,
            two: self.replicas == 2,
            spa,
            wires: read_json(self.wires.as_deref(), "wires")?,
            environments: read_json(self.environments.as_deref(), "environments")?,
        })
    }
}

/// What a file holds as JSON; without one the default.
fn read_json<T: Default + DeserializeOwned>(path: Option<&Path>, what: &str) -> anyhow::Result<T> {
    let Some(path) = path else {
        return Ok(T::default());
    };
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} holds no {what}", path.display()))
}

/// A host as it stands in a URL: no scheme, port or path.
fn checked_host(host: &str) -> anyhow::Result<String> {
    if host.contains(':') {
        let address: std::net::Ipv6Addr =
            host.trim_matches(['[', ']']).parse().with_context(|| {
                format!("HOST={host}: give a name or an address, without scheme and port")
            })?;
        bail!("HOST={address}: give a name or an IPv4 address; IPv6 is not served yet");
    }
    let is_name = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if !is_name || host == "0.0.0.0" {
        bail!("HOST={host}: give the name or address that people will type into their browser");
    }
    Ok(host.to_ascii_lowercase())
}

/// Runs all of Plaza until a signal or `plaza ctl down`.
pub(crate) async fn run(args: UpArgs) -> anyhow::Result<()> {
    let console = Console::start();
    let result = foreground(&args, &console).await;
    console.finish().await;
    result
}

async fn foreground(args: &UpArgs, console: &Console) -> anyhow::Result<()> {
    let wanted = args.wanted()?;
    let data = Data::locate(args.data.clone())?;
    let account = Account::for_servers(Some(data.root()))?;
    data.prepare(account.as_ref())?;
    let Some(claim) = data.claim()? else {
        return other_instance(&data, console).await;
    };
    let down = on_signals()?;
    let begun = Instant::now();
    console.say(format!("Plaza, with its data in {}", data.root().display()));
    recipe::stop_leftovers(&data, |line| console.say(line)).await?;

    let reaper = Reaper::start()?;
    let plan = Plan::new(data.clone(), account, reaper, console.clone(), wanted)?;
    let started = tokio::select! {
        started = bring_up(&plan) => started?,
        () = down.cancelled() => {
            console.say("Stopped before it was ready.");
            return Ok(());
        }
    };
    let supervisor = Arc::new(started.supervisor);
    let (url, second) = (started.url, started.second_url);
    let urls = (url.as_str(), second.as_deref());
    let served = serve(args, &plan, &supervisor, urls, begun, &down).await;
    data.retract();
    console.say("Stopping…");
    supervisor.stop_all().await;
    console.say("Stopped.");
    drop(claim);
    served
}

/// From ready to the wish to stop; with the addresses of the gateway and of the
/// second one, if there is one.
async fn serve(
    args: &UpArgs,
    plan: &Plan,
    supervisor: &Arc<supervisor::Supervisor>,
    (url, second_url): (&str, Option<&str>),
    begun: Instant,
    down: &CancellationToken,
) -> anyhow::Result<()> {
    let (data, console) = (&plan.data, &plan.console);
    control::serve(
        &data.control_socket(),
        Arc::clone(supervisor),
        url.to_owned(),
        down.clone(),
    )?;
    let demo = !args.no_demo && plan.wanted.host.is_none();
    if demo {
        tokio::select! {
            seeded = demo::seed(data, url, console) => {
                // Plaza is as good without it.
                if let Err(error) = seeded {
                    console.say(format!("  No demo rooms: {error:#}"));
                }
            }
            () = down.cancelled() => return Ok(()),
        }
    }
    data.announce(&Instance {
        url: url.to_owned(),
        pid: std::process::id(),
    })?;
    console.say("");
    console.say(format!(
        "  Plaza is ready: {}   ({:.1} s)",
        console.strong(url),
        begun.elapsed().as_secs_f64()
    ));
    if let Some(second) = second_url {
        console.say(format!(
            "  and by its second processes: {}",
            console.strong(second)
        ));
    }
    if demo {
        demo::tell(data, console);
    }
    console.say("  Ctrl-C stops it; the data stays.");
    console.say("");
    if args.show == Shown::Everything {
        console.show_everything();
    }
    down.cancelled().await;
    Ok(())
}

/// Another Plaza has the folder: says where it is.
async fn other_instance(data: &Data, console: &Console) -> anyhow::Result<()> {
    let deadline = Instant::now() + OTHER_START_PATIENCE;
    let mut told = false;
    loop {
        if let Some(instance) = data.instance() {
            console.say(format!(
                "Plaza runs already: {} (pid {})",
                instance.url, instance.pid
            ));
            return Ok(());
        }
        if data.claim()?.is_some() {
            bail!("the Plaza that was starting on this data ended; start it again");
        }
        if Instant::now() >= deadline {
            bail!(
                "another Plaza holds {} and does not get ready",
                data.root().display()
            );
        }
        if !told {
            console.say("Another start on the same data is under way; waiting for it.");
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Cancelled by Ctrl-C, SIGTERM and the end of the terminal. A second Ctrl-C
/// ends us at once; the reaper then stops the rest.
fn on_signals() -> anyhow::Result<CancellationToken> {
    let down = CancellationToken::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind).context("cannot listen to signals")?;
        let down = down.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if down.is_cancelled() && kind == SignalKind::interrupt() {
                    std::process::exit(130);
                }
                down.cancel();
            }
        });
    }
    watch_terminal(down.clone());
    Ok(down)
}

/// A closed terminal tells only the process that leads its session, and `make`,
/// when it is that, waits for us instead of passing it on: so we look ourselves.
fn watch_terminal(down: CancellationToken) {
    let terminal = std::io::stdin();
    if !terminal.is_terminal() {
        return;
    }
    tokio::spawn(async move {
        while !down.is_cancelled() && !is_hung_up(&terminal) {
            tokio::time::sleep(TERMINAL_LOOK).await;
        }
        down.cancel();
    });
}

fn is_hung_up(terminal: &impl AsFd) -> bool {
    // POLLHUP is told without being asked for.
    let mut fds = [PollFd::new(terminal.as_fd(), PollFlags::empty())];
    let polled = poll(&mut fds, PollTimeout::ZERO);
    polled.is_ok()
        && fds[0]
            .revents()
            .is_some_and(|seen| seen.contains(PollFlags::POLLHUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_more() {
        assert_eq!(checked_host("Chat.LAN").unwrap(), "chat.lan");
        assert_eq!(checked_host("192.168.1.5").unwrap(), "192.168.1.5");
        for wrong in [
            "http://chat.lan",
            "chat.lan:80",
            "0.0.0.0",
            "a b",
            "a/b",
            "a,b",
        ] {
            assert!(checked_host(wrong).is_err(), "{wrong}");
        }
    }
}
