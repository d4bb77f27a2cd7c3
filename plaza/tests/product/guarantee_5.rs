//! Who is removed sees nothing more, through the whole product and with a
//! client that does not do what it is told.

use std::time::{Duration, Instant};

use plaza_testkit::eventually;
use plaza_types::MessageId;
use serde_json::{Value, json};

use crate::support::{Person, Plaza};

const SOON: Duration = Duration::from_secs(30);

/// Every way to what is in a room, and what it gives to who may not: null, or
/// an error.
const WAYS: [(&str, &str); 5] = [
    (
        "query($room: ID!) { room(id: $room) { messages(last: 5) { nodes { content } } } }",
        "/room/messages",
    ),
    (
        "query($room: ID!) { room(id: $room) { changes(sinceSeq: 0) { nextSeq } } }",
        "/room/changes",
    ),
    (
        "query($room: ID!) { room(id: $room) { members { nodes { role } } } }",
        "/room/members",
    ),
    ("query($room: ID!) { room(id: $room) { name } }", "/room"),
    (
        "query($room: ID!) { room(id: $room) { lastMessage { content } } }",
        "/room",
    ),
];

async fn does(plaza: &Plaza, who: &Person, document: &str, variables: Value) -> Value {
    who.ask(plaza, document, variables).await.data().clone()
}

async fn creates_private(plaza: &Plaza, who: &Person) -> String {
    let create = "mutation { createRoom(input: { name: \"Secret\", visibility: PRIVATE }) { id } }";
    let made = does(plaza, who, create, json!({})).await;
    made["createRoom"]["id"].as_str().unwrap().to_owned()
}

/// Makes somebody a member by an invitation by name.
async fn lets_in(plaza: &Plaza, who: &Person, guest: &Person, room: &str) {
    let invite = "mutation($input: InviteInput!) { invite(input: $input) { id roomName invitee { username } } }";
    let input = json!({ "input": { "roomId": room, "username": guest.username } });
    let invited = does(plaza, who, invite, input).await;
    assert_eq!(
        invited["invite"]["invitee"]["username"],
        guest.username.as_str()
    );
    let own = "{ invitations { nodes { id roomName inviter { username } } } }";
    let own = does(plaza, guest, own, json!({})).await;
    let own = &own["invitations"]["nodes"][0];
    assert_eq!(own["id"], invited["invite"]["id"]);
    assert_eq!(own["roomName"], "Secret");
    assert_eq!(own["inviter"]["username"], who.username.as_str());
    let accept = "mutation($id: ID!) { acceptInvitation(id: $id) { unreadCount viewerMembership { role } } }";
    let room = does(plaza, guest, accept, json!({ "id": own["id"] })).await;
    assert_eq!(
        room["acceptInvitation"]["viewerMembership"]["role"],
        "MEMBER"
    );
    assert_eq!(room["acceptInvitation"]["unreadCount"], 0);
}

/// Whether nothing of a room is reached any more.
async fn is_shut_out(plaza: &Plaza, who: &Person, room: &str) -> bool {
    for (document, pointer) in WAYS {
        let answer = who.ask(plaza, document, json!({ "room": room })).await;
        let found = answer.json["data"].pointer(pointer);
        if found.is_some_and(|found| !found.is_null()) {
            return false;
        }
    }
    let id = MessageId::new().to_string();
    let sent = who.sends_as(plaza, room, "still here", &id).await;
    sent.json["errors"][0]["extensions"]["code"] == "NOT_FOUND"
}

/// How long it takes until nothing is reached any more, for a client that
/// tries on and on.
async fn until_shut_out(plaza: &Plaza, who: &Person, room: &str) -> Duration {
    let begun = Instant::now();
    eventually(SOON, async || is_shut_out(plaza, who, room).await).await;
    begun.elapsed()
}

async fn hears_left(plaza: &Plaza, who: &Person, room: &str, reason: &str) {
    let channel = format!("personal:{}", who.id);
    eventually(SOON, async || {
        plaza.events(&channel).await.iter().any(|event| {
            event["type"] == "left" && event["room"] == room && event["reason"] == reason
        })
    })
    .await;
}

/// Whether anything that was said in a room after somebody's departure was
/// delivered to them.
async fn hears_later(plaza: &Plaza, ada: &Person, who: &Person, room: &str) -> bool {
    let last = ada.sends(plaza, room, "among ourselves").await;
    let has = async |who: &Person| {
        let events = plaza.events(&format!("personal:{}", who.id)).await;
        events
            .iter()
            .any(|event| event["room"] == room && event["seq"] == last["seq"])
    };
    eventually(SOON, async || has(ada).await).await;
    has(who).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_who_is_removed_reaches_nothing_more() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let kick = "mutation($room: ID!, $user: ID!) { kickMember(roomId: $room, userId: $user) }";
    let ban =
        "mutation($room: ID!, $user: ID!) { banMember(input: { roomId: $room, userId: $user }) }";
    let leave = "mutation($room: ID!) { leaveRoom(roomId: $room) }";

    // A private room: 5 s.
    let mut slowest = Duration::ZERO;
    for (document, reason) in [(kick, "kicked"), (ban, "banned"), (leave, "left")] {
        let room = creates_private(&plaza, &ada).await;
        let bob = plaza.person().await;
        assert!(is_shut_out(&plaza, &bob, &room).await, "a stranger");
        lets_in(&plaza, &ada, &bob, &room).await;
        bob.sends(&plaza, &room, "hello").await;
        assert!(!is_shut_out(&plaza, &bob, &room).await);
        let actor = if reason == "left" { &bob } else { &ada };
        does(
            &plaza,
            actor,
            document,
            json!({ "room": room, "user": bob.id }),
        )
        .await;
        let took = until_shut_out(&plaza, &bob, &room).await;
        assert!(took < Duration::from_secs(5), "{reason}: {took:?}");
        slowest = slowest.max(took);
        hears_left(&plaza, &bob, &room, reason).await;
        assert!(!hears_later(&plaza, &ada, &bob, &room).await, "{reason}");
    }

    // A public room: 10 s, for members and for those who only read.
    let room = ada.creates_room(&plaza, "Open").await;
    for joins in [false, true] {
        let mallory = plaza.person().await;
        if joins {
            mallory.joins(&plaza, &room).await;
        }
        assert!(!is_shut_out(&plaza, &mallory, &room).await);
        does(
            &plaza,
            &ada,
            ban,
            json!({ "room": room, "user": mallory.id }),
        )
        .await;
        let took = until_shut_out(&plaza, &mallory, &room).await;
        assert!(took < Duration::from_secs(10), "banned: {took:?}");
        slowest = slowest.max(took);
        let join = "mutation($room: ID!) { joinRoom(roomId: $room) { id } }";
        let refused = mallory.ask(&plaza, join, json!({ "room": room })).await;
        assert_eq!(refused.code(), "FORBIDDEN");
    }

    // A room that becomes private is shut to who only read it; a deleted one
    // to everybody, and everybody hears of it.
    let (reader, eve) = (plaza.person().await, plaza.person().await);
    eve.joins(&plaza, &room).await;
    eve.sends(&plaza, &room, "hello").await;
    assert!(!is_shut_out(&plaza, &reader, &room).await);
    let close = "mutation($room: ID!) { updateRoom(input: { roomId: $room, visibility: PRIVATE }) { visibility } }";
    let closed = does(&plaza, &ada, close, json!({ "room": room })).await;
    assert_eq!(closed["updateRoom"]["visibility"], "PRIVATE");
    slowest = slowest.max(until_shut_out(&plaza, &reader, &room).await);
    let delete = "mutation($room: ID!) { deleteRoom(roomId: $room) }";
    does(&plaza, &ada, delete, json!({ "room": room })).await;
    for who in [&ada, &eve] {
        slowest = slowest.max(until_shut_out(&plaza, who, &room).await);
        hears_left(&plaza, who, &room, "room_deleted").await;
    }
    assert!(
        slowest < Duration::from_secs(5),
        "the slowest took {slowest:?}"
    );
}
