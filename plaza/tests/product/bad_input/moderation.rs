//! Mutations on the members of a room.

use plaza_types::MAX_BAN_REASON_CHARS;
use serde_json::json;

use super::faults::{Mutation, Rule, needed, optional};

/// `member` is one of the room.
pub(super) fn mutations(room: &str, member: &str) -> Vec<Mutation> {
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let both = json!({ "room": room, "user": member });
    let ids = || vec![needed("/room", Rule::Id), needed("/user", Rule::Id)];
    vec![
        Mutation {
            name: "setRole",
            document: "mutation($input: SetRoleInput!) { setRole(input: $input) { role } }",
            good: json!({ "input": { "roomId": room, "userId": member, "role": "ADMIN" } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/userId", Rule::Id),
                needed("/input/role", Rule::Enum),
            ],
        },
        Mutation {
            name: "kickMember",
            document: "mutation($room: ID!, $user: ID!) { kickMember(roomId: $room, userId: $user) }",
            good: both.clone(),
            inputs: ids(),
        },
        Mutation {
            name: "banMember",
            document: "mutation($input: BanMemberInput!) { banMember(input: $input) }",
            good: json!({ "input": { "roomId": room, "userId": member, "reason": "Spam", "until": later } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/userId", Rule::Id),
                optional("/input/reason", Rule::Stored(MAX_BAN_REASON_CHARS)),
                optional("/input/until", Rule::Time),
            ],
        },
        Mutation {
            name: "unbanMember",
            document: "mutation($room: ID!, $user: ID!) { unbanMember(roomId: $room, userId: $user) }",
            good: both,
            inputs: ids(),
        },
        Mutation {
            name: "muteMember",
            document: "mutation($input: MuteMemberInput!) { muteMember(input: $input) { mutedUntil } }",
            good: json!({ "input": { "roomId": room, "userId": member, "until": later } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                needed("/input/userId", Rule::Id),
                optional("/input/until", Rule::Time),
            ],
        },
    ]
}
