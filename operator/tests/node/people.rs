//! People who use a chat as a program would.

use std::time::Duration;

use plaza_testkit::eventually;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

use crate::chat::Chat;

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long is tried what a test begins with: pods that have just begun may not
/// reach each other yet where NetworkPolicies are enforced.
const PATIENCE: Duration = Duration::from_secs(30);

/// A room, by its id.
pub(crate) type Room = String;

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Person {
    client: Client,
    gateway: String,
    /// Address of Centrifugo's client port.
    pub(crate) realtime: String,
    token: String,
}

impl Person {
    /// Opens an account.
    pub(crate) async fn register(gateway: &str, realtime: &str) -> Self {
        // Connections to pods that are gone would be waited for.
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let mut person = Self {
            client,
            gateway: gateway.to_owned(),
            realtime: realtime.to_owned(),
            token: String::new(),
        };
        person.token = eventually(PATIENCE, async || {
            let name = format!("p{}", plaza_local::random_hex(8).unwrap());
            let input =
                json!({"username": name, "password": "correct horse battery", "client": "NATIVE"});
            let query =
                "mutation($input: RegisterInput!) { register(input: $input) { accessToken } }";
            let data = person
                .ask(query, json!({ "input": input }))
                .await
                .inspect_err(|why| again("register", why))?;
            let token = data["register"]["accessToken"].as_str();
            token.map(str::to_owned).ok_or_else(|| data.to_string())
        })
        .await;
        person
    }

    /// The same person, where the chat is now.
    pub(crate) async fn at(&self, chat: &Chat) -> Self {
        let gateway = chat.address("gateway").await;
        self.moved(gateway, chat.address("centrifugo").await)
    }

    /// The same person, at these addresses.
    pub(crate) fn moved(&self, gateway: String, realtime: String) -> Self {
        Self {
            gateway,
            realtime,
            ..self.clone()
        }
    }

    /// One operation; its data, or why there is none.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Result<Value, String> {
        let mut request = self
            .client
            .post(format!("http://{}/graphql", self.gateway))
            .json(&json!({ "query": query, "variables": variables }));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let away = |error: reqwest::Error| format!("{error:?}");
        let mut answer: Value = request
            .send()
            .await
            .map_err(away)?
            .json()
            .await
            .map_err(away)?;
        match answer["errors"].get(0) {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["data"].take()),
        }
    }

    /// Makes a public room.
    pub(crate) async fn creates_room(&self) -> Room {
        let query = "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }";
        let input = json!({"input": {"name": "a room"}});
        let data = eventually(PATIENCE, async || {
            self.ask(query, input.clone())
                .await
                .inspect_err(|why| again("create", why))
        })
        .await;
        data["createRoom"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn joins(&self, room: &Room) {
        let query = "mutation($room: ID!) { joinRoom(roomId: $room) { id } }";
        // Joining again changes nothing.
        eventually(PATIENCE, async || {
            self.ask(query, json!({ "room": room }))
                .await
                .inspect_err(|why| again("join", why))
        })
        .await;
    }

    /// Sends under an id of the client's own; the message's id.
    pub(crate) async fn sends(&self, room: &Room, client_id: &str) -> Result<String, String> {
        let query = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }";
        let input = json!({"roomId": room, "content": "hello", "clientMessageId": client_id});
        let data = self.ask(query, json!({ "input": input })).await?;
        let id = data["sendMessage"]["id"].as_str();
        id.map(str::to_owned).ok_or_else(|| data.to_string())
    }

    /// The epoch of a room's places.
    pub(crate) async fn epoch(&self, room: &Room) -> Result<String, String> {
        let query = "query($room: ID!) { room(id: $room) { epoch } }";
        let data = self.ask(query, json!({ "room": room })).await?;
        let epoch = data["room"]["epoch"].as_str();
        epoch.map(str::to_owned).ok_or_else(|| data.to_string())
    }

    /// The ids of all messages of a room, in their order.
    pub(crate) async fn history(&self, room: &Room) -> Result<Vec<String>, String> {
        let query = "query($room: ID!, $after: String) { room(id: $room) {
            messages(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }";
        let mut ids = Vec::new();
        // Without a cursor `first` begins with the oldest.
        let mut after = Value::Null;
        loop {
            let mut data = self
                .ask(query, json!({ "room": room, "after": after }))
                .await?;
            let page = &mut data["room"]["messages"];
            let nodes = page["nodes"].as_array().ok_or("no page")?;
            ids.extend(
                nodes
                    .iter()
                    .filter_map(|node| node["id"].as_str().map(str::to_owned)),
            );
            if page["pageInfo"]["hasNextPage"] != true {
                return Ok(ids);
            }
            after = page["pageInfo"]["endCursor"].take();
        }
    }
}

/// Tells people of a try that failed: a chat that is ready answers the first.
fn again(what: &str, why: &str) {
    eprintln!("    {what} is tried again: {why}");
}
