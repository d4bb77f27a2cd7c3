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
use plaza_clients::rooms::{Fanout, Invitation, Room};
use plaza_events::{Body, Event};
use plaza_testkit::{Issuer, Request};
use plaza_types::{FanoutMode, Role, RoomId, UserId, Visibility};
use serde_json::json;

use crate::{
    api::{Limits, testing::Bench},
    domain::Threshold,
};

fn version(event: &Event) -> i64 {
    match &event.body {
        Body::RoomUpdated { version, .. }
        | Body::MemberUpdated { version, .. }
        | Body::Fanout { version, .. } => version.get(),
        other => panic!("{other:?}"),
    }
}

/// 50 people join one room twice at the same moment, every other leaves again,
/// so does the owner, and joins of a room that does not exist fail between:
/// versions have no gap, each change is told once, and the outbox has them in
/// their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_2_changes_of_a_room_are_numbered_without_gaps_and_told_in_order() {
    let bench = Bench::with(crossing_at(20)).await;
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
    let (mut leaves, mut successions, mut crossings) = (0, 0, 0);
    for event in &events {
        if let Body::Fanout { mode, .. } = event.body {
            assert_eq!((mode, members.len()), (FanoutMode::Room, 20));
            crossings += 1;
        }
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
    assert_eq!(crossings, 1, "who crosses is told of once");
    // The owner is followed, and followed again if that one leaves too.
    assert!(successions >= 1);
    assert_eq!(
        last,
        1 + 52 + 26 + successions + crossings,
        "nothing else is told"
    );

    let now = fanout(&bench, room).await;
    assert_eq!(now.version.get(), last);
    assert_eq!((now.mode, now.members.len()), (FanoutMode::Room, 0));
}

/// Bounds with this threshold of rooms' own channels.
fn crossing_at(threshold: u32) -> Limits {
    Limits {
        fanout_threshold: Threshold(threshold),
        ..Limits::default()
    }
}

/// A room grows and shrinks over its threshold by a join, an invitation, a
/// leave, a kick and a ban: the one that crosses tells where events come from
/// now, under the next version, which clients compare, and what is asked for at
/// any moment fits what was told up to there.
#[tokio::test]
async fn guarantee_2_who_crosses_the_threshold_tells_where_events_come_from() {
    let bench = Bench::with(crossing_at(4)).await;
    let ada = Issuer::person("ada");
    let room = bench.create(&ada, "Rust").await.id;
    let others: Vec<_> = (0..4).map(|n| Issuer::person(&format!("p{n}"))).collect();
    let link: Invitation = bench
        .invite(&ada, room, &json!({ "maxUses": 10 }))
        .await
        .parse();
    let on = |n: usize, act: &str| {
        let path = format!("/v1/rooms/{room}/members/{}/{act}", others[n].id);
        Request::post(path).json(&json!({}))
    };
    let mut crossings = 0;
    for (act, who, mode) in [
        ("join", 0, FanoutMode::Personal),
        ("join", 1, FanoutMode::Personal),
        ("join", 2, FanoutMode::Room),
        ("join", 2, FanoutMode::Room),
        ("join", 3, FanoutMode::Room),
        ("kick", 3, FanoutMode::Room),
        ("leave", 2, FanoutMode::Room),
        ("leave", 2, FanoutMode::Room),
        ("ban", 1, FanoutMode::Personal),
        ("accept", 2, FanoutMode::Personal),
        ("accept", 3, FanoutMode::Room),
        ("kick", 3, FanoutMode::Room),
        ("leave", 2, FanoutMode::Personal),
    ] {
        let before = fanout(&bench, room).await;
        let answer = match act {
            "join" => bench.join(&others[who], room).await,
            "leave" => bench.leave(&others[who], room).await,
            "accept" => {
                let body = json!({ "token": link.token });
                bench.accept(&others[who], &body).await
            }
            act => bench.send(&ada, on(who, act)).await,
        };
        answer.expect(StatusCode::OK);
        let after = fanout(&bench, room).await;
        assert_eq!(after.mode, mode, "{act} {who}");
        let events = bench.events().await;
        assert_eq!(version(events.last().unwrap()), after.version.get());
        let found: Vec<Room> = bench
            .send(&ada, Request::get("/v1/rooms/joined"))
            .await
            .parse();
        assert_eq!(found[0].fanout, mode);
        if before.mode == mode {
            continue;
        }
        crossings += 1;
        let [.., change, told] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert!(matches!(change.body, Body::MemberUpdated { .. }));
        assert!(
            matches!(told.body, Body::Fanout { mode: to, visibility: Visibility::Public, generation, .. }
                if to == mode && generation.get() == 1)
        );
        assert_eq!(found[0].version, after.version, "clients compare it");
        let members = if mode == FanoutMode::Room { 0 } else { 2 };
        assert_eq!(after.members.len(), members, "{act} {who}");
    }
    assert_eq!(crossings, 4);
    let versions: Vec<i64> = bench.events().await.iter().map(version).collect();
    assert!(
        versions
            .into_iter()
            .eq(1..=fanout(&bench, room).await.version.get())
    );
}

async fn fanout(bench: &Bench, room: RoomId) -> Fanout {
    let path = format!("/internal/rooms/{room}/fanout");
    bench.send_internal(Request::get(path)).await.parse()
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
