use std::{collections::HashSet, time::Instant};

use async_graphql::{Context, Object, Result};
use plaza_clients::{auth::MAX_SUBSCRIPTIONS, messages::HeadsQuery, rooms::Room};
use plaza_types::{ApiError, FanoutMode};

use crate::{
    graph::{
        ahead::sign_realtime,
        context::{RequestContext, Session, signed_in},
        cost,
        inline::Inline,
        types::{Heads, RoomHead, RoomRealtime, Wanted},
    },
    joined::{self, Joined},
    services::refused,
};

/// How many rooms of the answer have tokens: those in room mode active last.
const SIGNED_ROOMS: usize = MAX_SUBSCRIPTIONS / 2;

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
        let list = joined(request, session).await?;
        let wanted = Wanted::of(&ctx.look_ahead().field("rooms").field("realtime"));
        let realtime = request.gateway.realtime.is_some();
        let signed = if realtime && wanted != Wanted::default() {
            let in_room_mode = |room: &Room| room.fanout == FanoutMode::Room;
            joined::most_active(&list, SIGNED_ROOMS, in_room_mode)
        } else {
            HashSet::new()
        };
        let is_signed = |room: &Room| signed.contains(&room.id);
        let rooms = list.iter().map(|joined| &joined.room);
        sign_realtime(session, wanted, rooms.filter(|room| is_signed(room))).await;
        let realtime = |room: &Room| match is_signed(room) {
            _ if !realtime => None,
            true => Some(RoomRealtime::new(room, wanted)),
            false => Some(RoomRealtime::without_tokens(room)),
        };
        let rooms = list
            .iter()
            .filter_map(|Joined { room, head }| {
                let head = head.as_ref()?;
                Some(Inline(RoomHead::new(room, head, realtime(room))))
            })
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
