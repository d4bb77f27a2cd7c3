//! The types of the schema.

mod ban;
mod head;
mod invitation;
mod member;
mod message;
mod realtime;
mod room;
mod session;
mod user;

pub(crate) use ban::Ban;
pub(crate) use head::{Heads, RoomHead};
pub(crate) use invitation::Invitation;
pub(crate) use member::{Member, Membership, Role};
pub(crate) use message::{Message, MessageConnection, RoomChanges};
pub(crate) use realtime::{RoomRealtime, Wanted, by_token};
pub(crate) use room::{FanoutMode, Room, Visibility};
pub(crate) use session::{ClientKind, DeviceSession, RealtimeToken, Session};
pub(crate) use user::User;

/// A count as GraphQL's 32-bit Int; what does not fit is the largest.
fn count(count: i64) -> i32 {
    i32::try_from(count.max(0)).unwrap_or(i32::MAX)
}

/// How many messages the caller has not read.
fn unread(head: &plaza_clients::messages::Head) -> i32 {
    count(head.last_number.get() - head.read_number.get())
}
