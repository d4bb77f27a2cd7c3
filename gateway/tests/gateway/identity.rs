//! Who may ask what.

use axum::http::StatusCode;
use plaza_testkit::Issuer;
use serde_json::{Value, json};

use crate::stand_in::{Bench, codes, graphql, refusal, user};

const FIELDS: [&str; 14] = [
    "query { me { id } }",
    "query { rooms { nodes { id } } }",
    "query { room(id: \"0190a5b4-0000-7000-8000-000000000000\") { id } }",
    "query { discoverRooms { nodes { id } } }",
    "query { heads { pollAfter } }",
    "query { users(ids: []) { id } }",
    "mutation { createRoom(input: {name: \"a\"}) { id } }",
    "mutation { joinRoom(roomId: \"0190a5b4-0000-7000-8000-000000000000\") { id } }",
    "mutation { leaveRoom(roomId: \"0190a5b4-0000-7000-8000-000000000000\") }",
    "mutation { sendMessage(input: {roomId: \"0190a5b4-0000-7000-8000-000000000000\", content: \"a\", clientMessageId: \"a\"}) { id } }",
    "mutation { editMessage(id: \"0190a5b4-0000-7000-8000-000000000000\", content: \"a\") { id } }",
    "mutation { deleteMessage(id: \"0190a5b4-0000-7000-8000-000000000000\") { id } }",
    "mutation { markRead(roomId: \"0190a5b4-0000-7000-8000-000000000000\", number: 1) { id } }",
    "mutation { connectionToken { token } }",
];

#[tokio::test]
async fn without_a_token_only_signing_in_and_out_works() {
    let bench = Bench::alone(&[]).await;
    for query in FIELDS {
        let answer = bench.send(graphql(query, &Value::Null)).await;
        assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "{query}");
    }
    let answer = bench
        .send(graphql("mutation { logout }", &Value::Null))
        .await;
    assert_eq!(answer.json()["data"]["logout"], true);
}

#[tokio::test]
async fn a_bad_token_is_refused_for_the_whole_request() {
    let bench = Bench::alone(&[]).await;
    let ada = Issuer::person("ada");
    for (what, token) in bench.issuer.bad_tokens(&ada) {
        for query in FIELDS.into_iter().chain(["{ __typename }"]) {
            let answer = bench
                .send(graphql(query, &Value::Null).bearer(&token))
                .await;
            assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "{what}: {query}");
            assert!(answer.json()["data"].is_null(), "{what}: {query}");
        }
    }
    let basic = graphql("{ __typename }", &Value::Null).header("authorization", "Basic YTpi");
    assert_eq!(codes(&bench.send(basic).await), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn an_expired_token_does_not_keep_anybody_from_signing_in() {
    let bench = Bench::new(&[], |call| match call.to.as_str() {
        "POST /v1/refresh" => refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        "POST /v1/logout" => (StatusCode::OK, Value::Null),
        _ => (
            StatusCode::OK,
            json!({
                "accessToken": "access", "expiresAt": "2026-01-01T00:00:00Z", "refreshToken": "refresh",
                "refreshExpiresAt": "2999-01-01T00:00:00Z", "user": user(&Issuer::person("ada")),
            }),
        ),
    })
    .await;
    let mut claims = Issuer::claims(&bench.ada);
    claims.exp -= 3_600;
    let expired = bench.issuer.sign(&claims);
    for (query, expected) in [
        (
            "mutation { login(input: {username: \"ada\", password: \"password\"}) { accessToken } }",
            &[][..],
        ),
        (
            "mutation { register(input: {username: \"ada\", password: \"password\"}) { accessToken } }",
            &[],
        ),
        (
            "mutation { refreshSession(input: {refreshToken: \"t\"}) { accessToken } }",
            &["UNAUTHENTICATED"],
        ),
        ("mutation { logout }", &[]),
    ] {
        let answer = bench
            .send(graphql(query, &Value::Null).bearer(&expired))
            .await;
        assert_eq!(codes(&answer), expected, "{query}");
    }
    // The expired token itself goes nowhere.
    for call in bench.calls() {
        let sent = call.authorization.unwrap_or_default();
        assert!(!sent.contains(&expired), "{}", call.to);
    }
}

#[tokio::test]
async fn a_session_is_over_here_as_soon_as_its_logout_was_answered() {
    let bench = Bench::new(&[], |_| (StatusCode::OK, Value::Null)).await;
    let token = bench.issuer.token(&bench.ada);
    let before = bench
        .send(graphql("{ __typename }", &Value::Null).bearer(&token))
        .await;
    assert!(codes(&before).is_empty());
    bench
        .send(graphql("mutation { logout }", &Value::Null).bearer(&token))
        .await;
    let after = bench
        .send(graphql("{ __typename }", &Value::Null).bearer(&token))
        .await;
    assert_eq!(codes(&after), ["UNAUTHENTICATED"]);
}
