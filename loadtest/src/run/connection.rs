//! Trying to connect.

use std::time::Duration;

use tokio::sync::AcquireError;

use crate::{
    graphql::AskError,
    wire::{SocketError, TargetError},
};

/// Longest time for one try to connect, without the wait for a turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Why a room is not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("real time is off")]
    NotLive,
    #[error("dropped, as the scenario has it")]
    Dropped,
    #[error("away, as the scenario has it")]
    Away,
    #[error("no turns are given any more")]
    Turns(#[from] AcquireError),
}

impl FollowError {
    /// A bounded label for the report.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Ask(error) => error.label(),
            Self::Socket(error) => error.label(),
            Self::Target(_) => "realtime endpoint".into(),
            Self::NotLive => "real time is off".into(),
            Self::Dropped => "dropped by the scenario".into(),
            Self::Away => "away by the scenario".into(),
            Self::Turns(_) => "no turn".into(),
        }
    }
}
