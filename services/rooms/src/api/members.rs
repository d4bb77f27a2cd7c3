//! `GET /v1/rooms/{id}/members`

use axum::extract::State;
use chrono::DateTime;
use plaza_clients::{Page, PageQuery, rooms::Member};
use plaza_kit::{
    http::{Json, Path, Query, Reject},
    token::Caller,
};
use plaza_types::RoomId;

use super::{
    Api, no_such_room,
    page::{self, Cursor},
};
use crate::storage::MemberPlace;

/// Items of a page when the caller does not say.
const DEFAULT: u32 = 50;
/// Most items of a page.
const MAX: u32 = 100;

impl Cursor for MemberPlace {
    fn write(&self) -> String {
        let joined_at = self.joined_at.timestamp_micros();
        format!("{} {joined_at} {}", self.role, self.user)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let place = Self {
            role: parts.next()?.parse().ok()?,
            joined_at: DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?,
            user: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(place)
    }
}

/// A room's members: higher roles first, then by when they joined.
pub(super) async fn members(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Member>>, Reject> {
    let size = page::size(query.first, DEFAULT, MAX)?;
    let after = page::after::<MemberPlace>(query.after.as_deref())?;
    let access = api.store.access(caller.user, room).await?;
    access.ok_or_else(no_such_room)?;
    let members = api
        .store
        .members(
            room,
            after.unwrap_or(MemberPlace::START),
            i64::from(size) + 1,
        )
        .await?;
    let items = members
        .into_iter()
        .map(|member| (MemberPlace::from(&member), member))
        .collect();
    Ok(Json(page::page(items, size, after.is_some())))
}
