//! How many pods the publisher and Centrifugo are to have, and whether changes
//! reach people, from what their metrics tell. Pure: neither a clock nor a
//! network is here.
//!
//! A look at all pods is a [`Sample`]. Each part that scales has a [`Scale`],
//! which takes samples and answers with a [`Change`] once enough of them agree;
//! [`Flow`] takes the same samples.

mod flow;
mod lag;
mod metrics;
mod rule;
mod sample;
mod scale;
mod steady;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use flow::{Flow, Flowing};
pub(crate) use metrics::{centrifugo_pod, publisher_pod};
pub(crate) use rule::{Bounds, Rule, rules};
pub(crate) use sample::{Sample, Told};
pub(crate) use scale::{Change, Scale, Standing};

/// How often the metrics are read, and for how long they have to say the same.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Between two looks.
    pub every: Duration,
    /// How long more pods were wanted all the time, before there are more.
    pub up: Duration,
    /// How long fewer pods were wanted all the time, before there is one less.
    pub down: Duration,
    /// How long nothing is published before that is told: a sign of life is
    /// published every 5 s (`PLAZA_PULSE_EVERY_MS`, 10 s at most).
    pub silence: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(15),
            up: Duration::from_secs(30),
            down: Duration::from_mins(5),
            silence: Duration::from_secs(30),
        }
    }
}

impl Times {
    /// Looks further apart than this do not belong together.
    fn gap(&self) -> Duration {
        self.every * 3
    }
}
