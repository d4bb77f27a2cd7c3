//! A part dies and comes back.

use std::time::Duration;

use plaza_testkit::{TestCentrifugoOptions, centrifugo, eventually, own_redis, redis};
use redis::AsyncCommands;

use crate::fixture::{Fixture, SOON, as_shown, got, history, history_of, seqs};

async fn command(connection: &mut impl AsyncCommands, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    let () = command.query_async(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_publisher_killed_before_the_cursor_moved_repeats_in_larger_folds() {
    let (streams_redis, server) =
        tokio::join!(own_redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&streams_redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(2);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=5).await;
    // Everything goes on but the cursor.
    let cursor = ["ACL", "SETUSER", "default"];
    command(&mut streams.connection, &[&cursor[..], &["-hset"]].concat()).await;
    let publisher = fixture.start();
    eventually(SOON, async || got(&server, members[0]).await.len() >= 5).await;
    publisher.kill();
    command(&mut streams.connection, &[&cursor[..], &["+hset"]].concat()).await;
    assert_eq!(streams.waiting().await, 5);

    streams.messages(room, 6..=20).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    for member in members {
        let publications = history(&server, member).await;
        let last = publications.last().map(Vec::len);
        assert_eq!(last, Some(20), "more is folded than before");
        let got = got(&server, member).await;
        assert!(got.len() > 20, "nothing was repeated: {got:?}");
        assert_eq!(as_shown(&got), seqs(1..=20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifugo_stopped_and_started_keeps_the_order_and_gaps_are_revealed() {
    let (redis, mut server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(2);
    // In the same partition: its channels are looked after together.
    let (quiet, quiet_members) = fixture.room_beside(room, 1);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    streams.messages(quiet, 1..=1).await;
    streams.messages(room, 1..=10).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    server.kill().await;
    streams.messages(room, 11..=30).await;
    assert_eq!(streams.waiting().await, 20);
    server.start().await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    for member in &members {
        assert_eq!(as_shown(&got(&server, *member).await), seqs(1..=30));
    }
    eventually(SOON, async || {
        let last = history(&server, members[0]).await.pop().unwrap();
        last.is_empty()
    })
    .await;
    assert_eq!(history(&server, quiet_members[0]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_history_is_revealed_to_channels_that_are_quiet() {
    let (redis, engine) = tokio::join!(redis(), own_redis());
    let server = centrifugo(TestCentrifugoOptions {
        redis_urls: vec![engine.url.clone()],
        ..TestCentrifugoOptions::default()
    })
    .await;
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(2);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    streams.messages(room, 1..=3).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    // One of them leaves: the room goes on without this channel.
    streams.member(room, 2, members[1], None).await;
    eventually(SOON, async || streams.waiting().await == 0).await;

    let mut connection = redis::Client::open(engine.url.as_str())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    command(&mut connection, &["FLUSHALL"]).await;
    streams.messages(room, 4..=4).await;
    eventually(SOON, async || {
        let left = history(&server, members[1]).await;
        left.len() == 1 && left[0].is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_away_are_waited_for() {
    let (redis, server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(1);
    fixture.rooms.set_away(true);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=3).await;
    let publisher = fixture.start();
    eventually(SOON, async || fixture.rooms.asked() > 1).await;
    fixture.rooms.set_away(false);
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(got(&server, members[0]).await, seqs(1..=3));

    // A known room needs no answer.
    fixture.rooms.set_away(true);
    streams.messages(room, 4..=6).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(got(&server, members[0]).await, seqs(1..=6));
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stopped_and_started_loses_nothing() {
    let (mut streams_redis, server) =
        tokio::join!(own_redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&streams_redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(1);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    streams.messages(room, 1..=5).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    streams_redis.stop().await;
    streams_redis.start().await;
    let mut streams = fixture.streams();
    streams.messages(room, 6..=10).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(as_shown(&got(&server, members[0]).await), seqs(1..=10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_good_order_takes_no_longer_than_its_work() {
    let (redis, server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let publisher = fixture.start();
    let mut streams = fixture.streams();
    let (room, _) = fixture.room(1);
    streams.messages(room, 1..=1).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    // A blocked read is not waited for.
    tokio::time::timeout(Duration::from_secs(10), publisher.stop())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_history_is_revealed_to_large_rooms_and_what_lists_show_is_said_again() {
    let (redis, engine) = tokio::join!(redis(), own_redis());
    let server = centrifugo(TestCentrifugoOptions {
        redis_urls: vec![engine.url.clone()],
        ..TestCentrifugoOptions::default()
    })
    .await;
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (quiet, _) = fixture.room(1);
    let (loud, members) = fixture.room_beside(quiet, 1);
    let channels = fixture.grown(quiet);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    streams.whole_messages(quiet, 1..=3).await;
    streams.messages(loud, 1..=1).await;
    eventually(SOON, async || streams.waiting().await == 0).await;

    let mut connection = redis::Client::open(engine.url.as_str())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    command(&mut connection, &["FLUSHALL"]).await;
    streams.messages(loud, 2..=2).await;
    eventually(SOON, async || {
        let left = history_of(&server, channels.room).await;
        left.len() == 1 && left[0].is_empty()
    })
    .await;
    eventually(SOON, async || {
        let word = history_of(&server, channels.head).await.concat();
        word.len() == 1 && word[0]["headSeq"] == 3
    })
    .await;
    assert_eq!(got(&server, members[0]).await, ["2"]);
}
