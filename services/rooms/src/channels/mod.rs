//! Who may open a room's channels: a memory in front of the database, and
//! questions that are asked together.
//!
//! Memory says yes alone: whoever is not known to be there is asked for at
//! once. What ended is dropped by this replica's own changes when they are
//! committed, and by other replicas' when the feed of removals has them, which
//! is read each second; without it, memory is not relied on.

mod gate;

pub(crate) use gate::Gate;

use std::{sync::Arc, time::Duration};

use plaza_clients::rooms::AccessCache;
use plaza_kit::groups::GroupError;

use crate::{domain::Standing, storage::StorageError};

/// How long somebody is remembered: so long the mode may be the one before,
/// which is no removal.
const LIVES: Duration = Duration::from_secs(30);

/// Where people stand who may read a room.
pub(crate) type Memory = AccessCache<Standing>;

/// A memory of at most so many people, across rooms.
pub(crate) fn memory(most: u64) -> Memory {
    Memory::new(most, Some(LIVES))
}

/// Bounds of what the subscribe proxy costs.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ChannelArgs {
    /// Most people remembered as being in a room, across rooms; about 150 bytes each
    #[arg(
        long,
        env = "PLAZA_ROOMS_STANDING_CACHE_SIZE",
        default_value_t = 200_000
    )]
    pub rooms_standing_cache_size: u64,
    /// Most questions about channels that wait for the database; beyond, Centrifugo is told to come back
    #[arg(long, env = "PLAZA_ROOMS_CHANNEL_QUESTIONS", default_value_t = 4_096,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rooms_channel_questions: u32,
    /// Longest time for a question about a channel (ms); Centrifugo waits 1 s
    #[arg(long, env = "PLAZA_ROOMS_CHANNEL_TIMEOUT_MS", default_value_t = 800,
          value_parser = clap::value_parser!(u64).range(50..=900))]
    pub rooms_channel_timeout_ms: u64,
}

impl Default for ChannelArgs {
    fn default() -> Self {
        Self {
            rooms_standing_cache_size: 200_000,
            rooms_channel_questions: 4_096,
            rooms_channel_timeout_ms: 800,
        }
    }
}

/// Why it cannot be said now who may open a channel.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("the database does not say who is in the room")]
    Storage(#[source] Arc<StorageError>),
    #[error("the question was not asked")]
    Group(#[from] GroupError),
    #[error("the database did not say in time who is in the room")]
    Late,
}

#[cfg(test)]
mod tests;
