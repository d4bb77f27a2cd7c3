//! The gateway.

use axum::{Json, extract::State, http::HeaderMap};
use serde_json::{Value, json};

use super::Shared;

/// How long to wait between polls.
const POLL_AFTER_MS: u64 = 1_000;

pub(super) async fn answer(
    State(plaza): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let mut plaza = plaza.lock().unwrap();
    let query = body["query"].as_str().unwrap();
    let variables = &body["variables"];
    let bearer = headers["authorization"].to_str().unwrap();
    let user = bearer.strip_prefix("Bearer ").unwrap();
    let data = if query.contains("connectionToken") {
        json!({ "connectionToken": { "token": user, "endpoint": plaza.endpoint } })
    } else if query.contains("heads") {
        json!({ "heads": { "pollAfter": POLL_AFTER_MS, "rooms": plaza.heads() } })
    } else if query.contains("subscriptionToken") {
        assert!(variables["channel"].as_str().unwrap().starts_with("room:"));
        json!({ "subscriptionToken": { "token": "s" } })
    } else if query.contains("markRead") {
        let number = variables["number"].as_u64().unwrap();
        let there = plaza.room(&variables["room"]).messages.len() as u64;
        assert!((1..=there).contains(&number), "{number} of {there}");
        json!({ "markRead": { "id": variables["room"], "readNumber": number } })
    } else if query.contains("setTyping") {
        json!({ "setTyping": true })
    } else if query.contains("realtime") {
        json!({ "room": plaza.room(&variables["room"]).head() })
    } else if query.contains("changes(") {
        json!({ "room": { "changes": plaza.changes(variables) } })
    } else if query.contains("messages(") {
        json!({ "room": { "messages": plaza.room(&variables["room"]).page(variables) } })
    } else {
        assert!(query.contains("sendMessage"), "{query}");
        let Some(message) = plaza.send(&variables["input"]) else {
            let error = json!({ "message": "", "extensions": { "code": "UNAVAILABLE" } });
            return Json(json!({ "data": null, "errors": [error] }));
        };
        json!({ "sendMessage": message })
    };
    Json(json!({ "data": data }))
}
