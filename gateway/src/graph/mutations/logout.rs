use async_graphql::{Context, Object, Result};
use plaza_clients::{As, auth::RefreshToken};
use plaza_kit::token::Revocation;
use plaza_types::Code;
use secrecy::ExposeSecret;

use crate::{
    graph::{context::request, cost},
    services::refused,
};

#[derive(Default)]
pub(super) struct Logout;

#[Object]
impl Logout {
    /// Ends the session of the access token and of the cookie. True also when there was none.
    #[graphql(complexity = "cost::CALL")]
    async fn logout(&self, ctx: &Context<'_>) -> Result<bool> {
        let request = request(ctx)?;
        let session = request.session().ok();
        let token = RefreshToken {
            refresh_token: request
                .jar
                .token()
                .map(|token| token.expose_secret().to_owned()),
        };
        if session.is_some() || token.refresh_token.is_some() {
            let who = session.map_or(As::Anyone, |session| session.who());
            let ended = request.services().auth.logout(who, &token).await;
            match ended.map_err(refused) {
                Ok(()) => {}
                // It has ended already: what was wanted.
                Err(error) if error.code == Code::Unauthenticated => {}
                // The cookie stays, so that trying again can end the session.
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(session) = session {
            // Here at once; the other replicas learn it from the feed.
            let ended = Revocation::Session(session.caller.session);
            request.gateway.verifier.revocations().add(ended);
        }
        request.jar.clear();
        Ok(true)
    }
}
