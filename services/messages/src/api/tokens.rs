//! No endpoint does anything without a good token.

use plaza_testkit::Request;
use plaza_types::MessageId;
use serde_json::json;

use crate::testing::{Bench, person};

#[tokio::test]
async fn every_endpoint_refuses_every_bad_token_and_stores_nothing() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let message = bench.sent(&ada, room, "c1", "first").await;
    let before = bench.stored().await;
    let requests = || {
        let id = message.id;
        let send = json!({ "content": "hi", "clientMessageId": "c2" });
        [
            Request::post(format!("/v1/rooms/{room}/messages")).json(&send),
            Request::patch(format!("/v1/messages/{id}")).json(&json!({ "content": "x" })),
            Request::delete(format!("/v1/messages/{id}")),
            Request::post("/v1/messages/lookup").json(&json!({ "ids": [MessageId::new()] })),
            Request::get(format!("/v1/rooms/{room}/messages")),
            Request::get(format!("/v1/rooms/{room}/changes?since=0")),
            Request::post("/v1/heads").json(&json!({ "roomIds": [room], "joined": true })),
            Request::post(format!("/v1/rooms/{room}/read")).json(&json!({ "number": null })),
        ]
    };
    for request in requests() {
        let what = format!("{request:?}");
        assert_eq!(
            request.send(&bench.router).await.code(),
            "UNAUTHENTICATED",
            "{what}"
        );
    }
    for (wrong, token) in bench.issuer.bad_tokens(&ada) {
        for request in requests() {
            let what = format!("{wrong}: {request:?}");
            let answer = request.bearer(&token).send(&bench.router).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        }
    }
    assert_eq!(bench.stored().await, before);
}

#[tokio::test]
async fn a_revoked_session_is_refused() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let claims = plaza_testkit::Issuer::claims(&ada);
    let token = bench.issuer.sign(&claims);
    let revoked = plaza_kit::token::Revocation::Session(claims.sid);
    bench.issuer.verifier().revocations().add(revoked);
    let request = Request::get(format!("/v1/rooms/{room}/messages")).bearer(&token);
    assert_eq!(request.send(&bench.router).await.code(), "UNAUTHENTICATED");
}
