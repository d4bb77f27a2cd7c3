use async_graphql::{Context, Object, Result};
use plaza_clients::rooms::Discover;

use crate::{
    graph::{
        context::signed_in,
        cost,
        page::{Connection, cursor, size},
        types::Room,
    },
    services::refused,
};

/// Size of a page that the caller gives no size for.
const DEFAULT: u32 = 30;

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
        Ok(Connection::new(page, Room::from))
    }
}
