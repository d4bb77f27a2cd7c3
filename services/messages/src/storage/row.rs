//! Messages as rows.

use chrono::{DateTime, Utc};
use plaza_types::{Message, PositionError};
use uuid::Uuid;

/// A row of `messages`, without what stays inside the database.
#[derive(Debug)]
pub(super) struct MessageRow {
    pub(super) id: Uuid,
    pub(super) room_id: Uuid,
    pub(super) seq: i64,
    pub(super) number: i64,
    pub(super) changed_seq: i64,
    pub(super) author_id: Uuid,
    pub(super) content: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) edited_at: Option<DateTime<Utc>>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) client_message_id: String,
    pub(super) reply_to: Option<Uuid>,
}

impl TryFrom<MessageRow> for Message {
    type Error = PositionError;

    fn try_from(row: MessageRow) -> Result<Self, PositionError> {
        Ok(Self {
            id: row.id.into(),
            room_id: row.room_id.into(),
            seq: row.seq.try_into()?,
            number: row.number.try_into()?,
            changed_seq: row.changed_seq.try_into()?,
            author_id: row.author_id.into(),
            content: row.content,
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
            client_message_id: row.client_message_id,
            reply_to: row.reply_to.map(Into::into),
        })
    }
}

/// The message in a row of an outer join; none where nothing joined.
macro_rules! joined {
    ($row:expr, $room:expr) => {
        (|| {
            Some($crate::storage::row::MessageRow {
                id: $row.id?,
                room_id: $room,
                seq: $row.seq?,
                number: $row.number?,
                changed_seq: $row.changed_seq?,
                author_id: $row.author_id?,
                content: $row.content?,
                created_at: $row.created_at?,
                edited_at: $row.edited_at,
                deleted_at: $row.deleted_at,
                client_message_id: $row.client_message_id?,
                reply_to: $row.reply_to,
            })
        })()
    };
}

pub(super) use joined;
