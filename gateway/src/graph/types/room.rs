use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use plaza_clients::{
    messages::{ChangesQuery, Head, HistoryQuery},
    rooms,
};
use plaza_types::{ApiError, RoomId};

use super::{
    Ban, Invitation, Member, Membership, Message, MessageConnection, RoomChanges, RoomRealtime,
    Wanted, count, unread,
};
use crate::{
    graph::{
        ahead::{items, load_authors, load_invited},
        context::{Session, signed_in},
        cost,
        inline::Inline,
        page::{Connection, cursor, page_query, size},
        scalars::{DateTime, Position},
    },
    services::refused,
};

/// Sizes of pages that the caller gives no size for.
const DEFAULT_MESSAGES: u32 = 50;
const DEFAULT_CHANGES: u32 = 100;
const DEFAULT_MEMBERS: u32 = 50;

/// Who may read a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "plaza_types::Visibility")]
pub(crate) enum Visibility {
    /// Every signed-in user may read; members may write.
    Public,
    /// Members only.
    Private,
}

/// How a room's events reach its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "plaza_types::FanoutMode")]
pub(crate) enum FanoutMode {
    /// By each member's own channel.
    Personal,
    /// By the room's channel.
    Room,
}

/// A room as the caller sees it. What was not brought along is loaded when a
/// field asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    id: RoomId,
    known: Option<Arc<rooms::Room>>,
    head: Option<Arc<Head>>,
}

impl Room {
    /// Of which only the id is known.
    pub(crate) const fn named(id: RoomId) -> Self {
        Self {
            id,
            known: None,
            head: None,
        }
    }

    /// With where it stands for the caller.
    pub(crate) fn with_head(self, head: Option<Arc<Head>>) -> Self {
        Self { head, ..self }
    }

    async fn known(&self, session: &Session) -> Result<Arc<rooms::Room>, ApiError> {
        match &self.known {
            Some(room) => Ok(room.clone()),
            None => session
                .loaders
                .room(self.id)
                .await?
                .ok_or_else(|| ApiError::not_found("room")),
        }
    }

    async fn head(&self, session: &Session) -> Result<Arc<Head>, ApiError> {
        if let Some(head) = &self.head {
            return Ok(head.clone());
        }
        // Asked of rooms first: messages answers for the rooms that it is asked for.
        let joined = self.known(session).await?.membership.is_some();
        session
            .loaders
            .head(self.id, joined)
            .await?
            .ok_or_else(|| ApiError::not_found("room"))
    }
}

impl From<Arc<rooms::Room>> for Room {
    fn from(room: Arc<rooms::Room>) -> Self {
        Self {
            id: room.id,
            known: Some(room),
            head: None,
        }
    }
}

impl From<rooms::Room> for Room {
    fn from(room: rooms::Room) -> Self {
        Arc::new(room).into()
    }
}

/// A room as the caller sees it.
#[Object]
impl Room {
    /// Which room.
    async fn id(&self) -> ID {
        self.id.to_string().into()
    }

    /// Its name.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.known(signed_in(ctx)?.1).await?.name.clone())
    }

    /// What it is about.
    async fn topic(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let topic = self.known(signed_in(ctx)?.1).await?.topic.clone();
        Ok(Some(topic).filter(|topic| !topic.is_empty()))
    }

    /// Who may read.
    async fn visibility(&self, ctx: &Context<'_>) -> Result<Visibility> {
        Ok(self.known(signed_in(ctx)?.1).await?.visibility.into())
    }

    /// How many members it has.
    async fn member_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(count(self.known(signed_in(ctx)?.1).await?.member_count))
    }

    /// How many people have it open; null: not known, or not newly enough.
    async fn online_count(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        let room = self.known(signed_in(ctx)?.1).await?;
        Ok(room.online_count.map(count))
    }

    /// How many messages the caller has not read.
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(unread(&*self.head(signed_in(ctx)?.1).await?))
    }

    /// Its newest message.
    async fn last_message(&self, ctx: &Context<'_>) -> Result<Option<Inline<Message>>> {
        let head = self.head(signed_in(ctx)?.1).await?;
        let message = head.last_message.clone();
        Ok(message.map(|message| Inline(message.into())))
    }

    /// The caller's own membership; null: not a member.
    async fn viewer_membership(&self, ctx: &Context<'_>) -> Result<Option<Membership>> {
        let room = self.known(signed_in(ctx)?.1).await?;
        Ok(room.membership.map(Membership::from))
    }

    /// How its events travel.
    async fn fanout(&self, ctx: &Context<'_>) -> Result<FanoutMode> {
        Ok(self.known(signed_in(ctx)?.1).await?.fanout.into())
    }

    /// Where its events are to be had; null: real time is off.
    async fn realtime(&self, ctx: &Context<'_>) -> Result<Option<RoomRealtime>> {
        let (request, session) = signed_in(ctx)?;
        if request.gateway.realtime.is_none() {
            return Ok(None);
        }
        // Rooms gives a room to those alone who may read it.
        let room = self.known(session).await?;
        let wanted = Wanted::of(&ctx.look_ahead());
        Ok(Some(RoomRealtime::new(&room, wanted)))
    }

    /// The version of its latest change other than a join or leave.
    async fn version(&self, ctx: &Context<'_>) -> Result<Position> {
        Ok(self.known(signed_in(ctx)?.1).await?.version.into())
    }

    /// The installation's epoch: with another one, every position is void.
    async fn epoch(&self, ctx: &Context<'_>) -> Result<ID> {
        Ok(self
            .known(signed_in(ctx)?.1)
            .await?
            .epoch
            .to_string()
            .into())
    }

    /// Its last change of messages. It is no position: only pages and changes are.
    async fn head_seq(&self, ctx: &Context<'_>) -> Result<Position> {
        Ok(self.head(signed_in(ctx)?.1).await?.head_seq.into())
    }

    /// Since when.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.known(signed_in(ctx)?.1).await?.created_at.into())
    }

    /// Up to where the caller has read.
    async fn read_number(&self, ctx: &Context<'_>) -> Result<Position> {
        Ok(self.head(signed_in(ctx)?.1).await?.read_number.into())
    }

    /// Its history, in the order of `seq`: `first` and `after` forwards, `last`
    /// and `before` backwards, neither: the newest. At most 100 a page.
    #[graphql(
        complexity = "cost::CALL + cost::page(first.or(last), DEFAULT_MESSAGES) * child_complexity"
    )]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<MessageConnection> {
        let (request, session) = signed_in(ctx)?;
        let query = history(first, after, last, before)?;
        let page = request
            .services()
            .messages
            .history(session.who(), self.id, &query)
            .await
            .map_err(refused)?;
        let (connection, messages) = MessageConnection::new(page);
        if items(ctx).select(&["author"]) {
            load_authors(session, messages.iter().map(AsRef::as_ref)).await;
        }
        session.loaders.know(&messages).await;
        Ok(connection)
    }

    /// What changed after a position, at most 100 messages an answer.
    #[graphql(complexity = "cost::CALL + cost::page(first, DEFAULT_CHANGES) * child_complexity")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        since_seq: Position,
        first: Option<i32>,
    ) -> Result<RoomChanges> {
        let (request, session) = signed_in(ctx)?;
        let query = ChangesQuery {
            since: since_seq.seq(),
            first: size("first", first)?.or(Some(DEFAULT_CHANGES)),
        };
        let changes = request
            .services()
            .messages
            .changes(session.who(), self.id, &query)
            .await
            .map_err(refused)?;
        let (changes, messages) = RoomChanges::new(changes);
        if ctx.look_ahead().field("messages").field("author").exists() {
            load_authors(session, messages.iter().map(AsRef::as_ref)).await;
        }
        session.loaders.know(&messages).await;
        Ok(changes)
    }

    /// Its members: higher roles first, then by when they joined. At most 100 a page.
    #[graphql(complexity = "cost::CALL + cost::page(first, DEFAULT_MEMBERS) * child_complexity")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Member>> {
        let (request, session) = signed_in(ctx)?;
        let query = page_query(first, after, DEFAULT_MEMBERS)?;
        let page = request
            .services()
            .rooms
            .members(session.who(), self.id, &query)
            .await
            .map_err(refused)?;
        if items(ctx).select(&["user"]) {
            let users = page.items.iter().map(|member| member.item.user_id);
            session.loaders.expect_users(users.collect()).await;
        }
        Ok(Connection::new(page, Member::from))
    }

    /// Who is kept out, the latest first, for moderators and above. At most 100 a page.
    #[graphql(complexity = "cost::CALL + cost::page(first, DEFAULT_MEMBERS) * child_complexity")]
    async fn bans(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Ban>> {
        let (request, session) = signed_in(ctx)?;
        let query = page_query(first, after, DEFAULT_MEMBERS)?;
        let page = request
            .services()
            .rooms
            .bans(session.who(), self.id, &query)
            .await
            .map_err(refused)?;
        if items(ctx).select(&["user"]) || items(ctx).select(&["by"]) {
            let bans = page.items.iter().map(|ban| &ban.item);
            let users = bans.flat_map(|ban| [ban.user_id, ban.by_id]);
            session.loaders.expect_users(users.collect()).await;
        }
        Ok(Connection::new(page, Ban::from))
    }

    /// The invitations that can be used, the newest first, for moderators and above. At most 100 a page.
    #[graphql(complexity = "cost::CALL + cost::page(first, DEFAULT_MEMBERS) * child_complexity")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Invitation>> {
        let (request, session) = signed_in(ctx)?;
        let query = page_query(first, after, DEFAULT_MEMBERS)?;
        let page = request
            .services()
            .rooms
            .invitations(session.who(), self.id, &query)
            .await
            .map_err(refused)?;
        load_invited(ctx, session, &page).await;
        Ok(Connection::new(page, Invitation::from))
    }
}

fn history(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<HistoryQuery, ApiError> {
    let forwards = first.is_some() || after.is_some();
    if forwards && (last.is_some() || before.is_some()) {
        return Err(ApiError::bad_input(
            "first",
            "A page goes one way: give first and after, or last and before.",
        ));
    }
    let default = Some(DEFAULT_MESSAGES);
    Ok(HistoryQuery {
        first: size("first", first)?.or(default.filter(|_| forwards)),
        after: cursor("after", after)?,
        last: size("last", last)?.or(default.filter(|_| !forwards)),
        before: cursor("before", before)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_history_goes_one_way() {
        let newest = history(None, None, None, None).unwrap();
        assert_eq!((newest.first, newest.last), (None, Some(50)));
        let newer = history(None, Some("c".into()), None, None).unwrap();
        assert_eq!((newer.first, newer.last), (Some(50), None));
        for (first, after, last, before) in [
            (Some(1), None, Some(1), None),
            (Some(1), None, None, Some("c")),
            (None, Some("c"), Some(1), None),
        ] {
            let (after, before) = (after.map(str::to_owned), before.map(str::to_owned));
            assert!(history(first, after, last, before).is_err());
        }
        assert!(history(Some(101), None, None, None).is_err());
        assert!(history(None, None, Some(0), None).is_err());
        assert!(history(None, Some("x".repeat(257)), None, None).is_err());
    }
}
