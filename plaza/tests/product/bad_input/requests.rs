//! Requests that are no GraphQL.

use serde_json::{Value, json};

use crate::support::Plaza;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_graphql_is_refused() {
    let plaza = Plaza::start_with(&["--realtime-off"]).await;
    let ada = plaza.person().await;
    let before = plaza.stored().await;
    let create = r#"{"query":"mutation { createRoom(input: { name: \"x\" }) { id } }"}"#;

    let batch = plaza
        .request(&Value::Null, |request| {
            request.bearer_auth(&ada.token).body(format!("[{create}]"))
        })
        .await;
    assert!(batch.status.is_client_error(), "{batch:?}");
    let broken = plaza
        .request(&Value::Null, |request| {
            request.bearer_auth(&ada.token).body("{")
        })
        .await;
    assert!(broken.status.is_client_error(), "{broken:?}");
    let foreign = plaza
        .request(&Value::Null, |request| {
            request
                .bearer_auth(&ada.token)
                .header("origin", "https://evil.example")
                .header("sec-fetch-site", "cross-site")
                .body(create)
        })
        .await;
    assert!(foreign.status.is_client_error(), "{foreign:?}");
    let simple = plaza
        .request(&Value::Null, |request| {
            let mut request = request
                .bearer_auth(&ada.token)
                .body(create)
                .build()
                .expect("a request");
            request
                .headers_mut()
                .insert("content-type", "text/plain".parse().expect("a type"));
            reqwest::RequestBuilder::from_parts(reqwest::Client::default(), request)
        })
        .await;
    assert!(simple.status.is_client_error(), "{simple:?}");
    let huge = plaza
        .request(
            &json!({ "query": "{ me { id } }", "variables": { "x": "x".repeat(4_000_000) } }),
            |request| request.bearer_auth(&ada.token),
        )
        .await;
    assert!(huge.status.is_client_error(), "{huge:?}");
    let introspection = ada
        .ask(&plaza, "{ __schema { types { name } } }", json!({}))
        .await;
    let schema = &introspection.json["data"]["__schema"];
    assert!(schema.is_null(), "introspection tells: {schema}");

    assert_eq!(before, plaza.stored().await);
    // Room names are not unique: the same request in good form goes through.
    assert!(
        plaza
            .request(&Value::Null, |request| request
                .bearer_auth(&ada.token)
                .body(create))
            .await
            .json["errors"]
            .is_null()
    );
}
