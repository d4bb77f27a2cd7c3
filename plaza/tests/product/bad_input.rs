//! Whatever is wrong with what a mutation is given: the answer is a clear
//! coded error, and nothing is stored.

use plaza_types::{
    MAX_BAN_REASON_CHARS, MAX_DISPLAY_NAME_CHARS, MAX_MESSAGE_CHARS, MAX_ROOM_NAME_CHARS,
    MAX_TOPIC_CHARS, MAX_USERNAME_CHARS, MessageId,
};
use serde_json::{Value, json};

use crate::support::{Answer, Person, Plaza};

/// What an input may hold, and so what it may not.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Text that is stored, of at most this many characters.
    Stored(usize),
    /// A password: bounded, and never stored as it is.
    Password,
    /// An opaque token.
    Token,
    /// The id of something.
    Id,
    /// The client's own id of a send.
    ClientId,
    /// A whole number.
    Seq,
    /// A count between bounds.
    Count,
    /// A time that is to come.
    Time,
    /// One of some names.
    Enum,
}

struct Input {
    /// JSON pointer into the variables.
    at: &'static str,
    rule: Rule,
    optional: bool,
}

struct Mutation {
    name: &'static str,
    document: &'static str,
    /// Variables that would be accepted.
    good: Value,
    inputs: Vec<Input>,
}

const fn needed(at: &'static str, rule: Rule) -> Input {
    Input {
        at,
        rule,
        optional: false,
    }
}

const fn optional(at: &'static str, rule: Rule) -> Input {
    Input {
        at,
        rule,
        optional: true,
    }
}

/// Every mutation that takes something; `member` is one of the room.
fn mutations(room: &str, message: &str, member: &str) -> Vec<Mutation> {
    let mut mutations = of_rooms(room, member);
    mutations.extend(of_people_and_messages(room, message));
    mutations
}

fn of_rooms(room: &str, member: &str) -> Vec<Mutation> {
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let both = json!({ "room": room, "user": member });
    let ids = || vec![needed("/room", Rule::Id), needed("/user", Rule::Id)];
    vec![
        Mutation {
            name: "updateRoom",
            document: "mutation($input: UpdateRoomInput!) { updateRoom(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "name": "Dome", "topic": "Stars" } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                optional("/input/name", Rule::Stored(MAX_ROOM_NAME_CHARS)),
                optional("/input/topic", Rule::Stored(MAX_TOPIC_CHARS)),
                optional("/input/visibility", Rule::Enum),
            ],
        },
        Mutation {
            name: "deleteRoom",
            document: "mutation($id: ID!) { deleteRoom(roomId: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "setRole",
            document: "mutation($input: SetRoleInput!) { setRole(input: $input) { role } }",
            good: json!({ "input": { "roomId": room, "userId": member, "role": "ADMIN" } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/userId", Rule::Id),
                needed("/input/role", Rule::Enum),
            ],
        },
        Mutation {
            name: "kickMember",
            document: "mutation($room: ID!, $user: ID!) { kickMember(roomId: $room, userId: $user) }",
            good: both.clone(),
            inputs: ids(),
        },
        Mutation {
            name: "banMember",
            document: "mutation($input: BanMemberInput!) { banMember(input: $input) }",
            good: json!({ "input": { "roomId": room, "userId": member, "reason": "Spam", "until": later } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/userId", Rule::Id),
                optional("/input/reason", Rule::Stored(MAX_BAN_REASON_CHARS)),
                optional("/input/until", Rule::Time),
            ],
        },
        Mutation {
            name: "unbanMember",
            document: "mutation($room: ID!, $user: ID!) { unbanMember(roomId: $room, userId: $user) }",
            good: both,
            inputs: ids(),
        },
        Mutation {
            name: "muteMember",
            document: "mutation($input: MuteMemberInput!) { muteMember(input: $input) { mutedUntil } }",
            good: json!({ "input": { "roomId": room, "userId": member, "until": later } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/userId", Rule::Id),
                optional("/input/until", Rule::Time),
            ],
        },
        Mutation {
            name: "invite by name",
            document: "mutation($input: InviteInput!) { invite(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "username": "grace", "expiresIn": 3_600 } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                optional("/input/username", Rule::Stored(MAX_USERNAME_CHARS)),
                optional("/input/expiresIn", Rule::Count),
            ],
        },
        Mutation {
            name: "invite by link",
            document: "mutation($input: InviteInput!) { invite(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "maxUses": 2 } }),
            inputs: vec![optional("/input/maxUses", Rule::Count)],
        },
        Mutation {
            name: "acceptInvitation by name",
            document: "mutation($id: ID) { acceptInvitation(id: $id) { id } }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "acceptInvitation by link",
            document: "mutation($token: String) { acceptInvitation(token: $token) { id } }",
            good: json!({ "token": "x" }),
            inputs: vec![needed("/token", Rule::Token)],
        },
        Mutation {
            name: "revokeInvitation",
            document: "mutation($id: ID!) { revokeInvitation(id: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
    ]
}

fn of_people_and_messages(room: &str, message: &str) -> Vec<Mutation> {
    vec![
        Mutation {
            name: "register",
            document: "mutation($input: RegisterInput!) { register(input: $input) { user { id } } }",
            good: json!({ "input": { "username": "grace", "password": "correct horse", "displayName": "Grace" } }),
            inputs: vec![
                needed("/input/username", Rule::Stored(MAX_USERNAME_CHARS)),
                needed("/input/password", Rule::Password),
                optional("/input/displayName", Rule::Stored(MAX_DISPLAY_NAME_CHARS)),
                optional("/input/client", Rule::Enum),
            ],
        },
        Mutation {
            name: "login",
            document: "mutation($input: LoginInput!) { login(input: $input) { user { id } } }",
            good: json!({ "input": { "username": "grace", "password": "correct horse" } }),
            inputs: vec![
                needed("/input/username", Rule::Stored(MAX_USERNAME_CHARS)),
                needed("/input/password", Rule::Password),
                optional("/input/client", Rule::Enum),
            ],
        },
        Mutation {
            name: "refreshSession",
            document: "mutation($input: RefreshSessionInput) { refreshSession(input: $input) { user { id } } }",
            good: json!({ "input": { "refreshToken": "x" } }),
            inputs: vec![needed("/input/refreshToken", Rule::Token)],
        },
        Mutation {
            name: "createRoom",
            document: "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }",
            good: json!({ "input": { "name": "Observatory", "topic": "Stars" } }),
            inputs: vec![
                needed("/input/name", Rule::Stored(MAX_ROOM_NAME_CHARS)),
                optional("/input/topic", Rule::Stored(MAX_TOPIC_CHARS)),
                optional("/input/visibility", Rule::Enum),
            ],
        },
        Mutation {
            name: "joinRoom",
            document: "mutation($id: ID!) { joinRoom(roomId: $id) { id } }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "leaveRoom",
            document: "mutation($id: ID!) { leaveRoom(roomId: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "sendMessage",
            document: "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "content": "hello", "clientMessageId": MessageId::new(), "replyTo": message } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/content", Rule::Stored(MAX_MESSAGE_CHARS)),
                needed("/input/clientMessageId", Rule::ClientId),
                optional("/input/replyTo", Rule::Id),
            ],
        },
        Mutation {
            name: "editMessage",
            document: "mutation($id: ID!, $content: String!) { editMessage(id: $id, content: $content) { id } }",
            good: json!({ "id": message, "content": "better" }),
            inputs: vec![
                needed("/id", Rule::Id),
                needed("/content", Rule::Stored(MAX_MESSAGE_CHARS)),
            ],
        },
        Mutation {
            name: "deleteMessage",
            document: "mutation($id: ID!) { deleteMessage(id: $id) { id } }",
            good: json!({ "id": message }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "markRead",
            document: "mutation($id: ID!, $number: Seq!) { markRead(roomId: $id, number: $number) { id } }",
            good: json!({ "id": room, "number": 1 }),
            inputs: vec![needed("/id", Rule::Id), needed("/number", Rule::Seq)],
        },
    ]
}

/// What is wrong, as JSON text: some of it no JSON value can hold.
fn faults(rule: Rule) -> Vec<(&'static str, String)> {
    let text = |text: &str| Value::from(text).to_string();
    let mut faults = vec![
        ("a list", "[[]]".to_owned()),
        ("an object", r#"{"a":1}"#.to_owned()),
        ("true", "true".to_owned()),
    ];
    match rule {
        Rule::Seq => faults.extend([
            ("a negative number", "-1".to_owned()),
            ("a fraction", "1.5".to_owned()),
            ("a number beyond 2^53", "9007199254740992".to_owned()),
            ("text", text("one")),
        ]),
        Rule::Count => faults.extend([
            ("zero", "0".to_owned()),
            ("a negative number", "-1".to_owned()),
            ("a fraction", "1.5".to_owned()),
            ("a number too large", "2000000000".to_owned()),
            ("a number beyond 2^53", "9007199254740992".to_owned()),
            ("text", text("one")),
        ]),
        Rule::Time => faults.extend([
            ("a time that is over", text("2020-01-01T00:00:00Z")),
            ("a time too far", text("2999-01-01T00:00:00Z")),
            ("a time beyond years", text("+262142-12-31T23:59:59Z")),
            ("empty text", text("")),
            ("a day", text("2999-01-01")),
            ("a number", "1".to_owned()),
            ("NUL", text("a\0b")),
        ]),
        Rule::Enum => faults.extend([
            ("another word", text("NOBODY")),
            ("empty text", text("")),
            ("a number", "1".to_owned()),
        ]),
        Rule::Id | Rule::ClientId | Rule::Token => {}
        Rule::Stored(_) | Rule::Password => faults.push(("a number", "1".to_owned())),
    }
    let empty = ("empty text", text(""));
    match rule {
        Rule::Stored(longest) => faults.extend([
            empty,
            ("white space", text(" \u{3000}\t ")),
            ("a character too many", text(&"x".repeat(longest + 1))),
            ("1 MB of text", text(&"x".repeat(1_000_000))),
            ("NUL", text("a\0b")),
            ("a bidi override", text("a\u{202E}b")),
            ("an unpaired surrogate", r#""a\ud800b""#.to_owned()),
        ]),
        Rule::Password => faults.extend([
            empty,
            ("1 MB of text", text(&"x".repeat(1_000_000))),
            ("257 bytes", text(&"x".repeat(257))),
            ("NUL", text("correct\0horse")),
            (
                "an unpaired surrogate",
                r#""correct horse\ud800""#.to_owned(),
            ),
        ]),
        Rule::Id => faults.extend([
            empty,
            ("no id", text("1")),
            ("an unknown id", text(&MessageId::new().to_string())),
            (
                "an id in another spelling",
                text("{018f8f7c-0000-7000-8000-000000000000}"),
            ),
            ("NUL", text("a\0b")),
        ]),
        Rule::ClientId => faults.extend([
            empty,
            ("65 bytes", text(&"x".repeat(65))),
            ("a space", text("a b")),
            ("NUL", text("a\0b")),
        ]),
        Rule::Token => faults.extend([
            empty,
            ("garbage", text("garbage")),
            ("1 MB of text", text(&"x".repeat(1_000_000))),
        ]),
        Rule::Seq | Rule::Count | Rule::Time | Rule::Enum => {}
    }
    faults
}

/// Where white space is a value like any other: it may stand for nothing.
fn is_fine(mutation: &Mutation, input: &Input, fault: &str) -> bool {
    // No display name, topic or reason is what an empty one means.
    let may_be_empty = [
        ("register", "/input/displayName"),
        ("createRoom", "/input/topic"),
        ("updateRoom", "/input/topic"),
        ("banMember", "/input/reason"),
    ];
    let blank = matches!(fault, "empty text" | "white space");
    blank && may_be_empty.contains(&(mutation.name, input.at))
}

/// The variables with one place replaced by raw JSON text.
fn broken(good: &Value, at: &str, fault: &str) -> String {
    const PLACE: &str = "\"the place of the fault\"";
    let mut variables = good.clone();
    if let Some(place) = variables.pointer_mut(at) {
        *place = Value::from("the place of the fault");
    } else {
        let (parent, field) = at.rsplit_once('/').expect("a pointer");
        variables.pointer_mut(parent).expect("the parent")[field] =
            Value::from("the place of the fault");
    }
    variables.to_string().replacen(PLACE, fault, 1)
}

async fn ask(plaza: &Plaza, who: &Person, document: &str, variables: &str) -> Answer {
    let body = format!(
        "{{\"query\":{},\"variables\":{variables}}}",
        Value::from(document)
    );
    plaza
        .request(&Value::Null, |request| {
            request.bearer_auth(&who.token).body(body)
        })
        .await
}

#[track_caller]
fn assert_refused(answer: &Answer, what: &str) {
    let code = answer.code();
    assert!(
        matches!(code, "BAD_USER_INPUT" | "NOT_FOUND" | "UNAUTHENTICATED"),
        "{what}: {code}: {:#}",
        answer.json
    );
    let message = answer.json["errors"][0]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(
        !message.is_empty() && message.len() < 500,
        "{what}: the message is {message:?}"
    );
    for internal in [
        "sqlx",
        "postgres",
        "panick",
        "serde",
        "reqwest",
        "127.0.0.1",
    ] {
        assert!(
            !message.to_lowercase().contains(internal),
            "{what}: the message tells internals: {message}"
        );
    }
    let length = answer.json.to_string().len();
    assert!(
        length < 4_000,
        "{what}: the answer repeats the input, {length} bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_a_code_and_changes_nothing() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Bad input").await;
    let message = ada.sends(&plaza, &room, "the first").await["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let member = plaza.person().await;
    member.joins(&plaza, &room).await;

    let before = plaza.stored().await;
    let mut tried = 0;
    for mutation in mutations(&room, &message, &member.id.to_string()) {
        for input in &mutation.inputs {
            let mut faults = faults(input.rule);
            if !input.optional {
                faults.push(("null", "null".to_owned()));
            }
            for (fault, text) in faults {
                if is_fine(&mutation, input, fault) {
                    continue;
                }
                let answer = ask(
                    &plaza,
                    &ada,
                    mutation.document,
                    &broken(&mutation.good, input.at, &text),
                )
                .await;
                assert_refused(
                    &answer,
                    &format!("{} with {fault} at {}", mutation.name, input.at),
                );
                tried += 1;
            }
            if !input.optional {
                let mut variables = mutation.good.clone();
                let (parent, field) = input.at.rsplit_once('/').expect("a pointer");
                let parent = if parent.is_empty() {
                    &mut variables
                } else {
                    variables.pointer_mut(parent).expect("the parent")
                };
                parent.as_object_mut().expect("an object").remove(field);
                let answer = ask(&plaza, &ada, mutation.document, &variables.to_string()).await;
                assert_refused(&answer, &format!("{} without {}", mutation.name, input.at));
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "only {tried} faults were tried");
    assert_eq!(before, plaza.stored().await);
}

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
