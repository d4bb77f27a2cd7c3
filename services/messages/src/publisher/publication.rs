//! What goes to which channels: drafts of one event each, and the publications
//! that they are folded into. Pure: no I/O.

use std::{slice, sync::Arc};

use plaza_centrifugo::Channel;
use plaza_types::{RoomId, UserId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// What is done in some channels.
#[derive(Debug, Clone)]
pub(super) struct Publication {
    /// Each channel once; one alone for removals.
    pub(super) to: Recipients,
    /// What.
    pub(super) what: What,
    /// The events that it carries; none for one that only reveals gaps, and
    /// for where a room stands.
    pub(super) of: Vec<Origin>,
}

impl Publication {
    /// The room whose own channel it is published in.
    pub(super) fn room(&self) -> Option<RoomId> {
        match (&self.what, &self.to) {
            (What::Data(_), Recipients::One(channel)) => channel.room().map(|(room, _)| room),
            _ => None,
        }
    }
}

/// What is done in a channel.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// This is published: `{"v":1,"events":[…]}`.
    Data(Box<RawValue>),
    /// These are made to leave it; each has the event of the same place.
    Removals(Vec<UserId>),
}

/// One event and where it goes, before it is folded with others.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Each channel once; one alone for a removal.
    pub(super) to: Recipients,
    /// What happens there.
    pub(super) what: Content,
    /// Where it comes from.
    pub(super) of: Origin,
    /// Whether nothing that comes later to its channel may stand before it.
    pub(super) divides: bool,
}

/// What one event does in a channel.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// It is published, as browsers get it.
    Event(Box<RawValue>),
    /// This person is made to leave.
    Removal(UserId),
}

/// The entry that an event comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Its place among what was read together.
    pub(super) place: usize,
    /// When the change was made, in ms since the Unix epoch.
    pub(super) at_ms: i64,
    /// The trace that it was made in.
    pub(super) traceparent: Option<String>,
}

/// The channels that a publication goes to.
#[derive(Debug, Clone)]
pub(super) enum Recipients {
    /// One.
    One(Channel),
    /// Many, sorted, shared with the state that they come from.
    Many(Arc<Vec<Channel>>),
}

impl Recipients {
    pub(super) fn channels(&self) -> &[Channel] {
        match self {
            Self::One(channel) => slice::from_ref(channel),
            Self::Many(channels) => channels,
        }
    }
}

/// The body of a publication that carries these events.
pub(super) fn data(events: &[&RawValue]) -> serde_json::Result<Box<RawValue>> {
    #[derive(Serialize)]
    struct Data<'a> {
        v: u8,
        events: &'a [&'a RawValue],
    }
    to_raw_value(&Data { v: 1, events })
}
