//! How far a run of one room is, and what the scenario does to connections.

use tokio::time::Instant;

/// How far the run is, and what the scenario does to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) phase: Phase,
    pub(crate) weather: Weather,
}

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Messages are sent, or will be.
    Running,
    /// Nothing more is sent: everything up to here has to come.
    Draining { up_to: i64 },
    /// Everybody leaves.
    Over,
}

/// What the scenario does to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weather {
    /// How often all connections were dropped at once.
    pub(crate) storms: u32,
    /// Whether no connection can be opened.
    pub(crate) is_dark: bool,
    /// From when on everybody may come back, after the latest of either.
    pub(crate) since: Option<Instant>,
}
