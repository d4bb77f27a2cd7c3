//! The HTTP API; shapes are those of `plaza_clients::rooms`.

mod accept;
mod access;
mod acting;
mod ban;
mod create;
mod delete;
mod discover;
mod fanout;
mod invitations;
mod invite;
mod join;
mod joined;
mod kick;
mod leave;
mod lookup;
mod members;
mod moderates;
mod mute;
mod page;
mod removals;
mod set_role;
mod subscribe;
#[cfg(test)]
pub(crate) mod testing;
mod time;
mod typing;
mod update;

pub(crate) use subscribe::PROXY_SECRET;
pub use subscribe::ProxySecret;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::FromRef,
    routing::{delete, get, patch, post},
};
use plaza_centrifugo::{Client, config::SUBSCRIBE_PATH};
use plaza_clients::auth::AuthClient;
use plaza_events::relay::RelayHandle;
use plaza_kit::{
    http::edge,
    token::{Caller, ServiceTokens, Verifier},
};
use plaza_types::{ApiError, Code, Epoch, Person};
use sqlx::PgPool;

use crate::{
    channels::{ChannelArgs, Gate, memory},
    domain::Threshold,
    live::Live,
    storage::Store,
};

/// What the API is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The migrated database.
    pub pool: PgPool,
    /// The installation's epoch.
    pub epoch: Epoch,
    /// Told of each commit.
    pub relay: RelayHandle,
    /// Checks users' tokens.
    pub verifier: Verifier,
    /// Checks services' tokens.
    pub tokens: ServiceTokens,
    /// Asked for the names of members, and for the user of a name.
    pub auth: AuthClient,
    /// Told whose subscriptions end; none: there is no real time.
    pub centrifugo: Option<Client>,
    /// What Centrifugo shows when it asks; none: it is not believed.
    pub proxy_secret: Option<ProxySecret>,
    /// What answers about channels may cost.
    pub channels: ChannelArgs,
    /// Its bounds.
    pub limits: Limits,
}

/// Bounds of the API.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most rooms that one user may be a member of.
    pub max_rooms_per_user: u32,
    /// Most invitations of one room that can be used.
    pub max_invitations_per_room: u32,
    /// From how many members on a room has channels of its own.
    pub fanout_threshold: Threshold,
    /// Most joins of one room that wait for those before them.
    pub max_waiting_joins: usize,
    /// Longest time a request may take.
    pub request_timeout: Duration,
    /// Largest request body, in bytes.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_rooms_per_user: 1_000,
            max_invitations_per_room: 100,
            fanout_threshold: Threshold::default(),
            max_waiting_joins: 4_096,
            request_timeout: Duration::from_secs(10),
            max_body_bytes: 256 * 1024,
        }
    }
}

/// What the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) store: Store,
    verifier: Verifier,
    tokens: ServiceTokens,
    auth: AuthClient,
    proxy_secret: Option<ProxySecret>,
    pub(crate) gate: Gate,
    pub(crate) live: Live,
    limits: Limits,
}

impl Api {
    pub(crate) fn new(parts: Parts) -> Self {
        acting::count_from_start();
        subscribe::count_from_start();
        let most = parts.channels.rooms_standing_cache_size;
        let memory = Arc::new(memory(most));
        let store = Store::new(
            parts.pool,
            parts.epoch,
            parts.relay,
            parts.limits.fanout_threshold,
            memory,
            parts.centrifugo.is_some(),
            parts.limits.max_waiting_joins,
        );
        Self {
            gate: Gate::new(store.clone(), parts.channels),
            live: Live::new(parts.centrifugo),
            store,
            proxy_secret: parts.proxy_secret,
            verifier: parts.verifier,
            tokens: parts.tokens,
            auth: parts.auth,
            limits: parts.limits,
        }
    }
}

impl FromRef<Api> for Verifier {
    fn from_ref(api: &Api) -> Self {
        api.verifier.clone()
    }
}

impl FromRef<Api> for ServiceTokens {
    fn from_ref(api: &Api) -> Self {
        api.tokens.clone()
    }
}

impl FromRef<Api> for Option<ProxySecret> {
    fn from_ref(api: &Api) -> Self {
        api.proxy_secret.clone()
    }
}

/// The API of rooms, for embedding and tests; [`crate::run`] serves the same.
pub fn router(parts: Parts) -> Router {
    routes(Api::new(parts))
}

pub(crate) fn routes(api: Api) -> Router {
    let Limits {
        request_timeout,
        max_body_bytes,
        ..
    } = api.limits;
    let routes = Router::new()
        .route("/v1/rooms", post(create::create))
        .route("/v1/rooms/joined", get(joined::joined))
        .route("/v1/rooms/discover", get(discover::discover))
        .route("/v1/rooms/lookup", post(lookup::lookup))
        .route("/v1/rooms/{id}/join", post(join::join))
        .route("/v1/rooms/{id}/leave", post(leave::leave))
        .route("/v1/rooms/{id}/typing", post(typing::typing))
        .route("/v1/rooms/{id}/members", get(members::members))
        .route("/v1/rooms/{id}/access", get(access::access))
        .route(
            "/v1/rooms/{id}",
            patch(update::update).delete(delete::delete),
        )
        .route(
            "/v1/rooms/{id}/members/{user}/role",
            post(set_role::set_role),
        )
        .route("/v1/rooms/{id}/members/{user}/kick", post(kick::kick))
        .route("/v1/rooms/{id}/members/{user}/mute", post(mute::mute))
        .route(
            "/v1/rooms/{id}/members/{user}/moderates",
            get(moderates::moderates),
        )
        .route("/v1/rooms/{id}/members/{user}/ban", post(ban::ban))
        .route("/v1/rooms/{id}/members/{user}/unban", post(ban::unban))
        .route("/v1/rooms/{id}/bans", get(ban::bans))
        .route(
            "/v1/rooms/{id}/invitations",
            post(invite::invite).get(invitations::of_room),
        )
        .route("/v1/invitations", get(invitations::own))
        .route("/v1/invitations/accept", post(accept::accept))
        .route("/v1/invitations/{id}", delete(invitations::revoke))
        .route(SUBSCRIBE_PATH, post(subscribe::subscribe))
        .route("/internal/removals", get(removals::removals))
        .route("/internal/rooms/{id}/fanout", get(fanout::fanout))
        .with_state(api);
    edge(routes, request_timeout, max_body_bytes)
}

/// The caller as events name them.
fn person(caller: &Caller) -> Person {
    Person {
        id: caller.user,
        username: caller.username.clone(),
        display_name: caller.name.clone(),
    }
}

fn no_such_room() -> ApiError {
    ApiError::not_found("room")
}

fn no_such_invitation() -> ApiError {
    ApiError::new(
        Code::NotFound,
        "There is no such invitation, or it is not for you, was used up or has ended.",
    )
}

fn too_many_rooms(max: u32) -> ApiError {
    ApiError::new(
        Code::Conflict,
        format!("You are in {max} rooms, which is the most. Leave one first."),
    )
}
