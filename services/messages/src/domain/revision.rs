//! What may become of a message after it was accepted.

use chrono::{DateTime, Utc};
use plaza_events::{Body, Event};
use plaza_types::{Epoch, Message, MessageContent, Seq};

/// A change of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Revision {
    /// Other content.
    Edit(MessageContent),
    /// A tombstone without content.
    Delete,
}

/// A deleted message stays deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is deleted")]
pub(crate) struct Deleted;

impl Revision {
    /// The message as this change leaves it, as change number `seq` of its
    /// room; none: it is that way already.
    pub(crate) fn apply(
        &self,
        message: &Message,
        seq: Seq,
        at: DateTime<Utc>,
    ) -> Result<Option<Message>, Deleted> {
        let changed = Message {
            changed_seq: seq,
            ..message.clone()
        };
        match self {
            Self::Edit(_) if message.deleted_at.is_some() => Err(Deleted),
            Self::Edit(content) if message.content == content.as_str() => Ok(None),
            Self::Edit(content) => Ok(Some(Message {
                content: content.as_str().to_owned(),
                edited_at: Some(at),
                ..changed
            })),
            Self::Delete if message.deleted_at.is_some() => Ok(None),
            Self::Delete => Ok(Some(Message {
                content: String::new(),
                deleted_at: Some(at),
                ..changed
            })),
        }
    }

    /// The event that says so, with the message's whole present state.
    pub(crate) fn event(&self, message: Message, epoch: Epoch, at: DateTime<Utc>) -> Event {
        let (room, seq) = (Some(message.room_id), message.changed_seq);
        let body = match self {
            Self::Edit(_) => Body::MessageEdited { seq, message },
            Self::Delete => Body::MessageDeleted { seq, message },
        };
        Event {
            room,
            epoch,
            time: at,
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_types::{MessageId, Number, RoomId, UserId};

    fn message() -> Message {
        Message {
            id: MessageId::new(),
            room_id: RoomId::new(),
            seq: Seq::ZERO.next(),
            number: Number::ZERO.next(),
            changed_seq: Seq::ZERO.next(),
            author_id: UserId::new(),
            content: "first".into(),
            created_at: DateTime::UNIX_EPOCH,
            edited_at: None,
            deleted_at: None,
            client_message_id: "c1".into(),
            reply_to: Some(MessageId::new()),
        }
    }

    fn edit(content: &str) -> Revision {
        Revision::Edit(MessageContent::parse(content).unwrap())
    }

    #[test]
    fn an_edit_changes_content_time_and_place_of_change_alone() {
        let (before, seq, at) = (message(), Seq::try_from(9).unwrap(), Utc::now());
        let after = edit("second").apply(&before, seq, at).unwrap().unwrap();
        let expected = Message {
            content: "second".into(),
            edited_at: Some(at),
            changed_seq: seq,
            ..before
        };
        assert_eq!(after, expected);
    }

    #[test]
    fn the_same_content_is_no_change() {
        let seq = Seq::try_from(9).unwrap();
        assert_eq!(edit("first").apply(&message(), seq, Utc::now()), Ok(None));
    }

    #[test]
    fn a_deleted_message_has_no_content_and_stays_so() {
        let (before, seq, at) = (message(), Seq::try_from(9).unwrap(), Utc::now());
        let tombstone = Revision::Delete.apply(&before, seq, at).unwrap().unwrap();
        assert_eq!(tombstone.content, "");
        assert_eq!(tombstone.deleted_at, Some(at));
        assert_eq!(tombstone.reply_to, before.reply_to);
        assert_eq!(Revision::Delete.apply(&tombstone, seq.next(), at), Ok(None));
        assert_eq!(
            edit("third").apply(&tombstone, seq.next(), at),
            Err(Deleted)
        );
    }
}
