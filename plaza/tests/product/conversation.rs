//! The path of a message, end to end: GraphQL, messages, outbox, relay,
//! stream, publisher, Centrifugo.

use std::time::Duration;

use plaza_testkit::eventually;
use plaza_types::MessageId;
use serde_json::{Value, json};

use crate::support::{Person, Plaza};

const SOON: Duration = Duration::from_secs(10);

fn of_type<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == kind)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_member_does_reaches_the_other_in_order() {
    let plaza = Plaza::start().await;
    let (ada, ben) = (plaza.person().await, plaza.person().await);
    let room = ada.creates_room(&plaza, "Conversation").await;
    ada.sends(&plaza, &room, "before ben").await;
    // It goes to who is a member when it is published.
    let own = format!("personal:{}", ada.id);
    eventually(SOON, async || {
        !of_type(&plaza.events(&own).await, "message.created").is_empty()
    })
    .await;
    ben.joins(&plaza, &room).await;
    let mut sent = Vec::new();
    for word in ["one", "two", "three"] {
        sent.push(ada.sends(&plaza, &room, word).await);
    }
    let edit = ada
        .ask(
            &plaza,
            "mutation($id: ID!) { editMessage(id: $id, content: \"TWO\") { changedSeq } }",
            json!({ "id": sent[1]["id"] }),
        )
        .await;
    let deletion = ada
        .ask(
            &plaza,
            "mutation($id: ID!) { deleteMessage(id: $id) { changedSeq content deletedAt } }",
            json!({ "id": sent[2]["id"] }),
        )
        .await;
    assert_eq!(deletion.data()["deleteMessage"]["content"], "");

    let channel = format!("personal:{}", ben.id);
    let events = eventually(SOON, async || {
        let events = plaza.events(&channel).await;
        if of_type(&events, "message.deleted").is_empty() {
            Err(events)
        } else {
            Ok(events)
        }
    })
    .await;

    // Nothing from before the join; `joined` first; then every seq in order.
    let kinds: Vec<&str> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(kinds[0], "joined", "{kinds:?}");
    let seqs: Vec<i64> = events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect();
    assert_eq!(seqs, [2, 3, 4, 5, 6], "{kinds:?}");
    assert_eq!(edit.data()["editMessage"]["changedSeq"], 5);
    let created = of_type(&events, "message.created");
    assert_eq!(created[0]["author"]["username"], ada.username.as_str());
    assert_eq!(created[0]["message"]["content"], "one");
    assert_eq!(
        of_type(&events, "message.edited")[0]["message"]["content"],
        "TWO"
    );
    assert_eq!(
        of_type(&events, "message.deleted")[0]["message"]["content"],
        ""
    );
    for event in &events {
        assert_eq!(event["room"], room.as_str(), "{event}");
        assert!(
            event["epoch"].is_string() && event["time"].is_string(),
            "{event}"
        );
    }

    // The list: the room, its unread count, and what it is about.
    let joined = "{ rooms { nodes { id unreadCount lastMessage { id deletedAt } } } }";
    let rooms = ben.ask(&plaza, joined, json!({})).await;
    assert_eq!(rooms.data()["rooms"]["nodes"][0]["unreadCount"], 3);
    // Reading in one tab tells the others.
    let read = "mutation($room: ID!, $number: Seq!) { markRead(roomId: $room, number: $number) { unreadCount } }";
    let marked = ben
        .ask(&plaza, read, json!({ "room": room, "number": 3 }))
        .await;
    assert_eq!(marked.data()["markRead"]["unreadCount"], 1);
    eventually(SOON, async || {
        let events = plaza.events(&channel).await;
        of_type(&events, "read")
            .last()
            .is_some_and(|event| event["number"] == 3)
    })
    .await;

    who_leaves_hears_no_more(&plaza, &ada, &ben, &room).await;
}

/// Who left gets `left` and nothing later.
async fn who_leaves_hears_no_more(plaza: &Plaza, ada: &Person, ben: &Person, room: &str) {
    let channel = format!("personal:{}", ben.id);
    ben.ask(
        plaza,
        "mutation($room: ID!) { leaveRoom(roomId: $room) }",
        json!({ "room": room }),
    )
    .await
    .data();
    eventually(SOON, async || {
        !of_type(&plaza.events(&channel).await, "left").is_empty()
    })
    .await;
    let last = ada.sends(plaza, room, "after ben").await;
    let own = format!("personal:{}", ada.id);
    eventually(SOON, async || {
        plaza
            .events(&own)
            .await
            .iter()
            .any(|event| event["seq"] == last["seq"])
    })
    .await;
    assert!(
        plaza
            .events(&channel)
            .await
            .iter()
            .all(|event| event["seq"] != last["seq"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_3_a_retry_is_safe_through_the_whole_product() {
    let plaza = Plaza::start_with(&["--realtime-off"]).await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Retries").await;
    let id = MessageId::new().to_string();
    let tries =
        futures::future::join_all((0..10).map(|_| ada.sends_as(&plaza, &room, "once", &id))).await;
    let first = tries[0].data().clone();
    for answer in &tries {
        assert_eq!(answer.data(), &first);
    }
    assert_eq!(first["sendMessage"]["seq"], 1);
    assert_eq!(
        ada.sends_as(&plaza, &room, "twice", &id).await.code(),
        "CONFLICT"
    );
    let page = "query($room: ID!) { room(id: $room) { messages(last: 10) { headSeq nodes { content } } } }";
    let page = ada.ask(&plaza, page, json!({ "room": room })).await;
    let messages = &page.data()["room"]["messages"];
    assert_eq!(
        messages,
        &json!({ "headSeq": 1, "nodes": [{ "content": "once" }] })
    );
}
