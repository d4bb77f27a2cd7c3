//! Counts who has which room open: one replica for all asks Centrifugo, every
//! few seconds, for the `live:` channels that somebody has open. Without an
//! answer nothing is counted, and what was counted is forgotten in time.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use plaza_centrifugo::{CallError, Channel, Client};
use plaza_kit::{retry::Outage, shutdown::Shutdown};
use plaza_types::{Generation, RoomId};

use crate::{
    live::{Live, Said},
    storage::{StorageError, Store},
};

/// Channels that are asked about together.
const TOGETHER: usize = 500;

/// How the count is made.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct OnlineArgs {
    /// Between two counts of who has rooms open (ms)
    #[arg(long, env = "PLAZA_ROOMS_ONLINE_EVERY_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(500..=60_000))]
    pub rooms_online_every_ms: u64,
    /// Most open rooms that are counted; of the others it is not known
    #[arg(long, env = "PLAZA_ROOMS_ONLINE_MAX_ROOMS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rooms_online_max_rooms: u32,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
enum OnlineError {
    #[error("cannot read or write who has rooms open")]
    Storage(#[from] StorageError),
    #[error("Centrifugo does not say who has rooms open")]
    Call(#[from] CallError),
}

/// Counts until the end.
pub(crate) fn spawn(
    store: Store,
    live: Live,
    client: Client,
    args: OnlineArgs,
    shutdown: &Shutdown,
) {
    let stop = shutdown.clone();
    let every = Duration::from_millis(args.rooms_online_every_ms);
    shutdown.spawn("online", async move {
        let outage = Outage::new("the count of who has rooms open");
        loop {
            match count(&store, &live, &client, args).await {
                Ok(()) => outage.answered(),
                Err(error) => outage.failed(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(every.mul_f64(0.2 + fastrand::f64() / 10.0)) => {}
                () = stop.finishing() => return Ok::<_, Infallible>(()),
            }
        }
    });
}

async fn count(
    store: &Store,
    live: &Live,
    client: &Client,
    args: OnlineArgs,
) -> Result<(), OnlineError> {
    let every = Duration::from_millis(args.rooms_online_every_ms);
    if !store.takes_online_turn(every).await? {
        return Ok(());
    }
    let most = usize::try_from(args.rooms_online_max_rooms).unwrap_or(usize::MAX);
    // Of the generations of a room the present one alone.
    let mut rooms: BTreeMap<RoomId, Generation> = BTreeMap::new();
    for channel in client.live_channels().await? {
        if let Some((room, generation)) = channel.room() {
            let newest = rooms.entry(room).or_insert(generation);
            *newest = generation.max(*newest);
        }
    }
    let channels: Vec<Channel> = rooms
        .into_iter()
        .take(most)
        .map(|(room, generation)| Channel::Live(room, generation))
        .collect();
    let mut counts = Vec::with_capacity(channels.len());
    for some in channels.chunks(TOGETHER) {
        let users = client.users_in(some).await?;
        counts.extend(some.iter().zip(users).filter_map(|(channel, users)| {
            let (room, _) = channel.room()?;
            Some((room, i64::from(users?)))
        }));
    }
    #[expect(clippy::cast_precision_loss, reason = "a bounded count")]
    metrics::gauge!("plaza_rooms_open").set(counts.len() as f64);
    let changed: BTreeMap<_, _> = store.set_online(&counts).await?.into_iter().collect();
    for channel in channels {
        if let Some((room, _)) = channel.room()
            && let Some(count) = changed.get(&room).copied()
        {
            live.say(channel, Said::Online { room, count });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plaza_clients::rooms::Room;
    use plaza_testkit::{Issuer, Request, eventually};

    use super::*;
    use crate::{api::Limits, socket::Realtime};

    const SOON: Duration = Duration::from_secs(30);

    async fn shown(realtime: &Realtime, who: &plaza_types::Person) -> Option<i64> {
        let joined = Request::get("/v1/rooms/joined");
        let rooms: Vec<Room> = realtime.bench.send(who, joined).await.parse();
        rooms[0].online_count
    }

    #[tokio::test]
    async fn people_who_have_a_room_open_are_counted_once_and_told_of_changes() {
        let realtime = Realtime::with(Limits::default()).await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = realtime.bench.create_private(&ada, "Rust").await.id;
        realtime.bench.seat(room, bob.id, "member").await;
        assert_eq!(shown(&realtime, &ada).await, None, "nobody has counted");
        let args = OnlineArgs {
            rooms_online_every_ms: 500,
            rooms_online_max_rooms: 10,
        };
        for _ in 0..2 {
            let live = Live::new(Some(realtime.client.clone()));
            let (store, client) = (realtime.bench.store.clone(), realtime.client.clone());
            spawn(store, live, client, args, &realtime.shutdown);
        }
        let channel = Channel::Live(room, Generation::ZERO.next()).to_string();
        let mut first = realtime.connect(ada.id).await;
        let mut second = realtime.connect(ada.id).await;
        for tab in [&mut first, &mut second] {
            assert_eq!(tab.subscribe(&channel, None).await, None);
        }
        eventually(SOON, async || shown(&realtime, &ada).await == Some(1)).await;
        let mut other = realtime.connect(bob.id).await;
        assert_eq!(other.subscribe(&channel, None).await, None);
        eventually(SOON, async || shown(&realtime, &ada).await == Some(2)).await;
        loop {
            let event = first.event().await;
            assert_eq!(event["type"], "online");
            if event["count"] == 2 {
                break;
            }
            assert_eq!(event["count"], 1, "two tabs are one person");
        }
        sqlx::query("UPDATE online SET counted_at = counted_at - interval '2 minutes'")
            .execute(&realtime.bench.database.pool)
            .await
            .unwrap();
        // Whoever counts writes it again.
        eventually(SOON, async || shown(&realtime, &ada).await == Some(2)).await;
        realtime.shutdown.begin();
        realtime.shutdown.drain(SOON).await.unwrap();
        sqlx::query("UPDATE online SET counted_at = counted_at - interval '2 minutes'")
            .execute(&realtime.bench.database.pool)
            .await
            .unwrap();
        assert_eq!(shown(&realtime, &ada).await, None, "not known any more");
    }

    #[tokio::test]
    async fn one_of_all_replicas_counts_and_what_did_not_change_is_not_told() {
        let bench = crate::api::testing::Bench::new().await;
        let every = Duration::from_mins(1);
        assert!(bench.store.takes_online_turn(every).await.unwrap());
        assert!(!bench.store.takes_online_turn(every).await.unwrap());
        assert!(bench.store.takes_online_turn(Duration::ZERO).await.unwrap());
        let (a, b) = (RoomId::new(), RoomId::new());
        let set = async |counts: &[(RoomId, i64)]| bench.store.set_online(counts).await.unwrap();
        assert_eq!(set(&[(a, 1), (b, 2)]).await.len(), 2);
        assert_eq!(set(&[(a, 1), (b, 3)]).await, [(b, 3)]);
        assert!(set(&[(a, 1)]).await.is_empty());
        assert_eq!(
            set(&[(a, 1), (b, 3)]).await,
            [(b, 3)],
            "it was empty between"
        );
    }
}
