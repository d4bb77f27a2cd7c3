//! What a run found, as a report.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::{DateTime, Utc};

use super::{sender::Sent, subscriber::Shared, timeline::Timeline};
use crate::{
    latency::BoundsError,
    processes::Taken,
    report::{Accounting, Connections, Deliveries, Report, Sends, Wire},
    scenario::Scenario,
};

/// What a report is made of.
pub(super) struct Found<'a> {
    pub(super) url: String,
    pub(super) scenario: Scenario,
    pub(super) started_at: DateTime<Utc>,
    pub(super) shared: &'a Shared,
    pub(super) sent: Sent,
    pub(super) timelines: Vec<Option<Timeline>>,
    pub(super) behind_at_end: u64,
    /// How long it was measured.
    pub(super) measured: Duration,
    pub(super) processes: Vec<Taken>,
}

pub(super) fn report(found: Found<'_>) -> Result<Report, BoundsError> {
    let Sent {
        accepted,
        accepted_measured,
        interrupted_at: _,
        refused,
        unresolved,
        answer,
        lag,
    } = found.sent;
    let truth = accepted.settle();
    let mut accounting = Accounting {
        subscribers: found.timelines.len() as u64,
        accepted: truth.count(),
        refused,
        unresolved,
        same_place: truth.same_place,
        behind_at_end: found.behind_at_end,
        ..Accounting::default()
    };
    let meters = &found.shared.meters;
    let mut wire = Wire {
        gaps: meters.gaps.load(Ordering::Relaxed),
        asked: meters.asked.load(Ordering::Relaxed),
        polls: meters.polls.load(Ordering::Relaxed),
        lost: meters.lost.load(Ordering::Relaxed),
        recovered: meters.recovered.load(Ordering::Relaxed),
        ..Wire::default()
    };
    for timeline in &found.timelines {
        let Some(timeline) = timeline else {
            accounting.never_followed += 1;
            continue;
        };
        accounting.faults += timeline.screen.judge(&truth);
        accounting.shown += timeline.screen.shown();
        accounting.resets += timeline.screen.resets();
        wire.came += timeline.counts;
    }
    let seconds = found.measured.as_secs_f64();
    let latency = meters.deliveries()?.quantiles();
    let connections = meters.connections();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let per_s = |count: u64| count as f64 / seconds.max(0.001);
    Ok(Report {
        version: Report::VERSION,
        plaza: env!("CARGO_PKG_VERSION").to_owned(),
        run: found.shared.run.to_string(),
        started_at: found.started_at,
        url: found.url,
        scenario: found.scenario,
        measured_s: seconds,
        held: accounting.held(),
        accounting,
        wire,
        sends: Sends {
            accepted_per_s: per_s(accepted_measured),
            answer: answer.quantiles(),
            lag: lag.quantiles(),
        },
        deliveries: Deliveries {
            per_s: per_s(latency.count),
            latency,
        },
        connections: Connections {
            token: connections.token.quantiles(),
            connect: connections.connect.quantiles(),
            reconnect: connections.reconnect.quantiles(),
            catch_up: connections.catch_up.quantiles(),
        },
        errors: meters.errors(),
        processes: found.processes,
    })
}
