//! Where reading begins. Deleted rows stay in the index until they are
//! vacuumed, so that reading from 0 each time would step over all of them; but
//! a slower transaction may commit a lower id than one that was read already.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than any writer's transaction can last: every id below one that was
/// seen this long ago is committed or never will be.
const SETTLED: Duration = Duration::from_mins(1);

/// How often reading begins at 0 nevertheless.
const FROM_ZERO_EVERY: Duration = Duration::from_mins(1);

/// Where reading a partition begins.
#[derive(Debug)]
pub(super) struct Floor {
    from: i64,
    /// An id and when it was seen; becomes the beginning when it has settled.
    seen: Option<(Instant, i64)>,
    from_zero_at: Instant,
}

impl Floor {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            from: 0,
            seen: None,
            from_zero_at: now,
        }
    }

    /// The id that the read of this moment begins at.
    pub(super) fn begin(&mut self, now: Instant) -> i64 {
        if now.duration_since(self.from_zero_at) >= FROM_ZERO_EVERY {
            self.from_zero_at = now;
            return 0;
        }
        self.from
    }

    /// Takes the lowest and highest id that a read found, and answers where
    /// the next one begins.
    pub(super) fn found(&mut self, now: Instant, ids: Option<(i64, i64)>) -> i64 {
        let lowest = ids.map_or(i64::MAX, |(lowest, _)| lowest);
        if let Some((when, id)) = self.seen
            && now.duration_since(when) >= SETTLED
            && id <= lowest
        {
            self.from = self.from.max(id);
            self.seen = None;
        }
        // What commits later than anybody may is still not passed over.
        self.from = self.from.min(lowest);
        if let (None, Some((_, highest))) = (self.seen, ids) {
            self.seen = Some((now, highest));
        }
        self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(start: Instant, second: u64) -> Instant {
        start + Duration::from_secs(second)
    }

    #[test]
    fn an_id_becomes_the_beginning_when_it_has_settled() {
        let start = Instant::now();
        let mut floor = Floor::new(start);
        assert_eq!(floor.found(start, Some((5, 9))), 0);
        assert_eq!(floor.found(second(start, 59), None), 0);
        assert_eq!(floor.found(second(start, 60), None), 9);
        assert_eq!(floor.begin(second(start, 1)), 9);
    }

    #[test]
    fn what_is_still_there_is_not_passed_over() {
        let start = Instant::now();
        let mut floor = Floor::new(start);
        floor.found(start, Some((5, 9)));
        assert_eq!(floor.found(second(start, 70), Some((3, 20))), 0);
        assert_eq!(floor.found(second(start, 71), Some((9, 20))), 9);
        assert_eq!(floor.found(second(start, 72), Some((4, 20))), 4);
    }

    #[test]
    fn once_a_minute_it_begins_at_zero() {
        let start = Instant::now();
        let mut floor = Floor::new(start);
        floor.found(start, Some((5, 9)));
        floor.found(second(start, 60), None);
        assert_eq!(floor.begin(second(start, 61)), 0);
        assert_eq!(floor.begin(second(start, 62)), 9);
        assert_eq!(floor.begin(second(start, 121)), 0);
    }

    proptest! {
        /// Ids are drawn each second and committed up to 30 s later; a read
        /// each second takes everything that it finds.
        #[test]
        fn no_row_is_missed(delays in prop::collection::vec(0_u64..30, 1..300)) {
            let start = Instant::now();
            let mut floor = Floor::new(start);
            floor.from_zero_at = second(start, 1_000_000);
            let mut unread: Vec<(i64, u64)> = (1_i64..)
                .zip(&delays)
                .map(|(id, delay)| (id, id.unsigned_abs() + delay))
                .collect();
            for now in 1..=delays.len() as u64 + 30 {
                let from = floor.begin(second(start, now));
                let (found, left): (Vec<_>, Vec<_>) = unread
                    .into_iter()
                    .partition(|(id, committed)| *committed <= now && *id >= from);
                unread = left;
                let ids = found.first().zip(found.last());
                floor.found(second(start, now), ids.map(|(first, last)| (first.0, last.0)));
            }
            prop_assert!(unread.is_empty(), "{unread:?}");
        }
    }
}
