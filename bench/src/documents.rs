//! The operations that the web app sends; a test compares them with its own.

/// The list of joined rooms, with unread counts and last messages.
pub(crate) const ROOMS: &str = include_str!("../documents/rooms.graphql");
/// The newest page of a room.
pub(crate) const NEWEST: &str = include_str!("../documents/newest.graphql");
/// A page of a room before a cursor.
pub(crate) const OLDER: &str = include_str!("../documents/older.graphql");
/// Public rooms.
pub(crate) const DISCOVER: &str = include_str!("../documents/discover.graphql");
/// A message.
pub(crate) const SEND: &str = include_str!("../documents/send.graphql");

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn they_are_those_of_the_web_app() {
        let features = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/src/features");
        let app: String = ["rooms", "timeline", "discovery"]
            .map(|feature| features.join(feature).join("operations.graphql"))
            .map(|path| fs::read_to_string(path).unwrap())
            .concat();
        for document in [ROOMS, NEWEST, OLDER, DISCOVER, SEND] {
            for definition in document.split_inclusive("\n}\n") {
                assert!(app.contains(definition.trim()), "{definition}");
            }
        }
    }
}
