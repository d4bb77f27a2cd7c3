use std::sync::Arc;

use async_graphql::{Lookahead, Object, Result};
use plaza_centrifugo::Channel;
use plaza_clients::{auth::SubscriptionToken, rooms};
use plaza_types::{ApiError, FanoutMode};

use crate::graph::{context::Session, cost, scalars::DateTime};

/// Which tokens a query selects: no other is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    room: bool,
    head: bool,
}

impl Wanted {
    /// What is selected of a `realtime`.
    pub(crate) fn of(realtime: &Lookahead<'_>) -> Self {
        Self {
            room: realtime.field("token").exists(),
            head: realtime.field("headToken").exists(),
        }
    }

    /// The channels of a room that tokens are wanted for.
    pub(crate) fn channels(self, room: &rooms::Room) -> impl Iterator<Item = Channel> {
        let [events, head] = by_token(room);
        let events = events.filter(|_| self.room);
        events.into_iter().chain(head.filter(|_| self.head))
    }
}

impl std::ops::BitOr for Wanted {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            room: self.room || other.room,
            head: self.head || other.head,
        }
    }
}

/// The channels of a room's events and of its head; none: each member's own
/// channel brings them.
fn channels(room: &rooms::Room) -> [Option<Channel>; 2] {
    match room.fanout {
        FanoutMode::Personal => [None, None],
        FanoutMode::Room => [Channel::of_room, Channel::head_of]
            .map(|name| Some(name(room.visibility, room.id, room.generation))),
    }
}

/// Those of them that a token opens now. Whoever was given the room by rooms
/// may read it.
pub(crate) fn by_token(room: &rooms::Room) -> [Option<Channel>; 2] {
    channels(room).map(|channel| channel.filter(|channel| channel.opens_by_token()))
}

/// A token, or why it cannot be had; none: it is not wanted, or none opens the channel.
type Signed = Option<Result<Arc<SubscriptionToken>, ApiError>>;

/// Where a room's events are to be had.
pub(crate) struct RoomRealtime {
    live: Channel,
    channel: Option<Channel>,
    head_channel: Option<Channel>,
    token: Signed,
    head_token: Signed,
}

impl RoomRealtime {
    /// Of a room that the caller may read. The tokens come from the loaders:
    /// a list has them signed at once beforehand.
    pub(crate) async fn new(session: &Session, room: &rooms::Room, wanted: Wanted) -> Self {
        let [channel, head_channel] = channels(room);
        let [by_token, head_by_token] = by_token(room);
        Self {
            live: Channel::Live(room.id, room.generation),
            channel,
            head_channel,
            token: signed(session, by_token.filter(|_| wanted.room)).await,
            head_token: signed(session, head_by_token.filter(|_| wanted.head)).await,
        }
    }
}

async fn signed(session: &Session, channel: Option<Channel>) -> Signed {
    Some(session.loaders.subscription(channel?).await)
}

fn token(signed: &Signed) -> Result<Option<Arc<SubscriptionToken>>> {
    Ok(signed.clone().transpose()?)
}

/// Where a room's events are to be had beside the caller's own channel.
#[Object]
impl RoomRealtime {
    /// Who is here and who types; for the room that is open.
    async fn live(&self) -> String {
        self.live.to_string()
    }

    /// What happens in the room; null in PERSONAL mode: the caller's own channel brings it.
    async fn channel(&self) -> Option<String> {
        self.channel.map(|channel| channel.to_string())
    }

    /// Opens `channel`; null where it opens without one: private rooms. In lists, for the 100 rooms of ROOM mode active last.
    #[graphql(complexity = "cost::SIGNATURE")]
    async fn token(&self) -> Result<Option<String>> {
        Ok(token(&self.token)?.map(|token| token.token.clone()))
    }

    /// Where the room stands, at most once a second; null in PERSONAL mode.
    async fn head_channel(&self) -> Option<String> {
        self.head_channel.map(|channel| channel.to_string())
    }

    /// Opens `headChannel`, as `token` does `channel`.
    #[graphql(complexity = "cost::SIGNATURE")]
    async fn head_token(&self) -> Result<Option<String>> {
        Ok(token(&self.head_token)?.map(|token| token.token.clone()))
    }

    /// Until when the selected tokens can be used; null without one.
    async fn expires_at(&self) -> Option<DateTime> {
        [&self.token, &self.head_token]
            .into_iter()
            .filter_map(|signed| signed.as_ref()?.as_ref().ok())
            .map(|token| token.expires_at)
            .min()
            .map(DateTime::from)
    }
}
