//! The sign of life, one for all replicas.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_events::{
    Body, Event,
    outbox::{self, NewEvent},
};

use super::{StorageError, Store};

/// What became of a try to write the sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    /// It was due, and this replica wrote it.
    Written,
    /// It is due after this time.
    Due(Duration),
}

impl Store {
    /// Writes a tick if the last one, by whichever replica, is `every` old.
    pub(crate) async fn tick(
        &self,
        every: Duration,
        at: DateTime<Utc>,
    ) -> Result<Tick, StorageError> {
        let mut transaction = self.pool.begin().await?;
        let answer = sqlx::query!(
            r#"
            WITH ticked AS (
                UPDATE pulse SET last_tick = clock_timestamp()
                WHERE last_tick <= clock_timestamp() - make_interval(secs => $1)
                RETURNING one
            )
            SELECT EXISTS (SELECT FROM ticked) AS "won!",
                   $1 - extract(epoch FROM clock_timestamp() - last_tick)::float8 AS "due_s!"
            FROM pulse
            "#,
            every.as_secs_f64()
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(StorageError::Missing("the pulse"))?;
        if !answer.won {
            // Below zero: another replica writes it at this moment.
            let due = Duration::try_from_secs_f64(answer.due_s).unwrap_or(Duration::ZERO);
            return Ok(Tick::Due(due.min(every)));
        }

        let event = NewEvent::pulse(Event {
            room: None,
            epoch: self.epoch,
            time: at,
            body: Body::Tick {},
        });
        outbox::append(&mut transaction, std::slice::from_ref(&event)).await?;
        transaction.commit().await?;
        self.realtime.committed(event.partition());
        Ok(Tick::Written)
    }
}
