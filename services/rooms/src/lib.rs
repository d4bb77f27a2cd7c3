//! rooms: rooms, their members, and discovery.
//!
//! Every change locks the room's row, takes the next `version` and writes its
//! event to the outbox in the same transaction: `domain::Change` counts and
//! tells, `storage` does the rest. The API is one file an endpoint in `api`,
//! each with its errors and tests.
//!
//! Decisions that show outside:
//! - When the last owner leaves a room with other members, the first of its
//!   member list (highest role, then longest there) becomes owner in the same
//!   transaction. An empty room stays, and who joins it next is a member.
//! - A private room that its last member leaves is deleted.
//! - Who may not see a room is refused by one query, the same as for a room
//!   that does not exist, before anything is locked or auth is asked.
//! - In the events of a deleted room, and of a kick or ban while auth does not
//!   answer, the person has an id and no names.
//! - With real time off, changes write their events all the same and the relay
//!   deletes them unread: the outbox does not grow, and a change is the same
//!   transaction either way.

mod api;
mod channels;
mod config;
mod domain;
mod endings;
mod forget;
#[cfg(test)]
mod guarantees;
mod live;
mod online;
#[cfg(test)]
mod permissions;
mod run;
pub mod seed;
#[cfg(test)]
mod socket;
mod storage;

pub use api::{Limits, Parts, ProxySecret, router};
pub use channels::ChannelArgs;
pub use config::RoomsArgs;
pub use domain::Threshold;
pub use online::OnlineArgs;
pub use run::run;

/// The migrations of the rooms database; `plaza migrate` runs them.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
