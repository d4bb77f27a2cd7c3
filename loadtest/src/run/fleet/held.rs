//! A room whose timeline a virtual user holds.

use std::time::Duration;

use tokio::time::Instant;

use super::ask::Page;
use crate::{
    accounting::{Closed, Screen},
    run::{meters::Meters, place::Place, room::Caught, timeline::Timeline},
    wire::{Change, Entry, RunId},
};
use plaza_types::RoomId;

/// After a `changes` that was not answered, or moved nothing.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Many hear at once that they are behind: what they ask then is spread over this.
const SPREAD: Duration = Duration::from_secs(2);
/// Most events that are kept while a room's page is loaded.
const MOST_EARLY: usize = 256;

/// A room that is being opened.
#[derive(Debug)]
pub(super) struct Opening {
    /// Its number.
    pub(super) room: u32,
    /// Of its own channel, once that is there.
    pub(super) place: Option<Place>,
    /// What came before its page.
    early: Vec<Entry>,
}

impl Opening {
    pub(super) const fn of(room: u32) -> Self {
        Self {
            room,
            place: None,
            early: Vec::new(),
        }
    }

    /// An event came before the page. Without those beyond a bound there is a
    /// gap, as any other.
    pub(super) fn take(&mut self, entry: Entry) {
        if self.early.len() < MOST_EARLY {
            self.early.push(entry);
        }
    }
}

/// A room whose timeline is held.
#[derive(Debug)]
pub(super) struct Held {
    /// Its number.
    pub(super) room: u32,
    pub(super) timeline: Timeline,
    /// Of its own channel; none: its events come by the personal one.
    pub(super) place: Option<Place>,
    /// What the page before the oldest is asked by.
    pub(super) before: Option<Box<str>>,
    /// The number of the newest message of its first page.
    newest: i64,
    /// Messages of the run that were on the screen with pages.
    paged: u64,
    /// Up to where it was marked as read.
    pub(super) marked: i64,
    /// When to ask `changes`; none: nothing is missing.
    ask_at: Option<Instant>,
    /// Where the room was said to stand, and when to ask what has not come by
    /// then: word of it may be faster than what it speaks of.
    heard: Option<(Instant, i64)>,
    /// Whether something may be missing since `changes` was asked last.
    doubted: bool,
}

impl Held {
    /// Begins with a page. Its messages of this run are on the screen, and have
    /// to be as they were accepted.
    pub(super) fn open(
        opening: Opening,
        id: RoomId,
        page: Page,
        user: usize,
        run: RunId,
        meters: &Meters,
    ) -> Self {
        let mut timeline = Timeline::open(user, id.uuid(), run, page.head);
        let start = page.messages.first().map_or(page.head, |told| told.seq - 1);
        timeline.screen = Screen::at(start);
        for told in &page.messages {
            if let Some((mark, _)) = told.of(run) {
                timeline.screen.show(told.seq, mark);
            }
        }
        let mut held = Self {
            room: opening.room,
            place: opening.place,
            before: page.before,
            newest: page.newest,
            paged: timeline.screen.shown(),
            marked: 0,
            ask_at: None,
            heard: None,
            doubted: false,
            timeline,
        };
        for entry in opening.early {
            held.take(&entry, meters);
        }
        held
    }

    /// An event of it came. False: its events come from elsewhere now.
    pub(super) fn take(&mut self, entry: &Entry, meters: &Meters) -> bool {
        if let Change::Head { seq } = entry.change {
            let before = self.heard.filter(|(_, seq)| self.lacks(*seq));
            let at = before.map_or_else(
                || Instant::now() + SPREAD.mul_f64(fastrand::f64()),
                |(at, _)| at,
            );
            self.heard = Some((at, seq));
            return true;
        }
        let stays = self.timeline.take(entry, meters);
        self.note(Duration::ZERO);
        stays
    }

    /// When to ask `changes`; none: nothing is known to be missing.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        let heard = self.heard.filter(|(_, seq)| self.lacks(*seq));
        let heard = heard.map(|(at, _)| at);
        self.ask_at.into_iter().chain(heard).min()
    }

    /// `changes` is asked.
    pub(super) fn asks(&mut self) {
        self.heard = None;
        self.doubt();
        self.doubted = false;
    }

    const fn lacks(&self, seq: i64) -> bool {
        seq > self.timeline.position()
    }

    /// An older page came.
    pub(super) fn prepend(&mut self, page: Page, run: RunId) {
        self.before = page.before;
        let Some(first) = page.messages.first() else {
            return;
        };
        let shown = self.timeline.screen.shown();
        let own = page.messages.iter();
        let own = own.filter_map(|told| told.of(run).map(|(mark, _)| (told.seq, mark)));
        self.timeline.screen.prepend(first.seq - 1, own);
        self.paged += self.timeline.screen.shown() - shown;
    }

    /// Something may be missing.
    pub(super) fn doubt(&mut self) {
        self.doubted = true;
        self.timeline.doubt();
        self.note(Duration::ZERO);
    }

    /// `changes` was answered.
    pub(super) fn caught(&mut self, caught: Caught, meters: &Meters) {
        let before = self.timeline.position();
        // It says more than where the room stands.
        self.timeline.heard(None, meters);
        self.timeline.caught(caught, meters);
        if self.doubted {
            self.timeline.doubt();
        }
        self.ask_at = None;
        self.note(if self.timeline.position() > before {
            Duration::ZERO
        } else {
            ASK_AGAIN_AFTER
        });
    }

    /// `changes` was not answered.
    pub(super) fn ask_later(&mut self, delay: Option<Duration>) {
        self.ask_at = Some(Instant::now() + delay.unwrap_or(ASK_AGAIN_AFTER));
    }

    /// The number of the newest message, as far as messages of this run go.
    pub(super) fn newest(&self) -> i64 {
        let came = self.timeline.screen.shown().saturating_sub(self.paged);
        self.newest.saturating_add(i64::try_from(came).unwrap_or(0))
    }

    /// Closes it: before the end it owes what is up to its place, at the end
    /// everything.
    pub(super) fn close(self, at_end: bool) -> Closed {
        Closed {
            room: self.room as usize,
            up_to: (!at_end).then(|| self.timeline.position()),
            came: self.timeline.counts,
            shown: self.timeline.screen.end(),
        }
    }

    /// Sets or clears when to ask.
    fn note(&mut self, delay: Duration) {
        if self.timeline.is_whole() {
            self.ask_at = None;
        } else {
            let at = Instant::now() + delay;
            self.ask_at = Some(self.ask_at.map_or(at, |before| before.min(at)));
        }
    }
}
