//! How a virtual user comes to follow the room: as the app does, with a
//! connection token, a subscription and a page.

use std::{sync::Arc, time::Duration};

use tokio::{sync::AcquireError, time::Instant};

use super::{
    meters::count,
    room::ConnectionToken,
    subscriber::{Kept, Shared, Subscriber},
    timeline::Timeline,
};
use crate::{
    graphql::AskError,
    wire::{Line, Publication, Push, Socket, SocketError, Subscribed, Target, TargetError},
};

/// Longest time for one try to connect, without the wait for a turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a room is not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("real time is off")]
    NotLive,
    #[error("no turns are given any more")]
    Turns(#[from] AcquireError),
}

impl FollowError {
    /// A bounded label for the report.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Ask(error) => error.label(),
            Self::Socket(error) => error.label(),
            Self::Target(_) => "realtime endpoint".into(),
            Self::NotLive => "real time is off".into(),
            Self::Turns(_) => "no turn".into(),
        }
    }
}

/// Where a channel's history was read up to.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) channel: String,
    epoch: String,
    offset: u64,
}

impl Place {
    /// Something came on it.
    pub(super) fn moved(&mut self, publication: &Publication) {
        if publication.offset > 0 {
            self.offset = publication.offset;
        }
        if let Some(epoch) = &publication.epoch {
            self.epoch.clone_from(epoch);
        }
    }
}

impl Subscriber {
    /// Subscribes first, and then loads the newest page, or catches up.
    pub(super) async fn connect(&self, kept: &mut Kept) -> Result<Socket, FollowError> {
        let _turn = self.shared.turns.acquire().await?;
        let opened = tokio::time::timeout(PATIENCE, self.subscribe(kept)).await;
        let (socket, recovered) = opened.map_err(|_| SocketError::TimedOut)??;
        match &mut kept.timeline {
            None => {
                let head = self.reader().head().await?;
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
        // Both at once: each is good for a few seconds only.
        let reader = self.reader();
        let (token, realtime) = tokio::try_join!(self.connection_token(), reader.realtime())?;
        let (token, realtime) = token.zip(realtime).ok_or(FollowError::NotLive)?;
        let target = self.target(&token.endpoint).await?;

        let mut socket = Socket::open(target, target.origin(self.number)).await?;
        let connected = socket.connect(&token.token).await?;
        socket.subscribe(&self.shared.pulse, None, None).await?;
        let Some(channel) = realtime.channel else {
            kept.place = None;
            answer(&mut socket, connected).await?;
            return Ok((socket, false));
        };
        let left_at = kept.place.as_ref().filter(|place| place.channel == channel);
        let left_at = left_at.map(|place| (place.epoch.as_str(), place.offset));
        let asked = socket
            .subscribe(&channel, realtime.token.as_deref(), left_at)
            .await?;
        let subscribed = answer(&mut socket, asked).await?;
        let recovered = subscribed.recovered;
        let mut place = Place {
            channel,
            epoch: subscribed.epoch.clone(),
            offset: subscribed.offset,
        };
        for publication in &subscribed.publications {
            place.moved(publication);
            self.published(publication, kept)?;
        }
        kept.place = Some(place);
        Ok((socket, recovered))
    }

    async fn connection_token(&self) -> Result<Option<ConnectionToken>, AskError> {
        let begun = Instant::now();
        let token = self.reader().connection_token().await?;
        let mut connections = self.shared.meters.connections();
        connections.token.record(begun.elapsed());
        Ok(token)
    }

    async fn target(&self, endpoint: &str) -> Result<&Target, TargetError> {
        let url = self.shared.realtime.as_deref().unwrap_or(endpoint);
        let url = absolute(url, &self.shared.base);
        self.shared
            .target
            .get_or_try_init(|| Target::find(&url))
            .await
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

/// An endpoint that may be a path at the gateway.
fn absolute(endpoint: &str, base: &str) -> String {
    if endpoint.starts_with('/') {
        let base = base.trim_end_matches('/');
        let host = base.strip_prefix("http").map(|rest| format!("ws{rest}"));
        return host.unwrap_or_else(|| base.to_owned()) + endpoint;
    }
    endpoint.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_be_a_path_at_the_gateway() {
        let path = "/connection/websocket";
        assert_eq!(
            absolute(path, "http://127.0.0.1:8080/"),
            "ws://127.0.0.1:8080/connection/websocket"
        );
        assert_eq!(
            absolute(path, "https://chat.example.org"),
            "wss://chat.example.org/connection/websocket"
        );
        assert_eq!(absolute("ws://elsewhere/", "http://a"), "ws://elsewhere/");
    }
}
