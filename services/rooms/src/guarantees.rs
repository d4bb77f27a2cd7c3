//! Tests that carry the numbers of the design's guarantees.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::{join, join_all};
use http::StatusCode;
use plaza_clients::rooms::Fanout;
use plaza_events::{Body, Event};
use plaza_testkit::{Issuer, Request};
use plaza_types::{Role, RoomId, UserId};
use serde_json::json;

use crate::api::testing::Bench;

fn version(event: &Event) -> i64 {
    match &event.body {
        Body::RoomUpdated { version, .. } | Body::MemberUpdated { version, .. } => version.get(),
        other => panic!("{other:?}"),
    }
}

/// 50 people join one room twice at the same moment, every other leaves again,
/// so does the owner, and joins of a room that does not exist fail between:
/// versions have no gap, each change is told once, and the outbox has them in
/// their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_2_changes_of_a_room_are_numbered_without_gaps_and_told_in_order() {
    let bench = Bench::new().await;
    let ada = Issuer::person("ada");
    let room = bench.create(&ada, "Rust").await.id;
    let people: Vec<_> = (0..50).map(|n| Issuer::person(&format!("p{n}"))).collect();

    let each = people.iter().enumerate().map(async |(n, who)| {
        let (once, twice) = join(bench.join(who, room), bench.join(who, room)).await;
        once.expect(StatusCode::OK);
        twice.expect(StatusCode::OK);
        let missing = bench.join(who, RoomId::new()).await;
        missing.expect(StatusCode::NOT_FOUND);
        if n % 2 == 1 {
            let (once, twice) = join(bench.leave(who, room), bench.leave(who, room)).await;
            once.expect(StatusCode::OK);
            twice.expect(StatusCode::OK);
        }
    });
    let owner = async {
        // Once somebody is there to follow.
        bench
            .join(&Issuer::person("cleo"), room)
            .await
            .expect(StatusCode::OK);
        bench.leave(&ada, room).await.expect(StatusCode::OK);
    };
    join(join_all(each), owner).await;

    let events = bench.events().await;
    let last = i64::try_from(events.len()).unwrap();
    let versions: Vec<i64> = events.iter().map(version).collect();
    assert_eq!(versions, (1..=last).collect::<Vec<_>>(), "no gap, in order");
    let mut members: HashSet<UserId> = HashSet::new();
    let mut joins: HashMap<UserId, usize> = HashMap::new();
    let mut owners: HashSet<UserId> = HashSet::new();
    let (mut leaves, mut successions) = (0, 0);
    for event in &events {
        let Body::MemberUpdated {
            version,
            user,
            role,
            member_count,
            ..
        } = &event.body
        else {
            continue;
        };
        if role.is_none() {
            assert!(members.remove(&user.id), "told twice: {version}");
            owners.remove(&user.id);
            leaves += 1;
        } else if members.insert(user.id) {
            *joins.entry(user.id).or_default() += 1;
        } else {
            assert_eq!(*role, Some(Role::Owner), "at version {version}");
            successions += 1;
        }
        if *role == Some(Role::Owner) {
            owners.insert(user.id);
        }
        let count = usize::try_from(*member_count).unwrap();
        assert_eq!(count, members.len(), "at version {version}");
    }
    assert!(joins.values().all(|count| *count == 1), "{joins:?}");
    assert_eq!(owners.len(), 1, "one owner");
    // The owner, cleo and the 50; the owner and every other of the 50.
    assert_eq!((joins.len(), leaves), (52, 26));
    // The owner is followed, and followed again if that one leaves too.
    assert!(successions >= 1);
    assert_eq!(last, 1 + 52 + 26 + successions, "nothing else is told");

    let path = format!("/internal/rooms/{room}/fanout");
    let now: Fanout = bench.send_internal(Request::get(path)).await.parse();
    assert_eq!(now.version.get(), last);
    assert_eq!(now.members.into_iter().collect::<HashSet<_>>(), members);
}

/// Counts the queries of this thread's connections.
#[derive(Debug, Default, Clone)]
struct Queries(Arc<AtomicUsize>);

impl tracing::Subscriber for Queries {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Of a private room and of one that does not exist, a stranger and a banned
/// person get the same answer by the same number of queries, whatever they try.
#[tokio::test]
async fn guarantee_5_a_private_room_is_answered_as_one_that_does_not_exist() {
    let queries = Queries::default();
    let dispatch = tracing::Dispatch::new(queries.clone());
    // With a single one, what another test's thread logs first is off for all.
    let _second = tracing::Dispatch::new(queries.clone());
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let bench = Bench::new().await;
    let (ada, eve, mallory) = (
        Issuer::person("ada"),
        Issuer::person("eve"),
        Issuer::person("mallory"),
    );
    let room = bench.create_private(&ada, "Secret").await.id;
    let on = format!("/v1/rooms/{room}/members");
    let ban = Request::post(format!("{on}/{}/ban", mallory.id)).json(&json!({}));
    bench.send(&ada, ban).await.expect(StatusCode::OK);

    let tries = |room: RoomId| {
        let at = |path: &str| format!("/v1/rooms/{room}{path}");
        let on = |act: &str| format!("/v1/rooms/{room}/members/{}/{act}", ada.id);
        let none = json!({});
        vec![
            Request::get(at("/access")),
            Request::get(at("/members")),
            Request::get(at("/bans")),
            Request::get(at("/invitations")),
            Request::post("/v1/rooms/lookup").json(&json!({ "ids": [room] })),
            Request::post(at("/join")),
            Request::post(at("/leave")),
            Request::post(at("/invitations")).json(&none),
            Request::post(at("/invitations")).json(&json!({ "username": "nobody" })),
            Request::patch(at("")).json(&json!({ "name": "Mine" })),
            Request::delete(at("")),
            Request::post(on("role")).json(&json!({ "role": "member" })),
            Request::post(on("kick")),
            Request::post(on("mute")).json(&none),
            Request::post(on("ban")).json(&none),
            Request::post(on("unban")),
        ]
    };
    let before = bench.stored().await;
    for who in [&eve, &mallory] {
        for (there, nowhere) in tries(room).into_iter().zip(tries(RoomId::new())) {
            let what = format!("{there:?}");
            let mut seen = Vec::new();
            for request in [there, nowhere] {
                let counted = queries.0.load(Ordering::SeqCst);
                let answer = bench.send(who, request).await;
                let asked = queries.0.load(Ordering::SeqCst) - counted;
                assert!(asked > 0, "{what}: queries are counted");
                seen.push((answer.status, answer.text(), asked));
            }
            assert_eq!(seen[0], seen[1], "{what}");
        }
    }
    assert_eq!(bench.stored().await, before);
}
