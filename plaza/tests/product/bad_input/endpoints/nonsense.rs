//! What nobody sends.

use plaza_types::MessageId;
use serde_json::{Value, json};

/// Bodies that are nothing that anybody may send.
pub(super) fn bad_bodies() -> Vec<Vec<u8>> {
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

/// Queries that no feed takes.
pub(super) const BAD_QUERIES: &[&str] = &[
    "?since=x",
    "?since=1.5",
    "?since=99999999999999999999",
    "?since=1&since=2",
    "?since=%00",
    "?since=%F0%9F%A6%80",
    "?epoch=x",
    "?epoch=%FF",
];

/// What replaces a part of a good question about `live:` of this room and
/// makes it one to deny.
pub(super) fn bad_questions(room: &str, user: &str) -> Vec<(&'static str, Value)> {
    vec![
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
        ("/channel", json!(format!("personal:{}", user))),
        ("/channel", json!("🦀:🦀")),
        ("/channel", json!("x".repeat(100_000))),
        ("/channel", json!([])),
        ("/channel", json!(null)),
        ("/meta", json!(null)),
        ("/meta", json!({})),
        ("/meta", json!([])),
        ("/meta", json!({ "sid": "x" })),
        ("/meta", json!({ "sid": null })),
    ]
}

/// Ids that name no room.
pub(super) fn bad_ids() -> Vec<String> {
    [
        "x",
        "%00",
        "..%2F..",
        "%F0%9F%A6%80",
        &MessageId::new().to_string(),
        &"x".repeat(5_000),
    ]
    .map(str::to_owned)
    .to_vec()
}
