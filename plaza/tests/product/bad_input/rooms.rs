//! Mutations on rooms and ways into them.

use plaza_types::{MAX_ROOM_NAME_CHARS, MAX_TOPIC_CHARS, MAX_USERNAME_CHARS};
use serde_json::json;

use super::faults::{Mutation, Rule, needed, optional};

pub(super) fn mutations(room: &str) -> Vec<Mutation> {
    vec![
        Mutation {
            name: "createRoom",
            document: "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }",
            good: json!({ "input": { "name": "Observatory", "topic": "Stars" } }),
            inputs: vec![
                needed("/input/name", Rule::Stored(MAX_ROOM_NAME_CHARS)),
                optional("/input/topic", Rule::Stored(MAX_TOPIC_CHARS)),
                optional("/input/visibility", Rule::Enum),
            ],
        },
        Mutation {
            name: "joinRoom",
            document: "mutation($id: ID!) { joinRoom(roomId: $id) { id } }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "leaveRoom",
            document: "mutation($id: ID!) { leaveRoom(roomId: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "updateRoom",
            document: "mutation($input: UpdateRoomInput!) { updateRoom(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "name": "Dome", "topic": "Stars" } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                optional("/input/name", Rule::Stored(MAX_ROOM_NAME_CHARS)),
                optional("/input/topic", Rule::Stored(MAX_TOPIC_CHARS)),
                optional("/input/visibility", Rule::Enum),
            ],
        },
        Mutation {
            name: "deleteRoom",
            document: "mutation($id: ID!) { deleteRoom(roomId: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "invite by name",
            document: "mutation($input: InviteInput!) { invite(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "username": "grace", "expiresIn": 3_600 } }),
            inputs: vec![
                needed("/input/roomId", Rule::Id),
                optional("/input/username", Rule::Stored(MAX_USERNAME_CHARS)),
                optional("/input/expiresIn", Rule::Count),
            ],
        },
        Mutation {
            name: "invite by link",
            document: "mutation($input: InviteInput!) { invite(input: $input) { id } }",
            good: json!({ "input": { "roomId": room, "maxUses": 2 } }),
            inputs: vec![optional("/input/maxUses", Rule::Count)],
        },
        Mutation {
            name: "acceptInvitation by name",
            document: "mutation($id: ID) { acceptInvitation(id: $id) { id } }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
        Mutation {
            name: "acceptInvitation by link",
            document: "mutation($token: String) { acceptInvitation(token: $token) { id } }",
            good: json!({ "token": "x" }),
            inputs: vec![needed("/token", Rule::Token)],
        },
        Mutation {
            name: "revokeInvitation",
            document: "mutation($id: ID!) { revokeInvitation(id: $id) }",
            good: json!({ "id": room }),
            inputs: vec![needed("/id", Rule::Id)],
        },
    ]
}
