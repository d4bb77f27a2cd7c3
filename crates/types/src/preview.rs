//! What a room list shows of a room's last message.

use crate::Message;

/// Longest preview, in characters.
pub const MAX_PREVIEW_CHARS: usize = 120;

/// The first line with text of a message, cut at 120 characters; none for a
/// deleted message.
pub fn preview(message: &Message) -> Option<String> {
    if message.deleted_at.is_some() {
        return None;
    }
    let line = message
        .content
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    if line.char_indices().nth(MAX_PREVIEW_CHARS).is_none() {
        return Some(line.to_owned());
    }
    let mut cut: String = line.chars().take(MAX_PREVIEW_CHARS - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    Some(cut)
}

#[cfg(test)]
mod tests {
    use crate::{MessageId, Number, RoomId, Seq, UserId};
    use chrono::Utc;

    use super::*;

    fn message(content: &str) -> Message {
        Message {
            id: MessageId::new(),
            room_id: RoomId::new(),
            seq: Seq::ZERO.next(),
            number: Number::ZERO.next(),
            changed_seq: Seq::ZERO.next(),
            author_id: UserId::new(),
            content: content.into(),
            created_at: Utc::now(),
            edited_at: None,
            deleted_at: None,
            client_message_id: "a".into(),
            reply_to: None,
        }
    }

    #[test]
    fn a_preview_is_the_first_line_with_text() {
        assert_eq!(
            preview(&message("\n  \n hello \r\nworld")).as_deref(),
            Some("hello")
        );
    }

    #[test]
    fn a_preview_has_at_most_120_characters() {
        let exact = "é".repeat(120);
        assert_eq!(preview(&message(&exact)).as_deref(), Some(exact.as_str()));
        let long = preview(&message(&"🚀".repeat(121))).unwrap();
        assert_eq!(long.chars().count(), 120);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_deleted_message_has_no_preview() {
        let mut deleted = message("");
        deleted.deleted_at = Some(Utc::now());
        assert_eq!(preview(&deleted), None);
    }
}
