//! Demo users, rooms and a conversation, made through the gateway as any
//! client would make them, once for a new data folder.

mod script;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use plaza_kit::http_client::Peer;
use serde_json::{Value, json};

use self::script::{PEOPLE, ROOMS};
use super::console::Console;
use super::data::Data;

/// Left behind when there is nothing more to make.
const MARKER: &str = "demo-made";
/// Name of the secret that is the password of all demo users.
const PASSWORD: &str = "demo-password";

/// Makes the demo, unless this data folder has or had one.
pub(crate) async fn seed(data: &Data, url: &str, console: &Console) -> anyhow::Result<()> {
    if data.is_marked(MARKER) {
        return Ok(());
    }
    let begun = Instant::now();
    let password = password(data)?;
    let gateway = Gateway(Peer::new(url, Duration::from_secs(30))?);
    let mut tokens = HashMap::new();
    for (username, display_name) in PEOPLE {
        let token = gateway.sign_in(username, display_name, &password).await?;
        tokens.insert(*username, token);
    }
    for room in ROOMS {
        let (owner, guests) = room.people.split_first().context("a room without people")?;
        // Made by a start that was interrupted.
        if gateway.has_room(&tokens[owner], room.name).await? {
            continue;
        }
        let id = gateway
            .ask(
                &tokens[owner],
                "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }",
                json!({ "input": { "name": room.name, "topic": room.topic } }),
                "/createRoom/id",
            )
            .await?;
        for guest in guests {
            gateway
                .ask(
                    &tokens[guest],
                    "mutation($id: ID!) { joinRoom(roomId: $id) { id } }",
                    json!({ "id": id }),
                    "/joinRoom/id",
                )
                .await?;
        }
        for (number, (author, content)) in room.messages.iter().enumerate() {
            gateway
                .ask(
                    &tokens[author],
                    "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }",
                    json!({ "input": {
                        "roomId": id, "content": content, "clientMessageId": format!("demo-{number}")
                    } }),
                    "/sendMessage/id",
                )
                .await?;
        }
    }
    data.mark(MARKER)?;
    console.done("demo users and rooms are there", begun);
    Ok(())
}

/// Says how to sign in as a demo user, where there are some.
pub(crate) fn tell(data: &Data, console: &Console) {
    if !data.is_marked(MARKER) {
        return;
    }
    if let Ok(password) = password(data) {
        let names: Vec<&str> = PEOPLE.iter().map(|(username, _)| *username).collect();
        console.say(format!(
            "  Sign in as {} with the password {}",
            names.join(", "),
            console.strong(&password)
        ));
    }
}

/// The password of the demo users: of this installation alone, since it may be
/// opened to a network later.
fn password(data: &Data) -> anyhow::Result<String> {
    let (_, secret) = data.secret(PASSWORD)?;
    let part = |range| secret.get(range).unwrap_or_default();
    Ok(format!("plaza-{}-{}", part(0..4), part(4..8)))
}

struct Gateway(Peer);

impl Gateway {
    /// Registers, or where an interrupted start did so already, logs in.
    async fn sign_in(
        &self,
        username: &str,
        display_name: &str,
        password: &str,
    ) -> anyhow::Result<String> {
        let register = self
            .ask(
                "",
                "mutation($input: RegisterInput!) { register(input: $input) { accessToken } }",
                json!({ "input": {
                    "username": username, "displayName": display_name,
                    "password": password, "client": "NATIVE"
                } }),
                "/register/accessToken",
            )
            .await;
        if let Ok(token) = register {
            return Ok(token);
        }
        self.ask(
            "",
            "mutation($input: LoginInput!) { login(input: $input) { accessToken } }",
            json!({ "input": {
                "username": username, "password": password, "client": "NATIVE"
            } }),
            "/login/accessToken",
        )
        .await
        .with_context(|| format!("cannot register or log in {username}"))
    }

    async fn has_room(&self, token: &str, name: &str) -> anyhow::Result<bool> {
        let query = "{ rooms(first: 50) { nodes { name } } }";
        let data = self.data(token, query, Value::Null).await?;
        let rooms = data.pointer("/rooms/nodes").and_then(Value::as_array);
        Ok(rooms.is_some_and(|rooms| rooms.iter().any(|room| room["name"] == name)))
    }

    /// Runs an operation and gives the text at `path` of its data.
    async fn ask(
        &self,
        token: &str,
        query: &str,
        variables: Value,
        path: &str,
    ) -> anyhow::Result<String> {
        let data = self.data(token, query, variables).await?;
        data.pointer(path)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .with_context(|| format!("an answer without {path}"))
    }

    /// Runs an operation.
    async fn data(&self, token: &str, query: &str, variables: Value) -> anyhow::Result<Value> {
        let mut request = self
            .0
            .request(reqwest::Method::POST, "/graphql")
            .json(&json!({ "query": query, "variables": variables }));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let mut answer: Value = request.send().await?.json().await?;
        if let Some(error) = answer.pointer("/errors/0/message").and_then(Value::as_str) {
            bail!("{error}");
        }
        Ok(answer["data"].take())
    }
}
