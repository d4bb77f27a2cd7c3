//! A message on its way in.

use aws_lc_rs::digest;
use chrono::DateTime;
use plaza_events::{Body, Event};
use plaza_types::{
    ClientMessageId, Epoch, Message, MessageContent, MessageId, Number, Person, RoomId, Seq,
};

/// A message that has been checked and not yet been given its place.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) room: RoomId,
    pub(crate) author: Person,
    pub(crate) id: MessageId,
    pub(crate) client_message_id: ClientMessageId,
    pub(crate) content: MessageContent,
    pub(crate) reply_to: Option<MessageId>,
}

impl Draft {
    /// What a retry is compared with: SHA-256 of `reply_to` and content as
    /// sent. The id has a fixed length, so that no two drafts read alike.
    pub(crate) fn sent_hash(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        let reply_to = self.reply_to.map_or([0; 16], |id| id.uuid().into_bytes());
        context.update(&reply_to);
        context.update(self.content.as_str().as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    /// The event of its acceptance, with zeros for what is only known under
    /// the room's lock: seq, number and time.
    pub(crate) fn event(&self, epoch: Epoch) -> Event {
        let message = Message {
            id: self.id,
            room_id: self.room,
            seq: Seq::ZERO,
            number: Number::ZERO,
            changed_seq: Seq::ZERO,
            author_id: self.author.id,
            content: self.content.as_str().to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            edited_at: None,
            deleted_at: None,
            client_message_id: self.client_message_id.as_str().to_owned(),
            reply_to: self.reply_to,
        };
        Event {
            room: Some(self.room),
            epoch,
            time: DateTime::UNIX_EPOCH,
            body: Body::MessageCreated {
                seq: Seq::ZERO,
                message,
                author: self.author.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_types::UserId;

    fn draft(content: &str, reply_to: Option<MessageId>) -> Draft {
        Draft {
            room: RoomId::new(),
            author: Person {
                id: UserId::new(),
                username: "ada".into(),
                display_name: "Ada".into(),
            },
            id: MessageId::new(),
            client_message_id: ClientMessageId::parse("c1").unwrap(),
            content: MessageContent::parse(content).unwrap(),
            reply_to,
        }
    }

    #[test]
    fn the_hash_is_of_content_and_reply_alone() {
        let reply = Some(MessageId::new());
        assert_eq!(draft("a", None).sent_hash(), draft("a", None).sent_hash());
        assert_eq!(draft("a", reply).sent_hash(), draft("a", reply).sent_hash());
        assert_ne!(draft("a", None).sent_hash(), draft("b", None).sent_hash());
        assert_ne!(draft("a", None).sent_hash(), draft("a", reply).sent_hash());
        assert_ne!(draft("a", None).sent_hash(), draft("a ", None).sent_hash());
    }
}
