//! Who follows an owner that leaves.

use plaza_types::{Role, UserId};

/// A room with members keeps an owner: when the last one leaves, the member
/// who comes first in the list (highest role, then longest there) takes over.
///
/// `first` is the first of the other members; none: the room will be empty.
pub(crate) fn successor(leaving: Role, first: Option<(UserId, Role)>) -> Option<UserId> {
    match (leaving, first) {
        (Role::Owner, Some((user, role))) if role != Role::Owner => Some(user),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_owner_of_a_room_with_members_is_followed() {
        let other = UserId::new();
        assert_eq!(
            successor(Role::Owner, Some((other, Role::Moderator))),
            Some(other)
        );
        assert_eq!(
            successor(Role::Owner, Some((other, Role::Member))),
            Some(other)
        );
        assert_eq!(
            successor(Role::Owner, Some((other, Role::Owner))),
            None,
            "one is left"
        );
        assert_eq!(
            successor(Role::Owner, None),
            None,
            "an empty room needs none"
        );
        assert_eq!(successor(Role::Admin, Some((other, Role::Owner))), None);
    }
}
