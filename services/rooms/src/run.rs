use std::time::Duration;

use plaza_clients::{auth::AuthClient, follow_auth};
use plaza_events::{Source, relay::Relay};
use plaza_kit::{db, health::Readiness, serve::serve, shutdown::Shutdown, token::ServiceTokens};

use crate::{
    api::{Api, Limits, Parts, routes},
    config::{DATABASE_URL, RoomsArgs},
    forget,
};

/// Runs rooms until the shutdown: the API, the relay of its outbox, and what
/// keeps keys and revocations up to date.
pub async fn run(args: RoomsArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    let url = args.database_url()?;
    let pool = db::pool(DATABASE_URL, &url, &args.pool)?;
    let options = db::options(DATABASE_URL, &url, args.pool.database_statement_timeout_ms)?;
    let tokens = ServiceTokens::from_args("rooms", &args.internal)?;
    let auth = AuthClient::new(&args.peers.auth_url)?;
    let redis = args
        .realtime_enabled
        .then(|| args.redis.client())
        .transpose()?;
    if redis.is_none() {
        tracing::info!("real time is off: nothing is pushed to browsers");
    }

    let readiness = Readiness::new(&shutdown, &["database", "keys", "revocations"]);
    db::watch(pool.clone(), readiness.clone(), &shutdown);
    let verifier = follow_auth(&auth, &tokens, &readiness, &shutdown);
    let epoch = match db::epoch(&pool, &shutdown).await {
        Ok(epoch) => epoch,
        Err(_) if shutdown.is_stopping() => {
            return Ok(shutdown.drain(args.ops.drain().timeout).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let (relay, handle) = Relay::new(Source::Rooms, options, redis, args.relay)?;
    relay.spawn(&shutdown);

    let api = Api::new(Parts {
        pool,
        epoch,
        relay: handle,
        verifier,
        tokens,
        auth,
        limits: Limits {
            max_rooms_per_user: args.rooms_max_rooms_per_user,
            request_timeout: Duration::from_millis(args.listen.request_timeout_ms),
            max_body_bytes: args.listen.max_body_bytes,
        },
    });
    forget::spawn(api.store.clone(), &shutdown);
    serve(
        "rooms",
        Some((args.listen.listen, routes(api))),
        args.ops.ops_listen,
        args.ops.drain(),
        &readiness,
        &shutdown,
    )
    .await
}
