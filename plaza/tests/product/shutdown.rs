//! Stopping a part under load.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::{join, join_all};
use plaza_testkit::eventually;
use serde_json::{Value, json};

use crate::support::{Person, Plaza};

const WRITERS: usize = 16;

/// The seqs of all messages of a room.
async fn stored(plaza: &Plaza, person: &Person, room: &str) -> BTreeSet<i64> {
    let query = "query($room: ID!, $after: String) { room(id: $room) { messages(first: 100, after: $after) {
        nodes { seq } pageInfo { hasNextPage endCursor } } } }";
    let (mut seqs, mut after) = (BTreeSet::new(), Value::Null);
    loop {
        let variables = json!({ "room": room, "after": after });
        let answer = person.ask(plaza, query, variables).await;
        let page = &answer.data()["room"]["messages"];
        let nodes = page["nodes"].as_array().unwrap();
        seqs.extend(nodes.iter().map(|node| node["seq"].as_i64().unwrap()));
        if page["pageInfo"]["hasNextPage"] == false {
            return seqs;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// What was stored was answered, though the part was told to stop while 16
/// people were writing, and what was stored reaches Centrifugo.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_part_answers_all_it_has_begun_and_loses_no_event() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Shutdown").await;
    let mut accepted = BTreeSet::new();
    for part in ["messages", "gateway", "publisher"] {
        let count = AtomicUsize::new(0);
        let (stopping, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        let writers = join_all((0..WRITERS).map(async |_| {
            let mut seqs = Vec::new();
            // Nobody who writes misses the publisher.
            while part != "publisher" || !stopped.load(Ordering::Relaxed) {
                let Some(message) = ada.tries_to_send(&plaza, &room, "on and on").await else {
                    assert!(stopping.load(Ordering::Relaxed), "{part} still runs");
                    break;
                };
                seqs.push(message["seq"].as_i64().unwrap());
                count.fetch_add(1, Ordering::Relaxed);
            }
            seqs
        }));
        let stop = async {
            eventually(Duration::from_secs(30), async || {
                count.load(Ordering::Relaxed) >= 5 * WRITERS
            })
            .await;
            stopping.store(true, Ordering::Relaxed);
            plaza.ctl(&["stop", part]);
            stopped.store(true, Ordering::Relaxed);
        };
        let (seqs, ()) = join(writers, stop).await;
        accepted.extend(seqs.into_iter().flatten());
        plaza.ctl(&["start", part]);
        assert_eq!(
            stored(&plaza, &ada, &room).await,
            accepted,
            "after {part} was stopped"
        );
    }
    let last = accepted.last().copied();
    let channel = format!("personal:{}", ada.id);
    let events = eventually(Duration::from_secs(30), async || {
        let events = plaza.events(&channel).await;
        let newest = events.last().and_then(|event| event["seq"].as_i64());
        if newest == last {
            Ok(events)
        } else {
            Err((newest, last))
        }
    })
    .await;
    // What Centrifugo still has of it is whole.
    let seqs: Vec<i64> = events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect();
    assert!(seqs.len() > 1 && seqs.is_sorted(), "{seqs:?}");
    let mut once = seqs.clone();
    once.dedup();
    assert!(
        once.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "a gap: {seqs:?}"
    );
}
