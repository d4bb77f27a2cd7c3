//! Running the service.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use plaza_clients::{auth::AuthClient, follow_auth, rooms::RoomsClient};
use plaza_events::{Source, relay::Relay};
use plaza_kit::{
    db, health::Readiness, http::edge, serve::serve, shutdown::Shutdown, token::ServiceTokens,
};
use secrecy::SecretString;

use crate::{
    Parts,
    access::Gate,
    config::{DATABASE_URL, MessagesArgs},
    pulse,
    realtime::Realtime,
    routes,
    storage::Store,
};

/// The conditions under which requests are wanted.
const CHECKS: [&str; 4] = ["database", "keys", "revocations", "removals"];

/// Serves messages until the shutdown begins, then answers what is under way
/// and relays what is committed. Fails when the configuration is not usable,
/// the database has not been migrated, or an address is taken.
pub async fn run(args: MessagesArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    let url = args.database_url()?;
    let tokens = ServiceTokens::from_args("messages", &args.internal_secret)?;
    let auth = AuthClient::new(&args.peers.auth_url).context("PLAZA_AUTH_URL")?;
    let rooms = RoomsClient::new(&args.peers.rooms_url).context("PLAZA_ROOMS_URL")?;
    let pool = db::pool(DATABASE_URL, &url, &args.pool)?;

    let readiness = Readiness::new(&shutdown, &CHECKS);
    let epoch = db::epoch(&pool, &shutdown).await?;
    db::watch(pool.clone(), readiness.clone(), &shutdown);
    let verifier = follow_auth(&auth, &tokens, &readiness, &shutdown);
    let gate = Gate::start(rooms, tokens, args.memory, &readiness, &shutdown);
    let realtime = start_relay(&args, &url, &shutdown)?;
    let store = Store::new(pool, epoch, realtime.clone());
    if realtime.is_on() {
        let every = Duration::from_millis(args.pulse_every_ms);
        pulse::spawn(store.clone(), every, &shutdown);
    }

    let routes = routes(Parts {
        store,
        gate: Arc::new(gate),
        verifier,
    });
    let timeout = Duration::from_millis(args.listen.request_timeout_ms);
    let api = edge(routes, timeout, args.listen.max_body_bytes);
    serve(
        "messages",
        Some((args.listen.listen, api)),
        args.ops.ops_listen,
        args.ops.drain(),
        &readiness,
        &shutdown,
    )
    .await
}

fn start_relay(
    args: &MessagesArgs,
    url: &SecretString,
    shutdown: &Shutdown,
) -> anyhow::Result<Realtime> {
    if !args.realtime_enabled {
        return Ok(Realtime::Off);
    }
    let options = db::options(DATABASE_URL, url, args.pool.database_statement_timeout_ms)?;
    let redis = args.redis.client()?;
    let (relay, handle) = Relay::new(Source::Messages, options, Some(redis), args.relay.clone())
        .context("cannot make a connection to Redis")?;
    relay.spawn(shutdown);
    Ok(Realtime::On(handle))
}
