//! Which plots a report has, and what is said below each.

use super::{
    axis::{self, Axis},
    chart::{Chart, ChartError, Line, Size},
};
use crate::{
    latency::{Curve, Spread},
    numbers::{clock, count, figure, time},
    report::Report,
    series::{ProcessSeries, Second, Series},
};

/// Most points of a line: more cannot be told apart.
const MOST_POINTS: usize = 300;
/// Most processes with a line of their own; the others are one together.
const MOST_PROCESSES: usize = 7;
/// Least processors, and least MiB, that an axis shows.
const LEAST_CPUS: f64 = 0.1;
const LEAST_MIB: f64 = 10.0;

/// Parts of a line, with nothing between them.
type Parts = Vec<Vec<(f64, f64)>>;
/// Lines with their names.
type Lines = Vec<(String, Parts)>;
/// What is counted of a second.
type Counter = fn(&Second) -> u64;

/// A plot with its words.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) title: &'static str,
    pub(super) legend: Vec<Key>,
    /// As wide as the page; none: two stand side by side.
    pub(super) wide: Option<String>,
    pub(super) narrow: String,
    /// What it shows.
    pub(super) says: String,
}

/// What a colour stands for.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) color: u8,
    pub(super) name: String,
    /// A band, not a line.
    pub(super) band: bool,
}

/// A figure before it is drawn.
struct Sketch {
    title: &'static str,
    lines: Lines,
    x_label: String,
    y_label: &'static str,
    x: Box<dyn Fn(Size) -> Axis>,
    y: Axis,
    band: Option<(f64, f64)>,
    is_wide: bool,
    says: String,
}

/// All that there is something to show for.
pub(super) fn figures(report: &Report) -> Result<Vec<Figure>, ChartError> {
    let series = report.series.clone().in_places(MOST_POINTS);
    let over_time = OverTime { series: &series };
    let mut sketches = Vec::new();
    if !series.is_empty() {
        sketches.extend(over_time.latency());
    }
    sketches.extend(distribution(report));
    if !series.is_empty() {
        sketches.push(over_time.rate(
            "Messages sent",
            "accepted a second",
            "messages accepted",
            |second| second.accepted,
        ));
        sketches.push(over_time.rate(
            "Deliveries",
            "shown a second",
            "messages on screens",
            |second| second.shown,
        ));
        sketches.push(over_time.connections());
        sketches.push(over_time.trouble());
        sketches.extend(over_time.processes());
    }
    sketches.into_iter().map(Sketch::draw).collect()
}

impl Sketch {
    fn draw(self) -> Result<Figure, ChartError> {
        let lines: Vec<_> = (1..)
            .zip(&self.lines)
            .map(|(color, (_, parts))| Line { color, parts })
            .collect();
        let chart = Chart {
            title: self.title,
            x_label: &self.x_label,
            y_label: self.y_label,
            y: &self.y,
            lines: &lines,
            band: self.band,
        };
        let draw = |size| chart.draw(&(self.x)(size), size);
        let wide = self.is_wide.then(|| draw(Size::Wide)).transpose()?;
        let narrow = draw(Size::Narrow)?;
        let keys = (1..).zip(&self.lines).map(|(color, (name, _))| Key {
            color,
            name: name.clone(),
            band: false,
        });
        let band = self.band.map(|_| Key {
            color: 0,
            name: "measured".into(),
            band: true,
        });
        Ok(Figure {
            title: self.title,
            legend: keys.chain(band).collect(),
            wide,
            narrow,
            says: self.says,
        })
    }
}

/// Figures over time.
struct OverTime<'a> {
    series: &'a Series,
}

impl OverTime<'_> {
    /// When a place is, from the beginning: its middle (s).
    fn at(&self, place: usize) -> f64 {
        (as_f64(place as u64) + 0.5) * self.step()
    }

    fn step(&self) -> f64 {
        as_f64(self.series.step_s)
    }

    /// From its beginning to its end (s).
    fn length(&self) -> f64 {
        as_f64(self.series.places.len() as u64) * self.step()
    }

    /// A line through places that have something.
    fn line(&self, of: impl Fn(usize) -> Option<f64>) -> Parts {
        let mut parts = vec![Vec::new()];
        for place in 0..self.series.places.len() {
            match (of(place), parts.last_mut()) {
                (Some(value), Some(part)) => part.push((self.at(place), value)),
                (None, Some(part)) if !part.is_empty() => parts.push(Vec::new()),
                _ => {}
            }
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    fn sketch(
        &self,
        title: &'static str,
        y_label: &'static str,
        lines: Lines,
        y: Axis,
        says: String,
    ) -> Sketch {
        let length = self.length();
        let begins = as_f64(self.series.begins_at.unsigned_abs());
        let band = self.series.measured.map(|(from, to)| {
            let within = |at: f64| (at - begins).clamp(0.0, length);
            (within(from), within(to))
        });
        let says = if self.series.step_s > 1 {
            format!("{says} Each point stands for {} s.", self.series.step_s)
        } else {
            says
        };
        Sketch {
            title,
            lines,
            x_label: axis::time_label(length).into(),
            y_label,
            x: Box::new(move |size| axis::time(length, size.x_ticks())),
            y,
            band: band.filter(|(from, to)| from < to),
            is_wide: false,
            says,
        }
    }

    /// None: nothing was ever shown.
    fn latency(&self) -> Option<Sketch> {
        let places = &self.series.places;
        let spread = |of: fn(Spread) -> f64| {
            let of = move |place: usize| Some(of(places[place].latency?).max(0.001));
            self.line(of)
        };
        let lines = vec![
            ("p50".into(), spread(|spread| spread.p50_ms)),
            ("p99".into(), spread(|spread| spread.p99_ms)),
            ("longest".into(), spread(|spread| spread.max_ms)),
        ];
        let values = lines.iter().flat_map(|(_, parts)| parts.iter().flatten());
        let y = axis::log_time(values.map(|(_, ms)| *ms))?;
        let slowest = (0..places.len())
            .filter_map(|place| Some((place, places[place].latency?.p99_ms)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let says = format!(
            "How long messages took from when they were due to the screens that showed them in that second: half of them at most p50, 99 of 100 at most p99. It was slowest {} after the beginning, with a p99 of {}.",
            clock(as_f64(slowest.0 as u64) * self.step()),
            time(slowest.1),
        );
        let sketch = self.sketch("Delivery over time", "latency (log axis)", lines, y, says);
        Some(Sketch {
            is_wide: true,
            ..sketch
        })
    }

    /// How often something happened a second.
    fn rate(&self, title: &'static str, y_label: &'static str, name: &str, of: Counter) -> Sketch {
        let a_second = |place: usize| Some(as_f64(of(&self.series.places[place])) / self.step());
        let line = self.line(a_second);
        let most = highest(&line);
        let all: u64 = self.series.places.iter().map(of).sum();
        let says = format!(
            "{} {name} in all, at most {} a second.",
            count(all),
            figure(most),
        );
        let lines = vec![(name.to_owned(), line)];
        self.sketch(title, y_label, lines, axis::linear(most, 1.0), says)
    }

    fn connections(&self) -> Sketch {
        let line = self.line(|place| Some(as_f64(self.series.places[place].live)));
        let most = highest(&line);
        let says = format!(
            "Subscribers that followed the room at the end of each second: {} at most. A dip is connections that were lost; where it rises again, they came back.",
            figure(most),
        );
        let lines = vec![("subscribers".to_owned(), line)];
        let y = axis::linear(most, 1.0);
        self.sketch("Connections", "live connections", lines, y, says)
    }

    fn trouble(&self) -> Sketch {
        let kinds: [(&str, Counter); 3] = [
            ("catch-ups", |second| second.asked),
            ("polls", |second| second.polls),
            ("errors", |second| second.errors),
        ];
        let lines: Vec<_> = kinds
            .iter()
            .map(|(name, of)| {
                let a_second =
                    |place: usize| Some(as_f64(of(&self.series.places[place])) / self.step());
                ((*name).to_owned(), self.line(a_second))
            })
            .collect();
        let most = lines.iter().map(|(_, line)| highest(line));
        let most = most.fold(0.0, f64::max);
        let says = if most > 0.0 {
            format!(
                "How often a subscriber asked for what it lacked, polled since nothing said that its connection lives, or had an error, made good or not: {} a second at most.",
                figure(most),
            )
        } else {
            "Nobody had to ask for what was lacking, nobody polled, and nothing failed.".into()
        };
        let y = axis::linear(most, 1.0);
        self.sketch("Catch-ups, polls and errors", "a second", lines, y, says)
    }

    /// Of processes that were watched.
    fn processes(&self) -> Vec<Sketch> {
        let (ranked, others) = self.ranked();
        if ranked.is_empty() {
            return Vec::new();
        }
        let lines = |of: fn(&ProcessSeries, usize) -> Option<f64>| {
            let mut lines: Vec<_> = ranked
                .iter()
                .map(|process| {
                    let line = self.line(|place| of(process, place));
                    (process.name.clone(), line)
                })
                .collect();
            if !others.is_empty() {
                let line = self.line(|place| {
                    let figures = others.iter().filter_map(|process| of(process, place));
                    figures.reduce(|one, other| one + other)
                });
                lines.push((format!("{} others together", others.len()), line));
            }
            let most = lines.iter().map(|(_, line)| highest(line));
            let most = most.fold(0.0, f64::max);
            (lines, most)
        };
        let of_all = |of: fn(&ProcessSeries, usize) -> Option<f64>| {
            let sum = |place: usize| -> f64 {
                let processes = self.series.processes.iter();
                processes.filter_map(|process| of(process, place)).sum()
            };
            (0..self.series.places.len()).map(sum).fold(0.0, f64::max)
        };
        let cpus: fn(&ProcessSeries, usize) -> Option<f64> =
            |process, place| Some(process.using.get(place)?.as_ref()?.cpus);
        let mib: fn(&ProcessSeries, usize) -> Option<f64> =
            |process, place| Some(process.using.get(place)?.as_ref()?.mib);
        let (cpu_lines, most_cpus) = lines(cpus);
        let (mib_lines, most_mib) = lines(mib);
        let says_cpus = format!(
            "Processors that were busy with each process and its children; at most {:.2} with all of them at once.",
            of_all(cpus)
        );
        let says_mib = format!(
            "Memory of each process and its children, what they share counted once; at most {} MiB for all of them at once.",
            figure(of_all(mib).ceil())
        );
        vec![
            self.sketch(
                "Processors",
                "busy CPUs",
                cpu_lines,
                axis::linear(most_cpus, LEAST_CPUS),
                says_cpus,
            ),
            self.sketch(
                "Memory",
                "MiB",
                mib_lines,
                axis::linear(most_mib, LEAST_MIB),
                says_mib,
            ),
        ]
    }

    /// Those that take most, and the others.
    fn ranked(&self) -> (Vec<&ProcessSeries>, Vec<&ProcessSeries>) {
        let sums = |process: &ProcessSeries| {
            let using = process.using.iter().flatten();
            using.fold((0.0, 0.0), |(cpus, mib), using| {
                (cpus + using.cpus, mib + using.mib)
            })
        };
        let all = self.series.processes.iter().map(sums);
        let all = all.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        let weight = |process: &ProcessSeries| {
            let (cpus, mib) = sums(process);
            cpus / all.0.max(0.001) + mib / all.1.max(0.001)
        };
        let mut ranked: Vec<_> = self.series.processes.iter().collect();
        ranked.sort_by(|one, other| weight(other).total_cmp(&weight(one)));
        // One more has room where the others would be a single one.
        let own = if ranked.len() <= MOST_PROCESSES + 1 {
            ranked.len()
        } else {
            MOST_PROCESSES
        };
        let others = ranked.split_off(own);
        (ranked, others)
    }
}

/// None: nothing was measured.
fn distribution(report: &Report) -> Option<Sketch> {
    let curves = [
        (
            "delivery",
            &report.distribution.delivery,
            report.deliveries.latency.count,
        ),
        (
            "answer to a send",
            &report.distribution.answer,
            report.sends.answer.count,
        ),
    ];
    let of = |curve: &Curve, count: u64| {
        let point =
            |(percentile, ms): &(f64, f64)| (axis::rarity(*percentile, count), ms.max(0.001));
        vec![curve.iter().map(point).collect::<Vec<_>>()]
    };
    let lines: Vec<_> = curves
        .iter()
        .filter(|(_, curve, _)| !curve.is_empty())
        .map(|(name, curve, count)| ((*name).to_owned(), of(curve, *count)))
        .collect();
    let values = lines.iter().flat_map(|(_, parts)| parts.iter().flatten());
    let y = axis::log_time(values.clone().map(|(_, ms)| *ms))?;
    let rarest = values.map(|(rarity, _)| *rarity).fold(0.0, f64::max);
    let says = "How many of 100 were at most that quick, of what was due while it was measured. 90, 99, 99.9 and so on have the same room each, so that the few slow ones are seen; the end of a line is the longest time of all.";
    Some(Sketch {
        title: "Distribution",
        lines,
        x_label: "percentile (%)".into(),
        y_label: "latency (log axis)",
        x: Box::new(move |size| axis::percentiles(rarest, size == Size::Wide)),
        y,
        band: None,
        is_wide: true,
        says: says.into(),
    })
}

fn highest(line: &[Vec<(f64, f64)>]) -> f64 {
    let values = line.iter().flatten().map(|(_, value)| *value);
    values.fold(0.0, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "for plots")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}
