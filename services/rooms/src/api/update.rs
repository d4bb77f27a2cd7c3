//! `PATCH /v1/rooms/{id}`

use axum::extract::State;
use plaza_clients::rooms::{Room, UpdateRoom};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, RoomId, RoomName, TextError, Topic};

use super::{Api, acting::counted, no_such_room};
use crate::{
    domain::Act,
    storage::{ActError, Edit},
};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpdateError {
    #[error("nothing is to be changed")]
    Nothing,
    #[error("the name breaks a rule")]
    Name(#[source] TextError),
    #[error("the topic breaks a rule")]
    Topic(#[source] TextError),
    #[error(transparent)]
    Act(#[from] ActError),
}

impl From<UpdateError> for Reject {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Nothing => Self(ApiError::bad_input(
                "name",
                "Say what to change: name, topic or visibility.",
            )),
            UpdateError::Name(error) => Self::text("name", &error),
            UpdateError::Topic(error) => Self::text("topic", &error),
            UpdateError::Act(error) => error.into(),
        }
    }
}

/// Changes a room's name, topic or visibility.
pub(super) async fn update(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(input): Json<UpdateRoom>,
) -> Result<Json<Room>, Reject> {
    let edit = read(&input)?;
    api.store.may(caller.user, room, Act::Update).await?;
    api.store.update(caller.user, room, &edit).await?;
    counted("update");
    let room = api.store.room(caller.user, room).await?;
    Ok(Json(room.ok_or_else(no_such_room)?))
}

fn read(input: &UpdateRoom) -> Result<Edit, UpdateError> {
    let name = input.name.as_deref().map(RoomName::parse).transpose();
    let topic = input.topic.as_deref().map(Topic::parse).transpose();
    let edit = Edit {
        name: name.map_err(UpdateError::Name)?,
        topic: topic.map_err(UpdateError::Topic)?,
        visibility: input.visibility,
    };
    if edit.name.is_none() && edit.topic.is_none() && edit.visibility.is_none() {
        return Err(UpdateError::Nothing);
    }
    Ok(edit)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_clients::Page;
    use plaza_events::Body;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{Person, Visibility};
    use serde_json::{Value, json};

    use super::super::testing::Bench;
    use super::*;

    async fn update(bench: &Bench, who: &Person, room: RoomId, body: &Value) -> Answer {
        let request = Request::patch(format!("/v1/rooms/{room}")).json(body);
        bench.send(who, request).await
    }

    async fn generation(bench: &Bench, room: RoomId) -> i64 {
        sqlx::query_scalar("SELECT generation FROM rooms WHERE id = $1")
            .bind(room.uuid())
            .fetch_one(&bench.database.pool)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_given_changes_and_is_told_once() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create_about(&ada, "Rust", "Crabs").await;
        let body = json!({ "name": " Ferris ", "topic": "" });
        let changed: Room = update(&bench, &ada, room.id, &body).await.parse();
        assert_eq!(
            (changed.name.as_str(), changed.topic.as_str()),
            ("Ferris", "")
        );
        assert_eq!(changed.version.get(), 3, "what clients compare moves");
        let again: Room = update(&bench, &ada, room.id, &body).await.parse();
        assert_eq!(
            again.version, changed.version,
            "what is so already is no change"
        );
        let events = bench.events().await;
        assert_eq!(events.len(), 3);
        let Body::RoomUpdated {
            version,
            name,
            topic,
            member_count,
            ..
        } = &events[2].body
        else {
            panic!("{:?}", events[2]);
        };
        assert_eq!(
            (version.get(), name.as_str(), topic.as_str()),
            (3, "Ferris", "")
        );
        assert_eq!(*member_count, 1);
        assert_eq!(generation(&bench, room.id).await, 1);
    }

    #[tokio::test]
    async fn another_visibility_closes_the_room_and_makes_all_that_is_remembered_void() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        let find = || Request::get("/v1/rooms/discover?query=rust");
        let found: Page<Room> = bench.send(&bob, find()).await.parse();
        assert_eq!(found.items.len(), 1);
        let body = json!({ "visibility": "private" });
        let changed: Room = update(&bench, &ada, room, &body).await.parse();
        assert_eq!(changed.visibility, Visibility::Private);
        assert!(!changed.open);
        assert_eq!(generation(&bench, room).await, 2);
        assert_eq!(bench.removed().await, [(room, None)]);
        let found: Page<Room> = bench.send(&bob, find()).await.parse();
        assert!(found.items.is_empty());
        let refused = update(&bench, &bob, room, &body).await;
        assert_eq!(refused.code(), "NOT_FOUND");
        let body = json!({ "visibility": "public" });
        update(&bench, &ada, room, &body)
            .await
            .expect(StatusCode::OK);
        assert_eq!(generation(&bench, room).await, 3);
        let told = bench.events().await.into_iter();
        let told: Vec<_> = told
            .filter_map(|event| match event.body {
                Body::Fanout {
                    version,
                    visibility,
                    generation,
                    ..
                } => Some((version.get(), visibility, generation.get())),
                _ => None,
            })
            .collect();
        // Versions 1 and 2 made the room, 3 and 5 are the changes themselves.
        assert_eq!(
            told,
            [(4, Visibility::Private, 2), (6, Visibility::Public, 3)],
            "where events come from now"
        );
        bench.join(&bob, room).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn what_breaks_a_rule_changes_nothing() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let before = bench.stored().await;
        let long = "x".repeat(251);
        for (body, field) in [
            (json!({}), Some("name")),
            (json!({ "name": null }), Some("name")),
            (json!({ "name": " " }), Some("name")),
            (json!({ "name": "x".repeat(81) }), Some("name")),
            (json!({ "name": "x".repeat(200_000) }), Some("name")),
            (json!({ "name": "a\0b" }), Some("name")),
            (json!({ "name": "a\u{202E}b" }), Some("name")),
            (json!({ "topic": long }), Some("topic")),
            (json!({ "topic": "a\u{2066}b" }), Some("topic")),
            (json!({ "topic": 5 }), None),
            (json!({ "name": ["Rust"] }), None),
            (json!({ "visibility": "PRIVATE" }), None),
            (json!({ "visibility": 1 }), None),
            (json!("Rust"), None),
        ] {
            let answer = update(&bench, &ada, room, &body).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body}");
            assert_eq!(answer.json()["error"]["field"].as_str(), field, "{body}");
        }
        let surrogate = Request::patch(format!("/v1/rooms/{room}"))
            .body("application/json", r#"{"name":"a\ud800b"}"#);
        assert_eq!(bench.send(&ada, surrogate).await.code(), "BAD_USER_INPUT");
        let megabyte = json!({ "name": "x".repeat(1 << 20) });
        let huge = update(&bench, &ada, room, &megabyte).await;
        assert_eq!(huge.code(), "BAD_USER_INPUT");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_changes_a_room() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}");
        let body = json!({ "name": "Stolen" });
        bench
            .refuses_bad_tokens(|| Request::patch(&path).json(&body))
            .await;
    }
}
