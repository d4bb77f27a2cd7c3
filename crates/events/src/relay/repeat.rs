//! What is said again when Redis may have forgotten it.

use std::{pin::Pin, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{Partition, outbox::NewEvent};

/// The longest backlog that is forwarded event by event. What Redis held of an
/// older one has become a `head` before it was lost.
pub const LONGEST_BACKLOG: Duration = Duration::from_mins(10);

/// The events to say again.
pub type Repeated<'a> = Pin<Box<dyn Future<Output = sqlx::Result<Vec<NewEvent>>> + Send + 'a>>;

/// What a service says again when Redis may have lost what it acknowledged.
pub trait Repeat: Send + Sync + 'static {
    /// Events that stand for all that the service may have said of this
    /// partition since that time. Read over `connection`, in the transaction
    /// that writes them to the outbox; each keeps to the partition of its key.
    fn repeat<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> Repeated<'a>;
}
