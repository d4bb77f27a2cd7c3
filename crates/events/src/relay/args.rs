//! Bounds of the relay.

/// Bounds of the relay. The defaults suit every size of installation.
#[derive(Debug, Clone, clap::Args)]
pub struct RelayArgs {
    /// Connections to the database that the relay has for itself
    #[arg(long, env = "PLAZA_RELAY_CONNECTIONS", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=32))]
    pub relay_connections: u32,
    /// Most events in one step of the relay
    #[arg(long, env = "PLAZA_RELAY_BATCH", default_value_t = 256,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub relay_batch: u32,
    /// Entries in a stream at which the relay stops adding, so that the outbox is the queue
    #[arg(long, env = "PLAZA_RELAY_MAX_STREAM", default_value_t = 20_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub relay_max_stream: u64,
    /// Between two looks for events that a crash left in the outbox (ms)
    #[arg(long, env = "PLAZA_RELAY_POLL_MS", default_value_t = 100,
          value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub relay_poll_ms: u64,
}

impl Default for RelayArgs {
    fn default() -> Self {
        Self {
            relay_connections: 4,
            relay_batch: 256,
            relay_max_stream: 20_000,
            relay_poll_ms: 100,
        }
    }
}
