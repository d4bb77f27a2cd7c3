//! Tests that carry the numbers of the design's guarantees.

use std::collections::{HashMap, HashSet};

use futures::future::{join, join_all};
use http::StatusCode;
use plaza_clients::rooms::Fanout;
use plaza_events::{Body, Event};
use plaza_testkit::{Issuer, Request};
use plaza_types::{Role, RoomId, UserId};

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
