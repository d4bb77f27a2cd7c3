//! `GET /v1/rooms/discover`

use std::collections::HashMap;

use axum::extract::State;
use plaza_clients::{
    Page,
    rooms::{Discover, Room},
};
use plaza_kit::{
    http::{Json, Query, Reject},
    token::Caller,
};
use plaza_types::{RoomId, SearchQuery};

use super::{
    Api,
    page::{self, Cursor},
};
use crate::{domain::Search, storage::Place};

/// Items of a page when the caller does not say.
const DEFAULT: u32 = 20;
/// Most items of a page.
const MAX: u32 = 50;

impl Cursor for Place {
    fn write(&self) -> String {
        format!("{} {} {}", self.rank, self.members, self.room)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let place = Self {
            rank: parts.next()?.parse().ok()?,
            members: parts.next()?.parse().ok()?,
            room: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(place)
    }
}

/// Public rooms that match, best first, then most members first.
pub(super) async fn discover(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<Discover>,
) -> Result<Json<Page<Room>>, Reject> {
    let size = page::size(query.first, DEFAULT, MAX)?;
    let after = page::after::<Place>(query.after.as_deref())?;
    let text = SearchQuery::parse(query.query.as_deref().unwrap_or_default())
        .map_err(|error| Reject::text("query", &error))?;
    let places = api
        .store
        .discover(
            Search::new(&text).as_ref(),
            after.unwrap_or(Place::START),
            i64::from(size) + 1,
        )
        .await?;
    let ids: Vec<RoomId> = places.iter().map(|place| place.room).collect();
    let mut rooms: HashMap<RoomId, Room> = api
        .store
        .lookup(caller.user, &ids)
        .await?
        .into_iter()
        .map(|room| (room.id, room))
        .collect();
    let items = places
        .into_iter()
        .filter_map(|place| Some((place, rooms.remove(&place.room)?)))
        .collect();
    Ok(Json(page::page(items, size, after.is_some())))
}
