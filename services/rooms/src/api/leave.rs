//! `POST /v1/rooms/{id}/leave`

use axum::extract::State;
use plaza_clients::{As, ClientError, auth::User};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Person, RoomId, UserId};
use secrecy::ExposeSecret;

use super::{Api, no_such_room, person};
use crate::storage::{Left, StorageError};

/// How often all who may take over may leave while their names are asked for.
const TRIES: usize = 3;

/// Why nobody left.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaveError {
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    #[error("auth does not name the member who takes over")]
    Auth(#[from] ClientError),
    #[error("auth does not know the member who takes over")]
    UnknownSuccessor,
    #[error("other members would take over at each of {TRIES} tries")]
    Contended,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<LeaveError> for Reject {
    fn from(error: LeaveError) -> Self {
        match error {
            LeaveError::NoSuchRoom => Self(no_such_room()),
            LeaveError::Auth(ref cause) => match ApiError::from(cause) {
                refusal if cause.code().is_some() => Self(refusal),
                _ => Self::unavailable(&error),
            },
            LeaveError::UnknownSuccessor | LeaveError::Contended => Self::unavailable(&error),
            LeaveError::Storage(error) => error.into(),
        }
    }
}

/// Ends the caller's membership; not being a member changes nothing. When the
/// last owner leaves, the first of the other members becomes owner.
pub(super) async fn leave(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<()>, Reject> {
    Ok(Json(gone(&api, &caller, room).await?))
}

async fn gone(api: &Api, caller: &Caller, room: RoomId) -> Result<(), LeaveError> {
    let mut candidates = Vec::new();
    for _ in 0..TRIES {
        match api.store.leave(person(caller), room, &candidates).await? {
            Left::Now => {
                metrics::counter!("plaza_rooms_leaves_total").increment(1);
                return Ok(());
            }
            Left::Already => return Ok(()),
            Left::NoSuchRoom => return Err(LeaveError::NoSuchRoom),
            Left::Successor(users) => candidates = names(api, caller, users).await?,
        }
    }
    Err(LeaveError::Contended)
}

/// The names of members, one of which the event of a new owner carries.
async fn names(api: &Api, caller: &Caller, users: Vec<UserId>) -> Result<Vec<Person>, LeaveError> {
    let first = users.first().copied();
    let who = As::User(caller.token.expose_secret());
    let found = api.auth.users(who, users).await?;
    if !found.iter().any(|user| Some(user.id) == first) {
        return Err(LeaveError::UnknownSuccessor);
    }
    let person = |user: User| Person {
        id: user.id,
        username: user.username,
        display_name: user.display_name,
    };
    Ok(found.into_iter().map(person).collect())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_clients::Page;
    use plaza_clients::rooms::{Member, Room};
    use plaza_events::{Body, Event, LeaveReason};
    use plaza_testkit::{Issuer, Request};
    use plaza_types::Role;

    use super::super::{
        Limits,
        testing::{Bench, named},
    };
    use super::*;

    /// Version, user, role, count and reason of a member's event.
    fn member(event: &Event) -> (i64, UserId, Option<Role>, i64, Option<LeaveReason>) {
        match &event.body {
            Body::MemberUpdated {
                version,
                user,
                role,
                member_count,
                reason,
                ..
            } => (version.get(), user.id, *role, *member_count, *reason),
            other => panic!("{other:?}"),
        }
    }

    async fn members(bench: &Bench, who: &Person, room: RoomId) -> Vec<(UserId, Role)> {
        let path = format!("/v1/rooms/{room}/members");
        let page: Page<Member> = bench.send(who, Request::get(path)).await.parse();
        let member = |item: plaza_clients::Cursored<Member>| (item.item.user_id, item.item.role);
        page.items.into_iter().map(member).collect()
    }

    #[tokio::test]
    async fn a_leave_is_told_once_however_often_it_is_asked() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let tries = (0..10).map(|_| bench.leave(&bob, room));
        for answer in futures::future::join_all(tries).await {
            assert_eq!(answer.expect(StatusCode::OK).text(), "null");
        }
        let events = bench.events().await;
        assert_eq!(events.len(), 4);
        assert_eq!(
            member(&events[3]),
            (4, bob.id, None, 1, Some(LeaveReason::Left))
        );
        assert_eq!(bench.stored().await, (1, 1, 4, 1), "one removal");
        assert_eq!(members(&bench, &bob, room).await, [(ada.id, Role::Owner)]);
    }

    #[tokio::test]
    async fn an_owner_is_followed_by_the_highest_role() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let (member_, moderator) = (UserId::new(), UserId::new());
        bench.seat(room, member_, "member").await;
        bench.seat(room, moderator, "moderator").await;
        bench.leave(&ada, room).await.expect(StatusCode::OK);

        let events = bench.events().await;
        let (gone, next) = (member(&events[2]), member(&events[3]));
        assert_eq!(gone, (3, ada.id, None, 2, Some(LeaveReason::Left)));
        assert_eq!(next, (4, moderator, Some(Role::Owner), 2, None));
        let Body::MemberUpdated { user, .. } = &events[3].body else {
            panic!();
        };
        assert_eq!(user, &named(moderator), "named as auth names them");
        assert_eq!(
            members(&bench, &ada, room).await,
            [(moderator, Role::Owner), (member_, Role::Member)]
        );
        // A role is what clients compare; both lose what was kept of them.
        let seen: Vec<Room> = bench
            .send(
                &ada,
                Request::post("/v1/rooms/lookup").json(&serde_json::json!({ "ids": [room] })),
            )
            .await
            .parse();
        assert_eq!(seen[0].version.get(), 4);
        assert_eq!(bench.stored().await.3, 2);
    }

    #[tokio::test]
    async fn an_owner_is_followed_by_the_longest_standing_of_one_role() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        bench.join(&Issuer::person("cleo"), room).await;
        bench.leave(&ada, room).await.expect(StatusCode::OK);
        assert_eq!(members(&bench, &ada, room).await[0], (bob.id, Role::Owner));
    }

    #[tokio::test]
    async fn one_of_two_owners_leaves_nobody_to_follow() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let (owner, admin) = (UserId::new(), UserId::new());
        bench.seat(room, admin, "admin").await;
        bench.seat(room, owner, "owner").await;
        bench.leave(&ada, room).await.expect(StatusCode::OK);
        assert_eq!(bench.events().await.len(), 3);
        assert_eq!(
            members(&bench, &ada, room).await,
            [(owner, Role::Owner), (admin, Role::Admin)]
        );
    }

    #[tokio::test]
    async fn an_empty_room_stays_and_can_be_joined() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.leave(&ada, room).await.expect(StatusCode::OK);
        let joined: Room = bench.join(&bob, room).await.parse();
        assert_eq!(joined.member_count, 1);
        assert_eq!(joined.membership.unwrap().role, Role::Member);
    }

    #[tokio::test]
    async fn without_auth_the_last_owner_stays_and_others_leave() {
        let nowhere = "http://127.0.0.1:9";
        let bench = Bench::with_auth(Limits::default(), nowhere).await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let before = bench.stored().await;
        let refused = bench.leave(&ada, room).await;
        assert_eq!(refused.code(), "UNAVAILABLE");
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(bench.stored().await, before);
        bench.leave(&bob, room).await.expect(StatusCode::OK);
        bench.leave(&ada, room).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn a_room_that_is_unknown_or_not_to_be_seen_cannot_be_left() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Secret").await.id;
        bench.make_private(room).await;
        for id in [room, RoomId::new()] {
            assert_eq!(bench.leave(&bob, id).await.code(), "NOT_FOUND");
        }
        bench.leave(&ada, room).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_leaves() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/leave");
        bench.refuses_bad_tokens(|| Request::post(&path)).await;
    }
}
