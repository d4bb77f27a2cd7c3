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
    fixture::{Fixture, SOON, Streams, as_shown, history_of, name, seqs},
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
    let mut streams = fixture.streams();
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

/// What a client of these channels shows: repetitions are dropped, and so is
/// what comes behind something later.
fn shown(fake: &FakeCentrifugo, channels: &[Channel]) -> Vec<String> {
    let all = channels.iter().flat_map(|channel| fake.taken_at(*channel));
    let mut messages: Vec<_> = all.filter(|(_, event)| event["seq"].is_i64()).collect();
    messages.sort_by_key(|(at, _)| *at);
    let names: Vec<_> = messages.iter().map(|(_, event)| name(event)).collect();
    as_shown(&names)
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_publisher_killed_in_the_middle_of_going_up_is_made_up_for() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(3);
    let channel = fixture.channels(room).room;
    let untold = Channel::Personal(members[1]);
    let name = untold.to_string();
    fake.rule(move |to, events| Fate::failing_if(to == name && events.contains("fanout")));
    let mut streams = fixture.streams();
    let first = fixture.start();
    streams.messages(room, 1..=10).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    // What follows is read together.
    fake.set_away(true);
    streams.fanout(&fixture, room, FanoutMode::Room).await;
    streams.messages(room, 11..=20).await;
    fake.is_called_again().await;
    fake.set_away(false);
    // One of three is told, and the channel has what comes later.
    eventually(SOON, async || fake.taken(channel).len() == 10).await;
    first.kill();
    fake.rule(|_, _| Fate::Take);
    assert!(!fake.taken(untold).contains(&"fanout".to_owned()));

    let _second = fixture.start();
    streams.messages(room, 21..=30).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    for member in members {
        let own = Channel::Personal(member);
        assert!(
            fake.taken(own).contains(&"fanout".to_owned()),
            "{member} was not told"
        );
        assert_eq!(shown(&fake, &[own, channel]), seqs(1..=30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_publisher_killed_in_the_middle_of_going_down_is_made_up_for() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(3);
    let channels = fixture.grown(room);
    let name = channels.room.to_string();
    fake.rule(move |to, events| Fate::failing_if(to == name && events.contains("fanout")));
    let mut streams = fixture.streams();
    let first = fixture.start();
    streams.whole_messages(room, 1..=10).await;
    eventually(SOON, async || fake.taken(channels.room).len() == 10).await;
    // What follows is read together.
    fake.set_away(true);
    streams.fanout(&fixture, room, FanoutMode::Personal).await;
    streams.whole_messages(room, 11..=20).await;
    fake.is_called_again().await;
    fake.set_away(false);
    // The members are told, but not who reads along.
    let own = Channel::Personal(members[0]);
    eventually(SOON, async || fake.taken(own).contains(&"20".to_owned())).await;
    first.kill();
    fake.rule(|_, _| Fate::Take);

    let _second = fixture.start();
    streams.whole_messages(room, 21..=30).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    for channel in [channels.room, channels.head] {
        let taken = fake.taken(channel);
        assert!(
            taken.contains(&"fanout".to_owned()),
            "{channel} was not told"
        );
    }
    for member in members {
        let own = Channel::Personal(member);
        assert!(
            fake.taken(own).contains(&"fanout".to_owned()),
            "{member} was not told"
        );
        assert_eq!(shown(&fake, &[own, channels.room]), seqs(1..=30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_two_publishers_side_by_side_lose_nothing_of_rooms_that_cross() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let rooms: Vec<_> = (0..32).map(|_| fixture.room(2)).collect();
    let mut streams = fixture.streams();
    let _first = fixture.start();
    streams.until_owned().await;
    let alone = streams.leases().await;
    for (room, _) in &rooms {
        streams.whole_messages(*room, 1..=5).await;
    }
    // Half of the partitions change hands while the rooms cross.
    let _second = fixture.start();
    for (turn, mode) in [(0, FanoutMode::Room), (1, FanoutMode::Personal)] {
        for (room, _) in &rooms {
            let from = 6 + turn * 10;
            streams.whole_messages(*room, from..=from + 4).await;
            streams.fanout(&fixture, *room, mode).await;
            streams.whole_messages(*room, from + 5..=from + 9).await;
        }
    }
    eventually(SOON, async || {
        let now = streams.leases().await;
        let moved = now.iter().zip(&alone).filter(|(now, before)| now != before);
        moved.count() == 8 && now.iter().all(Option::is_some)
    })
    .await;
    for (room, _) in &rooms {
        streams.whole_messages(*room, 26..=30).await;
    }
    eventually(SOON, async || streams.waiting().await == 0).await;
    for (room, members) in rooms {
        let channel = fixture.channels(room).room;
        for member in members {
            let own = Channel::Personal(member);
            assert_eq!(shown(&fake, &[own, channel]), seqs(1..=30));
            // The last word is where the room is.
            let mut told = fake.taken_at(own).into_iter().map(|(_, event)| event);
            let last = told.rfind(|event| event["type"] == "fanout");
            assert_eq!(last.unwrap()["mode"], "personal");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_along_is_told_of_another_visibility_and_gets_nothing_later() {
    let (redis, stage) = tokio::join!(redis(), Stage::new());
    let fixture = fixture(&stage, &redis.url).await;
    let (room, members) = fixture.room(2);
    let before = fixture.grown(room);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    let talk = Talk::new(room);
    talk.say(&mut streams, 5).await;
    // A stranger reads along in the public room.
    let stranger = stage.look(UserId::new(), room, &talk.accepted).await;
    let screens = looks(&stage, &talk, &members).await;
    eventually(SOON, async || !stranger.seen().subscribed.is_empty()).await;
    eventually(SOON, async || {
        screens
            .iter()
            .all(|screen| !screen.seen().subscribed.is_empty())
    })
    .await;
    talk.say(&mut streams, 5).await;
    talk.is_shown(&screens).await;
    eventually(SOON, async || stranger.seen().position == 10).await;

    let fanout = fixture.rooms.change(room, |fanout| {
        fanout.version = fanout.version.next();
        fanout.visibility = Visibility::Private;
        fanout.generation = fanout.generation.next();
    });
    let now = fixture.channels(room);
    streams.say_fanout(room, &fanout).await;
    let on_the_new = |screen: &Screen| screen.seen().subscribed.contains(&now.room);
    eventually(SOON, async || screens.iter().all(on_the_new)).await;
    talk.say(&mut streams, 10).await;
    talk.is_shown(&screens).await;
    for screen in &screens {
        assert_eq!(screen.seen().brought[&now.room], 10);
    }
    assert_eq!(stranger.seen().types.last().unwrap(), "fanout");
    let last = history_of(&stage.server, before.head).await.concat();
    assert_eq!(
        last[0]["type"], "fanout",
        "who comes late to the old one is told, too"
    );
}
