//! `GET /internal/rooms/{id}/fanout`

use axum::extract::State;
use plaza_clients::rooms::{EarlyMembers, Fanout};
use plaza_kit::{
    http::{Json, Path, Query, Reject},
    token::ServiceCaller,
};
use plaza_types::RoomId;

use super::{Api, no_such_room};

/// To whom a room's events go now.
pub(super) async fn fanout(
    State(api): State<Api>,
    _service: ServiceCaller,
    Path(room): Path<RoomId>,
    Query(early): Query<EarlyMembers>,
) -> Result<Json<Fanout>, Reject> {
    let fanout = api.store.fanout(room, early).await?;
    Ok(Json(fanout.ok_or_else(no_such_room)?))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat, Utc};
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
        assert_eq!(now.member_count, 2);
    }

    #[tokio::test]
    async fn in_room_mode_it_names_those_who_were_members_by_a_time_when_asked() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        sqlx::query("UPDATE rooms SET fanout = 'room'")
            .execute(&bench.database.pool)
            .await
            .unwrap();
        let crossed: DateTime<Utc> = sqlx::query_scalar("SELECT max(joined_at) FROM members")
            .fetch_one(&bench.database.pool)
            .await
            .unwrap();
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let time = crossed.to_rfc3339_opts(SecondsFormat::Micros, true);
        let path = format!("/internal/rooms/{room}/fanout?joinedBy={time}");
        let now: Fanout = bench.send_internal(Request::get(&path)).await.parse();
        assert_eq!(now.members, [ada.id]);
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
