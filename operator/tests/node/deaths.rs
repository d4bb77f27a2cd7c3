//! Each part is killed while somebody writes: what was accepted stays, and
//! people can go on.

use std::time::{Duration, Instant};

use crate::{
    chat::Chat,
    listener::{heard_after, talk},
    node::{PATIENCE, alone, measured},
    writer::all_there,
};

/// From the death of the only pod of a part until a message is accepted.
const SENDS_AGAIN: Duration = Duration::from_secs(20);
/// Until a message is heard over the WebSocket.
const LIVE_AGAIN: Duration = Duration::from_secs(30);
/// The same after the death of Redis.
const LIVE_AFTER_REDIS: Duration = Duration::from_secs(15);

/// The most that a message takes, all tries together, where another process
/// lives.
const NOT_MISSED: Duration = Duration::from_secs(5);

/// Kills a part, of which there is one process, and measures until people can
/// go on.
async fn survives(part: &str, live_within: Duration) {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;

    let killed = Instant::now();
    let victim = chat.kill(part, usize::MAX).await;
    let gone = Instant::now();
    writer.accepted_after(gone, SENDS_AGAIN).await;
    measured(
        &format!("{part} killed, accepted again"),
        killed,
        SENDS_AGAIN,
    );
    heard_after(&writer, &listener, gone, live_within).await;
    measured(&format!("{part} killed, live again"), killed, live_within);

    chat.back(&victim, PATIENCE).await;
    measured(&format!("{part} killed, ready again"), killed, PATIENCE);
    chat.settled(PATIENCE).await;
    let failures = writer.failures().len();
    let accepted = writer.stop().await;
    eprintln!(
        "    {part} killed: {} accepted, {failures} tries failed",
        accepted.len()
    );
    all_there(&ada, &room, &accepted).await;
}

#[tokio::test]
async fn gateway_may_be_killed() {
    survives("gateway", LIVE_AGAIN).await;
}

#[tokio::test]
async fn auth_may_be_killed() {
    survives("auth", LIVE_AGAIN).await;
}

#[tokio::test]
async fn rooms_may_be_killed() {
    survives("rooms", LIVE_AGAIN).await;
}

#[tokio::test]
async fn messages_may_be_killed() {
    survives("messages", LIVE_AGAIN).await;
}

#[tokio::test]
async fn the_publisher_may_be_killed() {
    survives("publisher", LIVE_AGAIN).await;
}

#[tokio::test]
async fn centrifugo_may_be_killed() {
    survives("centrifugo", LIVE_AGAIN).await;
}

#[tokio::test]
async fn postgres_may_be_killed() {
    survives("postgres", LIVE_AGAIN).await;
}

#[tokio::test]
async fn redis_may_be_killed() {
    survives("redis", LIVE_AFTER_REDIS).await;
}

/// Kills one of two processes of a part: nobody waits for its return. Answers
/// with the tries that failed, each of which was accepted when it was sent
/// again.
async fn one_of_two(part: &str) -> Vec<String> {
    let _turn = alone().await;
    let chat = Chat::of_two().await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;

    let killed = Instant::now();
    let victim = chat.kill(part, 1).await;
    heard_after(&writer, &listener, Instant::now(), LIVE_AGAIN).await;
    measured(
        &format!("one {part} of two killed, live"),
        killed,
        LIVE_AGAIN,
    );
    chat.back(&victim, PATIENCE).await;
    chat.settled(PATIENCE).await;
    let (failures, longest) = (writer.failures(), writer.longest());
    let accepted = writer.stop().await;
    eprintln!(
        "    one {part} of two killed: {} accepted, {} tries failed, the slowest took {:.1} s",
        accepted.len(),
        failures.len(),
        longest.as_secs_f64()
    );
    all_there(&ada, &room, &accepted).await;
    assert!(longest <= NOT_MISSED, "{longest:?}: {failures:?}");
    failures
}

#[tokio::test]
async fn one_gateway_of_two_may_be_killed() {
    // The client's own connection ends with it, so it may have to try again.
    one_of_two("gateway").await;
}

#[tokio::test]
async fn one_auth_of_two_may_be_killed() {
    let failures = one_of_two("auth").await;
    assert_eq!(failures, Vec::<String>::new());
}

#[tokio::test]
async fn one_rooms_of_two_may_be_killed() {
    let failures = one_of_two("rooms").await;
    assert_eq!(failures, Vec::<String>::new());
}

#[tokio::test]
async fn one_messages_of_two_may_be_killed() {
    let failures = one_of_two("messages").await;
    assert_eq!(failures, Vec::<String>::new());
}
