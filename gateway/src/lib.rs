//! The GraphQL schema over the services, and the built SPA.
//!
//! The gateway has no data of its own: every field comes from a service by its
//! typed client, with the caller's own access token. What arrives at
//! `POST /graphql` goes through `endpoint` (content type, body, shape,
//! identity) into `graph` (the schema), and every refusal leaves with a code
//! from [`plaza_types::Code`].

mod args;
mod client_address;
mod cookie;
mod device;
mod endpoint;
mod graph;
mod graphiql;
mod joined;
mod origins;
mod poll_after;
mod rates;
mod realtime;
mod router;
mod run;
mod security;
mod services;
mod spa;

pub use args::{GatewayArgs, LimitsArgs};
pub use client_address::{Network, NetworkError};
pub use graph::sdl;
pub use origins::{OriginError, PublicOrigins};
pub use rates::RatesArgs;
pub use realtime::{EndpointError, RealtimeEndpoint};
pub use router::{Parts, RouterError, router};
pub use run::run;
pub use services::Services;
pub use spa::SpaError;
