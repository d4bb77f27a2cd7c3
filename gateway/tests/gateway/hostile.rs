//! Hostile requests are refused with a code, before any service hears of them.

use axum::http::{Method, StatusCode, header};
use plaza_testkit::Request;
use serde_json::{Value, json};

use crate::stand_in::{Bench, codes, graphql};

async fn refused(bench: &Bench, query: &str) -> Value {
    let answer = bench.send(bench.ask(query, &Value::Null)).await;
    assert_eq!(
        codes(&answer).first().map(String::as_str),
        Some("BAD_USER_INPUT"),
        "{query}: {}",
        answer.text()
    );
    assert!(answer.json()["data"].is_null(), "{query}");
    answer.json()["errors"][0].clone()
}

fn repeat(times: usize, part: impl Fn(usize) -> String) -> String {
    (0..times).map(part).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn only_json_by_post_reaches_the_schema() {
    let bench = Bench::alone(&[]).await;
    let body = json!({ "query": "{ __typename }" }).to_string();
    for (content_type, status) in [
        ("application/json", StatusCode::OK),
        ("Application/JSON; charset=utf-8", StatusCode::OK),
        ("text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "application/x-www-form-urlencoded",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "multipart/form-data; boundary=x",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("application/graphql", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let answer = Request::post("/graphql")
            .body(content_type, body.clone())
            .send(&bench.router)
            .await
            .expect(status);
        if status != StatusCode::OK {
            assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{content_type}");
        }
    }
    let bare = Request::post("/graphql").send(&bench.router).await;
    bare.expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = Request::new(method, "/graphql?query={__typename}")
            .send(&bench.router)
            .await;
        let answer = answer.expect(StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers[header::ALLOW], "POST");
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
    }
}

#[tokio::test]
async fn a_body_that_is_no_single_request_is_refused() {
    let bench = Bench::alone(&[]).await;
    for (body, status) in [
        (
            r#"[{"query":"{__typename}"}]"#.to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            r#"["{__typename}",null,{}]"#.to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        ("{".to_owned(), StatusCode::BAD_REQUEST),
        (String::new(), StatusCode::BAD_REQUEST),
        (r#"{"query":7}"#.to_owned(), StatusCode::BAD_REQUEST),
        (
            r#"{"query":"{__typename}","variables":[]}"#.to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (r#"{"query":"\ud800"}"#.to_owned(), StatusCode::BAD_REQUEST),
        ("[".repeat(100_000), StatusCode::BAD_REQUEST),
        (
            format!(r#"{{"query":"{}"}}"#, "x".repeat(1 << 20)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let answer = Request::post("/graphql")
            .body("application/json", body)
            .send(&bench.router)
            .await;
        assert_eq!(codes(&answer.expect(status)), ["BAD_USER_INPUT"]);
    }
    for body in [
        "{}",
        r#"{"query":""}"#,
        r#"{"query":" "}"#,
        r#"{"query":"nonsense"}"#,
    ] {
        let answer = Request::post("/graphql")
            .body("application/json", body)
            .send(&bench.router)
            .await;
        assert_eq!(
            codes(&answer.expect(StatusCode::OK)),
            ["BAD_USER_INPUT"],
            "{body}"
        );
    }
}

#[tokio::test]
async fn depth_complexity_aliases_directives_and_operations_are_limited() {
    let bench = Bench::alone(&[]).await;
    let deep = format!(
        "{{ rooms(first: 1) {{ nodes {{ {} id {} }} }} }}",
        "lastMessage { room { ".repeat(10),
        "} }".repeat(10)
    );
    refused(&bench, &deep).await;
    let aliases = repeat(20, |i| format!("a{i}: me {{ id }} "));
    assert!(
        refused(&bench, &format!("{{ {aliases} }}")).await["message"]
            .as_str()
            .unwrap()
            .contains("aliases")
    );
    let directives = "@include(if: true) ".repeat(20);
    refused(&bench, &format!("{{ me {directives} {{ id }} }}")).await;
    let operations = repeat(5, |i| format!("query Q{i} {{ me {{ id }} }} "));
    refused(&bench, &operations).await;
    // A hundred rooms with a hundred messages each are ten thousand.
    let wide = "{ rooms(first: 100) { nodes { messages(first: 100) { nodes { id } } } } }";
    assert!(
        refused(&bench, wide).await["message"]
            .as_str()
            .unwrap()
            .contains("complex")
    );
    // One call a room is counted as such, however small its page.
    refused(
        &bench,
        "{ rooms(first: 100) { nodes { messages(first: 1) { nodes { id } } } } }",
    )
    .await;
    // Passwords are guessed in few documents or many, never many in one.
    let logins = repeat(12, |i| {
        format!("a{i}: login(input: {{username: \"ada\", password: \"x{i}\"}}) {{ accessToken }} ")
    });
    let answer = bench
        .send(graphql(&format!("mutation {{ {logins} }}"), &Value::Null))
        .await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn documents_made_to_exhaust_the_parser_or_validation_are_refused() {
    let bench = Bench::alone(&[]).await;
    refused(&bench, &"{a".repeat(60_000)).await;
    refused(&bench, &"{a".repeat(64)).await;
    refused(&bench, &format!("{{a(b:{}", "[".repeat(60_000))).await;
    let levels = repeat(60, |i| {
        let next = i + 1;
        format!(" fragment f{i} on Query {{ ...f{next} ...f{next} }}")
    });
    let bomb = format!("{{ ...f0 }} {levels} fragment f60 on Query {{ me {{ id }} }}");
    refused(&bench, &bomb).await;
    refused(&bench, "{ ...A } fragment A on Query { ...A ...A }").await;
    refused(&bench, &format!("{{ {} }}", "me{id} ".repeat(2_000))).await;
    refused(&bench, &format!("{{ {} }}", "me{id} ".repeat(20_000))).await;
    refused(&bench, r#"{ room(id: "\uD800") { id } }"#).await;
}

#[tokio::test]
async fn production_tells_nothing_about_the_schema() {
    let bench = Bench::alone(&[]).await;
    for query in [
        "{ a: __schema { types { name } } }",
        "{ a: __type(name: \"User\") { name } }",
    ] {
        let answer = bench.send(graphql(query, &Value::Null)).await;
        assert_eq!(answer.json()["data"], json!({ "a": null }), "{query}");
    }
    for guess in [
        "{ room(id: 1) { nam } }",
        "{ roms { nodes { id } } }",
        "{ room(idd: 1) { id } }",
    ] {
        let message = refused(&bench, guess).await["message"].to_string();
        assert!(!message.contains("Did you mean"), "{message}");
    }
    let answer = Request::get("/graphiql")
        .header("accept", "text/html")
        .send(&bench.router)
        .await;
    answer.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn development_has_introspection_and_graphiql_under_its_own_policy() {
    let bench = Bench::alone(&["--dev"]).await;
    let query = "query IntrospectionQuery { __schema { types { name fields { name type { name ofType { \
                 name ofType { name ofType { name ofType { name ofType { name ofType { name } } } } } } } } } } }";
    let answer = bench.send(graphql(query, &Value::Null)).await;
    assert!(answer.json()["errors"].is_null(), "{}", answer.text());
    let page = Request::get("/graphiql")
        .send(&bench.router)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        page.headers
            .get_all(header::CONTENT_SECURITY_POLICY)
            .iter()
            .count(),
        1
    );
    assert!(
        page.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .contains("unpkg.com")
    );
}

#[tokio::test]
async fn a_page_of_another_site_cannot_make_a_browser_act() {
    let bench = Bench::alone(&["--public-origins=https://chat.example"]).await;
    let with = |headers: &[(&str, &str)]| {
        headers.iter().fold(
            graphql("{ __typename }", &Value::Null),
            |request, (name, value)| request.header(name, value),
        )
    };
    for headers in [
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ][..],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://other.chat.example"),
        ],
        &[("origin", "https://evil.example"), ("host", "chat.example")],
        &[("origin", "null"), ("host", "chat.example")],
    ] {
        let answer = with(headers)
            .send(&bench.router)
            .await
            .expect(StatusCode::FORBIDDEN);
        assert_eq!(codes(&answer), ["FORBIDDEN"], "{headers:?}");
    }
    for headers in [
        &[][..],
        &[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://chat.example"),
        ],
        &[
            ("origin", "https://chat.example"),
            ("host", "internal:8080"),
        ],
    ] {
        with(headers)
            .send(&bench.router)
            .await
            .expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn wrong_types_and_ids_are_named_and_no_service_hears_of_them() {
    let bench = Bench::alone(&[]).await;
    let room = plaza_types::RoomId::new();
    for query in [
        "mutation { markRead(roomId: \"x\", number: 1) { id } }".to_owned(),
        format!("mutation {{ markRead(roomId: \"{room}\", number: 1.0) {{ id }} }}"),
        format!("mutation {{ markRead(roomId: \"{room}\", number: -1) {{ id }} }}"),
        format!("mutation {{ markRead(roomId: \"{room}\", number: \"1\") {{ id }} }}"),
        format!("mutation {{ markRead(roomId: \"{room}\", number: 9007199254740992) {{ id }} }}"),
        "mutation { joinRoom(roomId: \"\") { id } }".to_owned(),
        "mutation { leaveRoom(roomId: 1) }".to_owned(),
        "mutation { editMessage(id: \"..\", content: \"a\") { id } }".to_owned(),
        "mutation { deleteMessage(id: \"/v1/rooms\") { id } }".to_owned(),
        "mutation { sendMessage(input: {roomId: \"x\", content: \"a\", clientMessageId: \"a\"}) { id } }".to_owned(),
        format!("mutation {{ sendMessage(input: {{roomId: \"{room}\", content: \"a\", clientMessageId: \"a\", replyTo: \"x\"}}) {{ id }} }}"),
        format!("mutation {{ sendMessage(input: {{roomId: \"{room}\", content: 7, clientMessageId: \"a\"}}) {{ id }} }}"),
        format!("mutation {{ sendMessage(input: {{roomId: \"{room}\", content: \"a\"}}) {{ id }} }}"),
        "mutation { createRoom(input: {name: null}) { id } }".to_owned(),
        "mutation { createRoom(input: {name: \"a\", visibility: SECRET}) { id } }".to_owned(),
        "mutation { login(input: {username: \"ada\"}) { accessToken } }".to_owned(),
        "mutation { register(input: {username: [\"a\"], password: \"b\"}) { accessToken } }".to_owned(),
        "mutation { refreshSession(input: {}) { accessToken } }".to_owned(),
        "mutation { revokeSession(id: \"x\") }".to_owned(),
        "mutation { revokeSession(id: [\"x\"]) }".to_owned(),
        "mutation { updateRoom(input: {roomId: \"x\", name: \"a\"}) { id } }".to_owned(),
        format!("mutation {{ updateRoom(input: {{roomId: \"{room}\", name: 1}}) {{ id }} }}"),
        format!("mutation {{ updateRoom(input: {{roomId: \"{room}\", visibility: \"PUBLIC\"}}) {{ id }} }}"),
        "mutation { deleteRoom(roomId: \"x\") }".to_owned(),
        format!("mutation {{ setRole(input: {{roomId: \"{room}\", userId: \"x\", role: OWNER}}) {{ role }} }}"),
        format!("mutation {{ setRole(input: {{roomId: \"{room}\", userId: \"{room}\", role: GOD}}) {{ role }} }}"),
        format!("mutation {{ setRole(input: {{roomId: \"{room}\", userId: \"{room}\"}}) {{ role }} }}"),
        format!("mutation {{ kickMember(roomId: \"{room}\", userId: \"\") }}"),
        format!("mutation {{ kickMember(roomId: \"x\", userId: \"{room}\") }}"),
        format!("mutation {{ banMember(input: {{roomId: \"{room}\", userId: \"x\"}}) }}"),
        format!("mutation {{ banMember(input: {{roomId: \"{room}\", userId: \"{room}\", until: \"soon\"}}) }}"),
        format!("mutation {{ banMember(input: {{roomId: \"{room}\", userId: \"{room}\", reason: []}}) }}"),
        format!("mutation {{ unbanMember(roomId: \"{room}\", userId: {{}}) }}"),
        format!("mutation {{ muteMember(input: {{roomId: \"{room}\", userId: \"{room}\", until: 1}}) {{ role }} }}"),
        "mutation { invite(input: {roomId: \"x\"}) { id } }".to_owned(),
        format!("mutation {{ invite(input: {{roomId: \"{room}\", maxUses: 1.5}}) {{ id }} }}"),
        format!("mutation {{ invite(input: {{roomId: \"{room}\", expiresIn: 9007199254740992}}) {{ id }} }}"),
        "mutation { acceptInvitation(id: \"x\") { id } }".to_owned(),
        "mutation { acceptInvitation { id } }".to_owned(),
        "mutation { revokeInvitation(id: \"x\") }".to_owned(),
        "mutation { setTyping(roomId: \"x\") }".to_owned(),
        "mutation { setTyping(roomId: 1) }".to_owned(),
        "mutation { setTyping }".to_owned(),
        "mutation { subscriptionToken(channel: \"room:x.1\") { token } }".to_owned(),
        format!("mutation {{ subscriptionToken(channel: \"room:{room}\") {{ token }} }}"),
        format!("mutation {{ subscriptionToken(channel: \"room:{room}.01\") {{ token }} }}"),
        format!("mutation {{ subscriptionToken(channel: \"{}\") {{ token }} }}", "x".repeat(4_000)),
        format!("mutation {{ subscriptionToken(channel: [\"room:{room}.1\"]) {{ token }} }}"),
        "mutation { subscriptionToken(channel: null) { token } }".to_owned(),
        "{ rooms(first: 0) { nodes { id } } }".to_owned(),
        "{ rooms(first: 101) { nodes { id } } }".to_owned(),
        "{ rooms(after: \"nonsense\") { nodes { id } } }".to_owned(),
        format!("{{ discoverRooms(query: \"{}\") {{ nodes {{ id }} }} }}", "x".repeat(2_000)),
        format!("{{ room(id: \"{room}\") {{ messages(first: 1, last: 1) {{ nodes {{ id }} }} }} }}"),
        format!("{{ room(id: \"{room}\") {{ changes(sinceSeq: -1) {{ reset }} }} }}"),
        format!("{{ users(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(101)),
    ] {
        let answer = bench.send(bench.ask(&query, &Value::Null)).await;
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_query_for_a_malformed_id_finds_nothing() {
    let bench = Bench::alone(&[]).await;
    let query = "{ room(id: \"x\") { name } users(ids: [\"x\", \"\"]) { id } }";
    let answer = bench.send(bench.ask(query, &Value::Null)).await;
    assert_eq!(answer.json()["data"], json!({ "room": null, "users": [] }));
    assert!(codes(&answer).is_empty());
}

#[tokio::test]
async fn variables_of_the_wrong_type_are_refused() {
    let bench = Bench::alone(&[]).await;
    let query = "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { id } }";
    for variables in [
        json!({}),
        json!({ "input": null }),
        json!({ "input": "text" }),
        json!({ "input": { "roomId": "x" } }),
        json!({ "input": { "roomId": {}, "content": "a", "clientMessageId": "a" } }),
    ] {
        let answer = bench.send(bench.ask(query, &variables)).await;
        assert_eq!(
            codes(&answer).first().map(String::as_str),
            Some("BAD_USER_INPUT"),
            "{variables}"
        );
    }
}
