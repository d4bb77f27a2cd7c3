//! The stream that a partition is relayed to.

use std::sync::Arc;

use super::{
    line::{Connected, Line, LineError},
    rows::Row,
};
use crate::stream::field;

/// The stream of one partition, with its length as far as it is known.
pub(super) struct Target {
    line: Arc<Line>,
    stream: String,
    max: u64,
    /// The length after the last answer; none after a failure. Then, and at
    /// the cap, it is asked for first, so that no transaction is held for a
    /// Redis that is away and no second copy is sent to one that is paused.
    length: Option<u64>,
}

impl Target {
    pub(super) fn new(line: Arc<Line>, stream: String, max: u64) -> Self {
        Self {
            line,
            stream,
            max,
            length: None,
        }
    }

    /// Where the stream is; none when it takes no more.
    pub(super) async fn with_room(&mut self) -> Result<Option<Connected>, LineError> {
        let known = self.length.take().filter(|length| *length < self.max);
        let connected = self.line.connected().await?;
        let length = if let Some(length) = known {
            length
        } else {
            let mut connection = connected.connection.clone();
            let mut ask = redis::cmd("XLEN");
            ask.arg(&self.stream);
            let ask = ask.query_async(&mut connection);
            self.line.ask(&connected, ask).await?
        };
        self.length = Some(length);
        Ok((length < self.max).then_some(connected))
    }

    /// Asks whether this connection leads to who answers as Redis now.
    pub(super) async fn still_leads_to(
        &mut self,
        connected: &Connected,
    ) -> Result<bool, LineError> {
        self.length = None;
        Ok(self.line.check().await? == connected.run_id)
    }

    /// Adds all of the events in their order, or, as far as is known, none.
    pub(super) async fn add(
        &mut self,
        connected: &Connected,
        rows: &[Row],
    ) -> Result<(), LineError> {
        // One transaction in Redis: were it to refuse one event and take the
        // next, the repetition would come behind later ones.
        let mut pipe = redis::pipe();
        pipe.atomic();
        for row in rows {
            let add = pipe.cmd("XADD").arg(&self.stream).arg("*");
            add.arg(field::ID).arg(row.id);
            add.arg(field::KEY).arg(&row.key);
            add.arg(field::EVENT).arg(&row.event);
            add.arg(field::AT).arg(row.at_ms);
            if let Some(traceparent) = &row.traceparent {
                add.arg(field::TP).arg(traceparent);
            }
            add.ignore();
        }
        pipe.cmd("XLEN").arg(&self.stream);
        self.length = None;
        let mut connection = connected.connection.clone();
        let (length,) = self
            .line
            .ask(connected, pipe.query_async(&mut connection))
            .await?;
        self.length = Some(length);
        Ok(())
    }
}
