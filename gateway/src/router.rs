use std::{sync::Arc, time::Duration, time::Instant};

use axum::Router;
use http::header::InvalidHeaderValue;
use plaza_kit::{
    http::edge,
    token::{ServiceTokens, Verifier},
};
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, Predicate, SizeAbove},
};

use crate::{
    GatewayArgs, Services, SpaError,
    cookie::CookieRules,
    endpoint::{self, Endpoint, Types},
    graph::{self, Gateway},
    graphiql,
    poll_after::Pollers,
    rates::Rates,
    security, spa,
};

/// Smallest answer that is compressed, in bytes: below, it costs more than it saves.
const COMPRESS_ABOVE_BYTES: u64 = 1_024;
/// For the GraphQL endpoint's own, coded time limit to come first.
const BEYOND_OWN_TIMEOUT: Duration = Duration::from_secs(1);

/// What a gateway is made of; `run` makes it from the configuration.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where all data comes from.
    pub services: Services,
    /// Checks access tokens.
    pub verifier: Verifier,
    /// For calls as the gateway itself.
    pub tokens: ServiceTokens,
    /// Everything else.
    pub args: GatewayArgs,
}

/// Why no router can be made of the parts.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// PLAZA_SPA_DIR.
    #[error("PLAZA_SPA_DIR: {0}")]
    Spa(#[from] SpaError),
    /// PLAZA_PUBLIC_ORIGINS.
    #[error("PLAZA_PUBLIC_ORIGINS: {0}")]
    Origin(#[from] tower_http::csrf::ConfigError),
    /// PLAZA_REALTIME_ENDPOINT.
    #[error("PLAZA_REALTIME_ENDPOINT cannot stand in a header")]
    Policy(#[from] InvalidHeaderValue),
}

/// The whole public API: `POST /graphql` and the SPA.
pub fn router(parts: Parts) -> Result<Router, RouterError> {
    let Parts {
        services,
        verifier,
        tokens,
        args,
    } = parts;
    let realtime = args.realtime_enabled.then_some(args.realtime_endpoint);
    let timeout = Duration::from_millis(args.listen.request_timeout_ms);
    let gateway = Gateway {
        services,
        verifier,
        tokens,
        rates: Rates::new(&args.rates),
        realtime: realtime.clone(),
        pollers: Pollers::new(args.heads_per_second, Instant::now()),
    };
    let endpoint = Endpoint {
        gateway: Arc::new(gateway),
        schema: graph::build(args.limits, args.dev),
        types: Types::new(&graph::sdl()),
        cookies: CookieRules::new(args.public_origins.all_secure()),
        limits: args.limits,
        timeout,
        trusted_proxies: args.trusted_proxies,
    };
    let mut routes = endpoint::routes(Arc::new(endpoint), &args.public_origins)?
        .merge(spa::routes(args.spa_dir.as_deref())?);
    if args.dev {
        routes = routes.merge(graphiql::routes());
    }
    let compress = CompressionLayer::new()
        .compress_when(DefaultPredicate::new().and(SizeAbove::new(COMPRESS_ABOVE_BYTES)));
    let routes = edge(
        routes.layer(compress),
        timeout + BEYOND_OWN_TIMEOUT,
        args.listen.max_body_bytes,
    );
    Ok(security::secured(routes, realtime.as_ref())?)
}
