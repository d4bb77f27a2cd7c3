use async_graphql::{Context, InputObject, Object, Result};
use plaza_clients::{
    As,
    auth::{self, Grant},
};

use crate::{
    graph::{
        context::{RequestContext, request},
        cost,
        types::{ClientKind, Session},
    },
    services::refused,
};

/// Who signs in.
#[derive(InputObject)]
struct LoginInput {
    /// The name for mentions, without regard to case.
    username: String,
    /// The password.
    password: String,
    /// How this client keeps its refresh token.
    #[graphql(default_with = "ClientKind::Browser")]
    client: ClientKind,
}

#[derive(Default)]
pub(super) struct Login;

#[Object]
impl Login {
    /// Signs in. UNAUTHENTICATED: wrong name or password.
    #[graphql(complexity = "cost::PASSWORD + child_complexity")]
    async fn login(&self, ctx: &Context<'_>, input: LoginInput) -> Result<Session> {
        let request = request(ctx)?;
        let who = auth::Login {
            username: input.username,
            password: input.password,
            device: request.device.clone(),
            client_address: request.address,
        };
        let gateway = As::Service(&request.gateway.tokens);
        let grant = request.services().auth.login(gateway, &who).await;
        Ok(opened(request, input.client, grant.map_err(refused)?))
    }
}

/// A new session: its refresh token goes where the client keeps it.
pub(super) fn opened(request: &RequestContext, client: ClientKind, grant: Grant) -> Session {
    match client {
        ClientKind::Browser => {
            request
                .jar
                .set(grant.refresh_token.clone().into(), grant.refresh_expires_at);
            Session::browser(grant)
        }
        ClientKind::Native => Session::native(grant),
    }
}
