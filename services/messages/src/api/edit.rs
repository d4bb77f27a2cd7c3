//! `PATCH /v1/messages/{id}`: gives an own message other content. The same
//! content changes nothing.

use axum::extract::State;
use chrono::Utc;
use plaza_clients::messages::Edit;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Code, Message, MessageContent, MessageId, TextError};

use super::{
    Parts,
    own::{OwnError, own},
};
use crate::{access::AccessError, domain::Revision, storage::ReviseError};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum EditError {
    #[error("the content is refused")]
    Content(#[source] TextError),
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Revise(#[from] ReviseError),
}

impl From<EditError> for Reject {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Content(error) => Self::text("content", &error),
            EditError::Own(error) => error.into(),
            EditError::Access(error) => error.into(),
            EditError::Revise(ReviseError::Deleted(_)) => Self(ApiError::new(
                Code::Conflict,
                "This message is deleted and can't be edited.",
            )),
            EditError::Revise(ReviseError::Unknown) => Self(ApiError::not_found("message")),
            EditError::Revise(ReviseError::Storage(error)) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(id): Path<MessageId>,
    Json(input): Json<Edit>,
) -> Result<Json<Message>, Reject> {
    Ok(Json(edit(&parts, &caller, id, &input).await?))
}

async fn edit(
    parts: &Parts,
    caller: &Caller,
    id: MessageId,
    input: &Edit,
) -> Result<Message, EditError> {
    let content = MessageContent::parse(&input.content).map_err(EditError::Content)?;
    let message = own(parts, caller, id).await?;
    parts
        .gate
        .write(caller, message.room_id, Utc::now())
        .await?;
    let revision = Revision::Edit(content);
    Ok(parts.store.revise(message.room_id, id, &revision).await?)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::Body;
    use plaza_testkit::{Request, eventually};
    use serde_json::json;

    use super::*;
    use crate::testing::{Bench, HOSTILE_TEXTS, SOON, person};

    #[tokio::test]
    async fn an_edit_is_the_rooms_next_change() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        bench.sent(&ada, room, "c2", "second").await;

        let answer = bench.edit(&ada, first.id, "edited").await;
        let edited: Message = answer.expect(StatusCode::OK).parse();
        assert_eq!(edited.changed_seq.get(), 3);
        assert_eq!((edited.seq, edited.number), (first.seq, first.number));
        assert_eq!(edited.content, "edited");
        let event = bench.events().await.pop().unwrap();
        assert_eq!(event.time, edited.edited_at.unwrap());
        assert_eq!((event.room, event.epoch), (Some(room), bench.epoch));
        let (seq, message) = (edited.changed_seq, edited);
        assert_eq!(event.body, Body::MessageEdited { seq, message });
        let head = bench.heads(&ada, &[room], false).await.remove(0);
        assert_eq!((head.head_seq.get(), head.last_number.get()), (3, 2));
    }

    #[tokio::test]
    async fn the_same_content_changes_nothing() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        let before = bench.stored().await;
        let again: Message = bench.edit(&ada, first.id, "first").await.parse();
        assert_eq!(again, first);
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn a_deleted_message_cannot_be_edited() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        bench.delete(&ada, first.id).await.expect(StatusCode::OK);
        let before = bench.stored().await;
        let answer = bench.edit(&ada, first.id, "back").await;
        assert_eq!(answer.code(), "CONFLICT");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_its_author_edits_and_strangers_do_not_learn_that_it_exists() {
        let bench = Bench::new().await;
        let (ada, bob, eve) = (person("ada"), person("bob"), person("eve"));
        let room = bench.room(&[&ada, &bob]);
        let private = bench.rooms.private(&[&ada, &bob]);
        let open = bench.sent(&ada, room, "c1", "first").await;
        let hidden = bench.sent(&ada, private, "c1", "first").await;
        let before = bench.stored().await;
        for (who, id, code) in [
            (&bob, open.id, "FORBIDDEN"),
            (&eve, open.id, "FORBIDDEN"),
            (&bob, hidden.id, "FORBIDDEN"),
            (&eve, hidden.id, "NOT_FOUND"),
            (&ada, MessageId::new(), "NOT_FOUND"),
        ] {
            assert_eq!(bench.edit(who, id, "mine").await.code(), code);
        }
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn who_left_does_not_edit() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        bench.rooms.remove(room, &ada);
        let before = bench.stored().await;
        let refused = eventually(SOON, async || {
            let answer = bench.edit(&ada, first.id, "first").await;
            (answer.status != StatusCode::OK).then_some(answer)
        });
        assert_eq!(refused.await.code(), "FORBIDDEN");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn bad_input_is_named_and_nothing_is_changed() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        let before = bench.stored().await;
        let mut bodies = vec![
            String::new(),
            "{}".into(),
            json!({ "content": "" }).to_string(),
            json!({ "content": " \n" }).to_string(),
            json!({ "content": null }).to_string(),
            json!({ "content": 1 }).to_string(),
            json!({ "content": "x".repeat(4_001) }).to_string(),
            json!({ "content": "x".repeat(1 << 20) }).to_string(),
        ];
        bodies.extend(HOSTILE_TEXTS.map(|text| format!(r#"{{"content":"{text}"}}"#)));
        for body in bodies {
            let request = Request::patch(format!("/v1/messages/{}", first.id));
            let request = request.body("application/json", body.clone());
            let answer = bench.ask(&ada, request).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body:.120}");
        }
        let nothing = Request::patch("/v1/messages/not-an-id").json(&json!({ "content": "x" }));
        assert_eq!(bench.ask(&ada, nothing).await.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, before);
    }
}
