//! What a virtual user of a fleet asks, as the app does.

use std::sync::Arc;

use plaza_types::RoomId;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cast::VirtualUser,
    graphql::{AskError, Endpoint},
    run::room::{RawMessage, Told},
};

/// Messages of a page of the app.
const PAGE: i64 = 50;

/// Where one room stands for its reader.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) room_id: Uuid,
    pub(super) unread_count: i64,
    /// `None`: real time is off.
    pub(super) realtime: Option<Realtime>,
}

/// Where a room's events are to be had.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Realtime {
    pub(super) live: String,
    pub(super) channel: Option<String>,
    pub(super) token: Option<String>,
    pub(super) head_channel: Option<String>,
    pub(super) head_token: Option<String>,
}

/// A page of a room.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) head: i64,
    /// The number of its newest message; 0: it has none.
    pub(super) newest: i64,
    pub(super) messages: Vec<Told>,
    /// What the page before it is asked by; none: this is the first.
    pub(super) before: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Heads {
    rooms: Vec<Head>,
}

#[derive(Deserialize)]
struct WithMessages {
    messages: RawPage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPage {
    head_seq: i64,
    edges: Vec<Edge>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Edge {
    cursor: Box<str>,
    node: Numbered,
}

#[derive(Deserialize)]
struct Numbered {
    number: i64,
    #[serde(flatten)]
    message: RawMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_previous_page: bool,
}

impl From<RawPage> for Page {
    fn from(raw: RawPage) -> Self {
        let newest = raw.edges.last().map_or(0, |edge| edge.node.number);
        let before = raw
            .edges
            .first()
            .filter(|_| raw.page_info.has_previous_page);
        let before = before.map(|edge| edge.cursor.clone());
        let messages = raw.edges.into_iter().map(|edge| edge.node.message.into());
        Self {
            head: raw.head_seq,
            newest,
            messages: messages.collect(),
            before,
        }
    }
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// Asks as one user, for as long as it takes.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) endpoint: Endpoint,
    pub(super) user: Arc<VirtualUser>,
}

impl Asker {
    /// Where all rooms stand, with what opens their channels if that is wanted.
    pub(super) async fn heads(&self, tokens: bool) -> Result<Vec<Head>, AskError> {
        let tokens = if tokens { "token headToken" } else { "" };
        let query = format!(
            "query Heads {{ heads {{ pollAfter rooms {{
                roomId headSeq version number unreadCount lastMessageAt preview epoch fanout
                realtime {{ live channel headChannel {tokens} }} }} }} }}"
        );
        let Heads { rooms } = self.ask(&query, &json!({}), "heads").await?;
        Ok(rooms)
    }

    /// What opens a channel.
    pub(super) async fn subscription_token(&self, channel: &str) -> Result<String, AskError> {
        let query = "mutation SubscriptionToken($channel: String!) {
            subscriptionToken(channel: $channel) { token } }";
        let variables = json!({ "channel": channel });
        let Token { token } = self.ask(query, &variables, "subscriptionToken").await?;
        Ok(token)
    }

    /// The newest page, or the one before a message.
    pub(super) async fn page(
        &self,
        room: RoomId,
        before: Option<Box<str>>,
    ) -> Result<Page, AskError> {
        let query = "query Page($room: ID!, $last: Int!, $before: String) { room(id: $room) {
            messages(last: $last, before: $before) {
                edges { cursor node {
                    id seq number changedSeq authorId author { id username displayName }
                    content createdAt editedAt deletedAt clientMessageId replyTo { id } } }
                pageInfo { hasNextPage hasPreviousPage }
                headSeq epoch } } }";
        let variables = json!({ "room": room, "last": PAGE, "before": before });
        let WithMessages { messages } = self.ask(query, &variables, "room").await?;
        Ok(messages.into())
    }

    /// Says up to where the user has read.
    pub(super) async fn mark_read(&self, room: RoomId, number: i64) -> Result<(), AskError> {
        let query = "mutation MarkRead($room: ID!, $number: Seq!) {
            markRead(roomId: $room, number: $number) { id readNumber } }";
        let variables = json!({ "room": room, "number": number });
        let _: Value = self.ask(query, &variables, "markRead").await?;
        Ok(())
    }

    /// Says that the user types.
    pub(super) async fn typing(&self, room: RoomId) -> Result<(), AskError> {
        let query = "mutation SetTyping($room: ID!) { setTyping(roomId: $room) }";
        let _: bool = self
            .ask(query, &json!({ "room": room }), "setTyping")
            .await?;
        Ok(())
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        query: &str,
        variables: &Value,
        field: &str,
    ) -> Result<T, AskError> {
        let token = &self.user.token;
        self.endpoint.ask(token, query, variables, field).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_place() {
        let node = |number: i64| {
            let id = Uuid::from_u128(1);
            json!({ "cursor": format!("c{number}"),
                "node": { "id": id, "seq": number + 5, "number": number, "content": "hello" } })
        };
        let read = |first: i64, has_previous: bool| -> Page {
            let raw = json!({ "headSeq": 20, "edges": [node(first), node(9)],
                "pageInfo": { "hasPreviousPage": has_previous } });
            serde_json::from_value::<RawPage>(raw).unwrap().into()
        };
        let page = read(8, true);
        assert_eq!((page.head, page.newest), (20, 9));
        let seqs: Vec<_> = page.messages.iter().map(|told| told.seq).collect();
        assert_eq!(seqs, [13, 14]);
        assert_eq!(page.before.as_deref(), Some("c8"));
        assert_eq!(read(8, false).before, None, "the first page");
    }
}
