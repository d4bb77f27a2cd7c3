//! The channels of rooms that a client holds.

use std::collections::{HashMap, HashSet};

use crate::{
    catch_up::Head,
    wire::{Position, Socket},
};

/// By channel.
#[derive(Debug, Default)]
pub(crate) struct Channels(HashMap<String, Held>);

#[derive(Debug)]
struct Held {
    room: String,
    state: State,
    /// Where it was left, to go on from there.
    at: Option<Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Asked,
    Open,
}

impl Channels {
    /// Asks for the channels that the rooms have now, and answers which these
    /// are.
    pub(crate) async fn follow(
        &mut self,
        rooms: &[Head],
        socket: &mut Socket,
    ) -> anyhow::Result<HashSet<String>> {
        let mut present = HashSet::new();
        for head in rooms {
            let Some(realtime) = &head.realtime else {
                continue;
            };
            let Some(channel) = &realtime.channel else {
                continue;
            };
            present.insert(channel.clone());
            let held = self.0.entry(channel.clone()).or_insert_with(|| Held {
                room: head.room.clone(),
                state: State::Closed,
                at: None,
            });
            if held.state == State::Closed {
                held.state = State::Asked;
                let token = realtime.token.as_deref();
                socket.subscribe(channel, token, held.at.as_ref()).await?;
            }
        }
        Ok(present)
    }

    /// Leaves all channels but these.
    pub(crate) async fn leave_others(
        &mut self,
        present: &HashSet<String>,
        socket: &mut Socket,
    ) -> anyhow::Result<()> {
        let gone = self.0.extract_if(|channel, _| !present.contains(channel));
        for (channel, held) in gone.collect::<Vec<_>>() {
            if held.state != State::Closed {
                socket.unsubscribe(&channel).await?;
            }
        }
        Ok(())
    }

    /// It is open from this position on; its room.
    pub(crate) fn opened(&mut self, channel: &str, at: Position) -> Option<String> {
        let held = self.0.get_mut(channel)?;
        held.state = State::Open;
        held.at = Some(at);
        Some(held.room.clone())
    }

    /// It was refused, or the server ended it.
    pub(crate) fn closed(&mut self, channel: &str) {
        if let Some(held) = self.0.get_mut(channel) {
            held.state = State::Closed;
        }
    }

    /// The connection is gone.
    pub(crate) fn lost(&mut self) {
        for held in self.0.values_mut() {
            held.state = State::Closed;
        }
    }

    /// Where an open channel was read up to.
    pub(crate) fn position(&self, channel: &str) -> Option<Position> {
        self.0.get(channel)?.at.clone()
    }

    /// It was read up to here.
    pub(crate) fn moved(&mut self, channel: &str, at: Position) {
        if let Some(held) = self.0.get_mut(channel) {
            held.at = Some(at);
        }
    }
}
