//! The addresses that services and Centrifugo call, called by everybody else
//! and with whatever nobody sends: a clear error, and nothing is changed.

mod keys;
mod nonsense;

use plaza_centrifugo::config::SUBSCRIBE_PATH;
use plaza_types::SessionId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Person, Plaza};
use keys::{Headers, Keys};

/// Who an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Everybody,
    Services,
    /// A user, through the gateway.
    Gateway,
    Centrifugo,
}

struct Endpoint {
    part: &'static str,
    method: Method,
    path: String,
    of: For,
    /// What is accepted; none: it takes no body.
    good: Option<Value>,
}

impl Endpoint {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn body(&self) -> Option<Vec<u8>> {
        Some(self.good.as_ref()?.to_string().into_bytes())
    }

    fn is_feed(&self) -> bool {
        self.path.ends_with("/revocations") || self.path.ends_with("/removals")
    }
}

fn get(part: &'static str, path: &str, of: For) -> Endpoint {
    Endpoint {
        part,
        method: Method::GET,
        path: path.into(),
        of,
        good: None,
    }
}

fn post(part: &'static str, path: &str, of: For, good: Value) -> Endpoint {
    Endpoint {
        part,
        method: Method::POST,
        path: path.into(),
        of,
        good: Some(good),
    }
}

struct Caller<'p> {
    plaza: &'p Plaza,
    client: reqwest::Client,
}

impl Caller<'_> {
    async fn call(
        &self,
        endpoint: &Endpoint,
        method: &Method,
        query: &str,
        headers: &Headers,
        body: Option<Vec<u8>>,
    ) -> (StatusCode, String) {
        let port = self.plaza.port(endpoint.part);
        let url = format!("http://127.0.0.1:{port}{}{query}", endpoint.path);
        let mut request = self.client.request(method.clone(), url);
        for (name, value) in headers {
            // A header that HTTP itself takes, though nobody sends it.
            let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes());
            request = request.header(*name, value.expect("a header"));
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let answer = request.send().await.expect("the part answers");
        (answer.status(), answer.text().await.expect("text"))
    }
}

/// A clear error without a word about what is inside.
#[track_caller]
fn assert_refused(what: &str, (status, text): &(StatusCode, String)) -> String {
    assert!(status.is_client_error(), "{what}: {status}: {text}");
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert!(
        !code.is_empty() && !message.is_empty(),
        "{what}: {status}: {text}"
    );
    assert!(text.len() < 1_000, "{what}: {} bytes", text.len());
    for internal in ["sqlx", "postgres", "panick", "reqwest"] {
        assert!(!text.to_lowercase().contains(internal), "{what}: {text}");
    }
    code.to_owned()
}

/// A no of the subscribe proxy: Centrifugo takes everything else for a yes.
#[track_caller]
fn assert_denied(what: &str, (status, text): &(StatusCode, String)) {
    if *status != StatusCode::OK {
        assert_refused(what, &(*status, text.clone()));
        return;
    }
    let body: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(body["error"]["code"], 403, "{what}: {text}");
    assert!(body["result"].is_null(), "{what}: {text}");
}

fn endpoints(room: &str, ada: &Person) -> Vec<Endpoint> {
    let question = json!({
        "client": "c", "transport": "websocket", "protocol": "json", "encoding": "json",
        "user": ada.id, "channel": format!("live:{room}.1"), "meta": { "sid": SessionId::new() },
    });
    vec![
        get("auth", "/jwks", For::Everybody),
        get("auth", "/internal/revocations", For::Services),
        post(
            "auth",
            "/v1/subscription-tokens",
            For::Gateway,
            json!({ "channels": [format!("room:{room}.1")] }),
        ),
        get("rooms", "/internal/removals", For::Services),
        get(
            "rooms",
            &format!("/internal/rooms/{room}/fanout"),
            For::Services,
        ),
        post("rooms", SUBSCRIBE_PATH, For::Centrifugo, question),
    ]
}

/// What is tried, and how often.
struct Trial<'p> {
    caller: Caller<'p>,
    keys: Keys,
    tried: usize,
}

impl Trial<'_> {
    async fn is_accepted(&self, endpoint: &Endpoint) {
        let good = self.keys.good(endpoint.of);
        let (status, text) = self
            .caller
            .call(endpoint, &endpoint.method, "", &good, endpoint.body())
            .await;
        let accepted = status.is_success() && !text.contains("\"error\"");
        assert!(accepted, "{}: {status}: {text}", endpoint.name());
    }

    async fn by_other_methods(&mut self, endpoint: &Endpoint) {
        let good = self.keys.good(endpoint.of);
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW",
        ] {
            let method: Method = method.parse().unwrap();
            if method == endpoint.method {
                continue;
            }
            let call = self
                .caller
                .call(endpoint, &method, "", &good, endpoint.body());
            assert_refused(&format!("{method} at {}", endpoint.name()), &call.await);
            self.tried += 1;
        }
    }

    async fn with_bad_keys(&mut self, endpoint: &Endpoint) {
        for (number, bad) in self.keys.bad(endpoint.of).iter().enumerate() {
            for body in [endpoint.body(), endpoint.body().map(|_| b"{".to_vec())] {
                let call = self
                    .caller
                    .call(endpoint, &endpoint.method, "", bad, body)
                    .await;
                let what = format!("key {number} at {}", endpoint.name());
                assert_eq!(assert_refused(&what, &call), "UNAUTHENTICATED", "{what}");
                assert_eq!(call.0, StatusCode::UNAUTHORIZED, "{what}");
                self.tried += 1;
            }
        }
    }

    async fn with_bad_bodies(&mut self, endpoint: &Endpoint) {
        let good = self.keys.good(endpoint.of);
        for bad in nonsense::bad_bodies() {
            let shown = String::from_utf8_lossy(&bad[..bad.len().min(60)]).into_owned();
            let what = format!("{shown} at {}", endpoint.name());
            let answer = self
                .caller
                .call(endpoint, &endpoint.method, "", &good, Some(bad))
                .await;
            if endpoint.of == For::Centrifugo {
                assert_denied(&what, &answer);
            } else {
                assert_eq!(assert_refused(&what, &answer), "BAD_USER_INPUT", "{what}");
            }
            self.tried += 1;
        }
    }

    async fn with_bad_queries(&mut self, endpoint: &Endpoint) {
        let good = self.keys.good(endpoint.of);
        for query in nonsense::BAD_QUERIES {
            let call = self
                .caller
                .call(endpoint, &endpoint.method, query, &good, None);
            let what = format!("{query} at {}", endpoint.name());
            assert_eq!(
                assert_refused(&what, &call.await),
                "BAD_USER_INPUT",
                "{what}"
            );
            self.tried += 1;
        }
    }

    /// What the subscribe proxy is asked in good form and must deny.
    async fn with_bad_questions(&mut self, proxy: &Endpoint, room: &str, user: &str) {
        let good = self.keys.good(proxy.of);
        for (field, value) in nonsense::bad_questions(room, user) {
            let mut question = proxy.good.clone().unwrap();
            *question.pointer_mut(field).unwrap() = value.clone();
            let body = Some(question.to_string().into_bytes());
            let answer = self
                .caller
                .call(proxy, &proxy.method, "", &good, body)
                .await;
            let shown: String = value.to_string().chars().take(60).collect();
            assert_denied(&format!("{shown} at {field}"), &answer);
            self.tried += 1;
        }
    }

    async fn of_no_room(&mut self) {
        let good = self.keys.good(For::Services);
        for id in nonsense::bad_ids() {
            let path = format!("/internal/rooms/{id}/fanout");
            let endpoint = get("rooms", &path, For::Services);
            let call = self.caller.call(&endpoint, &Method::GET, "", &good, None);
            let shown: String = id.chars().take(60).collect();
            assert_eq!(assert_refused(&shown, &call.await), "NOT_FOUND", "{shown}");
            self.tried += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_services_and_of_centrifugo_refuse_everybody_else_and_all_nonsense() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Inside").await;
    let mut trial = Trial {
        keys: Keys::new(&plaza, &ada).await,
        caller: Caller {
            plaza: &plaza,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        },
        tried: 0,
    };
    let endpoints = endpoints(&room, &ada);
    let before = plaza.stored().await;
    for endpoint in &endpoints {
        trial.is_accepted(endpoint).await;
        trial.by_other_methods(endpoint).await;
        trial.with_bad_keys(endpoint).await;
        if endpoint.good.is_some() {
            trial.with_bad_bodies(endpoint).await;
        }
        if endpoint.is_feed() {
            trial.with_bad_queries(endpoint).await;
        }
        if endpoint.of == For::Centrifugo {
            let user = ada.id.to_string();
            trial.with_bad_questions(endpoint, &room, &user).await;
        }
    }
    trial.of_no_room().await;
    assert!(trial.tried > 200, "only {} were tried", trial.tried);
    assert_eq!(before, plaza.stored().await);
    for endpoint in &endpoints {
        trial.is_accepted(endpoint).await;
    }
}
