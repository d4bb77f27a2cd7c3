//! `POST /v1/invitations/accept`

use axum::extract::State;
use plaza_clients::rooms::{Accept, Room};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::ApiError;

use super::{Api, acting::counted, no_such_invitation, person, too_many_rooms};
use crate::{
    domain::TokenHash,
    storage::{AcceptError, Key, StorageError},
};

/// Why nobody came in.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcceptingError {
    #[error("none or both of id and token are given")]
    NotOne,
    #[error("there is no such invitation for the caller")]
    NoSuchInvitation,
    #[error("the caller is in {0} rooms")]
    TooManyRooms(u32),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<AcceptingError> for Reject {
    fn from(error: AcceptingError) -> Self {
        match error {
            AcceptingError::NotOne => Self(ApiError::bad_input(
                "token",
                "Give the id of an invitation or the token of a link, one of the two.",
            )),
            AcceptingError::NoSuchInvitation => Self(no_such_invitation()),
            AcceptingError::TooManyRooms(max) => Self(too_many_rooms(max)),
            AcceptingError::Storage(error) => error.into(),
        }
    }
}

/// Makes the caller a member by an invitation; already being one uses nothing.
pub(super) async fn accept(
    State(api): State<Api>,
    caller: Caller,
    Json(input): Json<Accept>,
) -> Result<Json<Room>, Reject> {
    Ok(Json(accepted(&api, &caller, &input).await?))
}

async fn accepted(api: &Api, caller: &Caller, input: &Accept) -> Result<Room, AcceptingError> {
    let key = match (input.id, input.token.as_deref()) {
        (Some(id), None) => Key::Id(id),
        (None, Some(token)) => {
            Key::Token(TokenHash::of(token).ok_or(AcceptingError::NoSuchInvitation)?)
        }
        _ => return Err(AcceptingError::NotOne),
    };
    let max = api.limits.max_rooms_per_user;
    let accepted = api.store.accept(person(caller), key, max).await;
    let id = accepted.map_err(|error| match error {
        AcceptError::NoSuchInvitation => AcceptingError::NoSuchInvitation,
        AcceptError::TooManyRooms => AcceptingError::TooManyRooms(max),
        AcceptError::Storage(error) => error.into(),
    })?;
    counted("accept");
    let room = api.store.room(caller.user, id).await?;
    room.ok_or(AcceptingError::NoSuchInvitation)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use http::StatusCode;
    use plaza_clients::rooms::Invitation;
    use plaza_events::Body;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::{InvitationId, Role};
    use serde_json::json;

    use super::super::{Limits, testing::Bench};
    use super::*;

    #[tokio::test]
    async fn who_is_invited_by_name_comes_in_and_nobody_else_by_it() {
        let bench = Bench::new().await;
        let (ada, bob, eve) = (
            Issuer::person("ada"),
            Issuer::person("bob"),
            Issuer::person("eve"),
        );
        let room = bench.create_private(&ada, "Rust").await.id;
        let body = json!({ "username": bob.id.uuid().simple().to_string() });
        let made: Invitation = bench.invite(&ada, room, &body).await.parse();
        let body = json!({ "id": made.id });
        assert_eq!(bench.accept(&eve, &body).await.code(), "NOT_FOUND");
        for _ in 0..2 {
            let joined: Room = bench.accept(&bob, &body).await.parse();
            assert_eq!((joined.id, joined.member_count), (room, 2));
            assert_eq!(joined.membership.unwrap().role, Role::Member);
        }
        let events = bench.events().await;
        assert_eq!(events.len(), 3, "a second acceptance changes nothing");
        let Body::MemberUpdated { user, role, .. } = &events[2].body else {
            panic!("{:?}", events[2]);
        };
        assert_eq!((user, *role), (&bob, Some(Role::Member)));
        // Who was let in and left needs another invitation.
        bench.leave(&bob, room).await.expect(StatusCode::OK);
        assert_eq!(bench.accept(&bob, &body).await.code(), "NOT_FOUND");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_last_use_of_a_link_is_used_once() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create_private(&ada, "Rust").await.id;
        let link: Invitation = bench
            .invite(&ada, room, &json!({ "maxUses": 3 }))
            .await
            .parse();
        let body = json!({ "token": link.token });
        let people: Vec<_> = (0..12).map(|n| Issuer::person(&format!("p{n}"))).collect();
        let answers = join_all(people.iter().map(|who| bench.accept(who, &body))).await;
        let (accepted, refused): (Vec<_>, Vec<_>) = answers
            .iter()
            .partition(|answer| answer.status == StatusCode::OK);
        assert_eq!(accepted.len(), 3);
        assert!(refused.iter().all(|answer| answer.code() == "NOT_FOUND"));
        let now: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT member_count FROM rooms), (SELECT count(*) FROM members)",
        )
        .fetch_one(&bench.database.pool)
        .await
        .unwrap();
        assert_eq!(now, (4, 4));
        // Who came in by it gets the same answer again.
        let first = answers
            .iter()
            .position(|answer| answer.status == StatusCode::OK);
        let again = bench.accept(&people[first.unwrap()], &body).await;
        again.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_link_ends_by_time_by_ban_and_with_its_maker() {
        let bench = Bench::new().await;
        let (ada, bob, eve) = (
            Issuer::person("ada"),
            Issuer::person("bob"),
            Issuer::person("eve"),
        );
        let room = bench.create_private(&ada, "Rust").await.id;
        bench.seat(room, bob.id, "moderator").await;
        let many = json!({ "maxUses": 10 });
        let of_ada: Invitation = bench.invite(&ada, room, &many).await.parse();
        let of_bob: Invitation = bench.invite(&bob, room, &many).await.parse();
        let path = format!("/v1/rooms/{room}/members");
        let ban = Request::post(format!("{path}/{}/ban", eve.id)).json(&json!({}));
        bench.send(&ada, ban).await.expect(StatusCode::OK);
        let body = json!({ "token": of_ada.token });
        assert_eq!(bench.accept(&eve, &body).await.code(), "NOT_FOUND");
        let kick = Request::post(format!("{path}/{}/kick", bob.id));
        bench.send(&ada, kick).await.expect(StatusCode::OK);
        let own = json!({ "token": of_bob.token });
        assert_eq!(bench.accept(&bob, &own).await.code(), "NOT_FOUND");
        sqlx::query("UPDATE invitations SET expires_at = clock_timestamp()")
            .execute(&bench.database.pool)
            .await
            .unwrap();
        assert_eq!(bench.accept(&bob, &body).await.code(), "NOT_FOUND");
    }

    #[tokio::test]
    async fn a_refused_acceptance_uses_nothing() {
        let limits = Limits {
            max_rooms_per_user: 1,
            ..Limits::default()
        };
        let bench = Bench::with(limits).await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create_private(&ada, "Rust").await.id;
        let own = bench.create(&bob, "Own").await.id;
        let link: Invitation = bench.invite(&ada, room, &json!({})).await.parse();
        let body = json!({ "token": link.token });
        assert_eq!(bench.accept(&bob, &body).await.code(), "CONFLICT");
        bench.leave(&bob, own).await.expect(StatusCode::OK);
        bench.accept(&bob, &body).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn what_is_no_invitation_lets_nobody_in() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create_private(&ada, "Rust").await.id;
        let link: Invitation = bench.invite(&ada, room, &json!({})).await.parse();
        let before = bench.stored().await;
        let token = link.token.unwrap();
        for (body, code) in [
            (json!({}), "BAD_USER_INPUT"),
            (json!({ "id": link.id, "token": token }), "BAD_USER_INPUT"),
            (json!({ "id": "1" }), "BAD_USER_INPUT"),
            (json!({ "token": 5 }), "BAD_USER_INPUT"),
            (json!({ "token": "x".repeat(1 << 20) }), "BAD_USER_INPUT"),
            (json!([]), "BAD_USER_INPUT"),
            (json!({ "id": link.id }), "NOT_FOUND"),
            (json!({ "id": InvitationId::new() }), "NOT_FOUND"),
            (json!({ "token": "" }), "NOT_FOUND"),
            (json!({ "token": "a\0b" }), "NOT_FOUND"),
            (json!({ "token": &token[1..] }), "NOT_FOUND"),
            (json!({ "token": token.to_lowercase() + "A" }), "NOT_FOUND"),
        ] {
            assert_eq!(bench.accept(&bob, &body).await.code(), code, "{body}");
        }
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_accepts() {
        let bench = Bench::new().await;
        let body = json!({ "token": "x" });
        bench
            .refuses_bad_tokens(|| Request::post("/v1/invitations/accept").json(&body))
            .await;
    }
}
