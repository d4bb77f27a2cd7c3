//! Where refresh tokens go.

use axum::http::{StatusCode, header};
use plaza_testkit::{Answer, Issuer};
use serde_json::{Value, json};

use crate::stand_in::{Bench, Call, codes, graphql, refusal, user};

/// Auth, by which token `n` becomes `n + 1`.
fn auth(call: &Call) -> (StatusCode, Value) {
    let given = call.body["refreshToken"].as_str().unwrap_or("0");
    let grant = |next: u32| {
        (
            StatusCode::OK,
            json!({
                "accessToken": format!("access-{next}"), "expiresAt": "2999-01-01T00:00:00Z",
                "refreshToken": next.to_string(), "refreshExpiresAt": "2999-01-01T00:00:00Z",
                "user": user(&Issuer::person("ada")),
            }),
        )
    };
    match (call.to.as_str(), given.parse::<u32>()) {
        ("POST /v1/logout", _) => (StatusCode::OK, Value::Null),
        (_, Ok(number)) => grant(number + 1),
        (_, Err(_)) if given == "down" => refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        (_, Err(_)) => refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
    }
}

fn cookies(answer: &Answer) -> Vec<String> {
    answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| {
            value
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

async fn mutate(bench: &Bench, query: &str, cookie: &str) -> Answer {
    let request = graphql(&format!("mutation {{ {query} }}"), &Value::Null);
    bench.send(request.header("cookie", cookie)).await
}

const TOKENS: &str = "{ accessToken refreshToken }";

#[tokio::test]
async fn a_browser_gets_its_refresh_token_in_a_cookie_alone() {
    let bench = Bench::new(&[], auth).await;
    for query in [
        "login(input: {username: \"ada\", password: \"password\"})",
        "register(input: {username: \"ada\", password: \"password\", client: BROWSER})",
    ] {
        let answer = mutate(&bench, &format!("s: {query} {TOKENS}"), "").await;
        assert_eq!(
            answer.json()["data"]["s"],
            json!({ "accessToken": "access-1", "refreshToken": null })
        );
        assert_eq!(cookies(&answer), ["plaza_refresh=1"]);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
    let secure = Bench::new(&["--public-origins=https://chat.example"], auth).await;
    let answer = mutate(
        &secure,
        &format!("refreshSession {TOKENS}"),
        "__Host-plaza_refresh=4",
    )
    .await;
    assert_eq!(cookies(&answer), ["__Host-plaza_refresh=5"]);
}

#[tokio::test]
async fn a_native_client_gets_it_in_the_body_alone() {
    let bench = Bench::new(&[], auth).await;
    let query =
        format!("s: login(input: {{username: \"ada\", password: \"p\", client: NATIVE}}) {TOKENS}");
    let answer = mutate(&bench, &query, "plaza_refresh=7").await;
    assert_eq!(answer.json()["data"]["s"]["refreshToken"], "1");
    assert!(cookies(&answer).is_empty());
    let query = format!("s: refreshSession(input: {{refreshToken: \"1\"}}) {TOKENS}");
    let answer = mutate(&bench, &query, "plaza_refresh=7").await;
    assert_eq!(answer.json()["data"]["s"]["refreshToken"], "2");
    assert!(
        cookies(&answer).is_empty(),
        "the cookie is another session's"
    );
}

#[tokio::test]
async fn refreshes_of_one_document_follow_each_other_and_set_one_cookie() {
    let bench = Bench::new(&[], auth).await;
    let query = format!("a: refreshSession {TOKENS} b: refreshSession {TOKENS}");
    let answer = mutate(&bench, &query, "plaza_refresh=1").await;
    assert_eq!(answer.json()["data"]["a"]["accessToken"], "access-2");
    assert_eq!(answer.json()["data"]["b"]["accessToken"], "access-3");
    assert_eq!(cookies(&answer), ["plaza_refresh=3"]);
    let answer = mutate(
        &bench,
        &format!("logout refreshSession {TOKENS}"),
        "plaza_refresh=1",
    )
    .await;
    assert_eq!(codes(&answer), ["UNAUTHENTICATED"]);
    assert_eq!(cookies(&answer), ["plaza_refresh="]);
}

#[tokio::test]
async fn the_cookie_goes_when_the_session_has_ended_and_stays_when_auth_is_away() {
    let bench = Bench::new(&[], auth).await;
    let refresh = format!("refreshSession {TOKENS}");
    let ended = mutate(&bench, &refresh, "plaza_refresh=ended").await;
    assert_eq!(codes(&ended), ["UNAUTHENTICATED"]);
    assert_eq!(cookies(&ended), ["plaza_refresh="]);
    let away = mutate(&bench, &refresh, "plaza_refresh=down").await;
    assert_eq!(codes(&away), ["UNAVAILABLE"]);
    assert!(cookies(&away).is_empty());
    let none = mutate(&bench, &refresh, "").await;
    assert_eq!(codes(&none), ["UNAUTHENTICATED"]);
    let out = mutate(&bench, "logout", "plaza_refresh=1").await;
    assert_eq!(cookies(&out), ["plaza_refresh="]);
}

#[tokio::test]
async fn auth_learns_the_devices_family_and_not_its_whole_header() {
    let bench = Bench::new(&[], auth).await;
    let query = "mutation { login(input: {username: \"ada\", password: \"p\"}) { accessToken } }";
    let header = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
    bench
        .send(graphql(query, &Value::Null).header("user-agent", header))
        .await;
    assert_eq!(bench.calls()[0].body["device"], "Firefox on Linux");
}

#[tokio::test]
async fn the_realtime_token_is_null_when_real_time_is_off() {
    let token = |_: &Call| {
        let token =
            json!({ "token": "t", "expiresAt": "2999-01-01T00:00:00Z", "channels": ["pulse:all"] });
        (StatusCode::OK, token)
    };
    let query = "mutation { connectionToken { token endpoint channels } }";
    let on = Bench::new(
        &["--realtime-endpoint=wss://rt.example/connection/websocket"],
        token,
    )
    .await;
    let answer = on.send(on.ask(query, &Value::Null)).await;
    assert_eq!(
        answer.json()["data"]["connectionToken"],
        json!({ "token": "t", "endpoint": "wss://rt.example/connection/websocket", "channels": ["pulse:all"] })
    );
    let off = Bench::alone(&["--realtime-enabled=false"]).await;
    let answer = off.send(off.ask(query, &Value::Null)).await;
    assert_eq!(answer.json()["data"], json!({ "connectionToken": null }));
    assert!(codes(&answer).is_empty());
}

#[tokio::test]
async fn a_devices_session_is_listed_and_ended_as_the_caller() {
    let id = "0198d5a0-0000-7000-8000-000000000001";
    let bench = Bench::new(&[], move |call| match call.to.as_str() {
        "GET /v1/sessions" => (
            StatusCode::OK,
            json!([{ "id": id, "device": "Firefox on Linux", "current": true,
                     "createdAt": "2026-01-02T03:04:05Z", "lastSeenAt": "2026-01-02T04:04:05Z" }]),
        ),
        to if to.ends_with(id) => (StatusCode::NO_CONTENT, Value::Null),
        _ => refusal(StatusCode::NOT_FOUND, "NOT_FOUND"),
    })
    .await;
    let answer = bench
        .send(bench.ask("{ sessions { id device current } }", &Value::Null))
        .await;
    assert_eq!(
        answer.json()["data"]["sessions"],
        json!([{ "id": id, "device": "Firefox on Linux", "current": true }])
    );
    let revoke = "mutation($id: ID!) { revokeSession(id: $id) }";
    for (id, code) in [
        (id, None),
        ("0198d5a0-0000-7000-8000-000000000002", Some("NOT_FOUND")),
        ("../users", Some("BAD_USER_INPUT")),
    ] {
        let answer = bench.send(bench.ask(revoke, &json!({ "id": id }))).await;
        assert_eq!(codes(&answer).first().map(String::as_str), code, "{id}");
    }
    assert_eq!(
        bench.called(),
        [
            format!("DELETE /v1/sessions/{id}"),
            "DELETE /v1/sessions/0198d5a0-0000-7000-8000-000000000002".into(),
            "GET /v1/sessions".into(),
        ]
    );
    for call in bench.calls() {
        assert!(
            call.authorization
                .is_some_and(|value| value.starts_with("Bearer ey"))
        );
    }
    let nobody = graphql(revoke, &json!({ "id": id }));
    assert_eq!(codes(&bench.send(nobody).await), ["UNAUTHENTICATED"]);
}
