//! One subscriber's room: what comes goes by the client's rule onto its
//! screen, and is counted before and behind it.

use tokio::time::Instant;
use uuid::Uuid;

use super::{
    clock::now_us,
    meters::{Meters, count},
    room::{Caught, Told},
};
use crate::{
    accounting::{Mark, Rule, Screen, Step, Wire, WireCounts},
    wire::{Change, Content, Entry, RunId},
};

/// A room that is followed.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// Whose it is: which histogram its deliveries go to.
    subscriber: usize,
    room: Uuid,
    run: RunId,
    rule: Rule,
    pub(crate) screen: Screen,
    wire: Wire,
    pub(crate) counts: WireCounts,
    /// Since when something is missing, or may be.
    behind_since: Option<Instant>,
    /// Whether it may be, though nothing was heard of it.
    unsure: bool,
}

impl Timeline {
    /// Begins where the newest page stands.
    pub(crate) const fn open(subscriber: usize, room: Uuid, run: RunId, head: i64) -> Self {
        Self {
            subscriber,
            room,
            run,
            rule: Rule::at(head),
            screen: Screen::at(head),
            wire: Wire::new(),
            counts: WireCounts::NONE,
            behind_since: None,
            unsure: false,
        }
    }

    /// Every change up to here was applied.
    pub(crate) const fn position(&self) -> i64 {
        self.rule.position()
    }

    /// Whether `heads` has to be asked.
    pub(crate) const fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Whether everything that was heard of is on the screen.
    pub(crate) const fn is_whole(&self) -> bool {
        !self.unsure && !self.rule.is_behind()
    }

    /// Something may be missing: the connection did not go on where it ended,
    /// or everything had to be here by now.
    pub(crate) fn doubt(&mut self) {
        self.unsure = true;
        self.behind_since.get_or_insert_with(Instant::now);
    }

    /// `heads` was answered.
    pub(crate) fn heard(&mut self, head: Option<i64>, meters: &Meters) {
        self.unsure = false;
        self.rule.hear(head.unwrap_or(i64::MIN));
        self.note(meters);
    }

    /// An event came over the wire. False: the room's events come from
    /// elsewhere now.
    pub(crate) fn take(&mut self, entry: &Entry, meters: &Meters) -> bool {
        if entry.room != self.room {
            return true;
        }
        match entry.change {
            Change::Moved => return false,
            Change::Head { seq } => self.rule.hear(seq),
            Change::Message { seq, own } => {
                self.wire
                    .take(seq, || meters.is_explained(now_us()), &mut self.counts);
                match self.rule.change(seq) {
                    Step::Show => self.show(seq, own, meters),
                    Step::Drop => {}
                    Step::Gap => count(&meters.gaps),
                }
            }
        }
        self.note(meters);
        true
    }

    /// `changes` was answered.
    pub(crate) fn caught(&mut self, caught: Caught, meters: &Meters) {
        for page in caught.pages {
            for told in page.messages {
                self.told(&told, meters);
            }
            self.rule.caught_up(page.since, page.next);
        }
        if let Some(newest) = caught.newest {
            if let Some(first) = newest.messages.iter().map(|told| told.seq).min() {
                self.screen.leave_out(self.rule.position(), first - 1);
            }
            for told in newest.messages {
                self.told(&told, meters);
            }
            self.rule.reset(newest.head);
        }
        self.note(meters);
    }

    fn told(&mut self, told: &Told, meters: &Meters) {
        if self.rule.is_new(told.seq) {
            self.show(told.seq, told.own, meters);
        }
    }

    fn show(&mut self, seq: i64, own: Option<(Mark, Content)>, meters: &Meters) {
        if let Some((mark, content)) = own
            && content.run == self.run
        {
            self.screen.show(seq, mark);
            meters.shown(self.subscriber, content.due_us, now_us());
        }
    }

    /// Notes since when something is missing, or how long it was.
    fn note(&mut self, meters: &Meters) {
        if !self.is_whole() {
            self.behind_since.get_or_insert_with(Instant::now);
        } else if let Some(since) = self.behind_since.take() {
            meters.connections().catch_up.record(since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounting::{Accepted, Faults},
        run::room::{Changes, Newest},
    };

    const ROOM: Uuid = Uuid::from_u128(1);

    struct Bench {
        timeline: Timeline,
        meters: Meters,
        run: RunId,
        accepted: Accepted,
    }

    fn id(seq: i64) -> Uuid {
        Uuid::from_u128(seq.cast_unsigned().into())
    }

    impl Bench {
        /// A subscriber at 0, and messages at 1 to `accepted`.
        fn new(accepted: i64) -> Self {
            let run = RunId::new();
            let mut bench = Self {
                timeline: Timeline::open(0, ROOM, run, 0),
                meters: Meters::new().unwrap(),
                run,
                accepted: Accepted::default(),
            };
            for seq in 1..=accepted {
                bench.accepted.add(seq, id(seq));
            }
            bench
        }

        fn own(&self, seq: i64) -> (Mark, Content) {
            let content = Content {
                run: self.run,
                due_us: now_us(),
                number: 0,
            };
            (Mark::new(seq, id(seq)), content)
        }

        fn push(&mut self, seqs: impl IntoIterator<Item = i64>) {
            for seq in seqs {
                let change = Change::Message {
                    seq,
                    own: Some(self.own(seq)),
                };
                assert!(
                    self.timeline
                        .take(&Entry { room: ROOM, change }, &self.meters)
                );
            }
        }

        fn told(&self, seqs: impl IntoIterator<Item = i64>) -> Vec<Told> {
            let told = |seq| Told {
                seq,
                own: Some(self.own(seq)),
            };
            seqs.into_iter().map(told).collect()
        }

        fn changes(&mut self, since: i64, seqs: impl IntoIterator<Item = i64>, next: i64) {
            let messages = self.told(seqs);
            let pages = vec![Changes {
                since,
                next,
                messages,
            }];
            let caught = Caught {
                pages,
                newest: None,
            };
            self.timeline.caught(caught, &self.meters);
        }

        fn faults(self) -> Faults {
            self.timeline.screen.end().judge(&self.accepted.settle())
        }
    }

    #[test]
    fn what_the_wire_repeats_or_brings_late_is_counted_and_not_shown() {
        let mut bench = Bench::new(4);
        bench.push([1, 2, 2, 1, 3, 4, 3]);
        assert_eq!(bench.timeline.counts.repeated, 3);
        assert_eq!(bench.timeline.counts.unexplained, 3);
        bench.meters.error("socket ended".into());
        bench.push([4]);
        assert_eq!(bench.timeline.counts.repeated, 4);
        assert_eq!(bench.timeline.counts.unexplained, 3, "it follows a fault");
        assert!(bench.timeline.is_whole());
        assert!(bench.faults().none());
    }

    #[test]
    fn a_gap_is_filled_by_changes_and_nothing_is_doubled() {
        let mut bench = Bench::new(6);
        bench.push([1, 3]);
        assert!(!bench.timeline.is_whole());
        // It comes while the answer is under way, and the rest after it.
        bench.push([2, 4]);
        bench.changes(1, 2..=4, 4);
        assert!(bench.timeline.is_whole());
        bench.push([3, 5, 6]);
        assert_eq!(bench.timeline.position(), 6);
        assert_eq!(
            bench.meters.gaps.load(std::sync::atomic::Ordering::Relaxed),
            2
        );
        assert!(bench.faults().none());
    }

    #[test]
    fn a_loss_that_changes_does_not_make_good_is_reported() {
        let mut bench = Bench::new(4);
        bench.push([1, 4]);
        // The server forgets 3.
        bench.changes(1, [2, 4], 4);
        assert_eq!(bench.timeline.position(), 4);
        assert_eq!(
            bench.faults(),
            Faults {
                missing: 1,
                ..Faults::default()
            }
        );
    }

    #[test]
    fn a_message_that_changes_has_twice_is_reported() {
        let mut bench = Bench::new(3);
        bench.changes(0, [1, 2, 2, 3], 3);
        assert_eq!(
            bench.faults(),
            Faults {
                doubled: 1,
                ..Faults::default()
            }
        );
    }

    #[test]
    fn messages_that_changes_has_in_another_order_are_reported() {
        let mut bench = Bench::new(3);
        bench.changes(0, [1, 3, 2], 3);
        assert_eq!(
            bench.faults(),
            Faults {
                disordered: 1,
                ..Faults::default()
            }
        );
    }

    #[test]
    fn one_message_stored_at_two_places_is_reported() {
        let mut bench = Bench::new(2);
        bench.push([1, 2, 3]);
        assert_eq!(
            bench.faults(),
            Faults {
                unexpected: 1,
                ..Faults::default()
            }
        );
    }

    #[test]
    fn after_a_reset_the_newest_page_stands() {
        let mut bench = Bench::new(900);
        bench.push([1, 900]);
        let messages = bench.told(801..=900);
        let newest = Some(Newest {
            head: 900,
            messages,
        });
        let caught = Caught {
            pages: vec![],
            newest,
        };
        bench.timeline.caught(caught, &bench.meters);
        assert!(bench.timeline.is_whole());
        assert_eq!(bench.timeline.screen.clone().end().resets(), 1);
        assert!(bench.faults().none());
    }

    #[test]
    fn other_rooms_other_runs_and_other_messages_are_nothing_to_it() {
        let mut bench = Bench::new(0);
        let other = |room, change| Entry { room, change };
        let elsewhere = other(Uuid::nil(), Change::Moved);
        assert!(bench.timeline.take(&elsewhere, &bench.meters));
        let own = Content {
            run: RunId::new(),
            due_us: 0,
            number: 0,
        };
        let own = Some((Mark::new(1, id(1)), own));
        for (seq, own) in [(1, own), (2, None)] {
            let entry = other(ROOM, Change::Message { seq, own });
            assert!(bench.timeline.take(&entry, &bench.meters));
        }
        assert_eq!(bench.timeline.position(), 2);
        let moved = other(ROOM, Change::Moved);
        assert!(!bench.timeline.take(&moved, &bench.meters));
        assert!(bench.faults().none());
    }

    #[test]
    fn a_head_further_ahead_and_a_doubt_are_reasons_to_ask() {
        let mut bench = Bench::new(1);
        bench.timeline.doubt();
        assert!(bench.timeline.is_unsure());
        bench.timeline.heard(Some(0), &bench.meters);
        assert!(bench.timeline.is_whole());
        let change = Change::Head { seq: 1 };
        bench
            .timeline
            .take(&Entry { room: ROOM, change }, &bench.meters);
        assert!(!bench.timeline.is_whole());
        bench.changes(0, [1], 1);
        assert!(bench.faults().none());
    }
}
