//! The operation's name in log lines and metrics: one of a bounded set.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument};

/// Every operation that the SPA does not send.
pub(super) const OTHER: &str = "other";

/// The SPA's operations, sorted.
const KNOWN: [&str; 43] = [
    "AcceptInvitation",
    "BanMember",
    "Bans",
    "Changes",
    "ConnectionToken",
    "CreateRoom",
    "Delete",
    "DeleteRoom",
    "Discover",
    "Edit",
    "FirstMembers",
    "Heads",
    "HeadsWithTokens",
    "Invite",
    "JoinRoom",
    "JoinedRooms",
    "KickMember",
    "LeaveRoom",
    "Login",
    "Logout",
    "MarkRead",
    "Members",
    "MuteMember",
    "Newer",
    "Newest",
    "Older",
    "Online",
    "OwnInvitations",
    "Refresh",
    "Register",
    "RevokeInvitation",
    "RevokeSession",
    "Room",
    "RoomInvitations",
    "Rooms",
    "Send",
    "Sessions",
    "SetRole",
    "SetTyping",
    "SubscriptionToken",
    "UnbanMember",
    "UpdateRoom",
    "Users",
];

/// The label of the operation that the request names, or of its only one.
pub(super) fn label(document: &ExecutableDocument, name: Option<&str>) -> &'static str {
    let name = name.or_else(|| match &document.operations {
        DocumentOperations::Multiple(operations) if operations.len() == 1 => {
            operations.keys().next().map(async_graphql::Name::as_str)
        }
        _ => None,
    });
    name.and_then(|name| KNOWN.binary_search(&name).ok())
        .map_or(OTHER, |place| KNOWN[place])
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn an_unknown_name_is_other() {
        let of = |query: &str, name: Option<&str>| label(&parse_query(query).unwrap(), name);
        assert_eq!(of("query Rooms { me { id } }", None), "Rooms");
        assert_eq!(of("query Evil1 { me { id } }", None), OTHER);
        assert_eq!(of("{ me { id } }", None), OTHER);
        let two = "query Rooms { me { id } } query Room { me { id } }";
        assert_eq!(of(two, Some("Room")), "Room");
        assert_eq!(of(two, None), OTHER);
    }

    #[test]
    fn the_spas_operations_are_all_known() {
        let mut found = BTreeSet::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/src");
        collect(&source, &mut found);
        let known: BTreeSet<String> = KNOWN.map(str::to_owned).into();
        assert_eq!(KNOWN.to_vec(), known.iter().collect::<Vec<_>>());
        let unknown: Vec<_> = found.difference(&known).collect();
        assert!(!found.is_empty() && unknown.is_empty(), "{unknown:?}");
    }

    fn collect(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "graphql") {
                for line in fs::read_to_string(&path).unwrap().lines() {
                    let mut words = line.split([' ', '(', '{']);
                    if matches!(words.next(), Some("query" | "mutation")) {
                        found.extend(words.next().map(str::to_owned));
                    }
                }
            }
        }
    }
}
