use plaza_testkit::Issuer;
use plaza_types::{MessageId, Person as Identity, UserId};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{Answer, Plaza};

/// Somebody with an account, signed in as a program (`NATIVE`).
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) username: String,
    pub(crate) token: String,
}

pub(crate) const PASSWORD: &str = "correct horse battery";

const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id seq number content author { username } } }";

fn sending(room: &str, content: &str, id: &str) -> Value {
    json!({ "input": { "roomId": room, "content": content, "clientMessageId": id } })
}

/// A name that nobody has.
pub(crate) fn fresh_name() -> String {
    // The random end: names of one moment differ there.
    format!("p{}", &MessageId::new().uuid().simple().to_string()[14..])
}

impl Plaza {
    /// Opens an account.
    pub(crate) async fn person(&self) -> Person {
        let username = fresh_name();
        let answer = self
            .graphql(
                None,
                "mutation($input: RegisterInput!) { register(input: $input) { accessToken user { id } } }",
                json!({ "input": { "username": username, "password": PASSWORD, "client": "NATIVE" } }),
            )
            .await;
        let session = &answer.data()["register"];
        Person {
            id: session["user"]["id"].as_str().unwrap().parse().unwrap(),
            token: session["accessToken"].as_str().unwrap().to_owned(),
            username,
        }
    }
}

impl Plaza {
    /// Signs with auth's own active key.
    pub(crate) async fn issuer(&self) -> Issuer {
        let row = sqlx::query("SELECT kid, private_key FROM signing_keys WHERE state = 'active'")
            .fetch_one(&mut self.database("auth").await)
            .await
            .expect("an active key");
        Issuer::with_key(row.get("kid"), row.get("private_key"))
    }
}

impl Person {
    /// Who this is to the services.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            id: self.id,
            username: self.username.clone(),
            display_name: self.username.clone(),
        }
    }

    /// One operation by this person.
    pub(crate) async fn ask(&self, plaza: &Plaza, query: &str, variables: Value) -> Answer {
        plaza.graphql(Some(&self.token), query, variables).await
    }

    /// Makes a public room and gives its id.
    pub(crate) async fn creates_room(&self, plaza: &Plaza, name: &str) -> String {
        let answer = self
            .ask(
                plaza,
                "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }",
                json!({ "input": { "name": name } }),
            )
            .await;
        answer.data()["createRoom"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn joins(&self, plaza: &Plaza, room: &str) {
        self.ask(
            plaza,
            "mutation($room: ID!) { joinRoom(roomId: $room) { id } }",
            json!({ "room": room }),
        )
        .await
        .data();
    }

    /// Sends under an id of the client's own; gives the message.
    pub(crate) async fn sends(&self, plaza: &Plaza, room: &str, content: &str) -> Value {
        self.sends_as(plaza, room, content, &MessageId::new().to_string())
            .await
            .data()["sendMessage"]
            .clone()
    }

    pub(crate) async fn sends_as(
        &self,
        plaza: &Plaza,
        room: &str,
        content: &str,
        id: &str,
    ) -> Answer {
        self.ask(plaza, SEND, sending(room, content, id)).await
    }

    /// Sends to a Plaza that may be going away: the message, when it was accepted.
    pub(crate) async fn tries_to_send(
        &self,
        plaza: &Plaza,
        room: &str,
        content: &str,
    ) -> Option<Value> {
        let id = MessageId::new().to_string();
        let body = json!({ "query": SEND, "variables": sending(room, content, &id) });
        let answer = plaza
            .try_request(&body, |request| request.bearer_auth(&self.token))
            .await
            .ok()?;
        let message = &answer.json["data"]["sendMessage"];
        message.is_object().then(|| message.clone())
    }
}
