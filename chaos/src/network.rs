//! The network of a stack: a wire from each process to each part that it
//! connects to, with an end at each process of that part.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::Context as _;
use plaza_local::{Passage, Wire, free_port};

use crate::part::{Link, Node, Part, Target};

/// The ports that everything listens on, by their names in a data folder; those
/// of second processes have a `-2` after the part.
#[derive(Debug, Default)]
pub(crate) struct Ports(BTreeMap<String, u16>);

impl Ports {
    /// Draws all of them.
    fn choose(replicas: u8) -> anyhow::Result<Self> {
        let mut ports = Self::default();
        let mut taken = BTreeSet::new();
        for part in Part::ALL {
            for replica in 0..part.replicas(replicas) {
                let node = Node { part, replica };
                for name in [api_of(node), operations_of(node)] {
                    let port = loop {
                        let port = free_port(&name, None)?;
                        if taken.insert(port) {
                            break port;
                        }
                    };
                    ports.0.insert(name, port);
                }
            }
        }
        Ok(ports)
    }

    fn of(&self, name: &str) -> anyhow::Result<u16> {
        self.0
            .get(name)
            .copied()
            .with_context(|| format!("{name} has no port"))
    }

    /// Where a process takes what it is there for.
    pub(crate) fn api(&self, node: Node) -> anyhow::Result<u16> {
        self.of(&api_of(node))
    }

    /// Where it says how it is; of Centrifugo, where its server API is.
    pub(crate) fn operations(&self, node: Node) -> anyhow::Result<u16> {
        self.of(&operations_of(node))
    }

    /// As `plaza up` remembers them.
    pub(crate) fn json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(&self.0)
    }
}

fn api_of(node: Node) -> String {
    node.to_string()
}

fn operations_of(node: Node) -> String {
    match node.part {
        Part::Centrifugo => format!("{node}-api"),
        _ => format!("{node}-operations"),
    }
}

/// All wires, and the ports that they lead to.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) ports: Ports,
    wires: BTreeMap<Link, Wire>,
}

impl Network {
    /// Draws ports for everything and lays the wires to them.
    pub(crate) async fn lay(replicas: u8) -> anyhow::Result<Self> {
        let ports = Ports::choose(replicas)?;
        let mut wires = BTreeMap::new();
        for link in Link::all(replicas) {
            let nodes = (0..link.to.replicas(replicas)).map(|replica| Node {
                part: link.to,
                replica,
            });
            let ends = nodes.map(|node| {
                let port = match (link.to, link.from.part) {
                    // Services use its server API.
                    (Part::Centrifugo, from) if from != Part::People => ports.operations(node),
                    _ => ports.api(node),
                };
                port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            });
            let ends = ends.collect::<anyhow::Result<Vec<_>>>()?;
            let wire = Wire::lay(0, &ends).await;
            wires.insert(link, wire.with_context(|| format!("no wire from {link}"))?);
        }
        Ok(Self { ports, wires })
    }

    /// The port that `from` is told for `to`.
    pub(crate) fn port(&self, from: Node, to: Part) -> anyhow::Result<u16> {
        let link = Link { from, to };
        let wire = self.wires.get(&link);
        Ok(wire
            .with_context(|| format!("no wire from {link}"))?
            .address()
            .port())
    }

    /// What a process is told: a port for each part that it connects to.
    pub(crate) fn told(&self, from: Node) -> impl Iterator<Item = (Part, u16)> {
        let wires = self.wires.iter().filter(move |(link, _)| link.from == from);
        wires.map(|(link, wire)| (link.to, wire.address().port()))
    }

    /// As `plaza up` takes them: of the first process of each part.
    pub(crate) fn json(&self) -> serde_json::Result<Vec<u8>> {
        let mut told: BTreeMap<&str, BTreeMap<&str, u16>> = BTreeMap::new();
        for (link, wire) in &self.wires {
            if link.from.replica == 0 {
                let ports = told.entry(link.from.part.name()).or_default();
                ports.insert(link.to.name(), wire.address().port());
            }
        }
        serde_json::to_vec_pretty(&told)
    }

    /// Breaks or mends what leads to a target and from it.
    pub(crate) fn set(&self, target: Target, passage: Passage) {
        for (link, wire) in &self.wires {
            match target {
                Target::Link(broken) if broken == *link => wire.set_all(passage),
                Target::Node(node) if node == link.from => wire.set_all(passage),
                Target::Node(node) if node.part == link.to => {
                    wire.set(node.replica.into(), passage);
                }
                _ => {}
            }
        }
    }
}
