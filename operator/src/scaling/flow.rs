//! Whether changes reach people: each few seconds a sign of life goes the whole
//! way from messages to Centrifugo, so where nothing is published the way is
//! broken somewhere.

use std::time::Instant;

use super::{Times, sample::Sample};

/// What is known of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Flowing {
    /// The publishers' metrics do not tell.
    #[default]
    Unknown,
    /// Something was published just now, and Centrifugo answered.
    Yes,
    /// Nothing was published for a while, not even signs of life.
    Silent,
    /// There are partitions that no publisher gets on with.
    Unattended,
}

/// What was seen of it.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// When something had been published since the look before.
    published: Option<Instant>,
    /// Since when every publisher has been read, each time.
    watched: Option<Instant>,
    last: Option<Instant>,
    flowing: Flowing,
}

impl Flow {
    /// As it was at the last look.
    pub(crate) fn flowing(&self) -> Flowing {
        self.flowing
    }

    /// Takes a look, and the one before it.
    pub(crate) fn look(&mut self, sample: &Sample, before: Option<&Sample>, times: &Times) {
        let now = sample.at;
        let before = before.filter(|before| {
            self.last == Some(before.at)
                && now.saturating_duration_since(before.at) <= times.gap()
                && !before.publisher.pods.is_empty()
        });
        self.last = Some(now);
        let rises = before.is_some_and(|before| sample.published_since(before) > 0.0);
        if rises {
            self.published = Some(now);
        }
        let told = &sample.publisher;
        if told.is_complete() && !told.pods.is_empty() && before.is_some() {
            self.watched.get_or_insert(now);
        } else {
            self.watched = None;
        }
        self.flowing = self.verdict(sample, now, times);
    }

    fn verdict(&self, sample: &Sample, now: Instant, times: &Times) -> Flowing {
        let within = |since: Option<Instant>| {
            since.map(|since| now.saturating_duration_since(since) < times.silence)
        };
        let mut pods = sample.publisher.pods.values();
        match (within(self.published), within(self.watched)) {
            _ if pods.any(|pod| pod.unattended > 0.0) => Flowing::Unattended,
            (Some(true), _) => Flowing::Yes,
            (_, Some(false)) => Flowing::Silent,
            // It is not known for long enough that it has become another.
            (_, Some(true)) => self.flowing,
            (_, None) => Flowing::Unknown,
        }
    }
}
