//! A Plaza of separate processes, on throw-away data.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plaza_local::{Passage, Place, Reaper, Up, create_folder, write_private};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{
    clock::{self, Clocks},
    disk::Disk,
    network::Network,
    part::{Node, Part, Target},
    twin::Twin,
};

/// How a Plaza is started.
#[derive(Debug)]
pub(crate) struct Options {
    /// Processes of each service: 1 or 2.
    pub(crate) replicas: u8,
    /// Whether Redis gets a disk of its own.
    pub(crate) disk: bool,
    /// Whether each process gets a clock of its own.
    pub(crate) clocks: bool,
    /// What all parts find in their environment.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A running `plaza up`, the second processes beside it, and the network
/// between all of them.
#[derive(Debug)]
pub(crate) struct Stack {
    plaza: PathBuf,
    /// Beside the first processes; they end before those.
    twins: Mutex<BTreeMap<Node, Twin>>,
    up: Up,
    network: Network,
    disk: Option<Disk>,
    clocks: Option<Clocks>,
    folder: TempDir,
    /// Ends what we leave when we are killed.
    reaper: Reaper,
}

impl Stack {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(plaza: &Path, options: Options) -> anyhow::Result<Self> {
        let plaza = std::path::absolute(plaza)?;
        let folder = tempfile::Builder::new().prefix("plaza-chaos-").tempdir()?;
        let place = Place::new(&plaza, folder.path())?;
        let data = place.data();
        create_folder(&data, None)?;
        let disk = options.disk.then(|| {
            let redis = data.join(Part::Redis.name());
            create_folder(&redis, None)?;
            Disk::new(&redis)
        });
        let disk = disk.transpose()?;
        let network = Network::lay(options.replicas).await?;
        write_private(&data.join("ports.json"), &network.ports.json()?, None)?;
        let wires = folder.path().join("wires.json");
        write_private(&wires, &network.json()?, None)?;
        let gateway = network.ports.api(first(Part::Gateway))?;
        let mut launch = place.up(gateway);
        launch.arguments.extend(["--wires".into(), wires.into()]);
        let clocks = if options.clocks {
            let made = Clocks::new(folder.path().join("clocks"), options.replicas).await;
            made.inspect_err(|error| println!("No clock steps in this run: {error:#}"))
                .ok()
        } else {
            None
        };
        if let Some(clocks) = &clocks {
            let file = folder.path().join("environments.json");
            write_private(&file, &clocks.json()?, None)?;
            launch
                .arguments
                .extend(["--environments".into(), file.into()]);
        }
        let environment = options.environment.into_iter();
        launch
            .environment
            .extend(environment.map(|(name, value)| (name.into(), Some(value.into()))));
        let reaper = Reaper::start()?;
        let up = Up::start(place, &launch, &reaper)
            .await
            .with_context(|| format!("cannot start {}", plaza.display()))?;
        let stack = Self {
            plaza,
            twins: Mutex::default(),
            up,
            network,
            disk,
            clocks,
            folder,
            reaper,
        };
        stack.start_twins(options.replicas).await?;
        Ok(stack)
    }

    async fn start_twins(&self, replicas: u8) -> anyhow::Result<()> {
        let folder = self.folder.path().join("twins");
        create_folder(&folder, None)?;
        let mut twins = self.twins.lock().await;
        for part in Part::REPLICATED {
            for replica in 1..replicas {
                let node = Node { part, replica };
                let pid = self.pid(first(part)).await?;
                let mut twin =
                    Twin::of(&self.plaza, pid, node, &self.network, &folder, &self.reaper)?;
                if let Some(clocks) = &self.clocks {
                    twin.tell(clock::VARIABLE, clocks.file(node));
                }
                twin.start().await?;
                twins.insert(node, twin);
            }
        }
        Ok(())
    }

    /// Where people find the gateway.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let port = self.network.port(first(Part::People), Part::Gateway)?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    /// Leaves the data folder with its logs behind, and says where.
    pub(crate) fn keep_logs(mut self) {
        self.folder.disable_cleanup(true);
        println!(
            "The logs are in {}",
            self.up.place().data().join("log").display()
        );
    }

    /// `plaza admin …`.
    pub(crate) async fn admin(&self, words: &[&str]) -> anyhow::Result<()> {
        self.up.run("admin", words).await?;
        Ok(())
    }

    async fn ctl(&self, words: &[&str]) -> anyhow::Result<()> {
        self.up.run("ctl", words).await?;
        Ok(())
    }

    /// Ends a process with SIGKILL; it stays down.
    pub(crate) async fn kill(&self, node: Node) -> anyhow::Result<()> {
        if let Some(twin) = self.twins.lock().await.get_mut(&node) {
            twin.kill().await;
            return Ok(());
        }
        self.ctl(&["kill", node.part.name()]).await
    }

    /// Starts a process and waits until it is ready.
    pub(crate) async fn start_node(&self, node: Node) -> anyhow::Result<()> {
        if let Some(twin) = self.twins.lock().await.get_mut(&node) {
            return twin.start().await;
        }
        self.ctl(&["start", node.part.name()]).await
    }

    /// What a process consists of: itself and, of PostgreSQL, one a connection.
    pub(crate) async fn processes(&self, node: Node) -> anyhow::Result<Vec<Pid>> {
        let main = self.pid(node).await?;
        Ok([main]
            .into_iter()
            .chain(children(main))
            .map(Pid::from_raw)
            .collect())
    }

    async fn pid(&self, node: Node) -> anyhow::Result<i32> {
        if node.replica > 0 {
            let mut twins = self.twins.lock().await;
            let twin = twins.get_mut(&node);
            return twin.with_context(|| format!("there is no {node}"))?.pid();
        }
        Ok(self.up.pid_of(node.part.name()).await?)
    }

    /// Breaks or mends the network of a target.
    pub(crate) fn connect(&self, target: Target, passage: Passage) {
        self.network.set(target, passage);
    }

    /// The clocks of all processes; `None` when they have none of their own.
    pub(crate) fn clocks(&self) -> Option<&Clocks> {
        self.clocks.as_ref()
    }

    /// The disk of Redis; `None` when it has none of its own.
    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }
}

/// The process of a part that `plaza up` keeps.
fn first(part: Part) -> Node {
    Node { part, replica: 0 }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.twins.get_mut().clear();
    }
}

/// Sends a signal to each of them that is still there.
pub(crate) fn signal_all(processes: &[Pid], signal: Signal) {
    for process in processes {
        let _ = kill(*process, signal);
    }
}

/// The direct children of a process, from the kernel's list.
fn children(parent: i32) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; state and parent follow it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
