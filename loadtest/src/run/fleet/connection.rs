//! How a virtual user of a fleet connects: as the app does, with a connection
//! token, its personal channel, where its rooms stand, and their channels.

use std::sync::Arc;

use plaza_centrifugo::Channel;
use tokio::time::Instant;

use super::{
    ask::Head,
    opens_by_token,
    person::{Kept, Person},
};
use crate::{
    fleet::Act,
    run::{
        connection::{FollowError, PATIENCE},
        place::Place,
    },
    wire::{Line, Socket, SocketError, Subscribed},
};

/// Most channels of where rooms stand that one connection opens, as the app.
const MOST_HEADS: usize = 100;

impl Person {
    /// A connection that has, or will have, the events of all held rooms.
    pub(super) async fn connect(&mut self, kept: &mut Kept) -> Result<Socket, FollowError> {
        let shared = self.shared.clone();
        let _turn = shared.run.turns.acquire().await?;
        let opened = tokio::time::timeout(PATIENCE, self.open_socket(kept)).await;
        opened.map_err(|_| SocketError::TimedOut)?
    }

    async fn open_socket(&mut self, kept: &mut Kept) -> Result<Socket, FollowError> {
        let run = self.shared.run.clone();
        let begun = Instant::now();
        let reader = run.reader(&self.user, run.room);
        let token = reader
            .connection_token()
            .await?
            .ok_or(FollowError::NotLive)?;
        run.meters.connections().token.record(begun.elapsed());
        let target = run.target(&token.endpoint).await?;
        let mut socket = Socket::open(target, target.origin(self.number)).await?;
        let personal: Arc<str> = Channel::Personal(self.user.id).to_string().into();
        let connecting = match &kept.personal {
            Some(place) => {
                let left_at = place.left_at();
                socket
                    .connect_again(&token.token, &personal, left_at)
                    .await?
            }
            None => socket.connect(&token.token).await?,
        };
        let (lines, opened) = connected(&mut socket, connecting).await?;
        kept.personal = Some(Place::of(personal, &opened));
        kept.link.pulse.connected(Instant::now());
        socket.subscribe(&run.pulse, None, None).await?;
        for publication in &opened.publications {
            self.published(publication, kept)?;
        }
        self.take(&lines, kept)?;

        let asked = Instant::now();
        let heads = self.asker().heads(true).await?;
        self.shared.acts.done(Act::Heads, asked, &run.meters);
        self.learn(&heads, kept);
        self.subscribe_held(&heads, opened.recovered, kept, &mut socket)
            .await?;
        subscribe_heads(&heads, &mut socket).await?;
        self.show_live(kept, &mut socket).await?;
        Ok(socket)
    }

    /// Has the held rooms' events come, and doubts those that may have missed
    /// some.
    async fn subscribe_held(
        &self,
        heads: &[Head],
        recovered: bool,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), FollowError> {
        let Kept { held, link, .. } = kept;
        link.missed = false;
        for held in held {
            let room = held.room;
            let channel = self
                .shared
                .rooms
                .route(room)
                .and_then(|route| route.channel);
            let Some(channel) = channel else {
                if !recovered || held.place.take().is_some() {
                    link.missed = true;
                    held.doubt();
                }
                continue;
            };
            let id = self.shared.rooms.id(room).uuid();
            let head = heads.iter().find(|head| head.room_id == id);
            let token = head.and_then(|head| head.realtime.as_ref()?.token.clone());
            let token = match token {
                None if opens_by_token(&channel) => {
                    Some(self.asker().subscription_token(&channel).await?)
                }
                token => token,
            };
            let place = held.place.as_ref().filter(|place| place.channel == channel);
            let left_at = place.map(Place::left_at);
            let command = socket.subscribe(&channel, token.as_deref(), left_at);
            link.asked.push((command.await?, room));
        }
        Ok(())
    }
}

/// Has word come of where large rooms stand.
async fn subscribe_heads(heads: &[Head], socket: &mut Socket) -> Result<(), SocketError> {
    let channels = heads.iter().filter_map(|head| {
        let realtime = head.realtime.as_ref()?;
        let channel = realtime.head_channel.as_deref()?;
        let token = realtime.head_token.as_deref();
        // Beyond the rooms that were active last there are no tokens.
        (token.is_some() || !opens_by_token(channel)).then_some((channel, token))
    });
    for (channel, token) in channels.take(MOST_HEADS) {
        socket.subscribe(channel, token, None).await?;
    }
    Ok(())
}

/// What is said of the personal channel, and the frame that says it.
async fn connected(
    socket: &mut Socket,
    command: u32,
) -> Result<(Arc<[Line]>, Arc<Subscribed>), SocketError> {
    loop {
        let lines = socket.next().await?;
        let answer = lines.iter().find_map(|line| match line {
            Line::Reply { id, answer } if *id == command => Some(answer.clone()),
            _ => None,
        });
        match answer {
            Some(Ok(opened)) => return Ok((lines, opened)),
            Some(Err(refusal)) => return Err(SocketError::Refused(refusal)),
            None => {}
        }
    }
}
