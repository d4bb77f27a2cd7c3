//! What a query costs in calls, and whose eyes they are made with.

use axum::http::StatusCode;
use plaza_testkit::Issuer;
use plaza_types::{Epoch, MessageId, RoomId, UserId};
use serde_json::{Value, json};

use crate::stand_in::{Bench, Call, codes, graphql};

fn room(id: RoomId) -> Value {
    json!({
        "id": id, "name": "General", "topic": "", "visibility": "public", "fanout": "personal",
        "memberCount": 2, "version": 3, "epoch": Epoch::new(), "createdAt": "2026-01-01T00:00:00Z",
        "membership": { "role": "member", "joinedAt": "2026-01-01T00:00:00Z", "mutedUntil": null },
    })
}

fn message(room: RoomId, author: UserId, reply_to: Option<MessageId>) -> Value {
    json!({
        "id": MessageId::new(), "roomId": room, "seq": 1, "number": 1, "changedSeq": 1, "authorId": author,
        "content": "hello\nthere", "createdAt": "2026-01-01T00:00:00Z", "clientMessageId": "c", "replyTo": reply_to,
    })
}

fn head(room: RoomId, message: &Value) -> Value {
    json!({
        "roomId": room, "headSeq": 9, "lastNumber": 7, "readNumber": 5,
        "lastMessageAt": "2026-01-01T00:00:00Z", "lastMessage": message, "epoch": Epoch::new(),
    })
}

fn history(messages: Vec<Value>) -> Value {
    let items: Vec<_> = messages
        .into_iter()
        .map(|item| json!({ "cursor": "c", "item": item }))
        .collect();
    json!({ "items": items, "hasNext": false, "hasPrevious": true, "headSeq": 9, "epoch": Epoch::new() })
}

/// Every user that is asked for exists, and every room.
fn answer(call: &Call) -> (StatusCode, Value) {
    let ids = || call.body["ids"].as_array().cloned().unwrap_or_default();
    let parse = |id: &Value| id.as_str().unwrap().parse::<RoomId>().unwrap();
    let answer = match call.to.as_str() {
        "POST /v1/users/lookup" => ids()
            .iter()
            .map(|id| json!({ "id": id, "username": "bob", "displayName": "Bob", "kind": "person", "createdAt": "2026-01-01T00:00:00Z" }))
            .collect(),
        "POST /v1/rooms/lookup" => ids().iter().map(|id| room(parse(id))).collect(),
        "POST /v1/heads" => call.body["roomIds"].as_array().unwrap().iter()
            .map(|id| head(parse(id), &message(parse(id), UserId::new(), None)))
            .collect(),
        other => panic!("{other} was called"),
    };
    (StatusCode::OK, answer)
}

#[tokio::test]
async fn the_authors_of_a_page_are_asked_for_at_once() {
    let id = RoomId::new();
    let bench = Bench::new(&[], move |call| {
        if call.to.contains("/messages?") {
            let page = (0..100).map(|_| message(id, UserId::new(), None)).collect();
            return (StatusCode::OK, history(page));
        }
        answer(call)
    })
    .await;
    let query = "query($id: ID!) { room(id: $id) { messages(last: 100) { headSeq nodes { id author { username } } } } }";
    let answer = bench.send(bench.ask(query, &json!({ "id": id }))).await;
    assert!(codes(&answer).is_empty(), "{}", answer.text());
    assert_eq!(
        answer.json()["data"]["room"]["messages"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    assert_eq!(
        bench.called(),
        [
            format!("GET /v1/rooms/{id}/messages?last=100"),
            "POST /v1/users/lookup".to_owned()
        ]
    );
}

#[tokio::test]
async fn own_messages_and_bare_replies_ask_nobody_else() {
    let (id, replied) = (RoomId::new(), MessageId::new());
    let ada = Issuer::person("ada");
    let author = ada.id;
    let mut bench = Bench::new(&[], move |call| {
        assert!(call.to.contains("/messages?"), "{}", call.to);
        (
            StatusCode::OK,
            history(vec![message(id, author, Some(replied))]),
        )
    })
    .await;
    bench.ada = ada;
    let query = "query($id: ID!) { room(id: $id) { id messages { nodes { author { username displayName } replyTo { id } } } } }";
    let answer = bench.send(bench.ask(query, &json!({ "id": id }))).await;
    let node = &answer.json()["data"]["room"]["messages"]["nodes"][0];
    assert_eq!(
        node["author"],
        json!({ "username": "ada", "displayName": "ada" })
    );
    assert_eq!(node["replyTo"]["id"], replied.to_string());
    assert_eq!(bench.calls().len(), 1);
}

#[tokio::test]
async fn heads_are_asked_for_only_when_a_field_needs_them() {
    let id = RoomId::new();
    let bench = Bench::new(&[], answer).await;
    let ask = |fields: &str| format!("query($id: ID!) {{ room(id: $id) {{ {fields} }} }}");
    bench
        .send(bench.ask(&ask("name topic memberCount"), &json!({ "id": id })))
        .await;
    assert_eq!(bench.called(), ["POST /v1/rooms/lookup"]);
    let both = bench
        .send(bench.ask(
            &ask("name unreadCount headSeq lastMessage { content }"),
            &json!({ "id": id }),
        ))
        .await;
    assert_eq!(both.json()["data"]["room"]["unreadCount"], 2);
    assert_eq!(both.json()["data"]["room"]["headSeq"], 9);
    assert_eq!(bench.calls().len(), 3, "{:?}", bench.called());
    let joined = bench.calls().last().unwrap().body["joined"].clone();
    assert_eq!(joined, true, "a member without a mark gets one");
}

#[tokio::test]
async fn look_ups_go_in_batches_of_a_hundred() {
    let bench = Bench::new(&[], answer).await;
    let ids: Vec<_> = (0..100).map(|_| UserId::new()).collect();
    let more: Vec<_> = (0..50).map(|_| UserId::new()).collect();
    let query = "query($ids: [ID!]!, $more: [ID!]!) { a: users(ids: $ids) { id } b: users(ids: $more) { id } }";
    let answer = bench
        .send(bench.ask(query, &json!({ "ids": ids, "more": more })))
        .await;
    assert_eq!(
        answer.json()["data"]["a"],
        json!(ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>())
    );
    let mut sizes: Vec<_> = bench
        .calls()
        .iter()
        .map(|call| call.body["ids"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes.iter().sum::<usize>(), 150);
    assert!(
        sizes.len() == 2 && sizes.iter().all(|size| *size <= 100),
        "{sizes:?}"
    );
}

#[tokio::test]
async fn nothing_that_one_caller_loaded_reaches_another() {
    let bench = Bench::new(&[], answer).await;
    let id = UserId::new();
    let query = "query($ids: [ID!]!) { users(ids: $ids) { username } }";
    let variables = json!({ "ids": [id] });
    bench.send(bench.ask(query, &variables)).await;
    let bob = bench.issuer.token(&Issuer::person("bob"));
    bench.send(graphql(query, &variables).bearer(&bob)).await;
    let asked: Vec<_> = bench
        .calls()
        .into_iter()
        .map(|call| call.authorization.unwrap())
        .collect();
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0], asked[1]);
    assert_eq!(asked[1], format!("Bearer {bob}"));
}

#[tokio::test]
async fn a_mutation_makes_what_was_loaded_before_it_old() {
    let id = RoomId::new();
    let bench = Bench::new(&[], move |call| match call.to.as_str() {
        to if to.ends_with("/join") => (StatusCode::OK, room(id)),
        to if to.ends_with("/read") => (StatusCode::OK, head(id, &Value::Null)),
        _ => answer(call),
    })
    .await;
    let query = "mutation($id: ID!) { a: markRead(roomId: $id, number: 1) { name } b: joinRoom(roomId: $id) { name unreadCount } \
                 c: markRead(roomId: $id, number: 7) { name readNumber } }";
    let answer = bench.send(bench.ask(query, &json!({ "id": id }))).await;
    assert!(codes(&answer).is_empty(), "{}", answer.text());
    let called: Vec<_> = bench.calls().into_iter().map(|call| call.to).collect();
    let (join, read) = (
        format!("POST /v1/rooms/{id}/join"),
        format!("POST /v1/rooms/{id}/read"),
    );
    let lookup = "POST /v1/rooms/lookup".to_owned();
    assert_eq!(
        called,
        [
            read.clone(),
            lookup.clone(),
            join,
            read.clone(),
            read,
            lookup
        ]
    );
    assert_eq!(
        bench.calls()[3].body,
        json!({ "number": null }),
        "a newcomer has read everything"
    );
}

#[tokio::test]
async fn the_joined_list_takes_one_call_to_rooms_and_one_to_messages() {
    let ids: Vec<_> = (0..5).map(|_| RoomId::new()).collect();
    let rooms = ids.clone();
    let bench = Bench::new(&[], move |call| {
        if call.to == "GET /v1/rooms/joined" {
            return (StatusCode::OK, rooms.iter().map(|id| room(*id)).collect());
        }
        answer(call)
    })
    .await;
    let query = "{ rooms(first: 2) { nodes { id name unreadCount readNumber lastMessage { content } } pageInfo { hasNextPage endCursor } } }";
    let page = bench.send(bench.ask(query, &Value::Null)).await.json()["data"]["rooms"].clone();
    assert_eq!(page["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    assert_eq!(bench.called(), ["GET /v1/rooms/joined", "POST /v1/heads"]);
    let query = "query($after: String) { rooms(after: $after) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } }";
    let rest = bench
        .send(bench.ask(query, &json!({ "after": page["pageInfo"]["endCursor"] })))
        .await;
    let rest = rest.json()["data"]["rooms"].clone();
    assert_eq!(rest["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(
        rest["pageInfo"],
        json!({ "hasNextPage": false, "hasPreviousPage": true })
    );
}

#[tokio::test]
async fn heads_say_where_each_room_stands_and_when_to_ask_again() {
    let id = RoomId::new();
    let bench = Bench::new(&[], move |call| {
        if call.to == "GET /v1/rooms/joined" {
            return (StatusCode::OK, json!([room(id)]));
        }
        answer(call)
    })
    .await;
    let query = "{ heads { pollAfter rooms { roomId headSeq version number unreadCount preview fanout } } }";
    let heads = bench.send(bench.ask(query, &Value::Null)).await.json()["data"]["heads"].clone();
    assert_eq!(heads["pollAfter"], 5_000);
    assert_eq!(
        heads["rooms"],
        json!([{ "roomId": id, "headSeq": 9, "version": 3, "number": 7, "unreadCount": 2, "preview": "hello", "fanout": "PERSONAL" }])
    );
}

#[tokio::test]
async fn lists_of_rooms_bring_their_heads_and_authors_in_one_batch_each() {
    let ids: Vec<_> = (0..60).map(|_| RoomId::new()).collect();
    let rooms = ids.clone();
    let bench = Bench::new(&[], move |call| {
        let found: Vec<_> = rooms.iter().map(|id| room(*id)).collect();
        match call.to.as_str() {
            "GET /v1/rooms/joined" => (StatusCode::OK, json!(found)),
            to if to.starts_with("GET /v1/rooms/discover") => {
                let items: Vec<_> = found
                    .iter()
                    .map(|room| json!({ "cursor": "c", "item": room }))
                    .collect();
                (
                    StatusCode::OK,
                    json!({ "items": items, "hasNext": false, "hasPrevious": false }),
                )
            }
            _ => answer(call),
        }
    })
    .await;
    let fields = "edges { node { unreadCount lastMessage { content author { displayName } } } }";
    for (list, call) in [
        ("rooms", "GET /v1/rooms/joined"),
        ("discoverRooms", "GET /v1/rooms/discover?first=60"),
    ] {
        let before = bench.calls().len();
        let answer = bench
            .send(bench.ask(
                &format!("{{ {list}(first: 60) {{ {fields} }} }}"),
                &Value::Null,
            ))
            .await;
        assert!(codes(&answer).is_empty(), "{}", answer.text());
        let called: Vec<_> = bench
            .calls()
            .split_off(before)
            .into_iter()
            .map(|call| call.to)
            .collect();
        assert_eq!(called, [call, "POST /v1/heads", "POST /v1/users/lookup"]);
    }
}

#[tokio::test]
async fn when_auth_is_away_a_page_comes_without_authors_after_one_try() {
    let id = RoomId::new();
    let bench = Bench::new(&[], move |call| {
        if call.to.contains("/messages?") {
            let page = (0..60).map(|_| message(id, UserId::new(), None)).collect();
            return (StatusCode::OK, history(page));
        }
        crate::stand_in::refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE")
    })
    .await;
    let query =
        "query($id: ID!) { room(id: $id) { messages { nodes { content author { username } } } } }";
    let answer = bench.send(bench.ask(query, &json!({ "id": id }))).await;
    let nodes = answer.json()["data"]["room"]["messages"]["nodes"].clone();
    assert_eq!(
        nodes[59],
        json!({ "content": "hello\nthere", "author": null })
    );
    assert!(codes(&answer).iter().all(|code| code == "UNAVAILABLE"));
    assert_eq!(bench.calls().len(), 2, "{:?}", bench.called());
}
