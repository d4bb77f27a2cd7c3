//! What was accepted in each of many rooms, and what their screens had shown
//! when they were closed.

use uuid::Uuid;

use super::{
    screen::{Faults, Shown},
    truth::{Mark, Truth},
    wire::WireCounts,
};

/// Closed screens that wait to be judged before the first look.
const FIRST_LOOK: usize = 10_000;

/// A screen of one room that was closed.
#[derive(Debug)]
pub(crate) struct Closed {
    /// Its room's number.
    pub(crate) room: usize,
    pub(crate) shown: Shown,
    /// Where it stood; none: it was held to the end, and owes everything.
    pub(crate) up_to: Option<i64>,
    pub(crate) came: WireCounts,
}

/// What the closed screens of all rooms come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) faults: Faults,
    /// Screens.
    pub(crate) screens: u64,
    /// Messages on all of them together.
    pub(crate) shown: u64,
    /// Screens that began anew with the newest page.
    pub(crate) resets: u64,
    pub(crate) came: WireCounts,
    /// Messages that were accepted in all rooms.
    pub(crate) accepted: u64,
    /// Answers that gave a place that another one gave too.
    pub(crate) same_place: u64,
}

/// The books of many rooms.
#[derive(Debug)]
pub(crate) struct Ledger {
    rooms: Vec<Truth>,
    /// Those of which not everything is known yet.
    waiting: Vec<Closed>,
    /// How many of them may wait before they are looked at.
    look_at: usize,
    judged: Judged,
}

impl Ledger {
    /// Of so many rooms.
    pub(crate) fn new(rooms: usize) -> Self {
        Self {
            rooms: (0..rooms).map(|_| Truth::default()).collect(),
            waiting: Vec::new(),
            look_at: FIRST_LOOK,
            judged: Judged::default(),
        }
    }

    /// A send was answered as accepted.
    pub(crate) fn accepted(&mut self, room: usize, seq: i64, id: Uuid) {
        if let Some(truth) = self.rooms.get_mut(room) {
            truth.add(seq, Mark::new(seq, id));
        }
    }

    /// The furthest place of a room where a message was accepted.
    pub(crate) fn last_seq(&self, room: usize) -> Option<i64> {
        self.rooms.get(room).and_then(Truth::last_seq)
    }

    /// A screen was closed. It is judged once all of its messages are known, so
    /// that closed screens do not pile up.
    pub(crate) fn close(&mut self, closed: Closed) {
        self.waiting.push(closed);
        if self.waiting.len() >= self.look_at {
            let waiting = std::mem::take(&mut self.waiting);
            for closed in waiting {
                if self.is_known(&closed) {
                    self.judge(&closed);
                } else {
                    self.waiting.push(closed);
                }
            }
            self.look_at = FIRST_LOOK.max(2 * self.waiting.len());
        }
    }

    /// Judges what is left: every answer is there.
    pub(crate) fn settle(mut self) -> Judged {
        for closed in std::mem::take(&mut self.waiting) {
            self.judge(&closed);
        }
        for truth in &self.rooms {
            self.judged.accepted += truth.count();
            self.judged.same_place += truth.same_place;
        }
        self.judged
    }

    /// Whether each place of the screen has an answer: no later one changes
    /// what it had to show.
    fn is_known(&self, closed: &Closed) -> bool {
        let (Some(truth), Some(up_to)) = (self.rooms.get(closed.room), closed.up_to) else {
            return false;
        };
        let places = u64::try_from(up_to.saturating_sub(closed.shown.start())).unwrap_or(0);
        truth.between(closed.shown.start(), up_to).count == places
    }

    fn judge(&mut self, closed: &Closed) {
        let Some(truth) = self.rooms.get(closed.room) else {
            return;
        };
        let end = closed.up_to.unwrap_or(i64::MAX);
        self.judged.faults += closed.shown.judge_up_to(truth, end);
        self.judged.screens += 1;
        self.judged.shown += closed.shown.count();
        self.judged.resets += closed.shown.resets();
        self.judged.came += closed.came;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::Screen;

    fn id(room: usize, seq: i64) -> Uuid {
        Uuid::from_u64_pair(room as u64, seq.cast_unsigned())
    }

    /// Three rooms with as many messages each.
    fn ledger(count: i64) -> Ledger {
        let mut ledger = Ledger::new(3);
        for room in 0..3 {
            for seq in 1..=count {
                ledger.accepted(room, seq, id(room, seq));
            }
        }
        ledger
    }

    fn closed(room: usize, shown: &[i64], up_to: Option<i64>) -> Closed {
        let shown: Vec<_> = shown.iter().map(|seq| (room, *seq)).collect();
        of(room, &shown, up_to)
    }

    /// Whose messages may be of another room.
    fn of(room: usize, shown: &[(usize, i64)], up_to: Option<i64>) -> Closed {
        let mut screen = Screen::at(0);
        for (of, seq) in shown {
            screen.show(*seq, Mark::new(*seq, id(*of, *seq)));
        }
        Closed {
            room,
            shown: screen.end(),
            up_to,
            came: WireCounts::default(),
        }
    }

    #[test]
    fn each_screen_is_held_against_its_own_room() {
        let mut ledger = ledger(5);
        ledger.close(closed(0, &[1, 2, 3], Some(3)));
        ledger.close(closed(1, &[1, 2, 3, 4, 5], None));
        ledger.close(closed(2, &[], Some(0)));
        assert_eq!(ledger.last_seq(1), Some(5));
        let judged = ledger.settle();
        assert!(judged.faults.none(), "{judged:?}");
        assert_eq!((judged.screens, judged.shown, judged.accepted), (3, 8, 15));
    }

    #[test]
    fn a_loss_a_repeat_and_a_disorder_in_different_rooms_are_each_found() {
        let mut ledger = ledger(5);
        ledger.close(closed(0, &[1, 2, 4, 5], None));
        ledger.close(closed(1, &[1, 2, 2, 3], Some(3)));
        ledger.close(closed(2, &[1, 3, 2, 4], Some(4)));
        let expected = Faults {
            missing: 1,
            doubled: 1,
            disordered: 1,
            unexpected: 0,
        };
        assert_eq!(ledger.settle().faults, expected);
    }

    #[test]
    fn a_message_of_another_room_hides_no_loss() {
        let mut ledger = ledger(3);
        ledger.close(of(0, &[(0, 1), (0, 2), (1, 3)], None));
        let faults = ledger.settle().faults;
        assert_eq!((faults.missing, faults.unexpected), (1, 1));
    }

    #[test]
    fn screens_are_judged_early_once_all_of_their_places_have_answers() {
        let mut ledger = ledger(5);
        for _ in 0..FIRST_LOOK - 1 {
            ledger.close(closed(0, &[1, 2, 3, 4, 5], Some(5)));
        }
        assert_eq!(ledger.waiting.len(), FIRST_LOOK - 1);
        // The answer to the send of its last message is not there yet.
        ledger.close(closed(0, &[1, 2, 3, 4, 5, 7], Some(7)));
        assert_eq!(ledger.waiting.len(), 1);
        ledger.accepted(0, 7, id(0, 7));
        ledger.accepted(0, 6, id(0, 6));
        let judged = ledger.settle();
        assert_eq!(judged.screens, FIRST_LOOK as u64);
        assert_eq!(judged.faults.missing, 1, "6 was not shown");
    }
}
