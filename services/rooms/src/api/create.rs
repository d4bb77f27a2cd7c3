//! `POST /v1/rooms`

use axum::extract::State;
use plaza_clients::rooms::{CreateRoom, Room};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::{RoomName, TextError, Topic};

use super::{Api, person, too_many_rooms};
use crate::storage::{Created, NewRoom, StorageError};

/// Why no room was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum CreateError {
    #[error("the name breaks a rule")]
    Name(#[source] TextError),
    #[error("the topic breaks a rule")]
    Topic(#[source] TextError),
    #[error("the caller is in {0} rooms")]
    TooManyRooms(u32),
    #[error("the new room cannot be found")]
    Vanished,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CreateError> for Reject {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Name(error) => Self::text("name", &error),
            CreateError::Topic(error) => Self::text("topic", &error),
            CreateError::TooManyRooms(max) => Self(too_many_rooms(max)),
            CreateError::Vanished => Self::internal(&error),
            CreateError::Storage(error) => error.into(),
        }
    }
}

/// Makes a room; the caller becomes its owner.
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Json(input): Json<CreateRoom>,
) -> Result<Json<Room>, Reject> {
    let new = read(&input)?;
    let max = api.limits.max_rooms_per_user;
    let created = api.store.create(person(&caller), &new, max).await?;
    let Created::Room(id) = created else {
        return Err(CreateError::TooManyRooms(max).into());
    };
    metrics::counter!("plaza_rooms_created_total").increment(1);
    let room = api.store.room(caller.user, id).await?;
    Ok(Json(room.ok_or(CreateError::Vanished)?))
}

fn read(input: &CreateRoom) -> Result<NewRoom, CreateError> {
    Ok(NewRoom {
        name: RoomName::parse(&input.name).map_err(CreateError::Name)?,
        topic: Topic::parse(input.topic.as_deref().unwrap_or_default())
            .map_err(CreateError::Topic)?,
        visibility: input.visibility,
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::Body;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::{Person, Role, Visibility};
    use serde_json::json;

    use super::super::{Limits, testing::Bench};
    use super::*;

    fn request(body: &serde_json::Value) -> Request {
        Request::post("/v1/rooms").json(body)
    }

    async fn refused(bench: &Bench, who: &Person, request: Request, field: Option<&str>) {
        let answer = bench.send(who, request).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.text());
        assert_eq!(answer.json()["error"]["field"].as_str(), field);
        assert_eq!(bench.stored().await, (0, 0, 0, 0), "nothing is stored");
    }

    #[tokio::test]
    async fn a_room_begins_with_its_owner_and_two_events() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let body = json!({ "name": "  Cafe\u{301} ", "topic": "Coffee", "visibility": "public" });
        let answer = bench.send(&ada, request(&body)).await;
        let room: Room = answer.expect(StatusCode::OK).parse();
        assert_eq!(room.name, "Café");
        assert_eq!(room.topic, "Coffee");
        assert_eq!((room.member_count, room.version.get()), (1, 1));
        assert_eq!(room.epoch, bench.epoch);
        assert_eq!(room.membership.unwrap().role, Role::Owner);

        let events = bench.events().await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| event.room == Some(room.id)));
        let Body::RoomUpdated { version, name, .. } = &events[0].body else {
            panic!("{:?}", events[0]);
        };
        assert_eq!((version.get(), name.as_str()), (1, "Café"));
        let Body::MemberUpdated {
            version,
            user,
            role,
            member_count,
            reason,
            ..
        } = &events[1].body
        else {
            panic!("{:?}", events[1]);
        };
        assert_eq!((version.get(), *member_count), (2, 1));
        assert_eq!((user, *role, *reason), (&ada, Some(Role::Owner), None));
    }

    #[tokio::test]
    async fn a_topic_may_be_missing_and_names_may_repeat() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        for _ in 0..2 {
            let body = json!({ "name": "Rust", "visibility": "public" });
            let answer = bench.send(&ada, request(&body)).await;
            let room: Room = answer.expect(StatusCode::OK).parse();
            assert_eq!(room.topic, "");
        }
    }

    #[tokio::test]
    async fn a_name_or_topic_that_breaks_a_rule_stores_nothing() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let hostile = ["a\0b", "a\u{202E}b", "a\u{2066}b", "a\nb", "a\u{200B}b"];
        let long = "x".repeat(200_000);
        for name in ["", "   ", &"x".repeat(81), &long].iter().chain(&hostile) {
            let body = json!({ "name": name, "visibility": "public" });
            refused(&bench, &ada, request(&body), Some("name")).await;
        }
        for topic in ["x".repeat(251).as_str(), &long].iter().chain(&hostile) {
            let body = json!({ "name": "Rust", "topic": topic, "visibility": "public" });
            refused(&bench, &ada, request(&body), Some("topic")).await;
        }
    }

    #[tokio::test]
    async fn a_body_that_is_no_room_stores_nothing() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        for body in [
            json!({}),
            json!(null),
            json!([]),
            json!("Rust"),
            json!({ "name": "Rust" }),
            json!({ "visibility": "public" }),
            json!({ "name": null, "visibility": "public" }),
            json!({ "name": 5, "visibility": "public" }),
            json!({ "name": ["Rust"], "visibility": "public" }),
            json!({ "name": "Rust", "topic": 5, "visibility": "public" }),
            json!({ "name": "Rust", "visibility": "PUBLIC" }),
            json!({ "name": "Rust", "visibility": true }),
        ] {
            refused(&bench, &ada, request(&body), None).await;
        }
        let json = "application/json";
        let megabyte = json!({ "name": "x".repeat(1 << 20), "visibility": "public" });
        for (content_type, body) in [
            (
                json,
                r#"{"name":"a\ud800b","visibility":"public"}"#.to_owned(),
            ),
            (
                json,
                r#"{"name":"\udc00","visibility":"public"}"#.to_owned(),
            ),
            (json, r#"{"name":"Rust","visibility""#.to_owned()),
            (json, megabyte.to_string()),
            (
                "text/plain",
                r#"{"name":"Rust","visibility":"public"}"#.to_owned(),
            ),
        ] {
            let request = Request::post("/v1/rooms").body(content_type, body);
            refused(&bench, &ada, request, None).await;
        }
        let request = Request::post("/v1/rooms").body(json, b"{\"name\":\"\xff\"}");
        refused(&bench, &ada, request, None).await;
    }

    #[tokio::test]
    async fn a_private_room_is_there_for_its_members_alone() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create_private(&ada, "Secret").await;
        assert_eq!((room.visibility, room.open), (Visibility::Private, false));
        assert_eq!(bench.join(&bob, room.id).await.code(), "NOT_FOUND");
        let found = "/v1/rooms/discover?query=secret";
        for who in [&ada, &bob] {
            let found = bench.send(who, Request::get(found)).await;
            assert_eq!(found.json()["items"], json!([]));
        }
        // Without its last member nobody could ever see it again.
        bench.leave(&ada, room.id).await.expect(StatusCode::OK);
        let (rooms, ..) = bench.stored().await;
        assert_eq!(rooms, 0);
    }

    #[tokio::test]
    async fn a_user_has_a_bounded_number_of_rooms() {
        let limits = Limits {
            max_rooms_per_user: 2,
            ..Limits::default()
        };
        let bench = Bench::with(limits).await;
        let ada = Issuer::person("ada");
        let body = json!({ "name": "Rust", "visibility": "public" });
        let tries = (0..8).map(|_| bench.send(&ada, request(&body)));
        let answers = futures::future::join_all(tries).await;
        let made = answers.iter().filter(|a| a.status == StatusCode::OK);
        assert_eq!(made.count(), 2);
        let refused = answers.iter().filter(|a| a.code() == "CONFLICT");
        assert_eq!(refused.count(), 6);
        assert_eq!(bench.stored().await, (2, 2, 4, 0));
    }

    #[tokio::test]
    async fn only_who_is_signed_in_makes_rooms() {
        let bench = Bench::new().await;
        let body = json!({ "name": "Rust", "visibility": "public" });
        bench.refuses_bad_tokens(|| request(&body)).await;
    }
}
