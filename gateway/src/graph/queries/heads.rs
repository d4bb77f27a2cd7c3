use std::{collections::HashSet, time::Instant};

use async_graphql::{Context, Object, Result};
use plaza_clients::{auth::MAX_SUBSCRIPTIONS, messages::HeadsQuery};
use plaza_types::{ApiError, FanoutMode};

use crate::{
    graph::{
        ahead::sign_realtime,
        context::{RequestContext, Session, signed_in},
        cost,
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
        let realtime = ctx.look_ahead().field("rooms").field("realtime");
        let wanted = Wanted::of(&realtime);
        let signed = request.gateway.realtime.is_some() && wanted != Wanted::default();
        let signed = if signed {
            joined::most_active(&list, SIGNED_ROOMS, |room| room.fanout == FanoutMode::Room)
        } else {
            HashSet::new()
        };
        let with_tokens = list.iter().map(|joined| &joined.room);
        let with_tokens = with_tokens.filter(|room| signed.contains(&room.id));
        sign_realtime(session, wanted, with_tokens).await;
        let mut rooms = Vec::with_capacity(list.len());
        for Joined { room, head } in &list {
            let Some(head) = head else { continue };
            let wanted = if signed.contains(&room.id) {
                wanted
            } else {
                Wanted::default()
            };
            let realtime = match &request.gateway.realtime {
                Some(_) => Some(RoomRealtime::new(session, room, wanted).await),
                None => None,
            };
            rooms.push(RoomHead::new(room, head, realtime));
        }
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
