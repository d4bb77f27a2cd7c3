//! The messages-publisher: reads the streams that the relays write, and
//! publishes each event to the channels of those who may see it.
//!
//! ```text
//! Redis ── partition ──▶ incoming ──▶ route ──▶ plan ──▶ send ──▶ Centrifugo
//!            │  read      what is it   to whom   in which   until answered
//!            ▼                          ▲        order
//!          cursor                     rooms ◀── directory ── rooms' HTTP API
//! ```
//!
//! Each partition is published by one task at a time, over all publishers that
//! run: the one that holds the partition's lease (`owner`). It publishes in
//! order; the cursor moves past an event when every publication of it was
//! answered in every channel. So a crash repeats events and loses none, and
//! clients drop what they have seen.

mod backlog;
mod directory;
mod fold;
mod heads;
mod incoming;
mod lag;
mod letters;
mod owner;
mod pace;
mod partition;
mod plan;
#[cfg(test)]
mod properties;
mod publication;
mod rooms;
mod route;
mod send;
mod settings;
mod share;
mod touched;

pub use settings::Limits;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use plaza_centrifugo::{Client, ClientArgs};
use plaza_clients::{PeersArgs, rooms::RoomsClient};
use plaza_events::{
    Partition, Source,
    stream::{DEAD_LETTERS, PUBLISHERS},
};
use plaza_kit::{
    config::{InternalSecretArgs, OpsArgs},
    health::Readiness,
    redis::{Redis, RedisArgs},
    retry::Outage,
    serve::serve,
    shutdown::Shutdown,
    token::ServiceTokens,
};

/// Longest wait for an answer about leases.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The name of the part, as in `plaza messages-publisher`.
const PART: &str = "messages-publisher";

/// The messages-publisher's configuration.
#[derive(Debug, Clone, clap::Args)]
pub struct PublisherArgs {
    /// Its operations listener.
    #[command(flatten)]
    pub ops: OpsArgs<9084>,
    /// Where the streams are.
    #[command(flatten)]
    pub redis: RedisArgs,
    /// Where Centrifugo is.
    #[command(flatten)]
    pub centrifugo: ClientArgs,
    /// Where rooms is.
    #[command(flatten)]
    pub peers: PeersArgs,
    /// What it signs its calls to rooms with.
    #[command(flatten)]
    pub internal: InternalSecretArgs,
    /// Its bounds.
    #[command(flatten)]
    pub limits: Limits,
}

/// The shutdown finishes: what is not done is left to whoever comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stopped;

/// Why a partition is not published any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The shutdown finishes.
    Stopped,
    /// The lease is lost: somebody else may be the owner.
    Lost,
    /// Another publisher is to have it.
    Yielded,
}

impl From<Stopped> for Ended {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// Runs the messages-publisher until the shutdown is over.
pub async fn run(args: PublisherArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    args.limits.check(args.centrifugo.centrifugo_timeout_ms)?;
    let redis = args.redis.redis()?;
    let centrifugo = args.centrifugo.client()?;
    let rooms = RoomsClient::new(&args.peers.rooms_url)?;
    let tokens = ServiceTokens::from_args(PART, &args.internal)?;
    spawn(&redis, &centrifugo, rooms, tokens, args.limits, &shutdown);

    // What it needs comes and goes; it waits, and nobody waits for it.
    let readiness = Readiness::new(&shutdown, &[]);
    let (ops, drain) = (args.ops.ops_listen, args.ops.drain());
    serve(PART, None, ops, drain, &readiness, &shutdown).await
}

/// Starts a publisher of every partition; each publishes while it is the owner.
fn spawn(
    redis: &Redis,
    centrifugo: &Client,
    rooms: RoomsClient,
    tokens: ServiceTokens,
    limits: Limits,
    shutdown: &Shutdown,
) {
    // There from the start, so that a first rise is seen, and that there is none.
    metrics::counter!("plaza_publisher_events_total").increment(0);
    for source in Source::ALL {
        metrics::counter!("plaza_dead_letters_total", "service" => source.name()).increment(0);
    }
    let directory = directory::Directory::new(rooms, tokens);
    let redis_outage = Outage::new("Redis of the streams");
    let centrifugo_outage = Outage::new("Centrifugo");
    let connection = redis.shared(PUBLISHERS, ANSWER_WITHIN);
    let mut of_partitions = Vec::new();
    let (lively, share) = (Arc::new(AtomicBool::new(true)), share::Share::default());
    let alarm = touched::Alarm::default();
    for partition in Partition::all() {
        let of_partition = connection.to(&Source::Rooms.stream_key(partition));
        let publisher = partition::Publisher::new(
            partition,
            redis.clone(),
            send::Sender::new(
                partition,
                centrifugo.clone(),
                centrifugo_outage.clone(),
                alarm.clone(),
            ),
            directory.clone(),
            limits,
            redis_outage.clone(),
            lively.clone(),
        );
        let owner = owner::Owner::new(
            partition,
            publisher,
            of_partition.clone(),
            share.clone(),
            limits.lease(),
            redis_outage.clone(),
        );
        shutdown.spawn("publisher", owner.run(shutdown.clone()));
        of_partitions.push(of_partition);
    }
    let letters = connection.to(DEAD_LETTERS);
    let watch = lag::Watch::new(of_partitions, letters, lively);
    shutdown.spawn("stream lag", watch.run(shutdown.clone()));
    let announce = share::run(share, limits.lease(), connection, shutdown.clone());
    shutdown.spawn("publishers' shares", announce);
}
