//! The channels of rooms: what each room says of them, which tokens are
//! signed, and how many calls that takes.

use axum::http::StatusCode;
use chrono::TimeDelta;
use plaza_testkit::{Answer, service_tokens};
use plaza_types::{Epoch, RoomId};
use serde_json::{Value, json};

use crate::stand_in::{Bench, Call, codes, refusal};

/// A room as rooms gives it.
#[derive(Debug, Clone, Copy)]
struct Kind {
    id: RoomId,
    visibility: &'static str,
    fanout: &'static str,
}

impl Kind {
    fn new(visibility: &'static str, fanout: &'static str) -> Self {
        Self {
            id: RoomId::new(),
            visibility,
            fanout,
        }
    }

    fn large() -> Self {
        Self::new("public", "room")
    }

    fn room(&self) -> Value {
        json!({
            "id": self.id, "name": "General", "topic": "", "visibility": self.visibility,
            "fanout": self.fanout, "generation": 3, "memberCount": 2, "version": 3,
            "onlineCount": 7, "epoch": Epoch::new(), "createdAt": "2026-01-01T00:00:00Z",
            "membership": { "role": "member", "joinedAt": "2026-01-01T00:00:00Z", "mutedUntil": null },
        })
    }

    /// The name of its channel in a namespace.
    fn channel(&self, namespace: &str) -> String {
        format!("{namespace}:{}.3", self.id)
    }
}

/// Where it stands; the later its place in the list, the newer.
fn head(room: &Value, rooms: &[Kind]) -> Value {
    let place = rooms.iter().position(|kind| json!(kind.id) == *room);
    let minutes = TimeDelta::minutes(i64::try_from(place.unwrap()).unwrap());
    json!({
        "roomId": room, "headSeq": 9, "lastNumber": 7, "readNumber": 5,
        "lastMessageAt": chrono::DateTime::UNIX_EPOCH + minutes, "lastMessage": null, "epoch": Epoch::new(),
    })
}

const SIGN: &str = "POST /v1/subscription-tokens";

/// Services that know these rooms and sign what they are asked for.
async fn bench(flags: &[&str], rooms: &[Kind]) -> Bench {
    let rooms = rooms.to_vec();
    let answer = move |call: &Call| {
        let found = || rooms.iter().map(Kind::room).collect::<Vec<_>>();
        let answer = match call.to.as_str() {
            "GET /v1/rooms/joined" => json!(found()),
            to if to.starts_with("GET /v1/rooms/discover") => {
                let items = found().into_iter();
                let items: Vec<_> = items
                    .map(|room| json!({ "cursor": "c", "item": room }))
                    .collect();
                json!({ "items": items, "hasNext": false, "hasPrevious": false })
            }
            "POST /v1/rooms/lookup" => {
                let asked = call.body["ids"].as_array().unwrap();
                found()
                    .into_iter()
                    .filter(|room| asked.contains(&room["id"]))
                    .collect()
            }
            "POST /v1/heads" => {
                let asked = call.body["roomIds"].as_array().unwrap();
                asked.iter().map(|room| head(room, &rooms)).collect()
            }
            SIGN => {
                let channels = call.body["channels"].as_array().unwrap();
                assert!(channels.len() <= 200, "{}", channels.len());
                channels
                    .iter()
                    .map(|channel| json!({ "channel": channel, "token": format!("for {}", channel.as_str().unwrap()), "expiresAt": "2026-01-01T00:00:06Z" }))
                    .collect()
            }
            to if to.ends_with("/typing") => Value::Null,
            other => panic!("{other} was called"),
        };
        (StatusCode::OK, answer)
    };
    Bench::new(flags, answer).await
}

/// What auth was asked to sign, call by call.
fn signed(bench: &Bench) -> Vec<Vec<String>> {
    let calls = bench.calls().into_iter().filter(|call| call.to == SIGN);
    calls
        .map(|call| serde_json::from_value(call.body["channels"].clone()).unwrap())
        .collect()
}

async fn good(bench: &Bench, query: &str, variables: &Value) -> Value {
    let answer = bench.send(bench.ask(query, variables)).await;
    assert!(codes(&answer).is_empty(), "{}", answer.text());
    answer.json()["data"].clone()
}

const REALTIME: &str = "realtime { live channel token headChannel headToken expiresAt }";

#[tokio::test]
async fn a_room_says_where_its_events_are_to_be_had() {
    let (large, small) = (Kind::large(), Kind::new("public", "personal"));
    let (private, hidden) = (
        Kind::new("private", "room"),
        Kind::new("private", "personal"),
    );
    let bench = bench(&[], &[large, small, private, hidden]).await;
    let named = |kind: &Kind, [channel, head]: [Option<&str>; 2]| {
        json!({
            "live": kind.channel("live"), "channel": channel.map(|name| kind.channel(name)),
            "headChannel": head.map(|name| kind.channel(name)),
            "token": null, "headToken": null, "expiresAt": null,
        })
    };
    let mut open = named(&large, [Some("room"), Some("head")]);
    open["token"] = json!(format!("for {}", large.channel("room")));
    open["headToken"] = json!(format!("for {}", large.channel("head")));
    open["expiresAt"] = json!("2026-01-01T00:00:06Z");
    let expected = [
        (large, open),
        (small, named(&small, [None, None])),
        (
            private,
            named(&private, [Some("private"), Some("privatehead")]),
        ),
        (hidden, named(&hidden, [None, None])),
    ];
    let query = format!("query($id: ID!) {{ room(id: $id) {{ {REALTIME} }} }}");
    for (kind, expected) in &expected {
        let data = good(&bench, &query, &json!({ "id": kind.id })).await;
        assert_eq!(data["room"]["realtime"], *expected, "{kind:?}");
    }
    let both = [large.channel("room"), large.channel("head")];
    assert_eq!(signed(&bench), [both], "what no token opens is not signed");
    let query = format!("{{ heads {{ rooms {{ roomId {REALTIME} }} }} }}");
    let heads = good(&bench, &query, &Value::Null).await["heads"]["rooms"].clone();
    let of = |kind: &Kind| {
        let heads = heads.as_array().unwrap();
        heads
            .iter()
            .find(|head| head["roomId"] == json!(kind.id))
            .unwrap()["realtime"]
            .clone()
    };
    for (kind, expected) in &expected {
        assert_eq!(of(kind), *expected, "{kind:?}");
    }
}

#[tokio::test]
async fn heads_have_the_tokens_of_the_hundred_large_rooms_active_last_in_one_call() {
    let mut rooms: Vec<_> = (0..150).map(|_| Kind::large()).collect();
    rooms.extend((0..50).map(|_| Kind::new("public", "personal")));
    let bench = bench(&[], &rooms).await;
    let query = format!("{{ heads {{ rooms {{ roomId {REALTIME} }} }} }}");
    let heads = good(&bench, &query, &Value::Null).await["heads"]["rooms"].clone();
    assert_eq!(
        bench.called(),
        ["GET /v1/rooms/joined", "POST /v1/heads", SIGN]
    );
    let mut asked = signed(&bench).remove(0);
    let mut newest: Vec<_> = rooms[50..150]
        .iter()
        .flat_map(|kind| [kind.channel("room"), kind.channel("head")])
        .collect();
    asked.sort();
    newest.sort();
    assert_eq!(asked, newest);
    for head in heads.as_array().unwrap() {
        let place = rooms
            .iter()
            .position(|kind| json!(kind.id) == head["roomId"]);
        let signed = (50..150).contains(&place.unwrap());
        let realtime = &head["realtime"];
        assert_eq!(realtime["token"].is_string(), signed, "{head}");
        assert_eq!(realtime["headToken"].is_string(), signed, "{head}");
        assert_eq!(realtime["expiresAt"].is_string(), signed, "{head}");
        assert_eq!(realtime["channel"].is_string(), place.unwrap() < 150);
    }
}

#[tokio::test]
async fn pages_of_rooms_have_all_their_tokens_signed_in_one_call() {
    let rooms: Vec<_> = (0..100).map(|_| Kind::large()).collect();
    for (list, first_call) in [
        ("rooms", "GET /v1/rooms/joined"),
        ("discoverRooms", "GET /v1/rooms/discover?first=100"),
    ] {
        for items in ["nodes {", "edges { node {"] {
            let bench = bench(&[], &rooms).await;
            let close = "}".repeat(items.matches('{').count());
            let query = format!("{{ {list}(first: 100) {{ {items} {REALTIME} {close} }} }}");
            let data = good(&bench, &query, &Value::Null).await;
            assert_eq!(data.to_string().matches("\"for room:").count(), 100);
            assert_eq!(data.to_string().matches("\"for head:").count(), 100);
            let called: Vec<_> = bench.calls().into_iter().map(|call| call.to).collect();
            assert_eq!(called.first().unwrap(), first_call);
            assert_eq!(called.last().unwrap(), SIGN);
            assert_eq!(signed(&bench).len(), 1, "{list} {items}");
            assert_eq!(signed(&bench)[0].len(), 200);
        }
    }
}

#[tokio::test]
async fn no_token_is_signed_that_is_not_selected() {
    let rooms = [Kind::large(), Kind::large()];
    let bench = bench(&[], &rooms).await;
    let bare = "realtime { live channel headChannel expiresAt }";
    for query in [
        format!("{{ heads {{ rooms {{ {bare} }} }} }}"),
        format!("{{ rooms {{ nodes {{ {bare} }} }} }}"),
        format!("{{ discoverRooms {{ nodes {{ {bare} }} }} }}"),
        format!("{{ room(id: \"{}\") {{ {bare} }} }}", rooms[0].id),
    ] {
        let data = good(&bench, &query, &Value::Null).await;
        assert!(data.to_string().contains(&rooms[0].channel("room")));
        assert!(!data.to_string().contains("2026-01-01T00:00:06Z"), "{data}");
    }
    assert!(signed(&bench).is_empty());
    let query = "{ heads { rooms { realtime { headToken expiresAt } } } }";
    let data = good(&bench, query, &Value::Null).await;
    assert!(data.to_string().contains("2026-01-01T00:00:06Z"), "{data}");
    let heads = rooms.map(|kind| kind.channel("head"));
    assert_eq!(signed(&bench), [heads]);
}

#[tokio::test]
async fn the_gateway_vouches_beside_the_callers_token() {
    let large = Kind::large();
    let bench = bench(&[], &[large]).await;
    let query = "{ heads { rooms { realtime { token } } } }";
    let request = bench.ask(query, &Value::Null);
    bench.send(request).await;
    let calls = bench.calls();
    let (others, signing): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.to != SIGN);
    assert!(others.iter().all(|call| call.through.is_none()));
    let through = signing[0].through.as_deref().unwrap();
    let service = service_tokens("auth").verify(through);
    assert_eq!(service.as_deref(), Some("gateway"));
    assert_eq!(signing[0].authorization, others[0].authorization);
}

#[tokio::test]
async fn with_real_time_off_there_is_none_of_it() {
    let large = Kind::large();
    let bench = bench(&["--realtime-enabled=false"], &[large]).await;
    for (query, path) in [
        (
            format!("{{ heads {{ rooms {{ {REALTIME} }} }} }}"),
            "/heads/rooms/0/realtime",
        ),
        (
            format!("{{ rooms {{ nodes {{ {REALTIME} }} }} }}"),
            "/rooms/nodes/0/realtime",
        ),
        (
            format!("{{ room(id: \"{}\") {{ {REALTIME} }} }}", large.id),
            "/room/realtime",
        ),
    ] {
        let data = good(&bench, &query, &Value::Null).await;
        assert_eq!(data.pointer(path), Some(&Value::Null), "{data}");
    }
    let answer = subscribe(&bench, &large.channel("room")).await;
    assert_eq!(codes(&answer), ["NOT_FOUND"]);
    assert!(signed(&bench).is_empty());
}

#[tokio::test]
async fn when_auth_is_away_heads_come_without_tokens_after_one_try() {
    let rooms: Vec<_> = (0..30).map(|_| Kind::large()).collect();
    let known = rooms.clone();
    let bench = Bench::new(&[], move |call| match call.to.as_str() {
        "GET /v1/rooms/joined" => (
            StatusCode::OK,
            known.iter().map(Kind::room).collect::<Value>(),
        ),
        "POST /v1/heads" => {
            let asked = call.body["roomIds"].as_array().unwrap();
            let heads: Value = asked.iter().map(|room| head(room, &known)).collect();
            (StatusCode::OK, heads)
        }
        _ => refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    })
    .await;
    let query = format!("{{ heads {{ rooms {{ headSeq {REALTIME} }} }} }}");
    let answer = bench.send(bench.ask(&query, &Value::Null)).await;
    let data = answer.json()["data"].clone();
    let heads = data["heads"]["rooms"].as_array().unwrap();
    assert_eq!(heads.len(), 30);
    for head in heads {
        assert_eq!(head["headSeq"], 9);
        assert!(head["realtime"]["channel"].is_string(), "{head}");
        assert!(head["realtime"]["token"].is_null() && head["realtime"]["expiresAt"].is_null());
    }
    assert!(codes(&answer).iter().all(|code| code == "UNAVAILABLE"));
    assert_eq!(bench.calls().len(), 3, "{:?}", bench.called());
}

async fn subscribe(bench: &Bench, channel: &str) -> Answer {
    let query = "mutation($channel: String!) { subscriptionToken(channel: $channel) { token expiresAt endpoint channels } }";
    bench
        .send(bench.ask(query, &json!({ "channel": channel })))
        .await
}

#[tokio::test]
async fn a_subscription_is_renewed_for_what_the_room_is_called_now() {
    let (large, small) = (Kind::large(), Kind::new("public", "personal"));
    let private = Kind::new("private", "room");
    let bench = bench(&[], &[large, small, private]).await;
    for namespace in ["room", "head"] {
        let channel = large.channel(namespace);
        let answer = subscribe(&bench, &channel).await;
        let expected = json!({
            "token": format!("for {channel}"), "expiresAt": "2026-01-01T00:00:06Z",
            "endpoint": "/connection/websocket", "channels": [channel],
        });
        assert_eq!(answer.json()["data"]["subscriptionToken"], expected);
    }
    let before = bench.calls().len();
    let unknown = Kind::large();
    let personal = format!("personal:{}", bench.ada.id);
    for channel in [
        large.channel("room").replace(".3", ".2"),
        large.channel("room").replace(".3", ".4"),
        large.channel("live"),
        large.channel("private"),
        small.channel("room"),
        small.channel("head"),
        private.channel("room"),
        private.channel("head"),
        private.channel("private"),
        private.channel("privatehead"),
        private.channel("live"),
        unknown.channel("room"),
        personal,
        "pulse:all".into(),
    ] {
        let answer = subscribe(&bench, &channel).await;
        assert_eq!(codes(&answer), ["NOT_FOUND"], "{channel}");
        assert!(answer.json()["data"].is_null());
    }
    for channel in ["", "room", "room:", "x:y", "room:x.1", "🦀", "a\u{0}b"] {
        let answer = subscribe(&bench, channel).await;
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{channel:?}");
    }
    let later = bench.calls().split_off(before);
    assert!(later.iter().all(|call| call.to == "POST /v1/rooms/lookup"));
}

#[tokio::test]
async fn typing_and_the_online_count_are_rooms_word() {
    let large = Kind::large();
    let bench = bench(&[], &[large]).await;
    let query = "query($id: ID!) { room(id: $id) { onlineCount } }";
    let data = good(&bench, query, &json!({ "id": large.id })).await;
    assert_eq!(data["room"]["onlineCount"], 7);
    let query = "mutation($id: ID!) { setTyping(roomId: $id) }";
    let data = good(&bench, query, &json!({ "id": large.id })).await;
    assert_eq!(data["setTyping"], true);
    let typing = format!("POST /v1/rooms/{}/typing", large.id);
    assert_eq!(bench.calls().last().unwrap().to, typing);
    let refused = Bench::new(&[], |_| refusal(StatusCode::FORBIDDEN, "FORBIDDEN")).await;
    let answer = refused.send(refused.ask(query, &json!({ "id": large.id })));
    assert_eq!(codes(&answer.await), ["FORBIDDEN"]);
}

#[tokio::test]
async fn a_reconnect_fits_the_default_limits_and_tokens_count() {
    let rooms: Vec<_> = (0..100).map(|_| Kind::large()).collect();
    let fields = "roomId headSeq version number unreadCount lastMessageAt preview epoch fanout";
    let query = format!("{{ heads {{ pollAfter rooms {{ {fields} {REALTIME} }} }} }}");
    good(&bench(&[], &rooms).await, &query, &Value::Null).await;
    // Two calls, and a hundred times `rooms`, `realtime` and its field.
    let cost = |field: usize| 2 * 50 + 100 * (1 + 1 + field);
    for (field, weight) in [("live", 1), ("token", 3), ("headToken", 3)] {
        let query = format!("{{ heads {{ rooms {{ realtime {{ {field} }} }} }} }}");
        for (limit, fits) in [(cost(weight), true), (cost(weight) - 1, false)] {
            let flag = format!("--graphql-max-complexity={limit}");
            let bench = bench(&[&flag], &rooms).await;
            let answer = bench.send(bench.ask(&query, &Value::Null)).await;
            assert_eq!(codes(&answer).is_empty(), fits, "{field} {limit}");
        }
    }
}
