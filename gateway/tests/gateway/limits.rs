//! How much may be asked, by whom and from where.

use std::{net::IpAddr, time::Duration};

use axum::http::{StatusCode, header};
use plaza_kit::token::AccessClaims;
use plaza_testkit::{Answer, Issuer, Request};
use serde_json::{Value, json};

use crate::stand_in::{Bench, Call, codes, graphql, user};

fn me(_: &Call) -> (StatusCode, Value) {
    (StatusCode::OK, user(&Issuer::person("ada")))
}

fn wrong(_: &Call) -> (StatusCode, Value) {
    let error = json!({ "error": { "code": "UNAUTHENTICATED", "message": "No." } });
    (StatusCode::UNAUTHORIZED, error)
}

const ME: &str = "{ me { id } }";
/// Costs 51 and 10 for the request.
const COST_OF_ME: usize = 61;
const LOGIN: &str =
    "mutation { login(input: {username: \"ada\", password: \"guess\"}) { accessToken } }";

fn from(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn assert_limited(answer: &Answer) {
    assert_eq!(codes(answer), ["RATE_LIMITED"], "{}", answer.text());
    let wait = &answer.json()["errors"][0]["extensions"]["retryAfterMs"];
    let wait = wait.as_u64().unwrap();
    let header = answer.headers[header::RETRY_AFTER].to_str().unwrap();
    assert_eq!(header, wait.div_ceil(1_000).to_string());
}

/// How many of these are answered before one is refused, which it must be.
async fn answered(bench: &Bench, mut request: impl FnMut() -> Request) -> usize {
    for count in 0..200 {
        let answer = bench.send(request()).await;
        if codes(&answer).contains(&"RATE_LIMITED".into()) {
            assert_limited(&answer);
            return count;
        }
    }
    panic!("nothing was refused");
}

#[tokio::test]
async fn a_user_is_limited_by_what_the_operations_cost_and_others_are_not() {
    let flags = ["--rate-user-per-second=1", "--rate-user-burst=1000"];
    let bench = Bench::new(&flags, me).await;
    let count = answered(&bench, || bench.ask(ME, &Value::Null)).await;
    assert_eq!(count, 1_000 / COST_OF_ME);
    assert_eq!(bench.calls().len(), count, "what is refused calls nobody");

    let ben = bench.issuer.token(&Issuer::person("ben"));
    let other = graphql(ME, &Value::Null).bearer(ben);
    assert!(codes(&bench.send(other).await).is_empty());

    let costly = Bench::new(&flags, me).await;
    let query = "{ a: me { id } b: me { id } c: me { id } d: me { id } }";
    let count = answered(&costly, || costly.ask(query, &Value::Null)).await;
    assert_eq!(count, 1_000 / (4 * 51 + 10));
}

#[tokio::test]
async fn users_of_a_load_test_are_limited_neither_by_themselves_nor_by_their_address() {
    let flags = [
        "--rate-user-per-second=1",
        "--rate-user-burst=100",
        "--rate-address-per-second=1",
        "--rate-address-burst=100",
    ];
    let bench = Bench::new(&flags, me).await;
    let token = |synthetic| {
        let claims = Issuer::claims(&bench.ada);
        bench.issuer.sign(&AccessClaims {
            synthetic,
            ..claims
        })
    };
    let ask = |token: &str| {
        graphql(ME, &Value::Null)
            .bearer(token)
            .peer(from("192.0.2.1"))
    };
    let (marked, plain) = (token(true), token(false));
    for _ in 0..20 {
        assert!(codes(&bench.send(ask(&marked)).await).is_empty());
    }
    let count = answered(&bench, || ask(&plain)).await;
    assert_eq!(count, 1, "they took nothing from the others of the address");
}

#[tokio::test]
async fn what_is_refused_is_answered_again_when_it_says() {
    // 100 for a request of 61: the second is refused after its first 10.
    let flags = ["--rate-user-per-second=20", "--rate-user-burst=100"];
    let bench = Bench::new(&flags, me).await;
    let ask = async || bench.send(bench.ask(ME, &Value::Null)).await;
    assert!(codes(&ask().await).is_empty());
    let refused = ask().await;
    assert_limited(&refused);
    let wait = &refused.json()["errors"][0]["extensions"]["retryAfterMs"];
    let wait = wait.as_u64().unwrap();
    assert!((500..=1_600).contains(&wait), "{wait}");
    tokio::time::sleep(Duration::from_millis(wait)).await;
    assert!(codes(&ask().await).is_empty(), "after {wait} ms");
}

#[tokio::test]
async fn what_costs_as_much_as_there_is_at_once_is_answered_again_and_again() {
    let flags = ["--rate-user-per-second=10000", "--rate-user-burst=61"];
    let bench = Bench::new(&flags, me).await;
    let query = "{ a: me { id } b: me { id } }";
    for _ in 0..3 {
        let answer = bench.send(bench.ask(query, &Value::Null)).await;
        assert!(codes(&answer).is_empty(), "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn documents_that_are_refused_cost_too() {
    let flags = ["--rate-user-per-second=1", "--rate-user-burst=100"];
    let bench = Bench::alone(&flags).await;
    let count = answered(&bench, || bench.ask("{ nonsense", &Value::Null)).await;
    assert_eq!(count, 10);
}

#[tokio::test]
async fn signing_in_is_limited_by_address_and_a_forged_header_changes_nothing() {
    let flags = [
        "--rate-anonymous-per-second=1",
        "--rate-anonymous-burst=2000",
    ];
    let bench = Bench::new(&flags, wrong).await;
    let mut forged = 0;
    let count = answered(&bench, || {
        forged += 1;
        let request = graphql(LOGIN, &Value::Null).peer(from("192.0.2.1"));
        request.header("x-forwarded-for", format!("203.0.113.{forged}"))
    });
    assert_eq!(count.await, 3);
    for call in bench.calls() {
        assert_eq!(call.body["clientAddress"], "192.0.2.1");
        assert!(call.authorization.unwrap().starts_with("Bearer "));
    }
    let other = graphql(LOGIN, &Value::Null).peer(from("192.0.2.2"));
    assert_eq!(codes(&bench.send(other).await), ["UNAUTHENTICATED"]);
    // Who is signed in does not pay for those who are not.
    let signed_in = bench.ask("{ __typename }", &Value::Null);
    let answer = bench.send(signed_in.peer(from("192.0.2.1"))).await;
    assert!(codes(&answer).is_empty());
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_alone() {
    let flags = [
        "--rate-anonymous-per-second=1",
        "--rate-anonymous-burst=2000",
        "--trusted-proxies=10.0.0.0/8,192.0.2.7",
    ];
    let bench = Bench::new(&flags, wrong).await;
    let login = |client: &str| {
        let request = graphql(LOGIN, &Value::Null).peer(from("10.1.2.3"));
        request.header("x-forwarded-for", format!("forged, {client}, 192.0.2.7"))
    };
    assert_eq!(answered(&bench, || login("203.0.113.1")).await, 3);
    assert_eq!(answered(&bench, || login("203.0.113.2")).await, 3);
    assert_eq!(bench.calls()[0].body["clientAddress"], "203.0.113.1");
}

#[tokio::test]
async fn all_users_of_one_address_are_limited_together() {
    let flags = [
        "--rate-user-per-second=0",
        "--rate-address-per-second=1",
        "--rate-address-burst=1000",
    ];
    let bench = Bench::new(&flags, me).await;
    let people = ["ada", "ben", "eve"].map(Issuer::person);
    let mut turn = 0;
    let count = answered(&bench, || {
        turn += 1;
        let token = bench.issuer.token(&people[turn % 3]);
        let request = graphql(ME, &Value::Null).bearer(token);
        request.peer(from("2001:db8::1"))
    });
    assert_eq!(count.await, 1_000 / COST_OF_ME);
    let elsewhere = bench.ask(ME, &Value::Null).peer(from("2001:db8:0:1::1"));
    assert!(codes(&bench.send(elsewhere).await).is_empty());
}
