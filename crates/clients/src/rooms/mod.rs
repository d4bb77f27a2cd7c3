//! rooms: rooms and members.

mod access;
mod access_cache;
mod discovery;
mod fanout;
mod invitations;
mod members;
mod moderation;
mod room;
mod typing;

pub use access::{Access, Removal};
pub use access_cache::{AccessCache, Question};
pub use discovery::Discover;
pub use fanout::{EarlyMembers, Fanout, MAX_EARLY_MEMBERS};
pub use invitations::{Accept, Invitation, Invite};
pub use members::{Member, Membership};
pub use moderation::{Ban, BanMember, MuteMember, SetRole};
pub use room::{CreateRoom, Room, UpdateRoom};

use plaza_kit::http_client::PeerError;

use crate::call::Service;

/// Client of rooms.
#[derive(Debug, Clone)]
pub struct RoomsClient(Service);

impl RoomsClient {
    /// Of the rooms at this base URL.
    pub fn new(base: &str) -> Result<Self, PeerError> {
        Service::new("rooms", base).map(Self)
    }
}
