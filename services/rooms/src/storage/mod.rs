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
mod error;
mod fanout;
mod invitations;
mod invite;
mod join;
mod kick;
mod leave;
mod members;
mod mute;
mod quota;
mod read;
mod removals;
mod repeat;
mod set_role;
mod standing;
mod update;

use std::sync::Arc;

use plaza_events::relay::RelayHandle;
use plaza_types::Epoch;
use sqlx::PgPool;

use crate::{channels::Memory, domain::Threshold};

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
}

impl Store {
    /// Of this installation.
    pub(crate) const fn new(
        pool: PgPool,
        epoch: Epoch,
        relay: RelayHandle,
        threshold: Threshold,
        memory: Arc<Memory>,
    ) -> Self {
        Self {
            pool,
            epoch,
            relay,
            threshold,
            memory,
        }
    }
}
