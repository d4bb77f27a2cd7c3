//! The parts that are broken, and the network between them.

use std::fmt;

use serde::{Serialize, Serializer};

/// A part of Plaza. The names are those of `plaza ctl`, and their order is that
/// of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub(crate) enum Part {
    Postgres,
    Redis,
    Auth,
    Centrifugo,
    Rooms,
    Messages,
    Publisher,
    Gateway,
    /// Who uses it: they have a network, and nothing else that could break.
    People,
}

impl Part {
    /// Those that have a process.
    pub(crate) const ALL: [Self; 8] = [
        Self::Postgres,
        Self::Redis,
        Self::Auth,
        Self::Centrifugo,
        Self::Rooms,
        Self::Messages,
        Self::Publisher,
        Self::Gateway,
    ];
    /// Those that may have a second process beside the first.
    pub(crate) const REPLICATED: [Self; 5] = [
        Self::Auth,
        Self::Rooms,
        Self::Messages,
        Self::Publisher,
        Self::Gateway,
    ];

    /// Those whose clock can be off: Centrifugo asks the kernel for the time
    /// without the C library.
    pub(crate) const WITH_CLOCK: [Self; 7] = [
        Self::Postgres,
        Self::Redis,
        Self::Auth,
        Self::Rooms,
        Self::Messages,
        Self::Publisher,
        Self::Gateway,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Auth => "auth",
            Self::Centrifugo => "centrifugo",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Publisher => "publisher",
            Self::Gateway => "gateway",
            Self::People => "people",
        }
    }

    /// How many processes it has, with so many `replicas` of each service.
    pub(crate) fn replicas(self, replicas: u8) -> u8 {
        if Self::REPLICATED.contains(&self) {
            replicas
        } else {
            1
        }
    }
}

/// One process of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) part: Part,
    /// From 0 on. `plaza up` keeps the first, this program the others.
    pub(crate) replica: u8,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.part.name())?;
        match self.replica {
            0 => Ok(()),
            other => write!(f, "-{}", other + 1),
        }
    }
}

/// Who connects to what.
const CONNECTIONS: [(Part, Part); 22] = [
    (Part::People, Part::Gateway),
    (Part::People, Part::Centrifugo),
    (Part::Gateway, Part::Auth),
    (Part::Gateway, Part::Rooms),
    (Part::Gateway, Part::Messages),
    (Part::Auth, Part::Postgres),
    (Part::Rooms, Part::Postgres),
    (Part::Messages, Part::Postgres),
    (Part::Auth, Part::Redis),
    (Part::Rooms, Part::Redis),
    (Part::Messages, Part::Redis),
    (Part::Publisher, Part::Redis),
    (Part::Centrifugo, Part::Redis),
    (Part::Rooms, Part::Auth),
    (Part::Messages, Part::Auth),
    (Part::Centrifugo, Part::Auth),
    (Part::Messages, Part::Rooms),
    (Part::Publisher, Part::Rooms),
    (Part::Centrifugo, Part::Rooms),
    (Part::Auth, Part::Centrifugo),
    (Part::Rooms, Part::Centrifugo),
    (Part::Publisher, Part::Centrifugo),
];

/// The network from one process to a part, to all its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Link {
    pub(crate) from: Node,
    pub(crate) to: Part,
}

impl Link {
    /// All of them, with so many replicas of each service.
    pub(crate) fn all(replicas: u8) -> impl Iterator<Item = Self> {
        CONNECTIONS.into_iter().flat_map(move |(from, to)| {
            (0..from.replicas(replicas)).map(move |replica| Self {
                from: Node {
                    part: from,
                    replica,
                },
                to,
            })
        })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to.name())
    }
}

/// What a fault breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    /// A process; of its network, all that leads to it and from it.
    Node(Node),
    /// One connection between two parts, that has failed while others work.
    Link(Link),
}

impl Target {
    /// Whether it is a process of this part, or a connection to or from one.
    pub(crate) fn concerns(self, part: Part) -> bool {
        match self {
            Self::Node(node) => node.part == part,
            Self::Link(link) => link.from.part == part || link.to == part,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Link(link) => link.fmt(f),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
