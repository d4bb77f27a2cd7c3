//! What an operator sees.

use std::time::Duration;

use plaza_testkit::eventually;
use serde_json::json;

use crate::support::Plaza;

const PARTS: [&str; 5] = ["auth", "rooms", "messages", "publisher", "gateway"];

/// The metrics that docs/operating.md tells people to watch.
fn promised() -> Vec<String> {
    let document = include_str!("../../../docs/operating.md");
    let metrics: Vec<String> = document
        .split('`')
        .filter(|word| word.starts_with("plaza_") && !word.contains('='))
        .map(str::to_owned)
        .collect();
    assert!(metrics.len() >= 8, "{metrics:?}");
    metrics
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_followed_and_every_promised_metric_is_there() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Seen").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let secret = "the text of a message";
    let sent = plaza
        .request(
            &json!({
                "query": "mutation($input: SendMessageInput!) { sendMessage(input: $input) { seq } }",
                "variables": { "input": { "roomId": room, "content": secret, "clientMessageId": "observed" } },
            }),
            |request| request.bearer_auth(&ada.token).header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")),
        )
        .await;
    sent.data();
    plaza
        .graphql(Some("garbage"), "{ me { id } }", json!({}))
        .await;
    let channel = format!("personal:{}", ada.id);
    eventually(Duration::from_secs(10), async || {
        plaza
            .events(&channel)
            .await
            .iter()
            .any(|event| event["seq"] == 1)
    })
    .await;

    // One line a request, in one trace, in each part that it passed.
    for part in ["gateway", "messages"] {
        let lines = eventually(Duration::from_secs(5), async || {
            let lines: Vec<_> = plaza
                .log_of(part)
                .into_iter()
                .filter(|line| line["trace_id"] == trace)
                .collect();
            if lines.is_empty() {
                Err(part)
            } else {
                Ok(lines)
            }
        })
        .await;
        let requests: Vec<_> = lines
            .iter()
            .filter(|line| line["target"] == "plaza::request")
            .collect();
        assert_eq!(requests.len(), 1, "{part}: {lines:#?}");
        assert_eq!(requests[0]["status"], 200);
        assert!(requests[0]["elapsed_ms"].is_number());
    }

    for part in PARTS {
        assert_eq!(plaza.operations(part, "/healthz").await.0, 200, "{part}");
        let (ready, why) = plaza.operations(part, "/readyz").await;
        assert_eq!(ready, 200, "{part}: {why}");
        // Nothing that is somebody's own is in a log.
        let log = format!("{:?}", plaza.log_of(part));
        for own in [
            secret,
            &ada.token,
            &plaza.secret("internal-secret"),
            &ada.username,
            "correct horse",
        ] {
            assert!(!log.contains(own), "{part} logs {own}");
        }
    }
    // What is measured when people come and are put out.
    let bob = plaza.person().await;
    bob.joins(&plaza, &room).await;
    let ban =
        "mutation($room: ID!, $user: ID!) { banMember(input: { roomId: $room, userId: $user }) }";
    let banned = ada
        .ask(&plaza, ban, json!({ "room": room, "user": bob.id }))
        .await;
    banned.data();
    // Gauges are set every few seconds.
    eventually(Duration::from_secs(30), async || {
        let mut metrics = String::new();
        for part in PARTS {
            metrics.push_str(&plaza.operations(part, "/metrics").await.1);
        }
        let missing: Vec<_> = promised()
            .into_iter()
            .filter(|metric| !metrics.contains(metric))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(missing)
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_says_that_it_is_not_ready_when_its_database_is_gone() {
    let plaza = Plaza::start_with(&["--realtime-off"]).await;
    let ada = plaza.person().await;
    plaza.ctl(&["kill", "postgres"]);
    let answer = ada
        .ask(&plaza, "{ rooms { nodes { id } } }", json!({}))
        .await;
    assert_eq!(answer.code(), "UNAVAILABLE");
    eventually(Duration::from_secs(30), async || {
        plaza.operations("rooms", "/readyz").await.0 == 503
    })
    .await;
    assert_eq!(plaza.operations("rooms", "/healthz").await.0, 200);
    assert_eq!(
        plaza.operations("gateway", "/readyz").await.0,
        200,
        "the gateway answers for all"
    );
    plaza.ctl(&["start", "postgres"]);
    eventually(Duration::from_secs(30), async || {
        plaza.operations("rooms", "/readyz").await.0 == 200
    })
    .await;
    eventually(Duration::from_secs(10), async || {
        ada.ask(&plaza, "{ rooms { nodes { id } } }", json!({}))
            .await
            .json["errors"]
            .is_null()
    })
    .await;
}
