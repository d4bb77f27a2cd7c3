//! Services that refuse, hang or are gone.

use std::time::Duration;

use axum::http::{StatusCode, header};
use plaza_testkit::Issuer;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stand_in::{Bench, codes, gateway, graphql, refusal};

#[tokio::test]
async fn a_lost_service_is_unavailable_with_a_time_to_try_again() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let issuer = Issuer::new();
    let router = gateway(&issuer, address, &[]);
    let token = issuer.token(&Issuer::person("ada"));
    for query in [
        "{ me { id } }",
        "{ rooms { nodes { id } } }",
        "{ heads { pollAfter } }",
        "mutation { createRoom(input: {name: \"a\"}) { id } }",
        "mutation { login(input: {username: \"ada\", password: \"password\"}) { accessToken } }",
    ] {
        let answer = graphql(query, &Value::Null)
            .bearer(&token)
            .send(&router)
            .await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(codes(&answer), ["UNAVAILABLE"], "{query}");
        assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        let text = answer.text();
        assert!(
            !text.contains("127.0.0.1") && !text.contains("/v1/"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_unavailable() {
    let bench = Bench::new(&["--request-timeout-ms=50"], |_| {
        // Longer than the gateway waits, shorter than its client does.
        std::thread::sleep(Duration::from_millis(500));
        (StatusCode::OK, Value::Null)
    })
    .await;
    let router = bench.router.clone();
    let request = bench.ask("{ me { id } }", &Value::Null);
    let answer = request.send(&router).await.expect(StatusCode::OK);
    assert_eq!(codes(&answer), ["UNAVAILABLE"]);
}

#[tokio::test]
async fn a_refusal_passes_with_its_code_and_field_and_wait() {
    let bench = Bench::new(&[], |call| match call.to.as_str() {
        "POST /v1/rooms" => (
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({ "error": { "code": "BAD_USER_INPUT", "message": "A room name can't be empty.", "field": "name" } }),
        ),
        "POST /v1/login" => (
            StatusCode::TOO_MANY_REQUESTS,
            json!({ "error": { "code": "RATE_LIMITED", "message": "Too many.", "retryAfterMs": 2_500 } }),
        ),
        _ => refusal(StatusCode::FORBIDDEN, "FORBIDDEN"),
    })
    .await;
    let answer = bench
        .send(bench.ask(
            "mutation { createRoom(input: {name: \" \"}) { id } }",
            &Value::Null,
        ))
        .await;
    let error = &answer.json()["errors"][0];
    assert_eq!(error["message"], "A room name can't be empty.");
    assert_eq!(error["extensions"]["field"], "name");
    assert_eq!(error["path"], json!(["createRoom"]));
    let login = "mutation { login(input: {username: \"a\", password: \"b\"}) { accessToken } }";
    let answer = bench.send(graphql(login, &Value::Null)).await;
    assert_eq!(
        answer.json()["errors"][0]["extensions"]["retryAfterMs"],
        2_500
    );
    assert_eq!(answer.headers[header::RETRY_AFTER], "3");
    let answer = bench.send(bench.ask("{ me { id } }", &Value::Null)).await;
    assert_eq!(codes(&answer), ["FORBIDDEN"]);
    assert!(answer.headers.get(header::RETRY_AFTER).is_none());
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_shows_nothing_of_itself() {
    let bench = Bench::new(&[], |_| (StatusCode::OK, json!({ "password": "hunter2" }))).await;
    let answer = bench.send(bench.ask("{ me { id } }", &Value::Null)).await;
    assert_eq!(codes(&answer), ["INTERNAL"]);
    assert!(!answer.text().contains("hunter2"));
}
