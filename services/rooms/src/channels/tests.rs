use std::{sync::Arc, time::Duration};

use http::StatusCode;
use plaza_centrifugo::Channel;
use plaza_kit::{health::Readiness, shutdown::Shutdown};
use plaza_testkit::{Issuer, eventually};
use plaza_types::{Generation, RoomId, UserId};

use super::{ChannelArgs, ChannelError, Gate};
use crate::api::testing::Bench;

const SOON: Duration = Duration::from_secs(20);

fn live(room: RoomId) -> Channel {
    Channel::Live(room, Generation::ZERO.next())
}

/// A gate that follows the removals, as another replica's would.
async fn following(bench: &Bench, shutdown: &Shutdown) -> Gate {
    let mut store = bench.store.clone();
    store.memory = Arc::new(super::memory(1_000));
    let mut gate = Gate::new(store, ChannelArgs::default());
    gate.follow(&Readiness::new(shutdown, &["removals"]), shutdown);
    eventually(SOON, async || gate.relies_on_memory()).await;
    gate
}

/// Takes a membership away behind the service's back: only memory still says yes.
async fn unseat(bench: &Bench, room: RoomId, user: UserId) {
    sqlx::query("DELETE FROM members WHERE room_id = $1 AND user_id = $2")
        .bind(room.uuid())
        .bind(user.uuid())
        .execute(&bench.database.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn memory_answers_for_who_is_known_until_the_feed_says_otherwise() {
    let bench = Bench::new().await;
    let (ada, bob, eve) = (
        Issuer::person("ada"),
        Issuer::person("bob"),
        Issuer::person("eve"),
    );
    let room = bench.create_private(&ada, "Rust").await.id;
    for person in [&bob, &eve] {
        bench.seat(room, person.id, "member").await;
    }
    let shutdown = Shutdown::new();
    let gate = following(&bench, &shutdown).await;
    for person in [&bob, &eve] {
        assert!(gate.may_open(person.id, live(room)).await.unwrap());
    }
    unseat(&bench, room, bob.id).await;
    eventually(SOON, async || {
        gate.may_open(bob.id, live(room)).await.unwrap()
    })
    .await;
    // Another replica's change, by the feed.
    bench.leave(&eve, room).await.expect(StatusCode::OK);
    let begun = tokio::time::Instant::now();
    eventually(SOON, async || {
        !gate.may_open(eve.id, live(room)).await.unwrap()
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(
        gate.may_open(bob.id, live(room)).await.unwrap(),
        "as before"
    );
    shutdown.begin();
    shutdown.drain(SOON).await.unwrap();
    // Without the feed memory is not relied on.
    eventually(SOON, async || {
        !gate.may_open(bob.id, live(room)).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_replicas_own_change_ends_what_it_remembers_at_once() {
    let bench = Bench::new().await;
    let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
    let room = bench.create_private(&ada, "Rust").await.id;
    bench.seat(room, bob.id, "member").await;
    let shutdown = Shutdown::new();
    let mut gate = Gate::new(bench.store.clone(), ChannelArgs::default());
    gate.follow(&Readiness::new(&shutdown, &["removals"]), &shutdown);
    eventually(SOON, async || gate.relies_on_memory()).await;
    assert!(gate.may_open(bob.id, live(room)).await.unwrap());
    bench.leave(&bob, room).await.expect(StatusCode::OK);
    assert!(!gate.may_open(bob.id, live(room)).await.unwrap());
    shutdown.begin();
    shutdown.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn what_waits_is_bounded_and_the_rest_is_told_to_come_back() {
    let bench = Bench::new().await;
    let room = bench.create(&Issuer::person("ada"), "Rust").await.id;
    let args = ChannelArgs {
        rooms_channel_questions: 2,
        rooms_channel_timeout_ms: 300,
        ..ChannelArgs::default()
    };
    let gate = Gate::new(bench.store.clone(), args);
    let mut lock = bench.database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE rooms")
        .execute(&mut *lock)
        .await
        .unwrap();
    let ask = || gate.may_open(UserId::new(), live(room));
    let answers = futures::future::join_all((0..6).map(|_| ask())).await;
    let full = |answer: &&Result<bool, ChannelError>| matches!(answer, Err(ChannelError::Group(_)));
    assert!(answers.iter().filter(full).count() >= 3, "{answers:?}");
    assert!(answers.iter().all(Result::is_err));
    lock.rollback().await.unwrap();
    eventually(SOON, async || ask().await).await;
}
