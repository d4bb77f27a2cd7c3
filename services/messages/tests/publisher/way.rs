//! Who gets what, and in which order.

use plaza_centrifugo::Channel;
use plaza_events::{Source, stream::dead_letters};
use plaza_testkit::{TestCentrifugoOptions, centrifugo, eventually, redis};
use plaza_types::{RoomId, UserId};
use serde_json::json;

use crate::{
    fake_centrifugo::FakeCentrifugo,
    fixture::{Fixture, SOON, got, history, seqs},
};

#[tokio::test(flavor = "multi_thread")]
async fn members_get_the_events_of_their_room_in_order_and_strangers_none() {
    let (redis, server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(3);
    let (other, strangers) = fixture.room(1);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=20).await;
    let read = json!({ "type": "read", "room": room, "number": 20 });
    let reader = members[0].to_string();
    streams.add(Source::Messages, &reader, &read).await;
    streams.messages(other, 1..=2).await;

    let publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    publisher.stop().await;
    for member in &members[1..] {
        assert_eq!(got(&server, *member).await, seqs(1..=20));
    }
    let mut own = got(&server, members[0]).await;
    own.retain(|name| name != "read");
    assert_eq!(own, seqs(1..=20));
    assert_eq!(got(&server, members[0]).await.len(), 21);
    assert_eq!(got(&server, strangers[0]).await, seqs(1..=2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_told_before_anything_later_and_who_left_gets_nothing_later() {
    let (redis, server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(1);
    let newcomer = UserId::new();
    let mut streams = fixture.streams();
    let _publisher = fixture.start();

    streams.messages(room, 1..=2).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    streams.member(room, 2, newcomer, Some("member")).await;
    streams.messages(room, 3..=4).await;
    eventually(SOON, async || streams.waiting().await == 0).await;
    streams.member(room, 3, newcomer, None).await;
    streams.messages(room, 5..=6).await;
    eventually(SOON, async || streams.waiting().await == 0).await;

    assert_eq!(
        got(&server, newcomer).await,
        ["joined", "member.updated", "3", "4", "left"]
    );
    assert_eq!(
        got(&server, members[0]).await,
        [
            "1",
            "2",
            "member.updated",
            "3",
            "4",
            "member.updated",
            "5",
            "6"
        ]
    );
    let told = history(&server, newcomer).await.concat();
    assert_eq!(told[0]["room"], json!(room));
    assert_eq!(told[0]["mode"], "personal");
    assert_eq!(told[0]["version"], 2);
    assert_eq!(told[4]["reason"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rooms_say_is_applied_before_the_messages_of_the_same_read() {
    let (redis, server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(2);
    let mut streams = fixture.streams();
    // Rooms answer with the state before the departure.
    streams.messages(room, 1..=3).await;
    streams.member(room, 2, members[1], None).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(got(&server, members[1]).await, ["left"]);
    assert_eq!(
        got(&server, members[0]).await,
        ["member.updated", "1", "2", "3"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_of_life_goes_to_everybody() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    let tick = json!({ "type": "tick" });
    streams.add(Source::Messages, "pulse", &tick).await;
    eventually(SOON, async || fake.taken(Channel::Pulse) == ["tick"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_passed_over() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(1);
    let mut streams = fixture.streams();
    let key = room.to_string();
    for event in [
        json!({ "type": "room.painted", "room": room, "version": "two" }),
        json!({ "type": "message.created" }),
        json!({ "type": "message.created", "room": RoomId::new(), "seq": 1 }),
        json!(["not an object"]),
    ] {
        streams.add(Source::Messages, &key, &event).await;
    }
    streams.messages(room, 1..=1).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(fake.taken(Channel::Personal(members[0])), ["1"]);
    // What is malformed is kept; a lost room or what may be a new type is no fault.
    let dead = dead_letters(&mut streams.connection, None, 10)
        .await
        .unwrap();
    let events: Vec<_> = dead
        .iter()
        .map(|buried| buried.letter.field("event").unwrap())
        .collect();
    assert_eq!(events, [r#"{"type":"message.created"}"#]);
}
