//! How a subscriber comes to follow the room: as the app does, with a
//! connection token, a subscription and a page.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Kept, Subscriber};
use crate::{
    graphql::AskError,
    run::{
        connection::{FollowError, PATIENCE},
        meters::count,
        place::Place,
        room::ConnectionToken,
        shared::Shared,
        timeline::Timeline,
    },
    wire::{Line, Push, Socket, SocketError, Subscribed},
};

impl Subscriber {
    /// Subscribes first, and then loads the newest page, or catches up. It is for
    /// whoever has a turn.
    pub(super) async fn connect(&self, kept: &mut Kept) -> Result<Socket, FollowError> {
        let opened = tokio::time::timeout(PATIENCE, self.subscribe(kept)).await;
        let (socket, recovered) = opened.map_err(|_| SocketError::TimedOut)??;
        match &mut kept.timeline {
            None => {
                // Asked by the app at each start; who has not joined reads the page.
                let heads = self.reader().heads().await?;
                kept.pulse.told(Instant::now(), heads.poll_after);
                let head = match heads.head {
                    Some(head) => head,
                    None => self.reader().head().await?,
                };
                let Shared { room, run, .. } = &*self.shared;
                let timeline = Timeline::open(self.number, room.uuid(), *run, head);
                kept.timeline = Some(timeline);
            }
            Some(_) if recovered => count(&self.shared.meters.recovered),
            Some(timeline) => timeline.doubt(),
        }
        Ok(socket)
    }

    /// A connection that has the room's events, and whether it goes on where
    /// the last one ended.
    async fn subscribe(&self, kept: &mut Kept) -> Result<(Socket, bool), FollowError> {
        if kept.failed {
            self.look().await?;
        }
        // Both at once: each is good for a few seconds only.
        let reader = self.reader();
        let (token, realtime) = tokio::try_join!(self.connection_token(), reader.realtime())?;
        let (token, realtime) = token.zip(realtime).ok_or(FollowError::NotLive)?;
        self.is_away()?;
        let target = self.shared.target(&token.endpoint).await?;

        let mut socket = Socket::open(target, target.origin(self.number)).await?;
        let connected = socket.connect(&token.token).await?;
        socket.subscribe(&self.shared.pulse, None, None).await?;
        let Some(channel) = realtime.channel else {
            kept.place = None;
            answer(&mut socket, connected).await?;
            return Ok((socket, false));
        };
        let left_at = kept
            .place
            .as_ref()
            .filter(|place| *place.channel == *channel);
        let left_at = left_at.map(Place::left_at);
        let asked = socket
            .subscribe(&channel, realtime.token.as_deref(), left_at)
            .await?;
        let subscribed = answer(&mut socket, asked).await?;
        let recovered = subscribed.recovered;
        for publication in &subscribed.publications {
            self.published(publication, kept)?;
        }
        kept.place = Some(Place::of(channel.into(), &subscribed));
        Ok((socket, recovered))
    }

    /// After a try that failed: whether a socket opens. Only then the app asks
    /// for tokens.
    async fn look(&self) -> Result<(), FollowError> {
        self.is_away()?;
        if let Some(target) = self.shared.target.get() {
            Socket::open(target, target.origin(self.number)).await?;
        }
        Ok(())
    }

    /// An error where the scenario lets no socket open.
    fn is_away(&self) -> Result<(), FollowError> {
        if self.stage.borrow().weather.is_dark {
            return Err(FollowError::Away);
        }
        Ok(())
    }

    async fn connection_token(&self) -> Result<Option<ConnectionToken>, AskError> {
        let begun = Instant::now();
        let token = self.reader().connection_token().await?;
        let mut connections = self.shared.meters.connections();
        connections.token.record(begun.elapsed());
        Ok(token)
    }
}

/// The answer to a command. What comes before or with it is passed over: the
/// page that is loaded next has it, or `changes`.
async fn answer(socket: &mut Socket, command: u32) -> Result<Arc<Subscribed>, SocketError> {
    loop {
        for line in socket.next().await?.iter() {
            match line {
                Line::Reply {
                    answer: Err(refusal),
                    ..
                } => return Err(SocketError::Refused(refusal.clone())),
                Line::Reply {
                    id,
                    answer: Ok(subscribed),
                } if *id == command => return Ok(subscribed.clone()),
                Line::Push(Push::Disconnected { code }) => {
                    return Err(SocketError::Closed(
                        u16::try_from(*code).unwrap_or(u16::MAX),
                    ));
                }
                _ => {}
            }
        }
    }
}
