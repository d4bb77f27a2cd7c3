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

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::{Person, Role, UserId};
    use proptest::prelude::*;

    use super::super::testing::Bench;
    use super::*;

    async fn ask(bench: &Bench, who: &Person, room: RoomId, query: &str) -> Page<Member> {
        let path = format!("/v1/rooms/{room}/members{query}");
        let answer = bench.send(who, Request::get(path)).await;
        answer.expect(StatusCode::OK).parse()
    }

    #[tokio::test]
    async fn pages_hold_everybody_once_in_order() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let mut expected = vec![(Role::Owner, ada.id)];
        let of_role = |role, name| (0..3).map(|_| (role, name, UserId::new())).collect();
        let seats: Vec<Vec<(Role, &str, UserId)>> = vec![
            of_role(Role::Member, "member"),
            of_role(Role::Admin, "admin"),
            of_role(Role::Moderator, "moderator"),
        ];
        for &(_, name, user) in seats.iter().flatten() {
            bench.seat(room, user, name).await;
        }
        for group in [1, 2, 0] {
            expected.extend(seats[group].iter().map(|&(role, _, user)| (role, user)));
        }

        let mut found = Vec::new();
        let mut query = "?first=4".to_owned();
        loop {
            let page = ask(&bench, &ada, room, &query).await;
            assert_eq!(page.has_previous, !found.is_empty());
            let last = page.items.last().unwrap().cursor.clone();
            found.extend(page.items.iter().map(|m| (m.item.role, m.item.user_id)));
            if !page.has_next {
                break;
            }
            query = format!("?first=4&after={last}");
        }
        assert_eq!(found, expected);
        assert_eq!(ask(&bench, &ada, room, "").await.items.len(), 10);
    }

    #[tokio::test]
    async fn pages_are_bounded_and_cursors_are_checked() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        for (query, field) in [
            ("first=0", Some("first")),
            ("first=101", Some("first")),
            ("after=general", Some("after")),
            ("after=", Some("after")),
            ("first=-1", None),
            ("first=many", None),
        ] {
            let path = format!("/v1/rooms/{room}/members?{query}");
            let answer = bench.send(&ada, Request::get(path)).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{query}");
            assert_eq!(answer.json()["error"]["field"].as_str(), field, "{query}");
        }
    }

    #[tokio::test]
    async fn a_room_that_is_unknown_or_not_to_be_seen_is_not_found() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Secret").await.id;
        bench.make_private(room).await;
        for id in [room, RoomId::new()] {
            let path = format!("/v1/rooms/{id}/members");
            assert_eq!(
                bench.send(&bob, Request::get(path)).await.code(),
                "NOT_FOUND"
            );
        }
        assert_eq!(ask(&bench, &ada, room, "").await.items.len(), 1);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_sees_members() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/members");
        bench.refuses_bad_tokens(|| Request::get(&path)).await;
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(micros in 0_i64..4_000_000_000_000_000, id: u128) {
            let place = MemberPlace {
                role: Role::Moderator,
                joined_at: DateTime::from_timestamp_micros(micros).unwrap(),
                user: UserId(uuid::Uuid::from_u128(id)),
            };
            prop_assert_eq!(MemberPlace::read(&place.write()), Some(place));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            let _ = MemberPlace::read(&text);
        }
    }
}
