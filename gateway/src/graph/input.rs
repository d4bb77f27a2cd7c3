//! Ids at the boundary. What a query names with a malformed id is simply not
//! there; a mutation is told which of its inputs is wrong.

use std::str::FromStr;

use async_graphql::ID;
use plaza_types::{ApiError, IdError};

/// An id that a mutation acts on: BAD_USER_INPUT when it is malformed.
pub(super) fn id<T: FromStr<Err = IdError>>(field: &str, text: &ID) -> Result<T, ApiError> {
    text.parse()
        .map_err(|_: IdError| ApiError::bad_input(field, format!("{field} is not a valid id.")))
}

/// An id that a query asks for: none when it is malformed.
pub(super) fn named<T: FromStr<Err = IdError>>(text: &ID) -> Option<T> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use plaza_types::RoomId;

    use super::*;

    #[test]
    fn a_malformed_id_is_an_error_to_a_mutation_and_nothing_to_a_query() {
        let room = RoomId::new();
        assert_eq!(id("roomId", &ID::from(room.to_string())), Ok(room));
        for bad in ["", "1", "../rooms", &room.0.simple().to_string()] {
            let error = id::<RoomId>("roomId", &ID::from(bad)).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("roomId"));
            assert_eq!(named::<RoomId>(&ID::from(bad)), None);
        }
    }
}
