use std::time::Duration;

use plaza_clients::{auth::AuthClient, follow_auth};
use plaza_events::{Source, relay::Relay};
use plaza_kit::{db, health::Readiness, serve::serve, shutdown::Shutdown, token::ServiceTokens};

use crate::{
    api::{Api, Limits, Parts, routes},
    config::{DATABASE_URL, RoomsArgs},
    domain::Threshold,
    endings, forget, online,
};

/// The conditions under which requests are wanted.
const CHECKS: [&str; 4] = ["database", "keys", "revocations", "removals"];

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
        .then(|| args.redis.redis())
        .transpose()?;
    let proxy_secret = args.proxy_secret()?;
    let centrifugo = args.centrifugo()?;
    if redis.is_none() {
        tracing::info!("real time is off: nothing is pushed to browsers");
    }

    let readiness = Readiness::new(&shutdown, &CHECKS);
    db::watch(pool.clone(), readiness.clone(), &shutdown);
    let verifier = follow_auth(&auth, &tokens, &readiness, &shutdown);
    let epoch = match db::epoch(&pool, &shutdown).await {
        Ok(epoch) => epoch,
        Err(_) if shutdown.is_stopping() => {
            return Ok(shutdown.drain(args.ops.drain().timeout).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let (relay, handle) = Relay::new(Source::Rooms, options, redis, args.relay);

    let mut api = Api::new(Parts {
        pool,
        epoch,
        relay: handle,
        verifier,
        tokens,
        auth,
        centrifugo: centrifugo.clone(),
        proxy_secret,
        channels: args.channels,
        limits: Limits {
            max_rooms_per_user: args.rooms_max_rooms_per_user,
            max_invitations_per_room: args.rooms_max_invitations_per_room,
            fanout_threshold: Threshold(args.rooms_fanout_threshold),
            max_waiting_joins: usize::try_from(args.rooms_max_waiting_joins)?,
            request_timeout: Duration::from_millis(args.listen.request_timeout_ms),
            max_body_bytes: args.listen.max_body_bytes,
        },
    });
    api.gate.follow(&readiness, &shutdown);
    relay.spawn(api.store.clone(), &shutdown);
    if let Some(centrifugo) = centrifugo {
        endings::spawn(api.store.clone(), centrifugo.clone(), &shutdown);
        let (store, live) = (api.store.clone(), api.live.clone());
        online::spawn(store, live, centrifugo, args.online, &shutdown);
    }
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

#[cfg(test)]
mod tests {
    use clap::Parser;
    use plaza_clients::{
        As,
        rooms::{CreateRoom, Room, RoomsClient},
    };
    use plaza_events::{Body, Event, Partition, stream::Reader};
    use plaza_testkit::{
        INTERNAL_SECRET, Issuer, TestDatabase, database, eventually, free_address, redis,
    };
    use plaza_types::Visibility;

    use super::*;
    use crate::api::testing::{install, serve_auth};

    const SOON: Duration = Duration::from_secs(20);

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        rooms: RoomsArgs,
    }

    /// Arguments over a database and an auth.
    async fn args(database: &TestDatabase, issuer: &Issuer, more: &[String]) -> RoomsArgs {
        let mut line = vec![
            "plaza".to_owned(),
            format!("--listen={}", free_address()),
            format!("--ops-listen={}", free_address()),
            format!("--internal-secret={INTERNAL_SECRET}"),
            format!("--auth-url={}", serve_auth(issuer).await),
            format!("--rooms-database-url={}", database.url),
            "--centrifugo-api-key=a key of Centrifugo's".to_owned(),
            "--centrifugo-proxy-secret=a secret of Centrifugo's".to_owned(),
        ];
        line.extend(more.iter().cloned());
        Line::try_parse_from(line).unwrap().rooms
    }

    /// Makes a room as soon as the service answers.
    async fn create(args: &RoomsArgs, issuer: &Issuer) -> Room {
        let client = RoomsClient::new(&format!("http://{}", args.listen.listen)).unwrap();
        let token = issuer.token(&Issuer::person("ada"));
        let input = CreateRoom {
            name: "Rust".into(),
            topic: None,
            visibility: Visibility::Public,
        };
        eventually(SOON, async || client.create(As::User(&token), &input).await).await
    }

    #[tokio::test]
    async fn a_change_reaches_the_stream_and_a_stop_drains() {
        let (database, issuer) = (database(&crate::MIGRATOR).await, Issuer::new());
        install(&database).await;
        let url = format!("--redis-url={}", redis().await.url);
        let args = args(&database, &issuer, &[url]).await;
        let shutdown = Shutdown::new();
        let service = tokio::spawn(run(args.clone(), shutdown.clone()));
        let room = create(&args, &issuer).await;

        let partition = Partition::of(&room.id.to_string());
        let redis = args.redis.redis().unwrap();
        let mut reader = Reader::new(redis, partition, Duration::from_millis(100), 10);
        let mut events: Vec<Event> = Vec::new();
        eventually(SOON, async || {
            let read = reader.read(Duration::from_millis(50)).await;
            let entries = read.map(|read| read.entries).unwrap_or_default();
            let read = entries.iter().map(|entry| entry.event.get());
            events.extend(read.map(|event| serde_json::from_str::<Event>(event).unwrap()));
            events.len() == 2
        })
        .await;
        assert!(events.iter().all(|event| event.room == Some(room.id)));
        assert!(matches!(events[0].body, Body::RoomUpdated { .. }));
        assert!(matches!(events[1].body, Body::MemberUpdated { .. }));

        shutdown.begin();
        service.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn without_real_time_it_needs_no_redis_and_the_outbox_stays_empty() {
        let (database, issuer) = (database(&crate::MIGRATOR).await, Issuer::new());
        install(&database).await;
        let off = "--realtime-enabled=false".to_owned();
        let args = args(&database, &issuer, &[off]).await;
        let shutdown = Shutdown::new();
        let service = tokio::spawn(run(args.clone(), shutdown.clone()));
        create(&args, &issuer).await;
        eventually(SOON, async || {
            sqlx::query_scalar::<_, bool>("SELECT NOT EXISTS (SELECT FROM outbox)")
                .fetch_one(&database.pool)
                .await
                .unwrap()
        })
        .await;
        shutdown.begin();
        service.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_database_that_was_not_migrated_is_named() {
        let (database, issuer) = (plaza_testkit::empty_database().await, Issuer::new());
        let off = "--realtime-enabled=false".to_owned();
        let args = args(&database, &issuer, &[off]).await;
        let error = run(args, Shutdown::new()).await.unwrap_err();
        assert!(error.to_string().contains("plaza migrate"), "{error:#}");
    }

    #[tokio::test]
    async fn a_configuration_without_redis_is_refused_while_real_time_is_on() {
        let (database, issuer) = (plaza_testkit::empty_database().await, Issuer::new());
        let args = args(&database, &issuer, &[]).await;
        let error = run(args, Shutdown::new()).await.unwrap_err();
        assert!(error.to_string().contains("PLAZA_REDIS_URL"), "{error:#}");
    }
}
