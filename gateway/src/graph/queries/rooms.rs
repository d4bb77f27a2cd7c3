use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use plaza_types::ApiError;

use super::heads::joined;
use crate::{
    graph::{
        ahead::{items, load_authors, sign_realtime},
        context::signed_in,
        cost,
        page::{Connection, size},
        types::Room,
    },
    joined::{CursorError, Place, page},
};

/// Size of a page that the caller gives no size for.
const DEFAULT: u32 = 30;

#[derive(Default)]
pub(super) struct Rooms;

#[Object]
impl Rooms {
    /// The rooms that the caller has joined, by last activity. At most 100 a page.
    #[graphql(complexity = "2 * cost::CALL + cost::page(first, DEFAULT) * child_complexity")]
    async fn rooms(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Room>> {
        let (request, session) = signed_in(ctx)?;
        let first = size("first", first)?.unwrap_or(DEFAULT);
        let after = after
            .map(|cursor| cursor.parse::<Place>())
            .transpose()
            .map_err(|error: CursorError| ApiError::bad_input("after", error.to_string()))?;
        let list = joined(request, session).await?;
        let page = page(list, after, usize::try_from(first).unwrap_or(usize::MAX));
        if items(ctx).select(&["lastMessage", "author"]) {
            let heads = page.items.iter().filter_map(|item| item.item.head.as_ref());
            load_authors(session, heads.filter_map(|head| head.last_message.as_ref())).await;
        }
        if request.gateway.realtime.is_some() {
            let rooms = page.items.iter().map(|item| &item.item.room);
            sign_realtime(session, items(ctx).wanted(), rooms).await;
        }
        Ok(Connection::new(page, |joined| {
            Room::from(joined.room).with_head(joined.head.map(Arc::new))
        }))
    }
}
