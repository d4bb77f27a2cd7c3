//! What comes over a virtual user's connection.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    doing::Doing,
    held::Held,
    person::{Kept, Person},
};
use crate::{
    fleet::Act,
    run::{meters::count, place::Place},
    wire::{Change, Entry, Line, Publication, Push, SocketError, Subscribed},
};

impl Person {
    /// Takes the lines of a frame.
    pub(super) fn take(&self, lines: &[Line], kept: &mut Kept) -> Result<(), SocketError> {
        for line in lines {
            match line {
                Line::Ping => {}
                Line::Push(push) => self.pushed(push, kept)?,
                Line::Reply {
                    id,
                    answer: Ok(subscribed),
                } => self.replied(*id, subscribed, kept)?,
                Line::Reply {
                    id,
                    answer: Err(refusal),
                } => {
                    let error = SocketError::Refused(refusal.clone());
                    if kept.link.asked.iter().any(|(asked, _)| asked == id) {
                        return Err(error);
                    }
                    // Of lists, or of who is there: there is less to see.
                    self.shared.meters().error(error.label());
                    self.not_opened(*id, kept);
                }
            }
        }
        Ok(())
    }

    fn pushed(&self, push: &Push, kept: &mut Kept) -> Result<(), SocketError> {
        match push {
            Push::Publication { channel, .. } if *channel == self.shared.run.pulse => {
                if kept.link.pulse.tick(Instant::now()) {
                    kept.held.iter_mut().for_each(Held::doubt);
                }
            }
            Push::Publication {
                channel,
                publication,
            } => {
                if let Some(place) = place(channel, kept) {
                    place.moved(publication);
                }
                self.published(publication, kept)?;
            }
            Push::Unsubscribed { channel, code } => {
                if place(channel, kept).is_some() {
                    return Err(SocketError::Unsubscribed(*code));
                }
            }
            Push::Disconnected { code } => {
                let code = u16::try_from(*code).unwrap_or(u16::MAX);
                return Err(SocketError::Closed(code));
            }
            Push::Other => {}
        }
        Ok(())
    }

    /// A subscription was answered.
    fn replied(
        &self,
        command: u32,
        subscribed: &Arc<Subscribed>,
        kept: &mut Kept,
    ) -> Result<(), SocketError> {
        if let Doing::Subscribing {
            command: asked,
            is_open,
            ..
        } = &mut kept.doing
            && *asked == command
        {
            *is_open = true;
            if let Some(opening) = &mut kept.opening {
                let route = self.shared.rooms.route(opening.room);
                let channel = route.and_then(|route| route.channel);
                opening.place = channel.map(|channel| Place::of(channel, subscribed));
            }
            return Ok(());
        }
        let Some(asked) = kept
            .link
            .asked
            .iter()
            .position(|(asked, _)| *asked == command)
        else {
            return Ok(());
        };
        let (_, room) = kept.link.asked.swap_remove(asked);
        let channel = self
            .shared
            .rooms
            .route(room)
            .and_then(|route| route.channel);
        if let Some(held) = kept.of(room) {
            held.place = channel.map(|channel| Place::of(channel, subscribed));
        }
        for publication in &subscribed.publications {
            self.published(publication, kept)?;
        }
        if !subscribed.recovered {
            kept.link.missed = true;
            if let Some(held) = kept.of(room) {
                held.doubt();
            }
        }
        Ok(())
    }

    /// A subscription was refused: perhaps that of the room that is being opened.
    fn not_opened(&self, command: u32, kept: &mut Kept) {
        if matches!(kept.doing, Doing::Subscribing { command: asked, .. } if asked == command) {
            kept.doing = Doing::Nothing;
            kept.opening = None;
            self.shared.acts.failed(Act::OpenRoom);
        }
    }

    /// Something was published, on this connection or before it.
    pub(super) fn published(
        &self,
        publication: &Publication,
        kept: &mut Kept,
    ) -> Result<(), SocketError> {
        for entry in &publication.entries {
            if let Some(room) = self.shared.rooms.number(entry.room) {
                self.happened(room, entry, kept)?;
            }
        }
        Ok(())
    }

    fn happened(&self, room: u32, entry: &Entry, kept: &mut Kept) -> Result<(), SocketError> {
        if let Some(held) = kept.of(room) {
            let stays = held.take(entry, self.shared.meters());
            return if stays {
                Ok(())
            } else {
                Err(SocketError::Moved)
            };
        }
        let opening = kept.opening.as_mut();
        if let Some(opening) = opening.filter(|opening| opening.room == room) {
            if entry.change == Change::Moved {
                return Err(SocketError::Moved);
            }
            opening.take(*entry);
            return Ok(());
        }
        match entry.change {
            Change::Message { .. } => {
                count(&self.shared.acts.unheld);
                kept.unread.insert(room);
            }
            Change::Head { .. } => {
                kept.unread.insert(room);
            }
            // Where its events are now is asked with all rooms.
            Change::Moved => {}
        }
        Ok(())
    }
}

/// Where a channel's history was read up to, of those that are gone on with.
fn place<'a>(channel: &str, kept: &'a mut Kept) -> Option<&'a mut Place> {
    let opening = kept
        .opening
        .as_mut()
        .and_then(|opening| opening.place.as_mut());
    let held = kept.held.iter_mut().filter_map(|held| held.place.as_mut());
    let mut places = kept.personal.iter_mut().chain(held).chain(opening);
    places.find(|place| *place.channel == *channel)
}
