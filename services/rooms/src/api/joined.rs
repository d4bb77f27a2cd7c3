//! `GET /v1/rooms/joined`

use axum::extract::State;
use plaza_clients::rooms::Room;
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};

use super::Api;

/// All rooms of the caller: one query, bounded by the most rooms a user has.
pub(super) async fn joined(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Vec<Room>>, Reject> {
    Ok(Json(api.store.joined(caller.user).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::Role;

    use super::super::testing::Bench;
    use super::*;

    #[tokio::test]
    async fn it_has_the_callers_rooms_alone_with_their_memberships() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let own = bench.create(&bob, "Own").await.id;
        let other = bench.create(&ada, "Joined").await.id;
        bench.create(&ada, "Foreign").await;
        bench.join(&bob, other).await.expect(StatusCode::OK);
        let path = "/v1/rooms/joined";
        let rooms: Vec<Room> = bench.send(&bob, Request::get(path)).await.parse();
        let mut found: Vec<_> = rooms
            .iter()
            .map(|room| (room.id, room.membership.unwrap().role))
            .collect();
        found.sort();
        assert_eq!(found, [(own, Role::Owner), (other, Role::Member)]);

        bench.leave(&bob, other).await.expect(StatusCode::OK);
        let rooms: Vec<Room> = bench.send(&bob, Request::get(path)).await.parse();
        assert_eq!(rooms.len(), 1);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_has_rooms() {
        let bench = Bench::new().await;
        bench
            .refuses_bad_tokens(|| Request::get("/v1/rooms/joined"))
            .await;
    }
}
