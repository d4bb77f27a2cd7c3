//! `DELETE /v1/rooms/{id}`

use axum::extract::State;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::RoomId;

use super::{Api, acting::counted};
use crate::domain::Act;

/// Deletes a room. It is gone for everybody at once; what messages holds of it
/// can be reached by nobody any more.
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<()>, Reject> {
    api.store.may(caller.user, room, Act::Delete).await?;
    api.store.delete(caller.user, room).await?;
    counted("delete");
    Ok(Json(()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::StatusCode;
    use plaza_events::{Body, LeaveReason};
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{Person, UserId};

    use super::super::testing::Bench;
    use super::*;

    async fn delete(bench: &Bench, who: &Person, room: RoomId) -> Answer {
        let request = Request::delete(format!("/v1/rooms/{room}"));
        bench.send(who, request).await
    }

    #[tokio::test]
    async fn every_member_is_told_and_nothing_of_the_room_is_left() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let mut members = HashSet::from([ada.id]);
        for _ in 0..3_000 {
            members.insert(UserId::new());
        }
        bench
            .seat_all(room, members.iter().filter(|id| **id != ada.id))
            .await;
        delete(&bench, &ada, room).await.expect(StatusCode::OK);

        let events = bench.events().await;
        let mut told = HashSet::new();
        for (place, event) in (3..).zip(&events[2..]) {
            let Body::MemberUpdated {
                version,
                user,
                role: None,
                reason,
                member_count,
                ..
            } = &event.body
            else {
                panic!("{event:?}");
            };
            assert_eq!(version.get(), place, "no gap");
            assert_eq!(*reason, Some(LeaveReason::RoomDeleted));
            assert_eq!(*member_count, 3_003 - place);
            assert!(told.insert(user.id));
        }
        assert_eq!(told, members);
        assert_eq!(bench.removed().await, [(room, None)]);
        let (rooms, members, ..) = bench.stored().await;
        assert_eq!((rooms, members), (0, 0));
        assert_eq!(delete(&bench, &ada, room).await.code(), "NOT_FOUND");
        assert_eq!(bench.join(&ada, room).await.code(), "NOT_FOUND");
        let path = format!("/internal/rooms/{room}/fanout");
        let fanout = bench.send_internal(Request::get(path)).await;
        assert_eq!(fanout.code(), "NOT_FOUND");
    }

    #[tokio::test]
    async fn only_owners_delete() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.seat(room, bob.id, "admin").await;
        let before = bench.stored().await;
        assert_eq!(delete(&bench, &bob, room).await.code(), "FORBIDDEN");
        assert_eq!(
            delete(&bench, &bob, RoomId::new()).await.code(),
            "NOT_FOUND"
        );
        let malformed = bench.send(&ada, Request::delete("/v1/rooms/a%00b")).await;
        assert_eq!(malformed.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_deletes() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}");
        bench.refuses_bad_tokens(|| Request::delete(&path)).await;
    }
}
