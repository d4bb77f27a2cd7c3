use async_graphql::{Context, InputObject, Object, Result};
use plaza_clients::auth::RefreshToken;
use plaza_types::{ApiError, Code};
use secrecy::ExposeSecret;

use super::login::opened;
use crate::{
    graph::{
        context::request,
        cost,
        types::{ClientKind, Session},
    },
    services::refused,
};

/// For clients that keep the refresh token themselves.
#[derive(InputObject)]
struct RefreshSessionInput {
    /// The last one that was given; it is new with each use.
    refresh_token: String,
}

#[derive(Default)]
pub(super) struct RefreshSession;

#[Object]
impl RefreshSession {
    /// Continues a session: by the cookie, or by the token of a NATIVE client.
    /// UNAUTHENTICATED: it has ended.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        input: Option<RefreshSessionInput>,
    ) -> Result<Session> {
        let request = request(ctx)?;
        let (client, token) = match (input, request.jar.token()) {
            (Some(input), _) => (ClientKind::Native, input.refresh_token),
            (None, Some(token)) => (ClientKind::Browser, token.expose_secret().to_owned()),
            (None, None) => {
                let message = "There is no session. Sign in.";
                return Err(ApiError::new(Code::Unauthenticated, message).into());
            }
        };
        let token = RefreshToken {
            refresh_token: Some(token),
        };
        let grant = request.services().auth.refresh(&token).await;
        let grant = grant.map_err(refused).inspect_err(|error| {
            // A service that does not answer has not ended the session.
            if client == ClientKind::Browser && error.code == Code::Unauthenticated {
                request.jar.clear();
            }
        })?;
        Ok(opened(request, client, grant))
    }
}
