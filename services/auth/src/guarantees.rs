//! Guarantee 5 where auth keeps it: access ends on open connections too, with
//! a client that ignores what it is asked and comes back at once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;
use http::StatusCode;
use plaza_centrifugo::{Channel, Client, Outcome};
use plaza_clients::auth::{ConnectionToken, Grant};
use plaza_kit::{health::Readiness, shutdown::Shutdown};
use plaza_testkit::{
    OwnRedis, Reply, Request, Socket, TestCentrifugo, TestCentrifugoOptions, centrifugo,
    eventually, own_redis,
};
use plaza_types::UserId;
use serde_json::{Value, json, value::RawValue};
use tokio::time::Instant;

use crate::{admin::Admin, router, storage::endings, tasks, testing::Installation};

/// The figure of the guarantee.
const WITHIN: Duration = Duration::from_secs(10);
const RUNS: usize = 20;

/// auth as two replicas, and a Centrifugo that trusts it.
struct Stage {
    installation: Installation,
    /// Another replica, which learns of what ended by its feed alone.
    other: axum::Router,
    centrifugo: TestCentrifugo,
    redis: OwnRedis,
    client: Client,
    /// Of the task that has connections closed.
    closing: Shutdown,
    /// Of the other replica's feed.
    _feed: Shutdown,
}

impl Stage {
    async fn new() -> Self {
        let installation = Installation::new().await;
        let auth = installation.serve().await;
        let redis = own_redis().await;
        let centrifugo = centrifugo(TestCentrifugoOptions {
            jwks_url: Some(format!("http://{auth}/jwks")),
            redis_urls: vec![redis.url.clone()],
            ..TestCentrifugoOptions::default()
        })
        .await;
        let key = centrifugo.api_key.clone().into();
        let client = Client::new(&centrifugo.api_url, &key, Duration::from_secs(2)).unwrap();
        let (closing, feed) = (Shutdown::new(), Shutdown::new());
        tasks::close_connections(&installation.app, client.clone(), &closing);
        let replica = installation.replica().await;
        let readiness = Readiness::new(&feed, &["revocations"]);
        tasks::follow_revocations(&replica, readiness.clone(), &feed);
        eventually(WITHIN, async || readiness.is_ready()).await;
        Self {
            installation,
            other: router(replica),
            centrifugo,
            redis,
            client,
            closing,
            _feed: feed,
        }
    }

    /// A client of this session that connects whenever it can.
    fn connects(&self, grant: &Grant) -> Hostile {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let attack = attack(
            self.other.clone(),
            self.centrifugo.ws_url.clone(),
            grant.access_token.clone(),
            seen.clone(),
        );
        Hostile {
            seen,
            task: tokio::spawn(attack),
        }
    }

    async fn logs_out(&self, grant: &Grant) {
        let logout = Request::post("/v1/logout").bearer(&grant.access_token);
        let answer = logout.json(&json!({})).send(&self.installation.router);
        answer.await.expect(StatusCode::NO_CONTENT);
    }

    /// Whether a publication to this person is accepted now.
    async fn publishes(&self, user: UserId) -> bool {
        let data = RawValue::from_string("{}".into()).unwrap();
        let outcome = self.client.publish(Channel::Personal(user), &data).await;
        matches!(outcome, Ok(Outcome::Accepted(_)))
    }
}

/// What a client saw.
#[derive(Debug, Default)]
struct Seen {
    connected: bool,
    /// When it was last seen connected, which it is no more.
    last_in: Option<Instant>,
    received: usize,
    closed_with: Vec<u16>,
}

struct Hostile {
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hostile {
    fn is_in(&self) -> bool {
        self.seen.lock().unwrap().connected
    }

    async fn gets_in(&self) {
        eventually(WITHIN, async || self.is_in()).await;
    }

    /// Tries until well after the figure, and gives how long after `end` it was
    /// last connected.
    async fn lasts_from(&self, end: Instant) -> Duration {
        tokio::time::sleep_until(end + WITHIN + Duration::from_secs(4)).await;
        let seen = self.seen.lock().unwrap();
        assert!(!seen.connected, "still connected: {seen:?}");
        seen.last_in.unwrap().duration_since(end)
    }
}

/// Takes a new token again and again, from the replica that learns last, and
/// connects with the newest as soon as it is out.
async fn attack(auth: axum::Router, url: String, access: String, seen: Arc<Mutex<Seen>>) {
    let mut token = None;
    loop {
        let request = Request::post("/v1/connection-token").bearer(&access);
        let answer = request.json(&Value::Null).send(&auth).await;
        if answer.status == StatusCode::OK {
            token = Some(answer.parse::<ConnectionToken>().token);
        }
        if let Some(token) = &token {
            connection(&url, token, &auth, &access, &seen).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One connection, as long as it is let be.
async fn connection(
    url: &str,
    token: &str,
    auth: &axum::Router,
    access: &str,
    seen: &Arc<Mutex<Seen>>,
) {
    let mut newest = token.to_owned();
    loop {
        let Ok(mut socket) = Socket::open(url).await else {
            return;
        };
        let connect = json!({ "id": 1, "connect": { "token": newest } });
        if socket.send(&connect).await.is_err() {
            return;
        }
        match socket.receive().await {
            Reply::Json(reply) if reply["connect"].is_object() => {}
            _ => return,
        }
        seen.lock().unwrap().connected = true;
        let code = loop {
            tokio::select! {
                reply = socket.receive() => match reply {
                    Reply::Closed(code) => break code,
                    Reply::Json(reply) => {
                        if reply["push"]["pub"].is_object() {
                            seen.lock().unwrap().received += 1;
                        }
                    }
                },
                () = tokio::time::sleep(Duration::from_millis(20)) => {
                    // A newer token for when this connection is closed.
                    let request = Request::post("/v1/connection-token").bearer(access);
                    let answer = request.json(&Value::Null).send(auth).await;
                    if answer.status == StatusCode::OK {
                        newest = answer.parse::<ConnectionToken>().token;
                    }
                }
            }
        };
        let mut seen = seen.lock().unwrap();
        seen.connected = false;
        seen.last_in = Some(Instant::now());
        seen.closed_with.push(code);
    }
}

fn report(what: &str, lasted: &[Duration]) {
    let longest = lasted.iter().max().unwrap();
    println!("{what}: {} runs, the longest {longest:.2?}", lasted.len());
    for duration in lasted {
        assert!(*duration < WITHIN, "{what}: {lasted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_a_logout_ends_open_connections_of_a_hostile_client() {
    let stage = &Stage::new().await;
    let runs = (0..RUNS).map(|run| async move {
        let name = format!("person-{run}");
        let grant = stage.installation.register(&name).await;
        let other_device = stage.installation.login(&name).await;
        let (hostile, friendly) = (stage.connects(&grant), stage.connects(&other_device));
        hostile.gets_in().await;
        friendly.gets_in().await;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..1_000))).await;
        stage.logs_out(&grant).await;
        let lasted = hostile.lasts_from(Instant::now()).await;
        let closed_with = hostile.seen.lock().unwrap().closed_with.clone();
        assert!(closed_with.len() > 1, "it came back with its last token");
        assert!(
            closed_with.iter().all(|code| *code == 3011),
            "{closed_with:?}"
        );
        assert!(friendly.is_in(), "the other device comes back by itself");
        lasted
    });
    let lasted = join_all(runs).await;
    report("logout", &lasted);
    eventually(WITHIN, async || {
        stage.installation.endings().await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_disabling_ends_open_connections_of_a_hostile_client() {
    let stage = &Stage::new().await;
    let admin = &Admin::new(stage.installation.pool.clone());
    let runs = (0..RUNS).map(|run| async move {
        let name = format!("person-{run}");
        let grant = stage.installation.register(&name).await;
        let other_device = stage.installation.login(&name).await;
        let hostile = [stage.connects(&grant), stage.connects(&other_device)];
        for client in &hostile {
            client.gets_in().await;
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..1_000))).await;
        admin.disable(&name).await.unwrap();
        let end = Instant::now();
        let lasted = join_all(hostile.iter().map(|client| client.lasts_from(end))).await;
        for client in &hostile {
            let closed_with = client.seen.lock().unwrap().closed_with.clone();
            assert!(
                closed_with.iter().all(|code| *code == 4501),
                "{closed_with:?}"
            );
        }
        lasted.into_iter().max().unwrap()
    });
    let lasted = join_all(runs).await;
    report("disable", &lasted);
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_a_logout_with_redis_down_shows_nothing_more_and_is_made_up_for() {
    let mut stage = Stage::new().await;
    let grant = stage.installation.register("ada").await;
    let hostile = stage.connects(&grant);
    hostile.gets_in().await;
    assert!(stage.publishes(grant.user.id).await);
    eventually(WITHIN, async || hostile.seen.lock().unwrap().received == 1).await;

    stage.redis.kill().await;
    stage.logs_out(&grant).await;
    let end = Instant::now();
    while end.elapsed() < WITHIN + Duration::from_secs(1) {
        assert!(!stage.publishes(grant.user.id).await, "Redis is down");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // It may stay connected, for nothing: nobody can send it anything.
    assert_eq!(hostile.seen.lock().unwrap().received, 1);
    assert_eq!(stage.installation.endings().await, [grant.user.id]);

    stage.redis.start().await;
    let back = Instant::now();
    eventually(WITHIN, async || !hostile.is_in()).await;
    println!("Redis is back: closed after {:.2?}", back.elapsed());
    // Told twice, and then nothing is left to do.
    eventually(WITHIN, async || {
        stage.installation.endings().await.is_empty()
    })
    .await;
    assert!(!hostile.is_in());
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_an_ending_survives_the_replica_that_noted_it() {
    let mut stage = Stage::new().await;
    let grant = stage.installation.register("ada").await;
    let hostile = stage.connects(&grant);
    hostile.gets_in().await;
    stage.centrifugo.kill().await;
    stage.logs_out(&grant).await;
    // The replica that noted it is gone, and another one finds it.
    stage.closing.begin();
    stage.closing.drain(Duration::from_secs(5)).await.unwrap();
    stage.installation.make_endings_due().await;
    let left = endings::take(&stage.installation.pool, Duration::ZERO).await;
    let left = left.unwrap();
    assert!(left.len() == 1 && !left[0].told, "{left:?}");
    stage.centrifugo.start().await;
    let shutdown = Shutdown::new();
    let replica = stage.installation.replica().await;
    tasks::close_connections(&replica, stage.client.clone(), &shutdown);
    eventually(WITHIN * 2, async || {
        stage.installation.endings().await.is_empty()
    })
    .await;
    assert!(!hostile.is_in());
    shutdown.begin();
    shutdown.drain(Duration::from_secs(5)).await.unwrap();
}
