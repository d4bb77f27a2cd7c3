//! `POST /v1/rooms/{id}/members/{user}/kick`

use axum::extract::State;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{RoomId, UserId};

use super::{
    Api,
    acting::{counted, named},
};
use crate::domain::{Act, nameless};

/// Ends a membership. It does not wait for auth: without its answer the event
/// carries no names.
pub(super) async fn kick(
    State(api): State<Api>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
) -> Result<Json<()>, Reject> {
    api.store.may(caller.user, room, Act::Kick).await?;
    let other = named(&api, &caller, user).await.ok().flatten();
    let other = other.unwrap_or_else(|| nameless(user));
    api.store.kick(caller.user, room, other).await?;
    counted("kick");
    Ok(Json(()))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::{Body, LeaveReason};
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::Person;

    use super::super::{
        Limits,
        testing::{Bench, named},
    };
    use super::*;

    async fn kick(bench: &Bench, who: &Person, room: RoomId, other: UserId) -> Answer {
        let path = format!("/v1/rooms/{room}/members/{other}/kick");
        bench.send(who, Request::post(path)).await
    }

    #[tokio::test]
    async fn a_kick_is_told_and_the_person_may_come_back() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        kick(&bench, &ada, room, bob.id)
            .await
            .expect(StatusCode::OK);
        let events = bench.events().await;
        let Body::MemberUpdated {
            version,
            user,
            role,
            member_count,
            reason,
            ..
        } = &events[3].body
        else {
            panic!("{:?}", events[3]);
        };
        assert_eq!((version.get(), user, *role), (4, &named(bob.id), None));
        assert_eq!((*member_count, *reason), (1, Some(LeaveReason::Kicked)));
        assert_eq!(bench.removed().await, [(room, Some(bob.id))]);
        assert_eq!(kick(&bench, &ada, room, bob.id).await.code(), "NOT_FOUND");
        bench.join(&bob, room).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_kick_does_not_wait_for_auth() {
        let bench = Bench::with_auth(Limits::default(), "http://127.0.0.1:9").await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        kick(&bench, &ada, room, bob.id)
            .await
            .expect(StatusCode::OK);
        let events = bench.events().await;
        let Body::MemberUpdated { user, .. } = &events[3].body else {
            panic!("{:?}", events[3]);
        };
        assert_eq!(user, &nameless(bob.id));
    }

    #[tokio::test]
    async fn what_names_nobody_changes_nothing() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let before = bench.stored().await;
        let refused = kick(&bench, &ada, room, UserId::new()).await;
        assert_eq!(refused.code(), "NOT_FOUND");
        assert_eq!(kick(&bench, &ada, room, ada.id).await.code(), "FORBIDDEN");
        for other in ["1", "a%00b", "%E2%80%AE", &"x".repeat(10_000)] {
            let path = format!("/v1/rooms/{room}/members/{other}/kick");
            let refused = bench.send(&ada, Request::post(path)).await;
            assert_eq!(refused.code(), "NOT_FOUND");
        }
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_kicks() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/members/{}/kick", UserId::new());
        bench.refuses_bad_tokens(|| Request::post(&path)).await;
    }
}
