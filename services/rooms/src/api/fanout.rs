//! `GET /internal/rooms/{id}/fanout`

use axum::extract::State;
use plaza_clients::rooms::Fanout;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::ServiceCaller,
};
use plaza_types::RoomId;

use super::{Api, no_such_room};

/// To whom a room's events go now.
pub(super) async fn fanout(
    State(api): State<Api>,
    _service: ServiceCaller,
    Path(room): Path<RoomId>,
) -> Result<Json<Fanout>, Reject> {
    let fanout = api.store.fanout(room).await?;
    Ok(Json(fanout.ok_or_else(no_such_room)?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::FanoutMode;

    use super::super::testing::Bench;
    use super::*;

    #[tokio::test]
    async fn it_is_the_counter_with_the_members_of_that_moment() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let path = format!("/internal/rooms/{room}/fanout");
        let now: Fanout = bench.send_internal(Request::get(&path)).await.parse();
        assert_eq!((now.version.get(), now.mode), (3, FanoutMode::Personal));
        let mut members = now.members;
        members.sort();
        let mut expected = [ada.id, bob.id];
        expected.sort();
        assert_eq!(members, expected);

        sqlx::query("UPDATE rooms SET fanout = 'room'")
            .execute(&bench.database.pool)
            .await
            .unwrap();
        let now: Fanout = bench.send_internal(Request::get(&path)).await.parse();
        assert_eq!(now.mode, FanoutMode::Room);
        assert!(now.members.is_empty(), "none in room mode");
    }

    #[tokio::test]
    async fn an_unknown_room_is_not_found() {
        let bench = Bench::new().await;
        let path = format!("/internal/rooms/{}/fanout", RoomId::new());
        let answer = bench.send_internal(Request::get(path)).await;
        assert_eq!(answer.code(), "NOT_FOUND");
    }

    #[tokio::test]
    async fn it_is_for_services_only() {
        let bench = Bench::new().await;
        let path = format!("/internal/rooms/{}/fanout", RoomId::new());
        bench.refuses_users(|| Request::get(&path)).await;
    }
}
