//! The guarantees that messages gives, each tested by its number.

mod guarantee_1;
mod guarantee_2;
mod guarantee_3;

use plaza_types::{ClientMessageId, MessageContent, MessageId, Person, RoomId};

use crate::domain::Draft;

fn draft(author: &Person, room: RoomId, id: &str, reply_to: Option<MessageId>) -> Draft {
    Draft {
        room,
        author: author.clone(),
        id: MessageId::new(),
        client_message_id: ClientMessageId::parse(id).unwrap(),
        content: MessageContent::parse("text").unwrap(),
        reply_to,
    }
}
