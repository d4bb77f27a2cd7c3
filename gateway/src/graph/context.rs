//! What resolvers reach: the deployment, and this request.

use std::sync::Arc;

use async_graphql::Context;
use plaza_clients::As;
use plaza_kit::token::{Caller, TokenError, Verifier};
use plaza_types::ApiError;
use secrecy::ExposeSecret;

use super::loaders::Loaders;
use crate::{RealtimeEndpoint, Services, cookie::Jar, poll_after::Pollers};

/// What is the same for every request.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Where all data comes from.
    pub(crate) services: Services,
    /// Checks access tokens.
    pub(crate) verifier: Verifier,
    /// Where browsers open their WebSocket; none: real time is off.
    pub(crate) realtime: Option<RealtimeEndpoint>,
    /// Who polls.
    pub(crate) pollers: Pollers,
}

/// Who asks, by the access token.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// No token.
    Anonymous,
    /// A valid one.
    User(Arc<Caller>),
    /// One that is not valid.
    Refused(TokenError),
}

/// A signed-in request.
pub(crate) struct Session {
    /// Who.
    pub(crate) caller: Arc<Caller>,
    /// Of this request and this caller alone.
    pub(crate) loaders: Loaders,
}

impl Session {
    /// For calls as this user.
    pub(crate) fn who(&self) -> As<'_> {
        As::User(self.caller.token.expose_secret())
    }
}

/// One request.
pub(crate) struct RequestContext {
    /// The deployment.
    pub(crate) gateway: Arc<Gateway>,
    /// The refresh cookie.
    pub(crate) jar: Arc<Jar>,
    /// What the session list will call this device.
    pub(crate) device: Option<String>,
    session: Result<Session, TokenError>,
}

impl RequestContext {
    /// Of a request that brought these.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        identity: Identity,
        jar: Arc<Jar>,
        device: Option<String>,
    ) -> Self {
        let session = match identity {
            Identity::User(caller) => Ok(Session {
                loaders: Loaders::new(gateway.clone(), caller.clone()),
                caller,
            }),
            Identity::Anonymous => Err(TokenError::Missing),
            Identity::Refused(error) => Err(error),
        };
        Self {
            gateway,
            jar,
            device,
            session,
        }
    }

    /// The services.
    pub(crate) fn services(&self) -> &Services {
        &self.gateway.services
    }

    /// The signed-in user, or UNAUTHENTICATED.
    pub(crate) fn session(&self) -> Result<&Session, ApiError> {
        self.session.as_ref().map_err(|error| (*error).into())
    }
}

/// The request that a resolver works for.
pub(crate) fn request<'a>(ctx: &Context<'a>) -> Result<&'a RequestContext, ApiError> {
    ctx.data::<RequestContext>().map_err(|_| {
        tracing::error!("a resolver ran without its request");
        ApiError::internal()
    })
}

/// The request and its signed-in user, or UNAUTHENTICATED.
pub(crate) fn signed_in<'a>(
    ctx: &Context<'a>,
) -> Result<(&'a RequestContext, &'a Session), ApiError> {
    let request = request(ctx)?;
    Ok((request, request.session()?))
}
