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

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{Person, UserId};
    use proptest::prelude::*;

    use super::super::testing::Bench;
    use super::*;

    async fn ask(bench: &Bench, query: &str) -> Answer {
        let path = format!("/v1/rooms/discover?{query}");
        bench.send(&Issuer::person("eve"), Request::get(path)).await
    }

    async fn names(bench: &Bench, query: &str) -> Vec<String> {
        let answer = ask(bench, query).await;
        let page: Page<Room> = answer.expect(StatusCode::OK).parse();
        page.items.into_iter().map(|item| item.item.name).collect()
    }

    /// A room with `members` besides its owner.
    async fn room(bench: &Bench, name: &str, topic: &str, members: usize) -> RoomId {
        let room = bench
            .create_about(&Issuer::person("ada"), name, topic)
            .await
            .id;
        for _ in 0..members {
            bench.seat(room, UserId::new(), "member").await;
        }
        room
    }

    #[tokio::test]
    async fn without_a_search_the_largest_rooms_come_first() {
        let bench = Bench::new().await;
        room(&bench, "Two", "", 1).await;
        room(&bench, "Four", "", 3).await;
        room(&bench, "Three", "", 2).await;
        let secret = room(&bench, "Secret", "", 4).await;
        bench.make_private(secret).await;
        assert_eq!(names(&bench, "").await, ["Four", "Three", "Two"]);
        assert_eq!(names(&bench, "query=%20%20").await.len(), 3);
        assert_eq!(names(&bench, "query=secret").await.len(), 0);
    }

    #[tokio::test]
    async fn a_search_finds_words_beginnings_parts_and_what_is_similar() {
        let bench = Bench::new().await;
        room(&bench, "General", "Everything else", 0).await;
        room(&bench, "Rust Berlin", "Crabs of the city", 0).await;
        room(&bench, "東京散歩", "写真", 0).await;
        room(&bench, "Café 🚀", "100% o'clock a_b", 0).await;
        room(&bench, "Go", "c++ too", 0).await;
        for (query, found) in [
            ("general", "General"),
            ("GEN", "General"),
            ("genral", "General"),
            ("neral", "General"),
            ("ge", "General"),
            ("berlin rust", "Rust Berlin"),
            ("ber crabs", "Rust Berlin"),
            ("city", "Rust Berlin"),
            ("東京", "東京散歩"),
            ("散歩", "東京散歩"),
            ("京散歩", "東京散歩"),
            ("cafe\u{301}", "Café 🚀"),
            ("🚀", "Café 🚀"),
            ("o'clock", "Café 🚀"),
            ("100%", "Café 🚀"),
            ("a_b", "Café 🚀"),
            ("go", "Go"),
            ("c++", "Go"),
        ] {
            let encoded: Vec<_> = query.bytes().map(|b| format!("%{b:02X}")).collect();
            let encoded = encoded.concat();
            let names = names(&bench, &format!("query={encoded}")).await;
            assert_eq!(names.first().map(String::as_str), Some(found), "{query}");
        }
        for query in [
            "xyzzy",
            "rust%20tokyo",
            "%25%25%25",
            "___",
            "%27%27",
            "%5C",
            "%26%7C%21",
        ] {
            let names = names(&bench, &format!("query={query}")).await;
            assert!(names.is_empty(), "{query}: {names:?}");
        }
    }

    #[tokio::test]
    async fn the_name_counts_more_than_the_topic_and_then_the_size() {
        let bench = Bench::new().await;
        room(&bench, "Crabs", "All about rust", 9).await;
        room(&bench, "Rust Berlin", "", 2).await;
        room(&bench, "Rust Paris", "", 3).await;
        room(&bench, "Rusty nails", "", 0).await;
        room(&bench, "RUST", "", 0).await;
        assert_eq!(
            names(&bench, "query=rust").await,
            ["RUST", "Rust Paris", "Rust Berlin", "Rusty nails", "Crabs"]
        );
    }

    #[tokio::test]
    async fn pages_hold_every_room_once_in_order() {
        let bench = Bench::new().await;
        for n in 0..12 {
            room(&bench, &format!("Rust {n}"), "", n % 3).await;
        }
        for search in ["", "&query=rust", "&query=ru"] {
            let whole = names(&bench, &format!("first=50{search}")).await;
            assert_eq!(whole.len(), 12);
            let mut found = Vec::new();
            let mut after = String::new();
            loop {
                let query = format!("first=5{search}{after}");
                let page: Page<Room> = ask(&bench, &query).await.parse();
                assert_eq!(page.has_previous, !found.is_empty());
                let last = page.items.last().unwrap().cursor.clone();
                found.extend(page.items.into_iter().map(|item| item.item.name));
                if !page.has_next {
                    break;
                }
                after = format!("&after={last}");
            }
            assert_eq!(found, whole, "{search}");
        }
    }

    #[tokio::test]
    async fn of_more_than_an_index_gives_the_largest_are_shown() {
        let bench = Bench::new().await;
        sqlx::query(
            "INSERT INTO rooms (id, name, topic, visibility, version, state_version, member_count)
             SELECT gen_random_uuid(), 'Rust ' || n, '', 'public', 1, 1, n
             FROM generate_series(1, 2500) AS n",
        )
        .execute(&bench.database.pool)
        .await
        .unwrap();
        room(&bench, "Rust", "", 0).await;
        for query in ["rust", "ru"] {
            let found = names(&bench, &format!("first=3&query={query}")).await;
            let largest = ["Rust 2500", "Rust 2499", "Rust 2498"];
            let expected = match query {
                "rust" => ["Rust", largest[0], largest[1]],
                _ => largest,
            };
            assert_eq!(found, expected, "{query}");
        }
    }

    #[tokio::test]
    async fn what_is_found_says_whether_the_caller_is_a_member() {
        let bench = Bench::new().await;
        let ada: Person = Issuer::person("ada");
        bench.create(&ada, "Mine").await;
        room(&bench, "Other", "", 0).await;
        let request = Request::get("/v1/rooms/discover");
        let page: Page<Room> = bench.send(&ada, request).await.parse();
        for item in page.items {
            assert_eq!(item.item.membership.is_some(), item.item.name == "Mine");
        }
    }

    #[tokio::test]
    async fn searches_pages_and_cursors_are_checked() {
        let bench = Bench::new().await;
        let long = format!("query={}", "x".repeat(101));
        for (query, field) in [
            ("first=0", Some("first")),
            ("first=51", Some("first")),
            ("after=x", Some("after")),
            ("query=a%00b", Some("query")),
            ("query=a%E2%80%AEb", Some("query")),
            (long.as_str(), Some("query")),
            ("first=x", None),
            ("query=a&query=b", None),
        ] {
            let answer = ask(&bench, query).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{query}");
            assert_eq!(answer.json()["error"]["field"].as_str(), field, "{query}");
        }
    }

    #[tokio::test]
    async fn only_who_is_signed_in_discovers() {
        let bench = Bench::new().await;
        bench
            .refuses_bad_tokens(|| Request::get("/v1/rooms/discover"))
            .await;
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(rank: i32, members: i64, id: u128) {
            let room = RoomId(uuid::Uuid::from_u128(id));
            let place = Place { rank, members, room };
            prop_assert_eq!(Place::read(&place.write()), Some(place));
        }
    }
}
