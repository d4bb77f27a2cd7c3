//! Which channels were published to lately, so that after trouble each of them
//! can be made to notice what it lost. Pure: no I/O.
//!
//! A client learns of a lost publication from the next one on its channel, and
//! else only from Centrifugo's own check, 40 s later.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use plaza_centrifugo::Channel;
use tokio::time::Instant;

/// How long before the first error a publication may have been lost unnoticed.
const BEFORE: Duration = Duration::from_mins(1);

/// How long after the last error Centrifugo's nodes are connected to their
/// Redis again.
const SETTLED: Duration = Duration::from_secs(2);

/// Between two looks for what is too old, when there are many channels.
const PRUNE_EVERY: Duration = Duration::from_secs(1);

/// How often something failed in any partition of this publisher. They share
/// Centrifugo and its Redis: when a Redis dies that Centrifugo's nodes hear
/// publications through, those of every partition may be lost on their way to
/// clients, though Centrifugo accepted them.
#[derive(Debug, Clone, Default)]
pub(super) struct Alarm(Arc<AtomicU64>);

impl Alarm {
    fn raise(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn raised(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Channels with the time of their last publication, and the present trouble.
#[derive(Debug)]
pub(super) struct Touched {
    channels: HashMap<Channel, Touch>,
    max: usize,
    pruned_at: Instant,
    trouble: Option<Trouble>,
    alarm: Alarm,
    /// How often the alarm had been raised when it was listened to last.
    heard: u64,
}

#[derive(Debug)]
struct Touch {
    at: Instant,
    /// Hash of the epoch that Centrifugo answered with last.
    epoch: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Trouble {
    first: Instant,
    last: Instant,
}

impl Touched {
    /// At most `max` channels are remembered; those beyond learn of a loss later.
    pub(super) fn new(max: usize, alarm: Alarm, now: Instant) -> Self {
        Self {
            channels: HashMap::new(),
            max,
            pruned_at: now,
            trouble: None,
            heard: alarm.raised(),
            alarm,
        }
    }

    /// Something is being sent to the channel.
    pub(super) fn touch(&mut self, channel: Channel, now: Instant) {
        // Without a history there is nothing that a client could miss.
        if channel == Channel::Pulse {
            return;
        }
        if let Some(touch) = self.channels.get_mut(&channel) {
            touch.at = now;
            return;
        }
        if self.channels.len() >= self.max && now.duration_since(self.pruned_at) >= PRUNE_EVERY {
            self.pruned_at = now;
            let since = self.since(now);
            self.channels.retain(|_, touch| Some(touch.at) >= since);
        }
        if self.channels.len() < self.max {
            let touch = Touch {
                at: now,
                epoch: None,
            };
            self.channels.insert(channel, touch);
        }
    }

    /// Centrifugo accepted a publication, with this epoch of the channel's
    /// history. Another one than before means that the history was lost.
    pub(super) fn accepted(&mut self, channel: Channel, epoch: &str, now: Instant) {
        let Some(touch) = self.channels.get_mut(&channel) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        epoch.hash(&mut hasher);
        let epoch = Some(hasher.finish());
        let lost = touch.epoch.is_some() && touch.epoch != epoch;
        touch.epoch = epoch;
        if lost {
            self.failed(now);
        }
    }

    /// A publication may have been lost.
    pub(super) fn failed(&mut self, now: Instant) {
        self.heard = self.alarm.raise();
        self.in_trouble(now);
    }

    /// Takes note of what failed in other partitions since the last time.
    pub(super) fn listen(&mut self, now: Instant) {
        let raised = self.alarm.raised();
        if raised != self.heard {
            self.heard = raised;
            self.in_trouble(now);
        }
    }

    fn in_trouble(&mut self, now: Instant) {
        self.trouble = Some(Trouble {
            first: self.trouble.map_or(now, |trouble| trouble.first),
            last: now,
        });
    }

    /// When the channels should be made to notice; none while all is well.
    pub(super) fn due(&self) -> Option<Instant> {
        self.trouble.map(|trouble| trouble.last + SETTLED)
    }

    /// The channels to be made to notice, sorted; ends the trouble.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Channel> {
        let since = self.since(now);
        self.trouble = None;
        let mut channels: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, touch)| Some(touch.at) >= since)
            .map(|(channel, _)| *channel)
            .collect();
        channels.sort_unstable();
        channels
    }

    /// What was published before this cannot concern the present trouble, nor
    /// one that begins now. None: that is before all that the clock knows.
    fn since(&self, now: Instant) -> Option<Instant> {
        self.trouble
            .map_or(now, |trouble| trouble.first)
            .checked_sub(BEFORE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_types::UserId;

    fn channel() -> Channel {
        Channel::Personal(UserId::new())
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    /// Late enough that a minute before it exists on every machine.
    fn start() -> Instant {
        Instant::now() + Duration::from_hours(1)
    }

    #[test]
    fn all_is_well_until_something_fails() {
        let start = start();
        let mut touched = Touched::new(10, Alarm::default(), start);
        let channel = channel();
        touched.touch(channel, start);
        touched.accepted(channel, "E", start);
        touched.accepted(channel, "E", start);
        assert_eq!(touched.due(), None);
    }

    #[test]
    fn channels_since_a_minute_before_the_first_error_are_made_to_notice() {
        let start = start();
        let mut touched = Touched::new(10, Alarm::default(), start);
        let [old, before, during] = [channel(), channel(), channel()];
        touched.touch(old, start);
        touched.touch(before, after(start, 31));
        touched.failed(after(start, 90));
        touched.touch(during, after(start, 150));
        touched.failed(after(start, 200));
        touched.touch(Channel::Pulse, after(start, 200));
        assert_eq!(touched.due(), Some(after(start, 202)));
        let mut expected = vec![before, during];
        expected.sort();
        assert_eq!(touched.take(after(start, 202)), expected);
        assert_eq!(touched.due(), None);
    }

    #[test]
    fn another_epoch_is_trouble() {
        let start = start();
        let mut touched = Touched::new(10, Alarm::default(), start);
        let [quiet, live] = [channel(), channel()];
        touched.touch(quiet, start);
        touched.touch(live, after(start, 10));
        touched.accepted(live, "E", after(start, 10));
        touched.touch(live, after(start, 20));
        touched.accepted(live, "F", after(start, 20));
        assert_eq!(touched.due(), Some(after(start, 22)));
        assert_eq!(touched.take(after(start, 22)).len(), 2);
    }

    #[test]
    fn what_fails_in_one_partition_is_trouble_for_all_of_them() {
        let (start, alarm) = (start(), Alarm::default());
        let mut one = Touched::new(10, alarm.clone(), start);
        let mut other = Touched::new(10, alarm.clone(), start);
        let channel = channel();
        other.touch(channel, start);
        other.listen(start);
        assert_eq!(other.due(), None);
        one.failed(after(start, 10));
        other.listen(after(start, 11));
        assert_eq!(other.due(), Some(after(start, 13)));
        assert_eq!(other.take(after(start, 13)), [channel]);
        // It is heard once, and not by whom it came from or who came later.
        let mut later = Touched::new(10, alarm, after(start, 14));
        for touched in [&mut one, &mut other, &mut later] {
            touched.take(after(start, 14));
            touched.listen(after(start, 14));
            assert_eq!(touched.due(), None);
        }
    }

    #[test]
    fn each_channel_has_an_epoch_of_its_own() {
        let start = start();
        let mut touched = Touched::new(10, Alarm::default(), start);
        let channels = [channel(), channel()];
        for second in 0..3 {
            for (channel, epoch) in channels.iter().zip(["of one shard", "of another"]) {
                touched.touch(*channel, after(start, second));
                touched.accepted(*channel, epoch, after(start, second));
            }
        }
        assert_eq!(touched.due(), None);
    }

    #[test]
    fn the_number_of_channels_is_bounded_and_old_ones_make_room() {
        let start = start();
        let mut touched = Touched::new(2, Alarm::default(), start);
        for second in 0..5 {
            touched.touch(channel(), after(start, second));
        }
        assert_eq!(touched.channels.len(), 2);
        let new = channel();
        touched.touch(new, after(start, 90));
        assert_eq!(touched.channels.len(), 1);
        assert!(touched.channels.contains_key(&new));
    }
}
