//! Mutations on accounts and sessions.

use plaza_types::{MAX_DISPLAY_NAME_CHARS, MAX_USERNAME_CHARS};
use serde_json::json;

use super::faults::{Mutation, Rule, needed, optional};

/// `session` is one of somebody else.
pub(super) fn mutations(session: &str) -> Vec<Mutation> {
    vec![
        Mutation {
            name: "register",
            document: "mutation($input: RegisterInput!) { register(input: $input) { user { id } } }",
            good: json!({ "input": { "username": "grace", "password": "correct horse", "displayName": "Grace" } }),
            inputs: vec![
                needed("/input/username", Rule::Stored(MAX_USERNAME_CHARS)),
                needed("/input/password", Rule::Password),
                optional("/input/displayName", Rule::Stored(MAX_DISPLAY_NAME_CHARS)),
                optional("/input/client", Rule::Enum),
            ],
        },
        Mutation {
            name: "login",
            document: "mutation($input: LoginInput!) { login(input: $input) { user { id } } }",
            good: json!({ "input": { "username": "grace", "password": "correct horse" } }),
            inputs: vec![
                needed("/input/username", Rule::Stored(MAX_USERNAME_CHARS)),
                needed("/input/password", Rule::Password),
                optional("/input/client", Rule::Enum),
            ],
        },
        Mutation {
            name: "refreshSession",
            document: "mutation($input: RefreshSessionInput) { refreshSession(input: $input) { user { id } } }",
            good: json!({ "input": { "refreshToken": "x" } }),
            inputs: vec![needed("/input/refreshToken", Rule::Token)],
        },
        Mutation {
            name: "revokeSession",
            document: "mutation($id: ID!) { revokeSession(id: $id) }",
            good: json!({ "id": session }),
            inputs: vec![needed("/id", Rule::Id)],
        },
    ]
}
