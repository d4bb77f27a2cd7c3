//! A room crosses the size from which it has a channel of its own.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use plaza_centrifugo::Channel;
use plaza_testkit::{eventually, redis};
use plaza_types::{FanoutMode, RoomId, UserId, Visibility};

use crate::{
    fake_centrifugo::{FakeCentrifugo, Fate},
    fixture::{Fixture, SOON, Streams, as_shown, seqs},
    screen::{Screen, Stage},
};

/// A stream of messages; the services have each before the streams do.
struct Talk {
    room: RoomId,
    accepted: Arc<AtomicI64>,
}

impl Talk {
    fn new(room: RoomId) -> Self {
        let accepted = Arc::default();
        Self { room, accepted }
    }

    fn last(&self) -> i64 {
        self.accepted.load(Ordering::SeqCst)
    }

    async fn say(&self, streams: &mut Streams, count: usize) {
        for _ in 0..count {
            let seq = self.accepted.fetch_add(1, Ordering::SeqCst) + 1;
            streams.whole_messages(self.room, seq..=seq).await;
        }
    }

    /// Waits until everybody shows everything.
    async fn is_shown(&self, screens: &[Screen]) {
        eventually(SOON, async || {
            let lacks = screens
                .iter()
                .map(Screen::seen)
                .find(|seen| seen.position != self.last());
            match lacks {
                None => Ok(()),
                Some(seen) => Err(format!("{} of {}: {seen:?}", seen.position, self.last())),
            }
        })
        .await;
    }
}

async fn looks(stage: &Stage, talk: &Talk, members: &[UserId]) -> Vec<Screen> {
    let mut screens = Vec::new();
    for member in members {
        screens.push(stage.look(*member, talk.room, &talk.accepted).await);
    }
    screens
}

async fn fixture(stage: &Stage, redis_url: &str) -> Fixture {
    let (url, key) = (&stage.server.api_url, &stage.server.api_key);
    Fixture::with_rooms(stage.rooms.clone(), redis_url, url, key).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_crossings_under_a_stream_of_messages_lose_nothing_in_either_direction() {
    let (redis, stage) = tokio::join!(redis(), Stage::new());
    let fixture = fixture(&stage, &redis.url).await;
    let (room, members) = fixture.room(4);
    let channel = fixture.channels(room).room;
    let mut streams = fixture.streams().await;
    let _publisher = fixture.start();
    let talk = Talk::new(room);
    talk.say(&mut streams, 5).await;
    let screens = looks(&stage, &talk, &members).await;
    for mode in [FanoutMode::Room, FanoutMode::Personal, FanoutMode::Room] {
        talk.say(&mut streams, 40).await;
        streams.fanout(&fixture, room, mode).await;
        talk.say(&mut streams, 40).await;
        talk.is_shown(&screens).await;
        // It came by the right channel, not by asking.
        let brought = |screen: &Screen, of| {
            let brought = screen.seen().brought;
            brought.get(&of).copied().unwrap_or_default()
        };
        let new = match mode {
            FanoutMode::Room => |_| None,
            FanoutMode::Personal => |member| Some(Channel::Personal(member)),
        };
        let places = members.iter().map(|member| new(*member).unwrap_or(channel));
        let before: Vec<_> = screens
            .iter()
            .zip(places.clone())
            .map(|(s, of)| brought(s, of))
            .collect();
        talk.say(&mut streams, 10).await;
        talk.is_shown(&screens).await;
        for ((screen, of), before) in screens.iter().zip(places).zip(before) {
            assert_eq!(
                brought(screen, of),
                before + 10,
                "{mode}: {:?}",
                screen.seen()
            );
        }
    }
}
