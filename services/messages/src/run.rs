//! Running the service.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use plaza_clients::{auth::AuthClient, follow_auth, rooms::RoomsClient};
use plaza_events::{Source, relay::Relay};
use plaza_kit::{
    db, health::Readiness, http::edge, serve::serve, shutdown::Shutdown, token::ServiceTokens,
};
use sqlx::postgres::PgConnectOptions;

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
    let statement_timeout_ms = args.pool.database_statement_timeout_ms;
    let options = db::options(DATABASE_URL, &url, statement_timeout_ms)?;

    let readiness = Readiness::new(&shutdown, &CHECKS);
    let epoch = db::epoch(&pool, &shutdown).await?;
    db::watch(pool.clone(), readiness.clone(), &shutdown);
    let verifier = follow_auth(&auth, &tokens, &readiness, &shutdown);
    let gate = Gate::start(rooms, tokens, args.memory, &readiness, &shutdown);
    let (realtime, relay) = relay(&args, options)?;
    let most_sends = usize::try_from(args.messages_max_waiting_sends)?;
    let store = Store::new(pool, epoch, realtime, most_sends);
    if let Some(relay) = relay {
        relay.spawn(store.clone(), &shutdown);
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

/// The relay, which is yet to be started; none with real time off.
fn relay(
    args: &MessagesArgs,
    options: PgConnectOptions,
) -> anyhow::Result<(Realtime, Option<Relay>)> {
    if !args.realtime_enabled {
        return Ok((Realtime::Off, None));
    }
    let redis = args.redis.redis()?;
    let (relay, handle) = Relay::new(Source::Messages, options, Some(redis), args.relay.clone());
    Ok((Realtime::On(handle), Some(relay)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use http::Method;
    use plaza_kit::http_client::Peer;
    use plaza_testkit::{Issuer, database, eventually, free_address, redis};
    use plaza_types::{Epoch, Message, Person};

    use super::*;
    use crate::testing::{SOON, StubRooms, person, serve_auth};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        messages: MessagesArgs,
    }

    /// A whole service with what it needs; `more` are flags.
    struct Running {
        api: Peer,
        ops: Peer,
        pool: sqlx::PgPool,
        redis_url: String,
        issuer: Issuer,
        rooms: StubRooms,
        shutdown: Shutdown,
        end: tokio::task::JoinHandle<anyhow::Result<()>>,
    }

    impl Running {
        async fn start(more: &[&str]) -> Self {
            let database = database(&crate::MIGRATOR).await;
            sqlx::query("INSERT INTO installation (epoch) VALUES ($1)")
                .bind(Epoch::new().uuid())
                .execute(&database.pool)
                .await
                .unwrap();
            let issuer = Issuer::new();
            let rooms = StubRooms::serve(&issuer).await;
            let auth = serve_auth(&issuer).await;
            let (listen, ops) = (free_address(), free_address());
            let redis_url = redis().await.url;
            let flags = [
                format!("--listen={listen}"),
                format!("--ops-listen={ops}"),
                format!("--internal-secret={}", plaza_testkit::INTERNAL_SECRET),
                format!("--messages-database-url={}", database.url),
                format!("--auth-url={auth}"),
                format!("--rooms-url={}", rooms.url),
                format!("--redis-url={redis_url}"),
                "--pulse-every-ms=100".to_owned(),
            ];
            let more = more.iter().map(|flag| (*flag).to_owned());
            let line = std::iter::once("messages".to_owned())
                .chain(flags)
                .chain(more);
            let args = Cli::try_parse_from(line).unwrap().messages;
            let shutdown = Shutdown::new();
            let end = tokio::spawn(run(args, shutdown.clone()));
            let peer = |address| Peer::new(&format!("http://{address}"), SOON).unwrap();
            let running = Self {
                api: peer(listen),
                ops: peer(ops),
                pool: database.pool,
                redis_url,
                issuer,
                rooms,
                shutdown,
                end,
            };
            eventually(SOON, async || running.ready().await).await;
            running
        }

        async fn ready(&self) -> bool {
            let answer = self.ops.request(Method::GET, "/readyz").send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        }

        async fn send(&self, who: &Person) -> Message {
            let room = self.rooms.public(&[who]);
            let body = serde_json::json!({ "content": "hi", "clientMessageId": "c1" });
            let answer = self
                .api
                .request(Method::POST, &format!("/v1/rooms/{room}/messages"))
                .bearer_auth(self.issuer.token(who))
                .json(&body)
                .send()
                .await
                .unwrap();
            answer.json().await.unwrap()
        }

        /// Entries in all streams of messages.
        async fn relayed(&self) -> usize {
            let client = redis::Client::open(self.redis_url.as_str()).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            let mut all = 0;
            for partition in plaza_events::Partition::all() {
                let key = Source::Messages.stream_key(partition);
                let length: usize = redis::cmd("XLEN")
                    .arg(key)
                    .query_async(&mut connection)
                    .await
                    .unwrap();
                all += length;
            }
            all
        }

        async fn outbox(&self) -> i64 {
            sqlx::query_scalar("SELECT count(*) FROM outbox")
                .fetch_one(&self.pool)
                .await
                .unwrap()
        }

        async fn stop(self) {
            self.shutdown.begin();
            self.end.await.unwrap().unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_is_ready_with_its_dependencies_and_relays_what_it_accepts() {
        let running = Running::start(&[]).await;
        let message = running.send(&person("ada")).await;
        assert_eq!(message.seq.get(), 1);
        // The message and at least one sign of life.
        eventually(SOON, async || running.relayed().await >= 2).await;
        let pool = running.pool.clone();
        running.stop().await;
        // But for a sign of life that was being written meanwhile.
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE event->>'type' <> 'tick'")
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(left, 0, "stopping relays what is committed");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn with_real_time_off_it_accepts_and_writes_no_event() {
        let running = Running::start(&["--realtime-enabled=false"]).await;
        running.send(&person("ada")).await;
        assert_eq!((running.outbox().await, running.relayed().await), (0, 0));
        running.stop().await;
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[tokio::test]
    async fn a_database_without_migrations_is_named() {
        let database = plaza_testkit::empty_database().await;
        let line = [
            "messages",
            "--internal-secret",
            plaza_testkit::INTERNAL_SECRET,
            "--realtime-enabled=false",
            "--messages-database-url",
            &database.url,
        ];
        let args = Cli::try_parse_from(line).unwrap().messages;
        let error = run(args, Shutdown::new()).await.unwrap_err();
        assert!(error.to_string().contains("plaza migrate"), "{error:#}");
    }
}
