//! What this process of a run found.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::{DateTime, Utc};

use super::{sampling::Sampled, sender::Sent, shared::Shared, timeline::Timeline};
use crate::{
    accounting::{Shown, WireCounts},
    latency::BoundsError,
    load::Load,
    part::{Fleet, Part, Share, Times},
    report::Wire,
};

/// What a part is made of.
pub(super) struct Found<'a> {
    pub(super) url: String,
    pub(super) share: Share,
    pub(super) load: Load,
    pub(super) started_at: DateTime<Utc>,
    pub(super) shared: &'a Shared,
    pub(super) sent: Sent,
    pub(super) screens: Screens,
    pub(super) behind_at_end: u64,
    /// From the first connection to a room that everybody follows.
    pub(super) gathered: Duration,
    /// Whether something else than the run makes faults.
    pub(super) expects_faults: bool,
    /// How long it was measured.
    pub(super) measured: Duration,
    pub(super) sampled: Sampled,
}

/// What was shown to all subscribers.
pub(super) struct Screens {
    /// Of each that ever followed the room.
    shown: Vec<Shown>,
    came: WireCounts,
    never_followed: u64,
    /// In place of them.
    fleet: Option<Fleet>,
}

impl Screens {
    /// In one room.
    pub(super) fn of_room(timelines: Vec<Option<Timeline>>) -> Self {
        let count = timelines.len();
        let (mut shown, mut came) = (Vec::with_capacity(count), WireCounts::NONE);
        for timeline in timelines.into_iter().flatten() {
            came += timeline.counts;
            shown.push(timeline.screen.end());
        }
        Self {
            never_followed: (count - shown.len()) as u64,
            shown,
            came,
            fleet: None,
        }
    }

    /// In many, already judged.
    pub(super) const fn of_fleet(fleet: Fleet, came: WireCounts) -> Self {
        Self {
            shown: Vec::new(),
            came,
            never_followed: fleet.accounting.never_followed,
            fleet: Some(fleet),
        }
    }
}

pub(super) fn part(found: Found<'_>) -> Result<Part, BoundsError> {
    let meters = &found.shared.meters;
    let wire = Wire {
        came: found.screens.came,
        gaps: meters.gaps.load(Ordering::Relaxed),
        asked: meters.asked.load(Ordering::Relaxed),
        polls: meters.polls.load(Ordering::Relaxed),
        lost: meters.lost.load(Ordering::Relaxed),
        recovered: meters.recovered.load(Ordering::Relaxed),
    };
    let measured_s = found.measured.as_secs_f64();
    let sampled = found.sampled.measured_for(found.measured);
    let sent = found.sent;
    let connections = meters.connections();
    Ok(Part {
        version: Part::VERSION,
        plaza: env!("CARGO_PKG_VERSION").to_owned(),
        run: found.shared.run.to_string(),
        share: found.share,
        started_at: found.started_at,
        url: found.url,
        scenario: found.load,
        expects_faults: found.expects_faults,
        measured_s,
        all_follow_after_s: found.gathered.as_secs_f64(),
        accepted: sent.accepted,
        accepted_measured: sent.accepted_measured,
        refused: sent.refused,
        unresolved: sent.unresolved,
        failed_in_trouble: sent.failed_in_trouble,
        never_followed: found.screens.never_followed,
        screens: found.screens.shown,
        fleet: found.screens.fleet,
        behind_at_end: found.behind_at_end,
        wire,
        times: Times {
            delivery: meters.deliveries()?,
            answer_in_calm: sent.answer_in_calm,
            answer_in_trouble: sent.answer_in_trouble,
            lag: sent.lag,
            connections: connections.clone(),
        },
        errors: meters.errors(),
        processes: sampled.processes,
        series: sampled.series,
    })
}
