use async_graphql::{ID, SimpleObject};
use plaza_clients::{messages::Head, rooms};

use super::{FanoutMode, RoomRealtime, unread};
use crate::graph::{
    inline::Inline,
    scalars::{DateTime, Position},
};

/// Where all joined rooms stand: what a client that is not live polls.
#[derive(SimpleObject)]
pub(crate) struct Heads {
    /// One entry a joined room, in no promised order.
    pub(crate) rooms: Vec<Inline<RoomHead>>,
    /// When to ask again (ms). Add jitter.
    pub(crate) poll_after: i32,
}

/// Where a room stands for the caller.
#[derive(SimpleObject)]
pub(crate) struct RoomHead {
    /// Which room.
    room_id: ID,
    /// Its last change of messages.
    head_seq: Position,
    /// The version of its latest change other than a join or leave.
    version: Position,
    /// Its last message's number.
    number: Position,
    /// How many messages the caller has not read.
    unread_count: i32,
    /// Its last message's time.
    last_message_at: Option<DateTime>,
    /// Its last message's first line, cut at 120 characters.
    preview: Option<String>,
    /// The installation's epoch: with another one, every position is void.
    epoch: ID,
    /// How its events travel.
    fanout: FanoutMode,
    /// Where its events are to be had; null: real time is off.
    realtime: Option<RoomRealtime>,
}

impl RoomHead {
    /// Of what rooms and messages each say.
    pub(crate) fn new(room: &rooms::Room, head: &Head, realtime: Option<RoomRealtime>) -> Self {
        Self {
            room_id: room.id.to_string().into(),
            head_seq: head.head_seq.into(),
            version: room.version.into(),
            number: head.last_number.into(),
            unread_count: unread(head),
            last_message_at: head.last_message_at.map(Into::into),
            preview: head.last_message.as_ref().and_then(plaza_types::preview),
            epoch: head.epoch.to_string().into(),
            fanout: room.fanout.into(),
            realtime,
        }
    }
}
