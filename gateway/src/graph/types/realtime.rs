use async_graphql::{Context, Lookahead, Object, Result};
use plaza_centrifugo::Channel;
use plaza_clients::rooms;
use plaza_types::FanoutMode;

use crate::graph::{context::signed_in, cost, scalars::DateTime};

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
        self.of_both(by_token(room))
    }

    /// Of a room's channel and its head's.
    fn of_both(self, [room, head]: [Option<Channel>; 2]) -> impl Iterator<Item = Channel> {
        let room = room.filter(|_| self.room);
        room.into_iter().chain(head.filter(|_| self.head))
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

/// Where a room's events are to be had.
pub(crate) struct RoomRealtime {
    live: Channel,
    channels: [Option<Channel>; 2],
    by_token: [Option<Channel>; 2],
    wanted: Wanted,
}

impl RoomRealtime {
    /// Of a room that the caller may read. A list has the wanted tokens signed
    /// at once beforehand.
    pub(crate) fn new(room: &rooms::Room, wanted: Wanted) -> Self {
        Self {
            live: Channel::Live(room.id, room.generation),
            channels: channels(room),
            by_token: by_token(room),
            wanted,
        }
    }

    /// Without tokens, although a query selects some.
    pub(crate) fn without_tokens(room: &rooms::Room) -> Self {
        Self {
            by_token: [None, None],
            ..Self::new(room, Wanted::default())
        }
    }
}

async fn token(ctx: &Context<'_>, channel: Option<Channel>) -> Result<Option<String>> {
    let Some(channel) = channel else {
        return Ok(None);
    };
    let token = signed_in(ctx)?.1.loaders.subscription(channel).await?;
    Ok(Some(token.token.clone()))
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
        self.channels[0].map(|channel| channel.to_string())
    }

    /// Opens `channel`; null where it opens without one: private rooms. `heads` has it for the 100 rooms of ROOM mode active last.
    #[graphql(complexity = "cost::SIGNATURE")]
    async fn token(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        token(ctx, self.by_token[0]).await
    }

    /// Where the room stands, at most once a second; null in PERSONAL mode.
    async fn head_channel(&self) -> Option<String> {
        self.channels[1].map(|channel| channel.to_string())
    }

    /// Opens `headChannel`, as `token` does `channel`.
    #[graphql(complexity = "cost::SIGNATURE")]
    async fn head_token(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        token(ctx, self.by_token[1]).await
    }

    /// Until when the selected tokens can be used; null without one.
    async fn expires_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        let loaders = &signed_in(ctx)?.1.loaders;
        let mut first: Option<chrono::DateTime<chrono::Utc>> = None;
        for channel in self.wanted.of_both(self.by_token) {
            // Why there is none is told where the token itself is selected.
            if let Ok(token) = loaders.subscription(channel).await {
                first = Some(first.map_or(token.expires_at, |first| first.min(token.expires_at)));
            }
        }
        Ok(first.map(DateTime::from))
    }
}
