//! Mutations on messages, and on what is said of a room while it is open.

use plaza_types::{MAX_MESSAGE_CHARS, MessageId};
use serde_json::json;

use super::faults::{Mutation, Rule, needed, optional};

pub(super) fn mutations(room: &str, message: &str) -> Vec<Mutation> {
    vec![
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
        Mutation {
            name: "setTyping",
            document: "mutation($id: ID!) { setTyping(roomId: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "subscriptionToken",
            document: "mutation($channel: String!) { subscriptionToken(channel: $channel) { token } }",
            good: json!({ "channel": format!("room:{room}.1") }),
            inputs: vec![needed("/channel", Rule::Channel)],
        },
    ]
}
