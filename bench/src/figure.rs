//! What is measured, and what has to be reached.

use std::fmt;

use serde::Serialize;

/// How much less than wanted still counts as reached: what is sent at a fixed
/// rate over some seconds is a message less now and then.
const TOLERANCE: f64 = 0.005;

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Figure {
    /// Messages accepted a second.
    Sends,
    /// Messages that came onto screens a second.
    Deliveries,
    /// From when a message was due to a screen: the half.
    DeliveryP50,
    /// The same: 99 of 100.
    DeliveryP99,
    /// From when a message was due to the answer: the half.
    AnswerP50,
    /// The same: 99 of 100.
    AnswerP99,
    /// How far the load tester was behind: 99 of 100.
    LagP99,
    /// From the first connection to everybody following the room, at most.
    Joins,
    /// Most events that waited in outboxes and streams together.
    BacklogMost,
    /// Longest that an event waited there.
    BacklogOldest,
    /// From the fault until everybody was back and had everything.
    Back,
    /// Sends that were refused or never answered.
    Failed,
    /// P99 of requests in the fault by the one before.
    Slower,
    /// Memory of Plaza's own processes together.
    Memory,
    /// Memory of `plaza up`, which keeps the others and is no part of a server.
    MemoryOfUp,
    /// The list of joined rooms: the half.
    RoomsP50,
    /// The same: 99 of 100.
    RoomsP99,
    /// 50 messages of history: the half.
    HistoryP50,
    /// The same: 99 of 100.
    HistoryP99,
    /// A page of discovery: the half.
    DiscoveryP50,
    /// The same: 99 of 100.
    DiscoveryP99,
    /// One send: the half.
    SendP50,
    /// The same: 99 of 100.
    SendP99,
    /// A page in the middle of a history: the half.
    MiddleP50,
    /// The same: 99 of 100.
    MiddleP99,
    /// The time that seeding took.
    Seeding,
    /// The last point of a curve by its first.
    Growth,
}

impl Figure {
    /// What it is called, and its unit.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Sends => ("sends", "/s"),
            Self::Deliveries => ("deliveries", "/s"),
            Self::DeliveryP50 => ("delivery p50", " ms"),
            Self::DeliveryP99 => ("delivery p99", " ms"),
            Self::AnswerP50 => ("answer p50", " ms"),
            Self::AnswerP99 => ("answer p99", " ms"),
            Self::LagP99 => ("load tester's lag p99", " ms"),
            Self::Joins => ("joins", " s"),
            Self::BacklogMost => ("most waiting events", ""),
            Self::BacklogOldest => ("oldest waiting event", " s"),
            Self::Back => ("all back", " s"),
            Self::Failed => ("failed sends", ""),
            Self::Slower => ("p99 by that before", "×"),
            Self::Memory => ("memory", " MiB"),
            Self::MemoryOfUp => ("memory of plaza up", " MiB"),
            Self::RoomsP50 => ("joined rooms p50", " ms"),
            Self::RoomsP99 => ("joined rooms p99", " ms"),
            Self::HistoryP50 => ("history p50", " ms"),
            Self::HistoryP99 => ("history p99", " ms"),
            Self::DiscoveryP50 => ("discovery p50", " ms"),
            Self::DiscoveryP99 => ("discovery p99", " ms"),
            Self::SendP50 => ("send p50", " ms"),
            Self::SendP99 => ("send p99", " ms"),
            Self::MiddleP50 => ("middle page p50", " ms"),
            Self::MiddleP99 => ("middle page p99", " ms"),
            Self::Seeding => ("seeding", " s"),
            Self::Growth => ("last by first", "×"),
        }
    }

    /// Whether it explains others: it is in the JSON report, and in a table only
    /// where it is wanted.
    pub(crate) const fn is_detail(self) -> bool {
        matches!(
            self,
            Self::AnswerP50
                | Self::AnswerP99
                | Self::LagP99
                | Self::Joins
                | Self::BacklogMost
                | Self::BacklogOldest
        )
    }

    /// What it is called.
    pub(crate) const fn name(self) -> &'static str {
        self.words().0
    }

    /// The unit, as it follows a number.
    pub(crate) const fn unit(self) -> &'static str {
        self.words().1
    }
}

/// What has to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Bound {
    /// Whether a value reaches it.
    pub(crate) fn is_reached_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound * (1.0 - TOLERANCE),
        }
    }

    /// As people read it, such as `≤ 6 ms`.
    pub(crate) fn text(self, figure: Figure) -> String {
        let (sign, bound) = match self {
            Self::AtMost(bound) => ('≤', bound),
            Self::AtLeast(bound) => ('≥', bound),
        };
        format!("{sign} {}{}", Number(bound), figure.unit())
    }
}

/// What was measured of one figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    pub(crate) figure: Figure,
    /// Of the values, as it follows a number.
    unit: &'static str,
    /// At which point of a curve; none: of the whole row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// The median of the repetitions.
    pub(crate) median: f64,
    /// One of each repetition, in their order.
    pub(crate) values: Vec<f64>,
}

impl Measured {
    /// Of a figure with its values, of which there is at least one.
    pub(crate) fn new(figure: Figure, at: Option<String>, values: Vec<f64>) -> Option<Self> {
        let median = median(&values)?;
        Some(Self {
            figure,
            unit: figure.unit(),
            at,
            median,
            values,
        })
    }

    /// The figure's name, with its place on the curve.
    pub(crate) fn name(&self) -> String {
        match &self.at {
            Some(at) => format!("{}, {at}", self.figure.name()),
            None => self.figure.name().to_owned(),
        }
    }

    /// The median with its unit.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", Number(self.median), self.unit)
    }
}

/// The value in the middle; of two, their mean.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper))
}

/// A number as people read it: three digits that matter, thousands set apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0.abs() {
            size if size >= 100.0 || size.fract() == 0.0 => 0,
            size if size >= 10.0 => 1,
            _ => 2,
        };
        let plain = format!("{:.decimals$}", self.0);
        let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
        let rest = rest.trim_end_matches('0');
        let (sign, digits) = whole
            .strip_prefix('-')
            .map_or(("", whole), |digits| ("-", digits));
        f.write_str(sign)?;
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            write!(f, ".{rest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_reached_from_its_side() {
        assert!(Bound::AtMost(6.0).is_reached_by(6.0));
        assert!(!Bound::AtMost(6.0).is_reached_by(6.01));
        assert!(Bound::AtLeast(1_000.0).is_reached_by(1_000.0));
        assert!(Bound::AtLeast(1_000.0).is_reached_by(996.0), "tolerance");
        assert!(!Bound::AtLeast(1_000.0).is_reached_by(990.0));
        assert!(!Bound::AtLeast(1.0).is_reached_by(f64::NAN));
        assert!(!Bound::AtMost(1.0).is_reached_by(f64::NAN));
        assert_eq!(Bound::AtMost(6.0).text(Figure::DeliveryP50), "≤ 6 ms");
        assert_eq!(Bound::AtLeast(2_000.0).text(Figure::Sends), "≥ 2,000/s");
    }

    #[test]
    fn the_middle_of_the_repetitions_counts() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 3.0, 5.0]), Some(4.0));
        assert!(Measured::new(Figure::Sends, None, Vec::new()).is_none());
    }

    #[test]
    fn numbers_are_short_and_readable() {
        for (number, text) in [
            (0.0, "0"),
            (1.234, "1.23"),
            (2.5, "2.5"),
            (12.34, "12.3"),
            (123.4, "123"),
            (600.0, "600"),
            (123_456.0, "123,456"),
            (10_000_000.0, "10,000,000"),
            (-1_234.5, "-1,234"),
        ] {
            assert_eq!(Number(number).to_string(), text);
        }
    }
}
