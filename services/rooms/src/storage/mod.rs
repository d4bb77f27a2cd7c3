//! The database of rooms; all SQL is below here.
//!
//! Whoever changes a room locks its row first, and everything else after it:
//! rows of `members`, the outbox, the feed of removals. A join or a creation
//! locks the user before all of that, for the bound on rooms a user.

mod accept;
mod acting;
mod ban;
mod bans;
mod change;
mod create;
mod delete;
mod discover;
mod endings;
mod error;
mod fanout;
mod invitations;
mod invite;
mod join;
mod kick;
mod leave;
mod members;
mod mute;
mod online;
mod quota;
mod read;
mod removals;
mod repeat;
pub(crate) mod seed;
mod set_role;
mod standing;
mod update;

use std::sync::Arc;

use plaza_events::relay::RelayHandle;
use plaza_kit::groups::Groups;
use plaza_types::{Epoch, Person, RoomId, UserId};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;

use crate::{
    channels::Memory,
    domain::{Channels, Threshold},
};

pub(crate) use accept::{AcceptError, Key};
pub(crate) use acting::ActError;
pub(crate) use ban::NewBan;
pub(crate) use bans::{BanPlace, BannedUntil};
pub(crate) use create::{Created, NewRoom};
pub(crate) use discover::Place;
pub(crate) use error::StorageError;
pub(crate) use invite::{InviteError, NewInvitation, Way};
pub(crate) use join::Joined;
pub(crate) use leave::Left;
pub(crate) use members::MemberPlace;
pub(crate) use update::Edit;

/// The database, and the relay that is told of each commit.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: PgPool,
    epoch: Epoch,
    relay: RelayHandle,
    threshold: Threshold,
    /// Told of whose access a commit ended.
    pub(crate) memory: Arc<Memory>,
    /// Told when subscriptions have to be ended.
    pub(crate) ended: Arc<Notify>,
    /// Whether there are subscriptions at all.
    realtime: bool,
    /// Joins that wait for those before them in their room.
    joins: Groups<RoomId, Person, Result<Joined, Arc<StorageError>>>,
}

impl Store {
    /// Of this installation.
    pub(crate) fn new(
        pool: PgPool,
        epoch: Epoch,
        relay: RelayHandle,
        threshold: Threshold,
        memory: Arc<Memory>,
        realtime: bool,
        most_joins: usize,
    ) -> Self {
        Self {
            pool,
            epoch,
            relay,
            threshold,
            memory,
            ended: Arc::default(),
            realtime,
            joins: Groups::new(join::GROUP, most_joins),
        }
    }

    /// Has the subscriptions of who may no longer read a room ended once this
    /// transaction is committed.
    async fn end_subscriptions(
        &self,
        connection: &mut PgConnection,
        room: RoomId,
        user: UserId,
        channels: Channels,
    ) -> Result<(), StorageError> {
        if self.realtime {
            endings::append(connection, room, user, channels).await?;
        }
        Ok(())
    }

    /// A commit ended or changed the access of one person or (none) everybody.
    fn access_ended(&self, room: RoomId, user: Option<UserId>) {
        self.memory.ended(room, user);
        self.ended.notify_one();
    }
}
