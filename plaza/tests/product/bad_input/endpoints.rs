//! The addresses that services and Centrifugo call, called by everybody else
//! and with whatever nobody sends: a clear error, and nothing is changed.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use plaza_centrifugo::config::{PROXY_SECRET_HEADER, SUBSCRIBE_PATH};
use plaza_kit::token::{SERVICE_HEADER, ServiceTokens};
use plaza_types::{MessageId, SessionId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Person, Plaza};

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

type Headers = Vec<(&'static str, String)>;

/// Everything that a caller may show.
struct Keys {
    access: String,
    connection: String,
    service: String,
    late: String,
    other_audience: String,
    forged: String,
    unsigned: String,
    proxy: String,
}

/// HS256, as services sign.
fn sign(secret: &str, claims: &Value) -> String {
    let header = B64.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
    let token = format!("{header}.{}", B64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = B64.encode(hmac::sign(&key, token.as_bytes()));
    format!("{token}.{signature}")
}

impl Keys {
    async fn new(plaza: &Plaza, ada: &Person) -> Self {
        let secret = plaza.secret("internal-secret");
        let now = chrono::Utc::now().timestamp();
        let claims =
            |audience: &str, exp: i64| json!({ "aud": audience, "sub": "gateway", "exp": exp });
        let good = claims("plaza-internal", now + 60);
        let connection = "mutation { connectionToken { token } }";
        let connection = ada.ask(plaza, connection, json!({})).await;
        let connection = connection.data()["connectionToken"]["token"].clone();
        let unsigned =
            [r#"{"typ":"JWT","alg":"none"}"#, &good.to_string()].map(|part| B64.encode(part));
        let tokens = ServiceTokens::new("gateway", &secret.clone().into(), None);
        Self {
            access: ada.token.clone(),
            connection: connection.as_str().unwrap().to_owned(),
            service: tokens.unwrap().sign().unwrap(),
            late: sign(&secret, &claims("plaza-internal", now - 60)),
            other_audience: sign(&secret, &claims("plaza-api", now + 60)),
            forged: sign(&"x".repeat(64), &good),
            unsigned: format!("{}.", unsigned.join(".")),
            proxy: plaza.secret("centrifugo-proxy-secret"),
        }
    }

    fn good(&self, of: For) -> Headers {
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        match of {
            For::Everybody => Vec::new(),
            For::Services => vec![bearer(&self.service)],
            For::Gateway => vec![bearer(&self.access), (SERVICE_HEADER, self.service.clone())],
            For::Centrifugo => vec![(PROXY_SECRET_HEADER, self.proxy.clone())],
        }
    }

    /// What opens nothing here.
    fn bad(&self, of: For) -> Vec<Headers> {
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        let all = [
            &self.access,
            &self.connection,
            &self.late,
            &self.other_audience,
            &self.forged,
            &self.unsigned,
            &self.proxy,
        ];
        let wrong = || {
            all.into_iter().cloned().chain([
                "".into(),
                "garbage".into(),
                "é🦀".into(),
                "x".repeat(8_000),
            ])
        };
        let mut bad: Vec<Headers> = vec![Vec::new()];
        match of {
            For::Everybody => return Vec::new(),
            For::Services => bad.extend(wrong().map(|token| vec![bearer(&token)])),
            For::Gateway => {
                bad.push(vec![bearer(&self.access)]);
                bad.push(vec![(SERVICE_HEADER, self.service.clone())]);
                bad.push(vec![
                    bearer(&self.service),
                    (SERVICE_HEADER, self.service.clone()),
                ]);
                bad.extend(
                    wrong().map(|token| vec![bearer(&self.access), (SERVICE_HEADER, token)]),
                );
                bad.extend(
                    wrong()
                        .filter(|token| *token != self.access)
                        .map(|token| vec![bearer(&token), (SERVICE_HEADER, self.service.clone())]),
                );
            }
            For::Centrifugo => {
                bad.push(vec![bearer(&self.proxy)]);
                bad.push(vec![bearer(&self.service)]);
                let longer = format!("{}0", self.proxy);
                let shorter = self.proxy[1..].to_owned();
                let wrong = wrong().filter(|secret| *secret != self.proxy);
                let wrong = wrong.chain([longer, shorter, self.service.clone()]);
                bad.extend(wrong.map(|secret| vec![(PROXY_SECRET_HEADER, secret)]));
            }
        }
        bad
    }
}

/// Bodies that are nothing that anybody may send.
fn bad_bodies() -> Vec<Vec<u8>> {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(50_000), close.repeat(50_000));
    let mut bodies: Vec<Vec<u8>> = [
        "",
        "{",
        "null",
        "true",
        "0",
        "1e999",
        "[]",
        "{}",
        "\"\"",
        "[[[]]]",
        "{\"a\":1}",
        "{\"channels\":null}",
        "{\"channels\":{}}",
        "{\"channels\":7}",
        "{\"channels\":[null]}",
        "{\"channels\":[\"\\ud800\"]}",
        "{\"channels\":[\"room:\\u0000.1\"]}",
        "{\"channels\":[\"🦀\"]}",
        "{\"channels\":[\"pulse:all\"]}",
        "{\"user\":1,\"channel\":1,\"meta\":1}",
        "{\"user\":\"\",\"channel\":\"\",\"meta\":{}}",
        "{\"user\":null,\"channel\":null,\"meta\":null}",
        "{\"user\":\"\\ud800\",\"channel\":\"\\ud800\",\"meta\":{\"sid\":\"\\ud800\"}}",
    ]
    .map(|body| body.as_bytes().to_vec())
    .to_vec();
    bodies.push(deep("[", "]").into_bytes());
    bodies.push(deep("{\"channels\":", "}").into_bytes());
    bodies.push(format!("{{\"channels\":{}}}", deep("[", "]")).into_bytes());
    bodies.push(
        json!({ "channels": vec!["room:x"; 20_000] })
            .to_string()
            .into_bytes(),
    );
    bodies.push(
        json!({ "channels": ["x".repeat(3_000_000)] })
            .to_string()
            .into_bytes(),
    );
    bodies.push(vec![0xff; 1_000]);
    bodies.push(b"{\"channels\":[\"\xff\xfe\"]}".to_vec());
    bodies
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
    let get = |part, path: &str, of| Endpoint {
        part,
        method: Method::GET,
        path: path.into(),
        of,
        good: None,
    };
    let post = |part, path: &str, of, good| Endpoint {
        part,
        method: Method::POST,
        path: path.into(),
        of,
        good: Some(good),
    };
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

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_services_and_of_centrifugo_refuse_everybody_else_and_all_nonsense() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Inside").await;
    let keys = Keys::new(&plaza, &ada).await;
    let caller = Caller {
        plaza: &plaza,
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
    };
    let endpoints = endpoints(&room, &ada);
    let before = plaza.stored().await;
    let mut tried = 0;
    for endpoint in &endpoints {
        let name = format!("{} {}", endpoint.method, endpoint.path);
        let good = keys.good(endpoint.of);
        let body = endpoint
            .good
            .as_ref()
            .map(|good| good.to_string().into_bytes());
        let (status, text) = caller
            .call(endpoint, &endpoint.method, "", &good, body.clone())
            .await;
        assert!(
            status.is_success() && !text.contains("\"error\""),
            "{name}: {status}: {text}"
        );

        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW",
        ] {
            let method: Method = method.parse().unwrap();
            if method == endpoint.method {
                continue;
            }
            let answer = caller
                .call(endpoint, &method, "", &good, body.clone())
                .await;
            assert_refused(&format!("{method} at {name}"), &answer);
            tried += 1;
        }
        for (number, bad) in keys.bad(endpoint.of).iter().enumerate() {
            for body in [body.clone(), body.as_ref().map(|_| b"{".to_vec())] {
                let answer = caller.call(endpoint, &endpoint.method, "", bad, body).await;
                let what = format!("key {number} at {name}");
                assert_eq!(assert_refused(&what, &answer), "UNAUTHENTICATED", "{what}");
                assert_eq!(answer.0, StatusCode::UNAUTHORIZED, "{what}");
                tried += 1;
            }
        }
        if endpoint.good.is_some() {
            for bad in bad_bodies() {
                let shown = String::from_utf8_lossy(&bad[..bad.len().min(60)]).into_owned();
                let what = format!("{shown} at {name}");
                let answer = caller
                    .call(endpoint, &endpoint.method, "", &good, Some(bad))
                    .await;
                if endpoint.of == For::Centrifugo {
                    assert_denied(&what, &answer);
                } else {
                    assert_eq!(assert_refused(&what, &answer), "BAD_USER_INPUT", "{what}");
                }
                tried += 1;
            }
        }
        if endpoint.path.ends_with("revocations") || endpoint.path.ends_with("removals") {
            for query in [
                "?since=x",
                "?since=1.5",
                "?since=99999999999999999999",
                "?since=1&since=2",
                "?since=%00",
                "?since=%F0%9F%A6%80",
                "?epoch=x",
                "?epoch=%FF",
            ] {
                let answer = caller
                    .call(endpoint, &endpoint.method, query, &good, None)
                    .await;
                let what = format!("{query} at {name}");
                assert_eq!(assert_refused(&what, &answer), "BAD_USER_INPUT", "{what}");
                tried += 1;
            }
        }
    }
    // What the subscribe proxy is asked in good form and must still deny.
    let proxy = endpoints
        .iter()
        .find(|endpoint| endpoint.of == For::Centrifugo)
        .unwrap();
    for (field, value) in [
        ("/user", json!("")),
        ("/user", json!("nobody")),
        ("/user", json!(1)),
        ("/user", json!(null)),
        ("/channel", json!("")),
        ("/channel", json!("live:")),
        ("/channel", json!(format!("live:{room}.2"))),
        ("/channel", json!(format!("live:{room}.01"))),
        ("/channel", json!(format!("live:{}.1", MessageId::new()))),
        ("/channel", json!(format!("room:{room}.1"))),
        ("/channel", json!(format!("head:{room}.1"))),
        ("/channel", json!(format!("private:{room}.1"))),
        ("/channel", json!("pulse:all")),
        ("/channel", json!(format!("personal:{}", ada.id))),
        ("/channel", json!("🦀:🦀")),
        ("/channel", json!("x".repeat(100_000))),
        ("/channel", json!([])),
        ("/channel", json!(null)),
        ("/meta", json!(null)),
        ("/meta", json!({})),
        ("/meta", json!([])),
        ("/meta", json!({ "sid": "x" })),
        ("/meta", json!({ "sid": null })),
    ] {
        let mut question = proxy.good.clone().unwrap();
        *question.pointer_mut(field).unwrap() = value.clone();
        let body = question.to_string().into_bytes();
        let answer = caller
            .call(proxy, &proxy.method, "", &keys.good(proxy.of), Some(body))
            .await;
        let shown: String = value.to_string().chars().take(60).collect();
        assert_denied(&format!("{shown} at {field}"), &answer);
        tried += 1;
    }
    for id in [
        "x",
        "%00",
        "..%2F..",
        "%F0%9F%A6%80",
        &MessageId::new().to_string(),
        &room.to_uppercase(),
        &"x".repeat(5_000),
    ] {
        let endpoint = Endpoint {
            part: "rooms",
            method: Method::GET,
            path: format!("/internal/rooms/{id}/fanout"),
            of: For::Services,
            good: None,
        };
        let answer = caller
            .call(&endpoint, &Method::GET, "", &keys.good(For::Services), None)
            .await;
        let shown: String = id.chars().take(60).collect();
        assert_eq!(assert_refused(&shown, &answer), "NOT_FOUND", "{shown}");
        tried += 1;
    }
    assert!(tried > 200, "only {tried} were tried");
    assert_eq!(before, plaza.stored().await);
    for endpoint in &endpoints {
        let body = endpoint
            .good
            .as_ref()
            .map(|good| good.to_string().into_bytes());
        let answer = caller
            .call(
                endpoint,
                &endpoint.method,
                "",
                &keys.good(endpoint.of),
                body,
            )
            .await;
        assert!(
            answer.0.is_success(),
            "{} after all that: {answer:?}",
            endpoint.path
        );
    }
}
