use async_graphql::{Context, Object, Result};
use plaza_clients::rooms::Discover;
use plaza_types::ApiError;

use crate::{
    graph::{
        ahead::{items, load_authors, sign_realtime},
        context::signed_in,
        cost,
        page::{Connection, cursor, size},
        types::Room,
    },
    services::refused,
};

/// Size of a page that the caller gives no size for.
const DEFAULT: u32 = 30;
/// Longest query that is passed on, in bytes: it travels in a URL. What it
/// may hold is for rooms to judge.
const MAX_QUERY_BYTES: usize = 1_024;

#[derive(Default)]
pub(super) struct DiscoverRooms;

#[Object]
impl DiscoverRooms {
    /// Public rooms that match, best first; without a query all, largest first. At most 100 a page.
    #[graphql(complexity = "cost::CALL + cost::page(first, DEFAULT) * child_complexity")]
    async fn discover_rooms(
        &self,
        ctx: &Context<'_>,
        query: Option<String>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Room>> {
        let (request, session) = signed_in(ctx)?;
        if query
            .as_ref()
            .is_some_and(|query| query.len() > MAX_QUERY_BYTES)
        {
            return Err(ApiError::bad_input("query", "The query is too long.").into());
        }
        let search = Discover {
            query,
            first: size("first", first)?.or(Some(DEFAULT)),
            after: cursor("after", after)?,
        };
        let page = request
            .services()
            .rooms
            .discover(session.who(), &search)
            .await
            .map_err(refused)?;
        let selected = items(ctx);
        if request.gateway.realtime.is_some() {
            let rooms = page.items.iter().map(|room| &room.item);
            sign_realtime(session, selected.wanted(), rooms).await;
        }
        if !selected.select_heads() {
            return Ok(Connection::new(page, Room::from));
        }
        let found = page.items.iter().map(|room| &room.item);
        let heads = session
            .loaders
            .heads(found.map(|room| (room.id, room.membership.is_some())))
            .await?;
        if selected.select(&["lastMessage", "author"]) {
            let last = heads.values().filter_map(|head| head.last_message.as_ref());
            load_authors(session, last).await;
        }
        Ok(Connection::new(page, |room| {
            let head = heads.get(&room.id).cloned();
            Room::from(room).with_head(head)
        }))
    }
}
