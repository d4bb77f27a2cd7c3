//! What resolvers reach: the deployment, and this request.

use std::{net::IpAddr, sync::Arc};

use async_graphql::Context;
use plaza_clients::As;
use plaza_kit::token::{Caller, ServiceTokens, TokenError, Verifier};
use plaza_types::ApiError;
use secrecy::ExposeSecret;

use super::loaders::Loaders;
use crate::{
    RealtimeEndpoint, Services,
    cookie::Jar,
    poll_after::Pollers,
    rates::{Payer, Rates},
};

/// What is the same for every request.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Where all data comes from.
    pub(crate) services: Services,
    /// Checks access tokens.
    pub(crate) verifier: Verifier,
    /// For calls as the gateway itself.
    pub(crate) tokens: ServiceTokens,
    /// How much may be asked.
    pub(crate) rates: Rates,
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

impl Identity {
    /// Whose token it is; none without a valid one.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        match self {
            Self::User(caller) => Some(caller),
            Self::Anonymous | Self::Refused(_) => None,
        }
    }
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
    /// The client's; none in a test without a socket.
    pub(crate) address: Option<IpAddr>,
    session: Result<Session, TokenError>,
}

impl RequestContext {
    /// Of a request that brought these.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        identity: Identity,
        jar: Arc<Jar>,
        device: Option<String>,
        address: Option<IpAddr>,
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
            address,
            session,
        }
    }

    /// Takes a cost from what is left for this user and this address.
    pub(crate) fn charge(&self, cost: usize) -> Result<(), ApiError> {
        let session = self.session.as_ref().ok();
        let payer = Payer::of(session.map(|session| &*session.caller));
        let rates = &self.gateway.rates;
        rates.take_fields(payer, self.address, cost)
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
