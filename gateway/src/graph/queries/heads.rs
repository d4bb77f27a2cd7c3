use std::time::Instant;

use async_graphql::{Context, Object, Result};
use plaza_clients::messages::HeadsQuery;
use plaza_types::ApiError;

use crate::{
    graph::{
        context::{RequestContext, Session, signed_in},
        cost,
        types::{Heads, RoomHead},
    },
    joined::{self, Joined},
    services::refused,
};

#[derive(Default)]
pub(super) struct AllHeads;

#[Object]
impl AllHeads {
    /// Where all joined rooms stand, and when to ask again.
    #[graphql(complexity = "2 * cost::CALL + cost::LIST * child_complexity")]
    async fn heads(&self, ctx: &Context<'_>) -> Result<Heads> {
        let (request, session) = signed_in(ctx)?;
        let delay_ms = request
            .gateway
            .pollers
            .seen(session.caller.user, Instant::now());
        let rooms = joined(request, session)
            .await?
            .iter()
            .filter_map(|joined| Some(RoomHead::new(&joined.room, joined.head.as_ref()?)))
            .collect();
        Ok(Heads {
            rooms,
            poll_after: i32::try_from(delay_ms).unwrap_or(i32::MAX),
        })
    }
}

/// The caller's rooms, each with where it stands: one call to rooms, one to messages.
pub(super) async fn joined(
    request: &RequestContext,
    session: &Session,
) -> Result<Vec<Joined>, ApiError> {
    let services = request.services();
    let rooms = services
        .rooms
        .joined(session.who())
        .await
        .map_err(refused)?;
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let query = HeadsQuery {
        room_ids: rooms.iter().map(|room| room.id).collect(),
        joined: true,
    };
    let heads = services
        .messages
        .heads(session.who(), &query)
        .await
        .map_err(refused)?;
    Ok(joined::join(rooms, heads))
}
