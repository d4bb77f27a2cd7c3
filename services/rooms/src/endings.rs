//! Has the subscriptions of who may no longer be in a room ended at
//! Centrifugo: at once, and again when nothing that was known or given before
//! can open a channel any more.

use plaza_centrifugo::{
    Client,
    endings::{Names, work_off},
};
use plaza_kit::shutdown::Shutdown;

use crate::storage::Store;

const NAMES: Names = Names {
    task: "end subscriptions",
    of: "the ending of subscriptions",
    after_seconds: "plaza_subscriptions_ended_after_seconds",
    failed_total: "plaza_subscriptions_not_ended_total",
    oldest_seconds: "plaza_subscriptions_not_ended_oldest_seconds",
};

/// Works off what is due until the end.
pub(crate) fn spawn(store: Store, centrifugo: Client, shutdown: &Shutdown) {
    let ended = store.ended.clone();
    work_off(store, centrifugo, ended, NAMES, shutdown);
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Mutex,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use futures::future::{join, join_all};
    use http::StatusCode;
    use plaza_centrifugo::{Channel, endings::Endings as _};
    use plaza_kit::token::{ISSUER, SUBSCRIPTION_AUDIENCE};
    use plaza_testkit::{Issuer, eventually};
    use plaza_types::{Generation, Person, RoomId, Visibility};
    use serde_json::{json, value::RawValue};
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::socket::{Realtime, Socket};

    const SOON: Duration = Duration::from_mins(1);
    /// Longer than access may last.
    const WATCHED: Duration = Duration::from_secs(12);

    fn channels(visibility: Visibility, room: RoomId) -> [Channel; 3] {
        Channel::all_of(visibility, room, Generation::ZERO.next())
    }

    /// A room and somebody in it.
    async fn joined(live: &Realtime, visibility: Visibility, ada: &Person, bob: &Person) -> RoomId {
        let bench = &live.bench;
        let room = match visibility {
            Visibility::Public => bench.create(ada, "Rust").await.id,
            Visibility::Private => bench.create_private(ada, "Rust").await.id,
        };
        bench.seat(room, bob.id, "member").await;
        room
    }

    /// A token that opens a channel for `lives_s` seconds from now.
    fn token(live: &Realtime, user: &Person, channel: Channel, lives_s: i64) -> Option<String> {
        let now = chrono::Utc::now().timestamp();
        channel.opens_by_token().then(|| {
            live.issuer.sign(&json!({
                "iss": ISSUER, "aud": SUBSCRIPTION_AUDIENCE, "sub": user.id, "channel": channel,
                "iat": now, "exp": now + lives_s, "expire_at": now + 3_600,
            }))
        })
    }

    async fn publish(live: &Realtime, channels: &[Channel]) {
        let data = RawValue::from_string(r#"{"v":1,"events":[]}"#.into()).unwrap();
        let _ = live.client.broadcast(channels, &data).await;
    }

    async fn open(live: &Realtime, socket: &mut Socket, user: &Person, channels: &[Channel]) {
        for channel in channels {
            let token = token(live, user, *channel, 60);
            let channel = channel.to_string();
            let refused = socket.subscribe(&channel, token.as_deref()).await;
            assert_eq!(refused, None, "{channel}");
        }
    }

    /// How long after their access ended, by this act, a client got the last
    /// publication that asks for the channels again and again, with tokens that
    /// were given 1 s after the end where tokens open them.
    async fn lasts(live: &Realtime, visibility: Visibility, act: &str) -> Duration {
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = joined(live, visibility, &ada, &bob).await;
        let channels = channels(visibility, room);
        let mut socket = live.connect(bob.id).await;
        open(live, &mut socket, &bob, &channels).await;
        let over = AtomicBool::new(false);
        let last_in = Mutex::new(None);
        let ended = async {
            live.bench
                .act(act, &ada, &bob, room)
                .await
                .expect(StatusCode::OK);
            let end = Instant::now();
            eventually(SOON, async || {
                publish(live, &channels).await;
                let left: i64 =
                    sqlx::query_scalar("SELECT count(*) FROM endings WHERE room_id = $1")
                        .bind(room.uuid())
                        .fetch_one(&live.bench.database.pool)
                        .await
                        .unwrap();
                left == 0 && end.elapsed() > WATCHED
            })
            .await;
            over.store(true, Ordering::SeqCst);
            publish(live, &channels).await;
            end
        };
        let attack = async {
            let tokens: Vec<_> = channels
                .iter()
                .map(|channel| token(live, &bob, *channel, 7))
                .collect();
            while !over.load(Ordering::SeqCst) {
                for (channel, token) in channels.iter().zip(&tokens) {
                    let _ = socket
                        .subscribe(&channel.to_string(), token.as_deref())
                        .await;
                }
                while let Ok(push) = timeout(Duration::from_millis(10), socket.push()).await {
                    if push["pub"].is_object() {
                        *last_in.lock().unwrap() = Some(Instant::now());
                    }
                }
            }
        };
        let (end, ()) = join(ended, attack).await;
        let last_in = last_in.lock().unwrap().expect("it was in once");
        last_in.saturating_duration_since(end)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn guarantee_5_access_ends_on_open_connections_of_a_hostile_client() {
        let live = Realtime::new().await;
        spawn(
            live.bench.store.clone(),
            live.client.clone(),
            &live.shutdown,
        );
        let (private, public) = (Visibility::Private, Visibility::Public);
        let acts = [
            (private, "leave", 5),
            (private, "kick", 5),
            (private, "ban", 5),
            (public, "ban", 10),
        ];
        let lasted = acts.map(|(visibility, act, _)| lasts(&live, visibility, act));
        for ((visibility, act, within), lasted) in acts.iter().zip(join_all(lasted).await) {
            println!("{act}, {visibility} room: {:.2} s", lasted.as_secs_f64());
            assert!(lasted < Duration::from_secs(*within), "{act} {lasted:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn guarantee_5_access_ends_though_redis_was_down_and_a_replica_died() {
        let mut live = Realtime::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = joined(&live, Visibility::Private, &ada, &bob).await;
        let channels = channels(Visibility::Private, room);
        let mut socket = live.connect(bob.id).await;
        open(&live, &mut socket, &bob, &channels).await;
        live.redis.kill().await;
        // A replica takes what is due, and dies with it.
        live.bench
            .act("kick", &ada, &bob, room)
            .await
            .expect(StatusCode::OK);
        let lease = Duration::from_millis(1_500);
        assert_eq!(live.bench.store.take(lease).await.unwrap().len(), 1);
        spawn(
            live.bench.store.clone(),
            live.client.clone(),
            &live.shutdown,
        );
        live.redis.start().await;
        let reading = async {
            let mut ended = 0;
            while ended < channels.len() {
                ended += usize::from(socket.push().await["unsubscribe"].is_object());
            }
        };
        timeout(SOON, reading).await.unwrap();
        let mut stays = live.connect(ada.id).await;
        open(&live, &mut stays, &ada, &channels).await;
    }
}
