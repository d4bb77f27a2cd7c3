//! `DELETE /v1/messages/{id}`: leaves a tombstone of an own message, or of one
//! by somebody whose role in the room is lower than the caller's. A second
//! time changes nothing. Who left the room or is muted may still take back
//! what they wrote.

use axum::extract::State;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Message, MessageId};

use super::{
    Parts,
    own::{OwnError, seen},
};
use crate::{access::AccessError, domain::Revision, storage::ReviseError};

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeleteError {
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Revise(#[from] ReviseError),
}

impl From<DeleteError> for Reject {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Own(error) => error.into(),
            DeleteError::Access(error) => error.into(),
            DeleteError::Revise(ReviseError::Unknown) => Self(ApiError::not_found("message")),
            DeleteError::Revise(ReviseError::Storage(error)) => error.into(),
            // A tombstone is deleted without a change.
            DeleteError::Revise(ReviseError::Deleted(error)) => Self::internal(&error),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(id): Path<MessageId>,
) -> Result<Json<Message>, Reject> {
    Ok(Json(delete(&parts, &caller, id).await?))
}

async fn delete(parts: &Parts, caller: &Caller, id: MessageId) -> Result<Message, DeleteError> {
    let message = seen(parts, caller, id).await?;
    if message.author_id != caller.user {
        let (room, author) = (message.room_id, message.author_id);
        parts.gate.moderates(caller, room, author).await?;
    }
    Ok(parts
        .store
        .revise(message.room_id, id, &Revision::Delete)
        .await?)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::Body;
    use plaza_testkit::Request;

    use super::*;
    use crate::testing::{Bench, Mood, person};

    #[tokio::test]
    async fn a_tombstone_has_no_content_anywhere() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "secret").await;
        let answer = bench.delete(&ada, first.id).await;
        let deleted: Message = answer.expect(StatusCode::OK).parse();

        assert_eq!(deleted.content, "");
        assert_eq!(deleted.changed_seq.get(), 2);
        assert!(deleted.deleted_at.is_some());
        let event = bench.events().await.pop().unwrap();
        let (seq, message) = (deleted.changed_seq, deleted.clone());
        assert_eq!(event.body, Body::MessageDeleted { seq, message });
        let page = bench.history(&ada, room, "").await;
        assert_eq!(page.page.items[0].item, deleted);
    }

    #[tokio::test]
    async fn a_second_time_changes_nothing() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        let deleted: Message = bench.delete(&ada, first.id).await.parse();
        let before = bench.stored().await;
        let again: Message = bench.delete(&ada, first.id).await.parse();
        assert_eq!(again, deleted);
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn who_left_may_still_take_back_what_they_wrote() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.rooms.private(&[&ada]);
        let first = bench.sent(&ada, room, "c1", "first").await;
        bench.rooms.remove(room, &ada);
        bench.delete(&ada, first.id).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn moderators_delete_what_lower_roles_wrote() {
        let bench = Bench::new().await;
        let (ada, bob, mod_a, mod_b) = (person("ada"), person("bob"), person("m1"), person("m2"));
        let room = bench.rooms.private(&[&ada, &bob]);
        bench.rooms.make_moderator(room, &mod_a);
        bench.rooms.make_moderator(room, &mod_b);
        let by_member = bench.sent(&ada, room, "c1", "spam").await;
        let by_moderator = bench.sent(&mod_b, room, "c2", "hello").await;
        let before = bench.stored().await;
        assert_eq!(bench.delete(&bob, by_member.id).await.code(), "FORBIDDEN");
        let equal = bench.delete(&mod_a, by_moderator.id).await;
        assert_eq!(equal.code(), "FORBIDDEN");
        bench.rooms.set(Mood::Refuses);
        let unasked = bench.delete(&mod_a, by_member.id).await;
        assert_eq!(unasked.code(), "UNAVAILABLE");
        bench.rooms.set(Mood::Answers);
        assert_eq!(bench.stored().await, before);

        let deleted: Message = bench.delete(&mod_a, by_member.id).await.parse();
        assert!(deleted.deleted_at.is_some() && deleted.content.is_empty());
        // Nobody changes what another wrote.
        let edited = bench.edit(&mod_a, by_moderator.id, "other").await;
        assert_eq!(edited.code(), "FORBIDDEN");
        // Who is no member any more has no role: their messages can be deleted.
        let later = bench.sent(&bob, room, "c3", "more spam").await;
        bench.rooms.remove(room, &bob);
        let deleted = bench.delete(&mod_a, later.id).await;
        deleted.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn members_delete_only_their_own() {
        let bench = Bench::new().await;
        let (ada, bob, eve) = (person("ada"), person("bob"), person("eve"));
        let private = bench.rooms.private(&[&ada, &bob]);
        let first = bench.sent(&ada, private, "c1", "first").await;
        let before = bench.stored().await;
        assert_eq!(bench.delete(&bob, first.id).await.code(), "FORBIDDEN");
        assert_eq!(bench.delete(&eve, first.id).await.code(), "NOT_FOUND");
        let unknown = bench.delete(&ada, MessageId::new()).await;
        assert_eq!(unknown.code(), "NOT_FOUND");
        let malformed = bench.ask(&ada, Request::delete("/v1/messages/%00")).await;
        assert_eq!(malformed.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, before);
    }
}
