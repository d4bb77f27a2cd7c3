//! Batched look-ups of one request, as its caller. Nothing outlives the
//! request, so nobody ever sees what another may see.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use futures::future::try_join_all;
use plaza_centrifugo::Channel;
use plaza_clients::{
    As, ClientError, MAX_LOOKUP,
    auth::{MAX_SUBSCRIPTIONS, SubscriptionToken, User},
    messages::{Head, HeadsQuery},
    rooms::Room,
};
use plaza_kit::token::Caller;
use plaza_types::{ApiError, Message, MessageId, RoomId, UserId};
use secrecy::ExposeSecret;
use tracing::Instrument;

use super::context::Gateway;
use crate::services::refused;

/// Whose head is asked for: messages gives a member without a mark one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct HeadOf {
    room: RoomId,
    joined: bool,
}

/// Asks the services as one caller.
struct Upstream {
    gateway: Arc<Gateway>,
    caller: Arc<Caller>,
}

/// The look-ups of one request.
pub(crate) struct Loaders {
    loader: DataLoader<Upstream, HashMapCache>,
    /// Why users cannot be had: they are not asked for again, item by item.
    no_users: OnceLock<ApiError>,
    /// Why tokens cannot be had, likewise.
    no_subscriptions: OnceLock<ApiError>,
}

impl Loaders {
    /// As this caller.
    pub(super) fn new(gateway: Arc<Gateway>, caller: Arc<Caller>) -> Self {
        // Whoever asks in the same turn is in the batch; nobody waits for
        // others any longer.
        let spawn = |batch: futures::future::BoxFuture<'static, ()>| {
            let soon = async {
                tokio::task::yield_now().await;
                batch.await;
            };
            tokio::spawn(soon.in_current_span());
        };
        let upstream = Upstream { gateway, caller };
        Self {
            loader: DataLoader::with_cache(upstream, spawn, HashMapCache::default())
                .delay(Duration::ZERO)
                .max_batch_size(MAX_LOOKUP),
            no_users: OnceLock::new(),
            no_subscriptions: OnceLock::new(),
        }
    }

    /// A user; none: unknown.
    pub(super) async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, ApiError> {
        if let Some(error) = self.no_users.get() {
            return Err(error.clone());
        }
        self.loader.load_one(id).await
    }

    /// Loads users that will be asked for one by one.
    pub(super) async fn expect_users(&self, ids: HashSet<UserId>) {
        if let Err(error) = self.loader.load_many(ids).await {
            let _ = self.no_users.set(error);
        }
    }

    /// Users; unknown ones are left out.
    pub(super) async fn users(
        &self,
        ids: Vec<UserId>,
    ) -> Result<HashMap<UserId, Arc<User>>, ApiError> {
        self.loader.load_many(ids).await
    }

    /// A room as the caller sees it; none: not there for them.
    pub(super) async fn room(&self, id: RoomId) -> Result<Option<Arc<Room>>, ApiError> {
        self.loader.load_one(id).await
    }

    /// A message; none: not there for the caller.
    pub(super) async fn message(&self, id: MessageId) -> Result<Option<Arc<Message>>, ApiError> {
        self.loader.load_one(id).await
    }

    /// Where a room stands for the caller.
    pub(super) async fn head(
        &self,
        room: RoomId,
        joined: bool,
    ) -> Result<Option<Arc<Head>>, ApiError> {
        self.loader.load_one(HeadOf { room, joined }).await
    }

    /// Where many rooms stand for the caller.
    pub(super) async fn heads(
        &self,
        rooms: impl Iterator<Item = (RoomId, bool)>,
    ) -> Result<HashMap<RoomId, Arc<Head>>, ApiError> {
        let keys = rooms.map(|(room, joined)| HeadOf { room, joined });
        let heads = self.loader.load_many(keys).await?;
        Ok(heads
            .into_iter()
            .map(|(key, head)| (key.room, head))
            .collect())
    }

    /// A token that opens a channel of a room that rooms gave the caller.
    pub(super) async fn subscription(
        &self,
        channel: Channel,
    ) -> Result<Arc<SubscriptionToken>, ApiError> {
        if let Some(error) = self.no_subscriptions.get() {
            return Err(error.clone());
        }
        let token = self.loader.load_one(channel).await?;
        token.ok_or_else(|| {
            tracing::error!(%channel, "auth left a token out");
            ApiError::internal()
        })
    }

    /// Has tokens signed that will be asked for one by one.
    pub(super) async fn expect_subscriptions(&self, channels: Vec<Channel>) {
        if let Err(error) = self.loader.load_many(channels).await {
            let _ = self.no_subscriptions.set(error);
        }
    }

    /// Keeps messages that a page brought.
    pub(super) async fn know(&self, messages: &[Arc<Message>]) {
        let known = messages.iter().map(|message| (message.id, message.clone()));
        self.loader.feed_many(known).await;
    }

    /// A mutation makes what was loaded before it old.
    pub(super) fn forget(&self) {
        self.loader.clear::<RoomId>();
        self.loader.clear::<MessageId>();
        self.loader.clear::<HeadOf>();
    }
}

impl Upstream {
    fn who(&self) -> As<'_> {
        As::User(self.caller.token.expose_secret())
    }
}

/// Asks for all keys in calls of at most `most`.
async fn batched<K: Copy, V, F>(
    loader: &'static str,
    keys: &[K],
    most: usize,
    ask: impl Fn(Vec<K>) -> F,
) -> Result<Vec<V>, ApiError>
where
    F: Future<Output = Result<Vec<V>, ClientError>>,
{
    let batches = keys.chunks(most).map(|batch| {
        // Their quotient is the mean size of a batch.
        metrics::counter!("plaza_loader_batches_total", "loader" => loader).increment(1);
        metrics::counter!("plaza_loader_keys_total", "loader" => loader)
            .increment(u64::try_from(batch.len()).unwrap_or(u64::MAX));
        ask(batch.to_vec())
    });
    let values = try_join_all(batches).await.map_err(refused)?;
    Ok(values.into_iter().flatten().collect())
}

fn by<K: Eq + Hash, V>(values: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Arc<V>> {
    values
        .into_iter()
        .map(|value| (key(&value), Arc::new(value)))
        .collect()
}

impl Loader<UserId> for Upstream {
    type Value = Arc<User>;
    type Error = ApiError;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, Arc<User>>, ApiError> {
        let auth = &self.gateway.services.auth;
        let users = batched("users", ids, MAX_LOOKUP, |ids| auth.users(self.who(), ids)).await?;
        Ok(by(users, |user| user.id))
    }
}

impl Loader<RoomId> for Upstream {
    type Value = Arc<Room>;
    type Error = ApiError;

    async fn load(&self, ids: &[RoomId]) -> Result<HashMap<RoomId, Arc<Room>>, ApiError> {
        let rooms = &self.gateway.services.rooms;
        let found = batched("rooms", ids, MAX_LOOKUP, |ids| {
            rooms.lookup(self.who(), ids)
        })
        .await?;
        Ok(by(found, |room| room.id))
    }
}

impl Loader<MessageId> for Upstream {
    type Value = Arc<Message>;
    type Error = ApiError;

    async fn load(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Arc<Message>>, ApiError> {
        let messages = &self.gateway.services.messages;
        let found = batched("messages", ids, MAX_LOOKUP, |ids| {
            messages.lookup(self.who(), ids)
        })
        .await?;
        Ok(by(found, |message| message.id))
    }
}

impl Loader<HeadOf> for Upstream {
    type Value = Arc<Head>;
    type Error = ApiError;

    async fn load(&self, keys: &[HeadOf]) -> Result<HashMap<HeadOf, Arc<Head>>, ApiError> {
        let mut found = HashMap::new();
        for joined in [true, false] {
            let rooms: Vec<RoomId> = keys
                .iter()
                .filter(|key| key.joined == joined)
                .map(|key| key.room)
                .collect();
            let heads = batched("heads", &rooms, MAX_LOOKUP, |room_ids| async move {
                let query = HeadsQuery { room_ids, joined };
                self.gateway
                    .services
                    .messages
                    .heads(self.who(), &query)
                    .await
            })
            .await?;
            found.extend(by(heads, |head| HeadOf {
                room: head.room_id,
                joined,
            }));
        }
        Ok(found)
    }
}

impl Loader<Channel> for Upstream {
    type Value = Arc<SubscriptionToken>;
    type Error = ApiError;

    async fn load(
        &self,
        channels: &[Channel],
    ) -> Result<HashMap<Channel, Arc<SubscriptionToken>>, ApiError> {
        let (services, tokens) = (&self.gateway.services, &self.gateway.tokens);
        let user = self.caller.token.expose_secret();
        let signed = batched("subscriptions", channels, MAX_SUBSCRIPTIONS, |channels| {
            let names = channels.iter().map(ToString::to_string).collect();
            services.auth.subscription_tokens(user, tokens, names)
        })
        .await?;
        let signed = signed.into_iter().map(Arc::new);
        Ok(signed
            .filter_map(|token| Some((token.channel.parse().ok()?, token)))
            .collect())
    }
}
