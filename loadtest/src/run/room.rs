//! What a subscriber asks about its room.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use plaza_types::RoomId;

use crate::{
    accounting::Mark,
    graphql::{AskError, Endpoint},
    wire::{Content, RunId},
};

/// Of one `changes`, and of the newest page.
const PAGE: i64 = 100;

/// Where a connection is opened, and with what.
#[derive(Debug, Deserialize)]
pub(crate) struct ConnectionToken {
    pub(crate) token: String,
    pub(crate) endpoint: String,
}

/// Where the room's events are.
#[derive(Debug, Deserialize)]
pub(crate) struct Realtime {
    /// `None`: on the personal channel.
    pub(crate) channel: Option<String>,
    /// `None`: it opens without one.
    pub(crate) token: Option<String>,
}

/// What is missing.
#[derive(Debug)]
pub(crate) struct Caught {
    /// In the order in which they were asked.
    pub(crate) pages: Vec<Changes>,
    /// Too much is missing: the newest page in place of the rest.
    pub(crate) newest: Option<Newest>,
}

/// Changes behind a place, up to another.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) since: i64,
    pub(crate) next: i64,
    pub(crate) messages: Vec<Told>,
}

/// The newest page.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) head: i64,
    pub(crate) messages: Vec<Told>,
}

/// Where the caller's rooms stand, as far as it is about the one that is
/// followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Of the room; none: the caller has not joined it.
    pub(crate) head: Option<i64>,
    /// How long to wait before it is asked again while not live.
    pub(crate) poll_after: Duration,
}

/// A message as an answer tells of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) seq: i64,
    /// Of one that a load test sent.
    pub(crate) own: Option<(Mark, Content)>,
}

impl Told {
    /// What it is to this run; none: it is of another, or of somebody else.
    pub(crate) fn of(&self, run: RunId) -> Option<(Mark, Content)> {
        self.own.filter(|(_, content)| content.run == run)
    }
}

/// As answers have it.
#[derive(Debug, Deserialize)]
pub(crate) struct RawMessage {
    id: Uuid,
    seq: i64,
    content: String,
}

impl From<RawMessage> for Told {
    fn from(raw: RawMessage) -> Self {
        let own = Content::read(&raw.content);
        Self {
            seq: raw.seq,
            own: own.map(|content| (Mark::new(raw.seq, raw.id), content)),
        }
    }
}

#[derive(Deserialize)]
struct WithRealtime {
    realtime: Option<Realtime>,
}

#[derive(Deserialize)]
struct WithMessages {
    messages: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    head_seq: i64,
    #[serde(default)]
    nodes: Vec<RawMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHeads {
    poll_after: u64,
    rooms: Vec<RawHead>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHead {
    room_id: RoomId,
    head_seq: i64,
}

#[derive(Deserialize)]
struct WithChanges {
    changes: RawChanges,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChanges {
    next_seq: i64,
    head_seq: i64,
    reset: bool,
    messages: Vec<RawMessage>,
}

/// Asks as one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) token: &'a str,
    pub(crate) room: RoomId,
}

impl Reader<'_> {
    /// What opens a connection; none: real time is off.
    pub(crate) async fn connection_token(&self) -> Result<Option<ConnectionToken>, AskError> {
        let query = "mutation ConnectionToken { connectionToken { token endpoint } }";
        let variables = json!({});
        self.endpoint
            .ask(self.token, query, &variables, "connectionToken")
            .await
    }

    /// Where the room's events are; none: it cannot be read.
    pub(crate) async fn realtime(&self) -> Result<Option<Realtime>, AskError> {
        let query = "query Room($room: ID!) { room(id: $room) { realtime { channel token } } }";
        let room: Option<WithRealtime> = self.room(query, &json!({ "room": self.room })).await?;
        Ok(room.and_then(|room| room.realtime))
    }

    /// Where the room's newest page stands.
    pub(crate) async fn head(&self) -> Result<i64, AskError> {
        let query =
            "query Newest($room: ID!) { room(id: $room) { messages(last: 1) { headSeq } } }";
        let room: WithMessages = self.room(query, &json!({ "room": self.room })).await?;
        Ok(room.messages.head_seq)
    }

    /// Where the caller's rooms stand: what the app asks when it connects,
    /// when something may be missing, and when it polls.
    pub(crate) async fn heads(&self) -> Result<Heads, AskError> {
        let query = "query Heads { heads { pollAfter rooms { roomId headSeq } } }";
        let heads: RawHeads = self
            .endpoint
            .ask(self.token, query, &json!({}), "heads")
            .await?;
        let ours = heads.rooms.iter().find(|head| head.room_id == self.room);
        Ok(Heads {
            head: ours.map(|head| head.head_seq),
            poll_after: Duration::from_millis(heads.poll_after),
        })
    }

    /// All changes behind a place.
    pub(crate) async fn changes(&self, mut since: i64) -> Result<Caught, AskError> {
        let query = "query Changes($room: ID!, $since: Seq!, $first: Int!) { room(id: $room) {
            changes(sinceSeq: $since, first: $first) {
                nextSeq headSeq reset messages { id seq content } } } }";
        let mut pages = Vec::new();
        loop {
            let variables = json!({ "room": self.room, "since": since, "first": PAGE });
            let WithChanges { changes } = self.room(query, &variables).await?;
            if changes.reset {
                let newest = Some(self.newest().await?);
                return Ok(Caught { pages, newest });
            }
            let moves = changes.next_seq > since;
            pages.push(Changes {
                since,
                next: changes.next_seq,
                messages: changes.messages.into_iter().map(Told::from).collect(),
            });
            since = changes.next_seq;
            if since >= changes.head_seq || !moves {
                return Ok(Caught {
                    pages,
                    newest: None,
                });
            }
        }
    }

    async fn newest(&self) -> Result<Newest, AskError> {
        let query = "query Newest($room: ID!, $last: Int!) { room(id: $room) {
            messages(last: $last) { headSeq nodes { id seq content } } } }";
        let variables = json!({ "room": self.room, "last": PAGE });
        let WithMessages { messages } = self.room(query, &variables).await?;
        Ok(Newest {
            head: messages.head_seq,
            messages: messages.nodes.into_iter().map(Told::from).collect(),
        })
    }

    async fn room<T: serde::de::DeserializeOwned>(
        &self,
        query: &str,
        variables: &serde_json::Value,
    ) -> Result<T, AskError> {
        self.endpoint
            .ask(self.token, query, variables, "room")
            .await
    }
}
