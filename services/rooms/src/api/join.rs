//! `POST /v1/rooms/{id}/join`

use axum::extract::State;
use chrono::SecondsFormat;
use plaza_clients::rooms::Room;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Code, RoomId};

use super::{Api, no_such_room, person, too_many_rooms};
use crate::storage::{BannedUntil, Joined, StorageError};

/// Why nobody joined.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    #[error("the caller is in {0} rooms")]
    TooManyRooms(u32),
    #[error("the caller is banned")]
    Banned(BannedUntil),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<JoinError> for Reject {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::NoSuchRoom => Self(no_such_room()),
            JoinError::TooManyRooms(max) => Self(too_many_rooms(max)),
            JoinError::Banned(until) => Self(banned(until)),
            JoinError::Storage(error) => error.into(),
        }
    }
}

fn banned(BannedUntil(until): BannedUntil) -> ApiError {
    let until = until.map_or_else(String::new, |until| {
        format!(
            " until {}",
            until.to_rfc3339_opts(SecondsFormat::Secs, true)
        )
    });
    ApiError::new(
        Code::Forbidden,
        format!("You are banned from this room{until}."),
    )
}

/// Makes the caller a member; already being one changes nothing.
pub(super) async fn join(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<Room>, Reject> {
    Ok(Json(member(&api, &caller, room).await?))
}

async fn member(api: &Api, caller: &Caller, room: RoomId) -> Result<Room, JoinError> {
    let max = api.limits.max_rooms_per_user;
    match api.store.join(person(caller), room, max).await? {
        Joined::Now => metrics::counter!("plaza_rooms_joins_total").increment(1),
        Joined::Already => {}
        Joined::NoSuchRoom => return Err(JoinError::NoSuchRoom),
        Joined::Banned(until) => return Err(JoinError::Banned(until)),
        Joined::TooManyRooms => return Err(JoinError::TooManyRooms(max)),
    }
    let room = api.store.room(caller.user, room).await?;
    room.ok_or(JoinError::NoSuchRoom)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::Body;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::Role;

    use super::super::{Limits, testing::Bench};
    use super::*;

    #[tokio::test]
    async fn a_join_is_told_once_however_often_it_is_asked() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await;
        let tries = (0..10).map(|_| bench.join(&bob, room.id));
        for answer in futures::future::join_all(tries).await {
            let room: Room = answer.expect(StatusCode::OK).parse();
            assert_eq!(room.membership.unwrap().role, Role::Member);
            assert_eq!((room.member_count, room.version.get()), (2, 1));
        }
        let events = bench.events().await;
        assert_eq!(events.len(), 3);
        let Body::MemberUpdated {
            version,
            user,
            role,
            member_count,
            reason,
            ..
        } = &events[2].body
        else {
            panic!("{:?}", events[2]);
        };
        assert_eq!((version.get(), *member_count), (3, 2));
        assert_eq!((user, *role, *reason), (&bob, Some(Role::Member), None));
    }

    #[tokio::test]
    async fn an_owner_who_joins_again_stays_owner() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await;
        let again: Room = bench.join(&ada, room.id).await.parse();
        assert_eq!(again, room);
        assert_eq!(bench.events().await.len(), 2);
    }

    #[tokio::test]
    async fn a_room_that_is_unknown_or_private_cannot_be_joined() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Secret").await;
        bench.make_private(room.id).await;
        let before = bench.stored().await;
        let unknown = bench.join(&bob, RoomId::new()).await;
        let private = bench.join(&bob, room.id).await;
        let path = Request::post("/v1/rooms/general/join");
        let malformed = bench.send(&bob, path).await;
        assert_eq!(unknown.text(), private.text(), "neither says which it is");
        for answer in [unknown, private, malformed] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(answer.code(), "NOT_FOUND");
        }
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn rooms_of_a_user_stay_bounded_when_they_are_joined_at_once() {
        let limits = Limits {
            max_rooms_per_user: 3,
            ..Limits::default()
        };
        let bench = Bench::with(limits).await;
        let bob = Issuer::person("bob");
        let mut rooms = Vec::new();
        for n in 0..8 {
            let owner = Issuer::person("ada");
            rooms.push(bench.create(&owner, &format!("Room {n}")).await.id);
        }
        let joins = rooms.iter().map(|room| bench.join(&bob, *room));
        let answers = futures::future::join_all(joins).await;
        let joined = answers.iter().filter(|a| a.status == StatusCode::OK);
        assert_eq!(joined.count(), 3);
        let refused: Vec<_> = answers.iter().filter(|a| a.code() == "CONFLICT").collect();
        assert_eq!(refused.len(), 5);
        assert!(refused[0].text().contains("Leave one first"));
        assert_eq!(bench.stored().await, (8, 11, 19, 0));
    }

    #[tokio::test]
    async fn only_who_is_signed_in_joins() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/join");
        bench.refuses_bad_tokens(|| Request::post(&path)).await;
    }
}
