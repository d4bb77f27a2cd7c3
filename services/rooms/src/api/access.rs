//! `GET /v1/rooms/{id}/access`

use axum::extract::State;
use plaza_clients::rooms::Access;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::RoomId;

use super::{Api, no_such_room};

/// What the caller may do in a room: what messages asks before it keeps it.
pub(super) async fn access(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<Access>, Reject> {
    let access = api.store.access(caller.user, room).await?;
    Ok(Json(access.ok_or_else(no_such_room)?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{Person, Role, Visibility};

    use super::super::testing::Bench;
    use super::*;

    async fn ask(bench: &Bench, who: &Person, room: RoomId) -> Answer {
        let path = format!("/v1/rooms/{room}/access");
        bench.send(who, Request::get(path)).await
    }

    #[tokio::test]
    async fn it_says_who_is_a_member() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        let stranger: Access = ask(&bench, &bob, room).await.parse();
        assert_eq!(stranger.visibility, Visibility::Public);
        assert_eq!(stranger.membership, None);
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let member: Access = ask(&bench, &bob, room).await.parse();
        assert_eq!(member.membership.unwrap().role, Role::Member);
        let owner: Access = ask(&bench, &ada, room).await.parse();
        assert_eq!(owner.membership.unwrap().role, Role::Owner);
    }

    #[tokio::test]
    async fn a_room_that_is_unknown_or_not_to_be_seen_is_not_found() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Secret").await.id;
        bench.make_private(room).await;
        for id in [room, RoomId::new()] {
            assert_eq!(ask(&bench, &bob, id).await.code(), "NOT_FOUND");
        }
        let member: Access = ask(&bench, &ada, room).await.parse();
        assert_eq!(member.visibility, Visibility::Private);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_asks() {
        let bench = Bench::new().await;
        let path = format!("/v1/rooms/{}/access", RoomId::new());
        bench.refuses_bad_tokens(|| Request::get(&path)).await;
    }
}
