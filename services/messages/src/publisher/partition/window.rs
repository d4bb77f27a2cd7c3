//! From entries to the publications of one window: what they are, who reads
//! them, and in which publications they go.

use std::sync::atomic::Ordering;

use futures::{StreamExt, TryStreamExt, stream};
use plaza_events::stream::{DeadLetter, Entry};
use plaza_kit::{http::chain, shutdown::Shutdown};
use plaza_types::RoomId;

use super::Publisher;
use crate::publisher::{
    Stopped,
    fold::{FoldLimits, fold},
    incoming::Incoming,
    publication::Publication,
    route::{Asked, Question, Routed, Skipped, route},
};

/// Rooms that are asked for at the same time.
const ASK_AT_ONCE: usize = 8;

impl Publisher {
    /// Reads what the entries are; what is none goes to the dead letters.
    pub(super) fn parse(
        &self,
        entries: Vec<Entry>,
        dead: &mut Vec<DeadLetter>,
    ) -> Vec<(Entry, Incoming)> {
        let parsed = entries.into_iter().map(|entry| {
            let incoming = Incoming::parse(&entry).unwrap_or_else(|error| {
                dead.push(self.letters.letter(&entry, chain(&error)));
                Incoming::Unknown
            });
            (entry, incoming)
        });
        parsed.collect()
    }

    /// Asks for the rooms that are not known, several at once.
    pub(super) async fn ask_for_missing(
        &mut self,
        entries: &[(Entry, Incoming)],
        shutdown: &Shutdown,
    ) -> Result<(), Stopped> {
        let mut missing: Vec<RoomId> = entries
            .iter()
            .filter_map(|(_, incoming)| incoming.room())
            .filter(|room| !self.state.rooms.knows(*room))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let directory = &self.directory;
        let asked: Vec<_> = stream::iter(missing)
            .map(async |room| Ok((room, directory.room(room, None, shutdown).await?)))
            .buffer_unordered(ASK_AT_ONCE)
            .try_collect()
            .await?;
        for (id, room) in asked {
            self.state.rooms.insert(id, room);
        }
        Ok(())
    }

    /// Routes entries from `from` on, as many as make a window; answers its
    /// publications and the place behind the last entry.
    pub(super) async fn next_window(
        &mut self,
        entries: &[(Entry, Incoming)],
        from: usize,
        dead: &mut Vec<DeadLetter>,
        shutdown: &Shutdown,
    ) -> Result<(Vec<Publication>, usize), Stopped> {
        let mut drafts = Vec::new();
        let (mut place, mut deliveries) = (from, 0);
        while place < entries.len() && deliveries < self.limits.deliveries_per_window {
            let (entry, incoming) = &entries[place];
            let had = drafts.len();
            let mut asked = Asked::Nothing;
            if matches!(incoming, Incoming::Pulse) && !self.lively.load(Ordering::Relaxed) {
                skipped(Skipped::NotLively);
                place += 1;
                continue;
            }
            loop {
                let state = &mut self.state;
                match route(incoming, entry, place, state, asked, &mut drafts) {
                    Ok(Routed::Added) => break,
                    Ok(Routed::Skipped(why)) => {
                        skipped(why);
                        break;
                    }
                    Ok(Routed::Ask(question)) => {
                        let Question { room, joined_by } = question;
                        let answer = self.directory.room(room, joined_by, shutdown).await?;
                        self.state.rooms.insert(room, answer);
                        asked = match joined_by {
                            None => Asked::Readers,
                            Some(_) => Asked::EarlyMembers,
                        };
                    }
                    Err(error) => {
                        dead.push(self.letters.letter(entry, chain(&error)));
                        break;
                    }
                }
            }
            deliveries += drafts[had..]
                .iter()
                .map(|draft| draft.to.channels().len())
                .sum::<usize>();
            place += 1;
        }
        let limits = if self.apart {
            FoldLimits::ALONE
        } else {
            self.limits.fold()
        };
        let publications = fold(drafts, limits).unwrap_or_else(|error| {
            let of_window = entries[from..place].iter();
            dead.extend(of_window.map(|(entry, _)| self.letters.letter(entry, chain(&error))));
            Vec::new()
        });
        Ok((publications, place))
    }
}

fn skipped(why: Skipped) {
    let reason = match why {
        Skipped::UnknownType => "unknown_type",
        Skipped::NoRoom => "no_room",
        Skipped::Old => "old",
        Skipped::NotLively => "not_lively",
    };
    metrics::counter!("plaza_publisher_skipped_total", "reason" => reason).increment(1);
}
