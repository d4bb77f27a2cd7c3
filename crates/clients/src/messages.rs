//! messages: messages and read state.

use chrono::{DateTime, Utc};
use plaza_kit::http_client::PeerError;
use plaza_types::{Epoch, Message, MessageId, Number, RoomId, Seq};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{As, ClientError, Lookup, Page, call::Service};

/// Sends a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Send {
    /// CommonMark.
    pub content: String,
    /// The client's own id: the same one again answers the first message.
    pub client_message_id: String,
    /// The message of the same room that it answers.
    pub reply_to: Option<MessageId>,
}

/// Gives a message other content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edit {
    /// CommonMark.
    pub content: String,
}

/// Which page of a room's history, in the order of `seq`: `first`/`after`
/// forwards, `last`/`before` backwards; neither: the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryQuery {
    /// Forwards, this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// Behind this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Backwards, this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// Ahead of this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// A page of history and the position that it leaves the client at, read in
/// one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    /// The messages, oldest first.
    #[serde(flatten)]
    pub page: Page<Message>,
    /// The room's last seq when the page was read.
    pub head_seq: Seq,
    /// The installation's epoch.
    pub epoch: Epoch,
}

/// Which changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesQuery {
    /// Everything after this seq.
    pub since: Seq,
    /// How many at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
}

/// Messages with a later change than asked, in the order of `changedSeq`,
/// each in its present state; read in one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// The messages.
    pub messages: Vec<Message>,
    /// The position after them: the last `changedSeq`, or the head when nothing is left.
    pub next_seq: Seq,
    /// The room's last seq.
    pub head_seq: Seq,
    /// The installation's epoch.
    pub epoch: Epoch,
    /// Too much is missing: load the newest page instead.
    pub reset: bool,
}

/// Which rooms' heads; at most 1,000.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadsQuery {
    /// The rooms.
    pub room_ids: Vec<RoomId>,
    /// Whether the caller is known to be a member of them all: one without a
    /// read mark then gets it at the head.
    pub joined: bool,
}

/// Where a room stands for the caller. A room without messages has zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Which room.
    pub room_id: RoomId,
    /// Its last change.
    pub head_seq: Seq,
    /// Its last message's number.
    pub last_number: Number,
    /// The caller's read mark; the last number when there is none.
    pub read_number: Number,
    /// Its last message's time.
    pub last_message_at: Option<DateTime<Utc>>,
    /// Its last message.
    pub last_message: Option<Message>,
    /// The installation's epoch.
    pub epoch: Epoch,
}

/// Moves the caller's read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    /// Up to here; none: to the head (after a join). A mark only grows.
    pub number: Option<Number>,
}

/// Client of messages.
#[derive(Debug, Clone)]
pub struct MessagesClient(Service);

impl MessagesClient {
    /// Of the messages at this base URL.
    pub fn new(base: &str) -> Result<Self, PeerError> {
        Service::new("messages", base).map(Self)
    }

    /// Sends. CONFLICT: the id was used with other content. FORBIDDEN: not a member, or muted.
    pub async fn send(
        &self,
        who: As<'_>,
        room: RoomId,
        input: &Send,
    ) -> Result<Message, ClientError> {
        self.0
            .repeatable(
                who,
                Method::POST,
                &format!("/v1/rooms/{room}/messages"),
                input,
            )
            .await
    }

    /// Edits an own message. CONFLICT: it is deleted.
    pub async fn edit(
        &self,
        who: As<'_>,
        id: MessageId,
        input: &Edit,
    ) -> Result<Message, ClientError> {
        self.0
            .call(who, Method::PATCH, &format!("/v1/messages/{id}"), input)
            .await
    }

    /// Deletes an own message; a second time changes nothing.
    pub async fn delete(&self, who: As<'_>, id: MessageId) -> Result<Message, ClientError> {
        self.0
            .repeatable(who, Method::DELETE, &format!("/v1/messages/{id}"), &())
            .await
    }

    /// Messages by id, at most [`crate::MAX_LOOKUP`]; those the caller may not read are left out.
    pub async fn lookup(
        &self,
        who: As<'_>,
        ids: Vec<MessageId>,
    ) -> Result<Vec<Message>, ClientError> {
        self.0
            .repeatable(who, Method::POST, "/v1/messages/lookup", &Lookup { ids })
            .await
    }

    /// A page of history.
    pub async fn history(
        &self,
        who: As<'_>,
        room: RoomId,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, ClientError> {
        self.0
            .get(who, &format!("/v1/rooms/{room}/messages"), query)
            .await
    }

    /// What changed after a seq.
    pub async fn changes(
        &self,
        who: As<'_>,
        room: RoomId,
        query: &ChangesQuery,
    ) -> Result<Changes, ClientError> {
        self.0
            .get(who, &format!("/v1/rooms/{room}/changes"), query)
            .await
    }

    /// Heads and marks of many rooms, in one query; one entry a room asked for.
    pub async fn heads(&self, who: As<'_>, query: &HeadsQuery) -> Result<Vec<Head>, ClientError> {
        self.0
            .repeatable(who, Method::POST, "/v1/heads", query)
            .await
    }

    /// Moves the caller's read mark and gives the room's head for them.
    pub async fn mark_read(
        &self,
        who: As<'_>,
        room: RoomId,
        mark: MarkRead,
    ) -> Result<Head, ClientError> {
        self.0
            .repeatable(who, Method::POST, &format!("/v1/rooms/{room}/read"), &mark)
            .await
    }
}
