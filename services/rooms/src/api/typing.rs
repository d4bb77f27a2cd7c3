//! `POST /v1/rooms/{id}/typing`

use axum::extract::State;
use chrono::Utc;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Code, RoomId};

use super::{Api, no_such_room, person};
use crate::{
    channels::ChannelError,
    domain::{Denied, Standing},
};

/// Why nothing was told.
#[derive(Debug, thiserror::Error)]
pub(super) enum TypingError {
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    #[error("the caller is no member")]
    NotMember,
    #[error("the caller is muted")]
    Muted,
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl From<TypingError> for Reject {
    fn from(error: TypingError) -> Self {
        match error {
            TypingError::NoSuchRoom => Self(no_such_room()),
            TypingError::NotMember => Self(Denied::NotMember.into()),
            TypingError::Muted => Self(ApiError::new(
                Code::Forbidden,
                "You can't write in this room for now.",
            )),
            TypingError::Channel(_) => Self::unavailable(&error),
        }
    }
}

/// Tells whoever has the room open that the caller types; said more often than
/// once in 2 s, or without real time, it is dropped.
pub(super) async fn typing(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<()>, Reject> {
    Ok(Json(typed(&api, &caller, room).await?))
}

async fn typed(api: &Api, caller: &Caller, room: RoomId) -> Result<(), TypingError> {
    if !api.live.takes(room, caller.user) {
        return Ok(());
    }
    let standing = api.gate.standing(caller.user, room).await?;
    let standing = standing.filter(Standing::may_read);
    let standing = standing.ok_or(TypingError::NoSuchRoom)?;
    if !standing.is_member {
        return Err(TypingError::NotMember);
    }
    if standing.muted_until.is_some_and(|until| until > Utc::now()) {
        return Err(TypingError::Muted);
    }
    api.live.typed(room, &person(caller), &standing);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;
    use http::StatusCode;
    use plaza_centrifugo::Channel;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{Generation, Person};
    use serde_json::json;

    use super::super::{Limits, testing::Bench};
    use super::*;
    use crate::{domain::Threshold, socket::Realtime};

    fn request(room: RoomId) -> Request {
        Request::post(format!("/v1/rooms/{room}/typing"))
    }

    async fn types(bench: &Bench, who: &Person, room: RoomId) -> Answer {
        bench.send(who, request(room)).await
    }

    fn live(room: RoomId) -> String {
        Channel::Live(room, Generation::ZERO.next()).to_string()
    }

    #[tokio::test]
    async fn small_rooms_are_told_who_types_and_large_ones_how_many() {
        let small = Realtime::with(Limits::default()).await;
        let large = Realtime::with(Limits {
            fanout_threshold: Threshold(1),
            ..Limits::default()
        })
        .await;
        let ada = Issuer::person("ada");
        for realtime in [&small, &large] {
            let bench = &realtime.bench;
            let room = bench.create_private(&ada, "Rust").await.id;
            let mut socket = realtime.connect(ada.id).await;
            assert_eq!(socket.subscribe(&live(room), None).await, None);
            let often = join_all((0..5).map(|_| types(bench, &ada, room))).await;
            for answer in often {
                answer.expect(StatusCode::OK);
            }
            let event = socket.event().await;
            assert_eq!(
                (&event["type"], &event["room"]),
                (&json!("typing"), &json!(room))
            );
            if std::ptr::eq(realtime, &raw const small) {
                assert_eq!(event["user"], json!(ada));
            } else {
                assert_eq!(event["count"], 1);
                assert!(event["from"].is_string() && event["user"].is_null());
            }
            let more = tokio::time::timeout(Duration::from_millis(300), socket.event()).await;
            assert!(more.is_err(), "once in 2 s: {more:?}");
        }
    }

    #[tokio::test]
    async fn guarantee_5_only_members_who_may_write_type() {
        let bench = Bench::with_real_time().await;
        let [ada, bob, eve] = ["ada", "bob", "eve"].map(Issuer::person);
        let public = bench.create(&ada, "Open").await.id;
        let private = bench.create_private(&ada, "Secret").await.id;
        bench.seat(public, bob.id, "member").await;
        let path = format!("/v1/rooms/{public}/members/{}/mute", bob.id);
        let until = Utc::now() + chrono::TimeDelta::hours(1);
        let mute = Request::post(path).json(&json!({ "until": until }));
        bench.send(&ada, mute).await.expect(StatusCode::OK);
        for (what, who, room, code) in [
            ("a stranger of a public room", &eve, public, "FORBIDDEN"),
            ("a muted member", &bob, public, "FORBIDDEN"),
            ("a stranger of a private room", &eve, private, "NOT_FOUND"),
            ("nowhere", &eve, RoomId::new(), "NOT_FOUND"),
        ] {
            assert_eq!(types(&bench, who, room).await.code(), code, "{what}");
        }
        types(&bench, &ada, private).await.expect(StatusCode::OK);
        bench.refuses_bad_tokens(|| request(public)).await;
    }

    #[tokio::test]
    async fn without_real_time_it_is_dropped() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        types(&bench, &ada, room).await.expect(StatusCode::OK);
    }
}
