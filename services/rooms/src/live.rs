//! What is said of open rooms and kept nowhere: who types, and how many are
//! there. It goes to a room's `live:` channel; what cannot go at once is
//! dropped, and nobody is told of it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use plaza_centrifugo::{Channel, Client, Command};
use plaza_kit::{
    limit::{Limiter, Rate},
    retry::Outage,
};
use plaza_types::{FanoutMode, Person, RoomId, UserId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::domain::{Standing, Typists};

/// Publications that wait for those before them.
const WAITING: usize = 1_024;
/// Most that go together.
const TOGETHER: usize = 256;
/// One in two seconds, of a bucket that gains one a second.
const COST: u64 = 2;
/// Somebody in a room.
const RATE: Rate = Rate {
    per_second: 1,
    burst: 2,
};
/// Most people and rooms whose rate is remembered.
const KEYS: u64 = 100_000;

/// What a `live:` channel carries.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Said<'a> {
    /// Somebody types, in a small room.
    #[serde(rename = "typing")]
    Typing { room: RoomId, user: &'a Person },
    /// So many type in a large room, as one replica hears it.
    #[serde(rename = "typing")]
    Typists {
        room: RoomId,
        from: Uuid,
        count: usize,
    },
    /// So many people have the room open.
    Online { room: RoomId, count: i64 },
}

#[derive(Serialize)]
struct Publication<'a> {
    v: u8,
    events: [Said<'a>; 1],
}

type Published = (Channel, Box<RawValue>);

/// Says it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Live(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    /// This replica, among those that count typists.
    from: Uuid,
    out: mpsc::Sender<Published>,
    typists: Mutex<Typists>,
    rate: Option<Limiter<(RoomId, UserId)>>,
}

impl Live {
    /// Publishes until the last clone is gone; without Centrifugo, nothing.
    pub(crate) fn new(centrifugo: Option<Client>) -> Self {
        for outcome in ["sent", "dropped"] {
            metrics::counter!("plaza_live_publications_total", "outcome" => outcome).increment(0);
        }
        Self(centrifugo.map(|client| {
            let (out, waiting) = mpsc::channel(WAITING);
            tokio::spawn(publish(client, waiting));
            Arc::new(Inner {
                from: Uuid::now_v7(),
                out,
                typists: Mutex::default(),
                rate: Limiter::new("typing", RATE, KEYS),
            })
        }))
    }

    /// Whether what somebody types in a room now would be told at all.
    pub(crate) fn takes(&self, room: RoomId, user: UserId) -> bool {
        self.0.as_ref().is_some_and(|live| {
            let rate = live.rate.as_ref();
            rate.is_none_or(|rate| rate.take((room, user), 0, COST).is_ok())
        })
    }

    /// A member types.
    pub(crate) fn typed(&self, room: RoomId, user: &Person, standing: &Standing) {
        let Some(live) = &self.0 else { return };
        let channel = Channel::Live(room, standing.generation);
        if standing.mode == FanoutMode::Personal {
            self.say(channel, Said::Typing { room, user });
            return;
        }
        let typed = {
            let mut typists = live.typists.lock().unwrap_or_else(PoisonError::into_inner);
            typists.typed(room, user.id, Instant::now())
        };
        if let Some(count) = typed {
            let from = live.from;
            self.say(channel, Said::Typists { room, from, count });
        }
    }

    /// Says something to whoever has a room open.
    pub(crate) fn say(&self, channel: Channel, said: Said<'_>) {
        let Some(live) = &self.0 else { return };
        let publication = Publication {
            v: 1,
            events: [said],
        };
        let sent =
            to_raw_value(&publication).is_ok_and(|data| live.out.try_send((channel, data)).is_ok());
        let outcome = if sent { "sent" } else { "dropped" };
        metrics::counter!("plaza_live_publications_total", "outcome" => outcome).increment(1);
    }
}

/// Publishes what waits, once each: a signal that is late is worth nothing.
async fn publish(client: Client, mut waiting: mpsc::Receiver<Published>) {
    let outage = Outage::new("Centrifugo, for what is said of open rooms");
    let mut some = Vec::new();
    while waiting.recv_many(&mut some, TOGETHER).await > 0 {
        let commands: Vec<_> = some
            .iter()
            .map(|(channel, data)| Command::Publish {
                channel: *channel,
                data,
            })
            .collect();
        match client.batch(&commands).await {
            Ok(_) => outage.answered(),
            Err(error) => outage.failed(&error),
        }
        some.clear();
    }
}
