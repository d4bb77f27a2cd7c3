//! What can be asked.

mod discover_rooms;
mod heads;
mod invitations;
mod me;
mod room;
mod rooms;
mod sessions;
mod users;

use async_graphql::MergedObject;

/// What can be asked.
#[derive(MergedObject, Default)]
pub(crate) struct Query(
    me::Me,
    rooms::Rooms,
    room::OneRoom,
    discover_rooms::DiscoverRooms,
    heads::AllHeads,
    invitations::OwnInvitations,
    users::Users,
    sessions::Sessions,
);
