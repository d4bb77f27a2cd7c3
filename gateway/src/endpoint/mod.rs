//! `POST /graphql`: one operation a request, JSON only.

mod answer;
mod body;
mod lexical;
mod nulls;
mod operation;
mod shape;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_graphql::{Request, Response as Answer, ServerError};
use axum::{
    Extension, Router,
    extract::{ConnectInfo, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, StatusCode, header};
use plaza_kit::token::{Caller, TokenError};
use plaza_types::{ApiError, Code};
use tower_http::csrf::{ConfigError, CsrfLayer, ProtectionError};

use crate::{
    LimitsArgs, Network, PublicOrigins,
    client_address::client_address,
    cookie::{CookieRules, Jar},
    device,
    graph::{Gateway, Identity, RequestContext, Schema},
    rates::Payer,
};
use body::Refusal;
pub(crate) use nulls::Types;

/// What the endpoint needs.
pub(crate) struct Endpoint {
    /// What resolvers reach.
    pub(crate) gateway: Arc<Gateway>,
    /// The schema.
    pub(crate) schema: Schema,
    /// The schema's types.
    pub(crate) types: Types,
    /// How the refresh token travels.
    pub(crate) cookies: CookieRules,
    /// Bounds of one request.
    pub(crate) limits: LimitsArgs,
    /// Longest time that one may take.
    pub(crate) timeout: Duration,
    /// Whose word about the client's address is taken.
    pub(crate) trusted_proxies: Vec<Network>,
}

/// `/graphql`, for requests of the public origins and of programs that are no
/// browsers.
pub(crate) fn routes(
    endpoint: Arc<Endpoint>,
    origins: &PublicOrigins,
) -> Result<Router, ConfigError> {
    let csrf = origins.iter().try_fold(CsrfLayer::new(), |layer, origin| {
        layer.add_trusted_origin(origin)
    })?;
    Ok(Router::new()
        .route("/graphql", post(execute).fallback(other_method))
        .layer(csrf.with_rejection_response(|_: ProtectionError| {
            Refusal::new(
                StatusCode::FORBIDDEN,
                ApiError::new(
                    Code::Forbidden,
                    "This request came from a page of another site.",
                ),
            )
            .into_response()
        }))
        .with_state(endpoint))
}

async fn other_method() -> Response {
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ApiError::new(Code::BadUserInput, "Send GraphQL by POST."),
    );
    ([(header::ALLOW, "POST")], refusal).into_response()
}

async fn execute(
    State(endpoint): State<Arc<Endpoint>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let address = peer.map(|Extension(ConnectInfo(peer))| {
        client_address(peer.ip(), &headers, &endpoint.trusted_proxies)
    });
    let request = match body::read(&headers, body) {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let identity = identify(&headers, &endpoint);
    let jar = Arc::new(Jar::new(endpoint.cookies, &headers));
    let (operation, answer) = endpoint
        .answer(request, identity, jar.clone(), &headers, address)
        .await;
    answer::response(operation, answer, jar.header(Utc::now()))
}

fn identify(headers: &HeaderMap, endpoint: &Endpoint) -> Identity {
    match Caller::from_headers(headers, &endpoint.gateway.verifier) {
        Ok(caller) => Identity::User(Arc::new(caller)),
        // An Authorization header that holds no bearer token is a wrong one.
        Err(TokenError::Missing) if !headers.contains_key(header::AUTHORIZATION) => {
            Identity::Anonymous
        }
        Err(TokenError::Missing) => Identity::Refused(TokenError::Invalid),
        Err(error) => Identity::Refused(error),
    }
}

impl Endpoint {
    async fn answer(
        &self,
        mut request: Request,
        identity: Identity,
        jar: Arc<Jar>,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> (&'static str, Answer) {
        // Before anything of it is read; its fields are charged when they are known.
        let payer = Payer::of(identity.caller());
        if let Err(error) = self.gateway.rates.take_request(payer, address) {
            return (operation::OTHER, Answer::from_errors(vec![refusal(error)]));
        }
        let (operation, admitted) = self.admit(&mut request, &identity);
        if let Err(error) = admitted {
            return (operation, Answer::from_errors(vec![error]));
        }
        let device = headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .and_then(device::name);
        let context = RequestContext::new(self.gateway.clone(), identity, jar, device, address);
        let (query, name) = (request.query.clone(), request.operation_name.clone());
        let execution = self.schema.execute(request.data(context));
        let mut answer = tokio::time::timeout(self.timeout, execution)
            .await
            .unwrap_or_else(|_| Answer::from_errors(vec![refusal(ApiError::unavailable(1_000))]));
        if answer.is_err() {
            self.types.settle(&query, name.as_deref(), &mut answer);
        }
        (operation, answer)
    }

    /// Names the operation and checks all that needs no schema.
    fn admit(
        &self,
        request: &mut Request,
        identity: &Identity,
    ) -> (&'static str, Result<(), ServerError>) {
        if let Err(error) = lexical::check(&request.query, self.limits.graphql_max_query_bytes) {
            return (operation::OTHER, Err(refusal(error)));
        }
        let name = request.operation_name.clone();
        let document = match request.parsed_query() {
            Ok(document) => document,
            Err(error) => return (operation::OTHER, Err(error)),
        };
        let admitted = shape::check(document, &self.limits).and_then(|()| match identity {
            Identity::Refused(error) if shape::needs_session(document, name.as_deref()) => {
                Err((*error).into())
            }
            _ => Ok(()),
        });
        (
            operation::label(document, name.as_deref()),
            admitted.map_err(refusal),
        )
    }
}

/// A refusal of ours among the answer's errors.
fn refusal(error: ApiError) -> ServerError {
    ServerError {
        source: Some(Arc::new(error.clone())),
        ..ServerError::new(error.message, None)
    }
}
