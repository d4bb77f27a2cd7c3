//! `POST /v1/rooms/lookup`

use axum::extract::State;
use plaza_clients::{Lookup, MAX_LOOKUP, rooms::Room};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::{ApiError, RoomId};

use super::Api;

/// Rooms by id; those the caller may not see are left out.
pub(super) async fn lookup(
    State(api): State<Api>,
    caller: Caller,
    Json(Lookup { ids }): Json<Lookup<RoomId>>,
) -> Result<Json<Vec<Room>>, Reject> {
    if ids.len() > MAX_LOOKUP {
        return Err(Reject(ApiError::bad_input(
            "ids",
            format!("At most {MAX_LOOKUP} rooms can be looked up at once."),
        )));
    }
    Ok(Json(api.store.lookup(caller.user, &ids).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Issuer, Request};
    use serde_json::json;

    use super::super::testing::Bench;
    use super::*;

    fn request(ids: &serde_json::Value) -> Request {
        Request::post("/v1/rooms/lookup").json(&json!({ "ids": ids }))
    }

    #[tokio::test]
    async fn rooms_that_are_unknown_or_not_to_be_seen_are_left_out() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let open = bench.create(&ada, "Open").await.id;
        let secret = bench.create(&ada, "Secret").await.id;
        bench.make_private(secret).await;
        let ids = json!([open, secret, RoomId::new(), open]);
        let seen: Vec<Room> = bench.send(&bob, request(&ids)).await.parse();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].id, seen[0].membership), (open, None));
        let seen: Vec<Room> = bench.send(&ada, request(&ids)).await.parse();
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|room| room.membership.is_some()));
    }

    #[tokio::test]
    async fn it_is_bounded_and_takes_ids_only() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let ids = |n: usize| json!((0..n).map(|_| RoomId::new()).collect::<Vec<_>>());
        let none: Vec<Room> = bench
            .send(&ada, request(&ids(MAX_LOOKUP)))
            .await
            .expect(StatusCode::OK)
            .parse();
        assert!(none.is_empty());
        let bad = [
            ids(MAX_LOOKUP + 1),
            json!(["general"]),
            json!(null),
            json!([5]),
        ];
        for ids in bad {
            let answer = bench.send(&ada, request(&ids)).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{ids}");
        }
    }

    #[tokio::test]
    async fn only_who_is_signed_in_looks_up() {
        let bench = Bench::new().await;
        bench.refuses_bad_tokens(|| request(&json!([]))).await;
    }
}
