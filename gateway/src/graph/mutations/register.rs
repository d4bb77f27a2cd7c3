use async_graphql::{Context, InputObject, Object, Result};
use plaza_clients::auth;

use super::login::opened;
use crate::{
    graph::{
        context::request,
        cost,
        types::{ClientKind, Session},
    },
    services::refused,
};

/// A new account.
#[derive(InputObject)]
struct RegisterInput {
    /// The wanted name for mentions; unique without regard to case.
    username: String,
    /// At least 8 characters.
    password: String,
    /// The name to read; the username when absent.
    display_name: Option<String>,
    /// How this client keeps its refresh token.
    #[graphql(default_with = "ClientKind::Browser")]
    client: ClientKind,
}

#[derive(Default)]
pub(super) struct Register;

#[Object]
impl Register {
    /// Opens an account and signs in. CONFLICT: the name is taken.
    #[graphql(complexity = "cost::PASSWORD + child_complexity")]
    async fn register(&self, ctx: &Context<'_>, input: RegisterInput) -> Result<Session> {
        let request = request(ctx)?;
        let account = auth::Register {
            username: input.username,
            password: input.password,
            display_name: input.display_name,
            device: request.device.clone(),
        };
        let grant = request.services().auth.register(&account).await;
        Ok(opened(request, input.client, grant.map_err(refused)?))
    }
}
