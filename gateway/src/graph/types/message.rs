#![expect(clippy::unused_async, reason = "every resolver is async")]

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use plaza_clients::{Cursored, messages};
use plaza_types::{ApiError, MessageId};

use super::{Room, User};
use crate::graph::{
    context::signed_in,
    inline::Inline,
    page::{Edge, PageInfo},
    scalars::{DateTime, Position},
};

/// A message, in its whole present state.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    id: MessageId,
    /// None where only the id was asked for.
    known: Option<Arc<plaza_types::Message>>,
}

impl Message {
    fn known(&self) -> Result<&plaza_types::Message, ApiError> {
        self.known.as_deref().ok_or_else(|| {
            tracing::error!("a message was asked for more than its selection had");
            ApiError::internal()
        })
    }
}

impl From<Arc<plaza_types::Message>> for Message {
    fn from(message: Arc<plaza_types::Message>) -> Self {
        Self {
            id: message.id,
            known: Some(message),
        }
    }
}

impl From<plaza_types::Message> for Message {
    fn from(message: plaza_types::Message) -> Self {
        Arc::new(message).into()
    }
}

/// A message, in its whole present state.
#[Object]
impl Message {
    /// Which message.
    async fn id(&self) -> ID {
        self.id.to_string().into()
    }

    /// The change that made it: its place in the timeline.
    async fn seq(&self) -> Result<Position> {
        Ok(self.known()?.seq.into())
    }

    /// Its place among the room's messages.
    async fn number(&self) -> Result<Position> {
        Ok(self.known()?.number.into())
    }

    /// The latest change to it: of two states the higher stands.
    async fn changed_seq(&self) -> Result<Position> {
        Ok(self.known()?.changed_seq.into())
    }

    /// Where it stands.
    async fn room(&self) -> Result<Room> {
        Ok(Room::named(self.known()?.room_id))
    }

    /// Who wrote it.
    async fn author_id(&self) -> Result<ID> {
        Ok(self.known()?.author_id.to_string().into())
    }

    /// Who wrote it; null when there is no such user any more.
    async fn author(&self, ctx: &Context<'_>) -> Result<Option<Inline<User>>> {
        let (_, session) = signed_in(ctx)?;
        let author = self.known()?.author_id;
        // One's own messages need nobody: sending works with auth away.
        if author == session.caller.user {
            return Ok(Some(Inline(User::caller(session.caller.clone()))));
        }
        let author = session.loaders.user(author).await?;
        Ok(author.map(|author| Inline(author.into())))
    }

    /// CommonMark as typed; empty once deleted.
    async fn content(&self) -> Result<&str> {
        Ok(&self.known()?.content)
    }

    /// When it was accepted.
    async fn created_at(&self) -> Result<DateTime> {
        Ok(self.known()?.created_at.into())
    }

    /// When it was last edited.
    async fn edited_at(&self) -> Result<Option<DateTime>> {
        Ok(self.known()?.edited_at.map(Into::into))
    }

    /// When it was deleted: what remains is a tombstone.
    async fn deleted_at(&self) -> Result<Option<DateTime>> {
        Ok(self.known()?.deleted_at.map(Into::into))
    }

    /// The id that its author's client gave it.
    async fn client_message_id(&self) -> Result<Option<ID>> {
        let id = self.known()?.client_message_id.clone();
        Ok(Some(id).filter(|id| !id.is_empty()).map(Into::into))
    }

    /// The message of the same room that it answers.
    async fn reply_to(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        let Some(id) = self.known()?.reply_to else {
            return Ok(None);
        };
        let only_id = |name: &str| matches!(name, "id" | "__typename");
        if ctx
            .field()
            .selection_set()
            .all(|field| only_id(field.name()))
        {
            return Ok(Some(Self { id, known: None }));
        }
        let (_, session) = signed_in(ctx)?;
        Ok(session.loaders.message(id).await?.map(Self::from))
    }
}

/// A page of a room's history, oldest first, and the position that it leaves
/// the client at: both were read at once.
#[derive(SimpleObject)]
pub(crate) struct MessageConnection {
    /// The messages with their cursors.
    edges: Vec<Inline<Edge<Message>>>,
    /// The messages.
    nodes: Vec<Inline<Message>>,
    /// Where the page stands in the history.
    page_info: PageInfo,
    /// The room's last change when the page was read.
    head_seq: Position,
    /// The installation's epoch: with another one, every position is void.
    epoch: ID,
}

impl MessageConnection {
    /// Of a page whose messages are shared with the loaders.
    pub(crate) fn new(page: messages::HistoryPage) -> (Self, Vec<Arc<plaza_types::Message>>) {
        let page_info = PageInfo::of(&page.page);
        let (mut shared, mut nodes, mut edges) = (Vec::new(), Vec::new(), Vec::new());
        for Cursored { item, cursor } in page.page.items {
            let message = Arc::new(item);
            shared.push(message.clone());
            let node = Inline(Message::from(message));
            nodes.push(node.clone());
            edges.push(Inline(Edge { node, cursor }));
        }
        let connection = Self {
            edges,
            nodes,
            page_info,
            head_seq: page.head_seq.into(),
            epoch: page.epoch.to_string().into(),
        };
        (connection, shared)
    }
}

/// Messages with a change later than asked, in the order of `changedSeq`.
#[derive(SimpleObject)]
pub(crate) struct RoomChanges {
    /// The messages, each in its present state.
    messages: Vec<Inline<Message>>,
    /// The position after them: ask on from here while it is below `headSeq`.
    next_seq: Position,
    /// The room's last change.
    head_seq: Position,
    /// The installation's epoch: with another one, every position is void.
    epoch: ID,
    /// Too much is missing: load the newest page instead.
    reset: bool,
}

impl RoomChanges {
    /// Of an answer whose messages are shared with the loaders.
    pub(crate) fn new(changes: messages::Changes) -> (Self, Vec<Arc<plaza_types::Message>>) {
        let shared: Vec<_> = changes.messages.into_iter().map(Arc::new).collect();
        let changes = Self {
            messages: shared
                .iter()
                .map(|message| Inline(message.clone().into()))
                .collect(),
            next_seq: changes.next_seq.into(),
            head_seq: changes.head_seq.into(),
            epoch: changes.epoch.to_string().into(),
            reset: changes.reset,
        };
        (changes, shared)
    }
}
