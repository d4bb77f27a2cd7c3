//! Where an axis has its ticks, and what they say.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::numbers::{figure, time as time_text};

/// Most ticks of an axis with figures, above 0.
const MOST_TICKS: f64 = 6.0;
/// Up to so many powers of ten, the axis has ticks between them.
const FEW_DECADES: f64 = 3.0;
/// From one tick to the next (s).
const TIME_STEPS: [f64; 19] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
    14_400.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
];

/// An axis. Its coordinates are even; where those are logarithms, `of` makes
/// them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Where, and what is there.
    pub(super) ticks: Vec<(f64, String)>,
    is_log: bool,
}

impl Axis {
    /// Where a value is.
    pub(super) fn of(&self, value: f64) -> f64 {
        if self.is_log { value.log10() } else { value }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    fn map(&self, at: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (at - self.from) / (self.to - self.from);
        first + (f64::from(last - first) * part).round() as i32
    }

    /// It has no ticks but its own, and nothing lighter between them.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, at: &f64) -> String {
        let is_it = |(tick, _): &&(f64, String)| (tick - at).abs() < 1e-9 * (1.0 + at.abs());
        let text = self.ticks.iter().find(is_it).map(|(_, text)| text.clone());
        text.unwrap_or_default()
    }
}

/// From 0 to a figure, and at least to another.
pub(super) fn linear(most: f64, least: f64) -> Axis {
    // A little room above the highest.
    let most = (most * 1.05).max(least);
    let step = nice(most / MOST_TICKS);
    let ticks = multiples(step, most).map(|tick| (tick, figure(tick)));
    Axis {
        from: 0.0,
        to: most,
        ticks: ticks.collect(),
        is_log: false,
    }
}

/// 1, 2 or 5 times a power of ten, and not less than this.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter();
    times
        .map(|times| times * power)
        .find(|nice| *nice >= step * 0.999)
        .unwrap_or(10.0 * power)
}

/// All of them up to a figure.
fn multiples(step: f64, most: f64) -> impl Iterator<Item = f64> {
    (0..100_u32)
        .map(move |number| f64::from(number) * step)
        .take_while(move |tick| *tick <= most * 1.000_001)
}

/// Seconds from the beginning.
pub(super) fn time(length: f64, most_ticks: f64) -> Axis {
    let length = length.max(1.0);
    let fits = |step: &&f64| length / **step <= most_ticks;
    let days = || (length / 86_400.0 / most_ticks).ceil() * 86_400.0;
    let step = TIME_STEPS.iter().find(fits).copied().unwrap_or_else(days);
    let text = |seconds: f64| match unit(length) {
        Unit::Seconds => format!("{seconds:.0}"),
        Unit::Minutes => sixty(seconds),
        Unit::Hours => sixty(seconds / 60.0),
    };
    Axis {
        from: 0.0,
        to: length,
        ticks: multiples(step, length).map(|at| (at, text(at))).collect(),
        is_log: false,
    }
}

/// What [`time`] counts.
pub(super) const fn time_label(length: f64) -> &'static str {
    match unit(length) {
        Unit::Seconds => "since the beginning (s)",
        Unit::Minutes => "since the beginning (min:s)",
        Unit::Hours => "since the beginning (h:min)",
    }
}

enum Unit {
    Seconds,
    Minutes,
    Hours,
}

const fn unit(length: f64) -> Unit {
    if length <= 180.0 {
        Unit::Seconds
    } else if length <= 7_200.0 {
        Unit::Minutes
    } else {
        Unit::Hours
    }
}

/// As on a clock.
fn sixty(small: f64) -> String {
    format!("{:.0}:{:02.0}", (small / 60.0).floor(), small % 60.0)
}

/// Times (ms) by their logarithm; none without any.
pub(super) fn log_time(values: impl Iterator<Item = f64> + Clone) -> Option<Axis> {
    let least = values.clone().reduce(f64::min)?.log10();
    let most = values.reduce(f64::max)?.log10();
    let in_decade: &[f64] = if most.ceil() - least.floor() <= FEW_DECADES {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    // From a µs to a day.
    let ticks: Vec<_> = (-3..8)
        .flat_map(|power| {
            in_decade
                .iter()
                .map(move |times| times * 10_f64.powi(power))
        })
        .map(|ms| (ms.log10(), time_text(ms)))
        .collect();
    let below = ticks.iter().rev().find(|(at, _)| *at <= least + 1e-9);
    let above = ticks
        .iter()
        .find(|(at, _)| *at >= most - 1e-9 && *at > least);
    let from = below.map_or(least, |(at, _)| *at);
    let to = above.map_or(most, |(at, _)| *at).max(from + 0.3);
    let within = |(at, _): &(f64, String)| (from - 1e-9..=to + 1e-9).contains(at);
    Some(Axis {
        from,
        to,
        ticks: ticks.into_iter().filter(within).collect(),
        is_log: true,
    })
}

/// How rare what is beyond a percentile is, as a power of ten: 99 % is 2. Of a
/// number of things, none is rarer than one of them.
#[expect(clippy::cast_precision_loss, reason = "for plots")]
pub(super) fn rarity(percentile: f64, count: u64) -> f64 {
    let rarest = (count.max(2) as f64).log10();
    let beyond = 1.0 - percentile / 100.0;
    if beyond <= 0.0 {
        rarest
    } else {
        (-beyond.log10()).min(rarest)
    }
}

/// Percentiles by their rarity; with little room, not all have a tick.
pub(super) fn percentiles(rarest: f64, has_room: bool) -> Axis {
    let rarest = rarest.max(1.0);
    let known = [
        (0.0, "0", true),
        (50.0, "50", false),
        (90.0, "90", true),
        (99.0, "99", true),
        (99.9, "99.9", true),
        (99.99, "99.99", true),
        (99.999, "99.999", false),
    ];
    let ticks = known
        .into_iter()
        .filter(|(_, _, always)| has_room || *always)
        .map(|(percentile, text, _)| (rarity(percentile, u64::MAX), text.to_owned()));
    Axis {
        from: 0.0,
        to: rarest,
        ticks: ticks.filter(|(at, _)| *at <= rarest).collect(),
        is_log: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn figures_have_round_ticks_and_room_above_them() {
        assert_eq!(
            texts(&linear(10_000.0, 1.0)),
            ["0", "2,000", "4,000", "6,000", "8,000", "10,000"]
        );
        assert_eq!(
            texts(&linear(0.0, 1.0)),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(texts(&linear(2.3, 0.1)), ["0", "0.5", "1", "1.5", "2"]);
        assert!(linear(7.0, 1.0).to > 7.0);
    }

    #[test]
    fn time_is_told_by_the_clock() {
        assert_eq!(
            texts(&time(60.0, 8.0)),
            ["0", "10", "20", "30", "40", "50", "60"]
        );
        assert_eq!(
            texts(&time(600.0, 5.0)),
            ["0:00", "2:00", "4:00", "6:00", "8:00", "10:00"]
        );
        assert_eq!(
            texts(&time(86_400.0, 4.0)),
            ["0:00", "6:00", "12:00", "18:00", "24:00"]
        );
        assert_eq!(time_label(7_201.0), "since the beginning (h:min)");
        assert!(time(1e9, 5.0).ticks.len() <= 6);
    }

    #[test]
    fn times_by_their_logarithm_are_between_ticks() {
        let axis = log_time([3.0, 40.0].into_iter()).unwrap();
        assert_eq!(texts(&axis), ["2 ms", "5 ms", "10 ms", "20 ms", "50 ms"]);
        let axis = log_time([0.5, 20_000.0].into_iter()).unwrap();
        assert_eq!(
            texts(&axis),
            ["100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"]
        );
        let one = log_time([10.0].into_iter()).unwrap();
        assert!(one.from < one.to && one.ticks.len() >= 2, "{one:?}");
        assert_eq!(log_time(std::iter::empty()), None);
    }

    #[test]
    fn percentiles_end_with_the_rarest() {
        assert_eq!(
            texts(&percentiles(rarity(100.0, 1_500), true)),
            ["0", "50", "90", "99", "99.9"]
        );
        assert!((rarity(99.0, 1_000) - 2.0).abs() < 1e-9);
        assert!((rarity(99.9, 10) - 1.0).abs() < 1e-9);
    }
}
