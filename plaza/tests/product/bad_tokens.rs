//! Every mutation by nobody, and by everybody who only pretends.

use plaza_types::MessageId;
use serde_json::{Value, json};

use crate::support::Plaza;

/// Every mutation that needs somebody, with variables that would be accepted.
fn mutations(
    room: &str,
    message: &str,
    user: &str,
    invitation: &Value,
) -> Vec<(&'static str, Value)> {
    vec![
        (
            "mutation { createRoom(input: { name: \"Stolen\" }) { id } }",
            json!({}),
        ),
        (
            "mutation($room: ID!) { joinRoom(roomId: $room) { id } }",
            json!({ "room": room }),
        ),
        (
            "mutation($room: ID!) { leaveRoom(roomId: $room) }",
            json!({ "room": room }),
        ),
        (
            "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }",
            json!({ "input": { "roomId": room, "content": "stolen", "clientMessageId": MessageId::new() } }),
        ),
        (
            "mutation($id: ID!) { editMessage(id: $id, content: \"stolen\") { id } }",
            json!({ "id": message }),
        ),
        (
            "mutation($id: ID!) { deleteMessage(id: $id) { id } }",
            json!({ "id": message }),
        ),
        (
            "mutation($room: ID!) { markRead(roomId: $room, number: 1) { id } }",
            json!({ "room": room }),
        ),
        ("mutation { connectionToken { token } }", json!({})),
        (
            "mutation($room: ID!) { updateRoom(input: { roomId: $room, name: \"Stolen\" }) { id } }",
            json!({ "room": room }),
        ),
        (
            "mutation($room: ID!) { deleteRoom(roomId: $room) }",
            json!({ "room": room }),
        ),
        (
            "mutation($room: ID!, $user: ID!) { setRole(input: { roomId: $room, userId: $user, role: OWNER }) { role } }",
            json!({ "room": room, "user": user }),
        ),
        (
            "mutation($room: ID!, $user: ID!) { kickMember(roomId: $room, userId: $user) }",
            json!({ "room": room, "user": user }),
        ),
        (
            "mutation($room: ID!, $user: ID!) { banMember(input: { roomId: $room, userId: $user }) }",
            json!({ "room": room, "user": user }),
        ),
        (
            "mutation($room: ID!, $user: ID!) { unbanMember(roomId: $room, userId: $user) }",
            json!({ "room": room, "user": user }),
        ),
        (
            "mutation($room: ID!, $user: ID!) { muteMember(input: { roomId: $room, userId: $user }) { role } }",
            json!({ "room": room, "user": user }),
        ),
        (
            "mutation($room: ID!) { invite(input: { roomId: $room }) { token } }",
            json!({ "room": room }),
        ),
        (
            "mutation($token: String!) { acceptInvitation(token: $token) { id } }",
            json!({ "token": invitation["token"] }),
        ),
        (
            "mutation($id: ID!) { revokeInvitation(id: $id) }",
            json!({ "id": invitation["id"] }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_opens_no_mutation() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Bad tokens").await;
    let message = ada.sends(&plaza, &room, "the first").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let issuer = plaza.issuer().await;
    // The issuer is right: what it signs well is taken.
    let good = issuer.token(&ada.identity());
    assert_eq!(
        plaza
            .graphql(Some(&good), "{ me { username } }", json!({}))
            .await
            .data()["me"]["username"],
        ada.username
    );
    let connection = ada
        .ask(&plaza, "mutation { connectionToken { token } }", json!({}))
        .await
        .data()["connectionToken"]["token"]
        .as_str()
        .unwrap()
        .to_owned();

    let bob = plaza.person().await;
    bob.joins(&plaza, &room).await;
    let invite = "mutation($room: ID!) { invite(input: { roomId: $room }) { id token } }";
    let invite = ada.ask(&plaza, invite, json!({ "room": room })).await;
    let invitation = &invite.data()["invite"];

    let before = plaza.stored().await;
    let mut tokens: Vec<(&str, Option<String>)> = issuer
        .bad_tokens(&ada.identity())
        .into_iter()
        .map(|(what, token)| (what, Some(token)))
        .collect();
    tokens.push(("missing", None));
    tokens.push(("for Centrifugo", Some(connection)));
    for (document, variables) in mutations(&room, &message, &bob.id.to_string(), invitation) {
        for (what, token) in &tokens {
            let answer = plaza
                .graphql(token.as_deref(), document, variables.clone())
                .await;
            assert_eq!(
                answer.code(),
                "UNAUTHENTICATED",
                "a token that is {what} at {document}"
            );
            assert!(
                answer.json["data"]
                    .as_object()
                    .is_none_or(|data| data.values().all(Value::is_null))
            );
        }
    }
    assert_eq!(before, plaza.stored().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_token_changes_nothing_of_mine() {
    let plaza = Plaza::start_with(&["--realtime-off"]).await;
    let (ada, mallory) = (plaza.person().await, plaza.person().await);
    let room = ada.creates_room(&plaza, "Mine").await;
    let message = ada.sends(&plaza, &room, "mine").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = plaza.stored().await;
    let refused = [
        (
            "mutation($id: ID!) { editMessage(id: $id, content: \"theirs\") { id } }",
            json!({ "id": message }),
        ),
        (
            "mutation($id: ID!) { deleteMessage(id: $id) { id } }",
            json!({ "id": message }),
        ),
        (
            "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }",
            json!({ "input": { "roomId": room, "content": "theirs", "clientMessageId": MessageId::new() } }),
        ),
    ];
    for (document, variables) in &refused {
        let answer = mallory.ask(&plaza, document, variables.clone()).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{document}");
    }
    // Leaving a room that one is not in changes nothing either.
    mallory
        .ask(
            &plaza,
            "mutation($room: ID!) { leaveRoom(roomId: $room) }",
            json!({ "room": room }),
        )
        .await;
    assert_eq!(before, plaza.stored().await);

    // As a member, mallory may write, and still not touch what is ada's.
    mallory.joins(&plaza, &room).await;
    let before = plaza.stored().await;
    for (document, variables) in &refused[..2] {
        assert_eq!(
            mallory
                .ask(&plaza, document, variables.clone())
                .await
                .code(),
            "FORBIDDEN",
            "{document}"
        );
    }
    assert_eq!(before, plaza.stored().await);
}
