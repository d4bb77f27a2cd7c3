//! Measures one row.

use std::time::{Duration, Instant};

use crate::{
    curves::{self, Effort, Point},
    figure::{Figure, Measured},
    loads::{self, Spread},
    memory,
    reads::{Extent, Library},
    report::Outcome,
    rows::{Load, Row, Work},
    stack::{Host, Options, Stack},
    users,
};

/// From the start of a Plaza to the look at its memory.
const IDLE: Duration = Duration::from_secs(10);
/// The same where only the way is shown.
const QUICK_IDLE: Duration = Duration::from_secs(1);

/// The longest history where only the way is shown (messages).
const QUICK_HISTORY: u64 = 2_000;

/// Those of Plaza's own processes that are a server.
const OWN: [&str; 6] = [
    "auth",
    "rooms",
    "messages",
    "publisher",
    "gateway",
    "standalone",
];

/// How everything is measured.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) host: Host,
    /// In place of each row's own.
    pub(crate) repetitions: Option<u32>,
    /// Longest history (messages).
    pub(crate) longest_history: u64,
    /// In seconds, to show that everything works.
    pub(crate) quick: bool,
    /// As many as a process may open.
    pub(crate) open_files: u32,
}

/// What was measured so far, of which point of a curve.
#[derive(Debug, Default)]
struct Values(Vec<(Option<String>, Figure, f64)>);

/// What there is of a row when it ends, in whatever way.
#[derive(Debug, Default)]
struct Taken {
    values: Values,
    held: Option<bool>,
    by: Option<String>,
}

impl Way {
    /// Measures a row, and tells of what goes on.
    pub(crate) async fn measure(&self, row: &'static Row) -> Outcome {
        let begun = Instant::now();
        let mut taken = Taken::default();
        let repetitions = match self.repetitions {
            Some(repetitions) => repetitions,
            None if self.quick => 1,
            None => row.repetitions,
        };
        let done = match row.work {
            Work::Load(load) => self.load(load, repetitions, &mut taken).await,
            Work::Memory { standalone } => self.memory(standalone, repetitions, &mut taken).await,
            Work::Reads => self.reads(repetitions, &mut taken).await,
            Work::SendCurve(sizes) => self.send_curve(sizes, repetitions, &mut taken).await,
            Work::HistoryCurve(lengths) => {
                self.history_curve(lengths, repetitions, &mut taken).await
            }
        };
        let error = done.err().map(|error| format!("{error:#}"));
        let took = begun.elapsed().as_secs_f64();
        Outcome::new(row, taken.values.measured(), taken.held, error, took).by(taken.by)
    }

    async fn load(&self, load: Load, repetitions: u32, taken: &mut Taken) -> anyhow::Result<()> {
        let load = if self.quick { load.quick() } else { load };
        let spread = Spread::of(&load, self.open_files)?;
        taken.by = spread.text();
        let options = Options {
            two: spread.nodes > 1,
            ..Options::default()
        };
        let work = async |stack: &Stack| {
            let seeded = users::seed(stack, load.members, 0, 1).await?;
            for repetition in 0..repetitions {
                say_repetition(repetition, repetitions);
                let found = loads::run(stack, &seeded, &load, spread).await?;
                let held = taken.held.unwrap_or(true) && found.held;
                taken.held = Some(held);
                taken.values.extend(None, found.figures);
            }
            Ok(taken.held != Some(false))
        };
        self.on_a_plaza(options, work).await
    }

    async fn memory(
        &self,
        standalone: bool,
        repetitions: u32,
        taken: &mut Taken,
    ) -> anyhow::Result<()> {
        let options = Options {
            standalone,
            ..Options::default()
        };
        for repetition in 0..repetitions {
            say_repetition(repetition, repetitions);
            let work = async |stack: &Stack| {
                tokio::time::sleep(if self.quick { QUICK_IDLE } else { IDLE }).await;
                let status = stack.up.status().await?;
                let own = status
                    .parts
                    .iter()
                    .filter(|part| OWN.contains(&&*part.name));
                let own: Vec<i32> = own.filter_map(|part| part.pid).collect();
                anyhow::ensure!(!own.is_empty(), "none of Plaza's own processes runs");
                let figures = vec![
                    (Figure::Memory, memory::together_mib(&own)?),
                    (Figure::MemoryOfUp, memory::together_mib(&[stack.up.pid()])?),
                ];
                taken.values.extend(None, figures);
                Ok(true)
            };
            self.on_a_plaza(options, work).await?;
        }
        Ok(())
    }

    async fn reads(&self, repetitions: u32, taken: &mut Taken) -> anyhow::Result<()> {
        let work = async |stack: &Stack| {
            let library = Library::fill(stack, Extent::of(self.quick)).await?;
            for repetition in 0..repetitions {
                say_repetition(repetition, repetitions);
                taken.values.extend(None, library.read().await?);
            }
            Ok(true)
        };
        self.on_a_plaza(Options::default(), work).await
    }

    async fn send_curve(
        &self,
        sizes: &[u32],
        repetitions: u32,
        taken: &mut Taken,
    ) -> anyhow::Result<()> {
        let sizes = if self.quick { &sizes[..2] } else { sizes };
        let effort = Effort::of(self.quick, repetitions);
        let work = async |stack: &Stack| {
            let mut points = Vec::new();
            for size in sizes {
                points.push(said(curves::sends(stack, *size, effort).await?));
            }
            taken.curve(points, Figure::SendP50);
            Ok(true)
        };
        self.on_a_plaza(Options::default(), work).await
    }

    async fn history_curve(
        &self,
        lengths: &[u64],
        repetitions: u32,
        taken: &mut Taken,
    ) -> anyhow::Result<()> {
        let longest = if self.quick {
            QUICK_HISTORY
        } else {
            self.longest_history
        };
        let shorter = lengths.iter().copied().filter(|length| *length < longest);
        let effort = Effort::of(self.quick, repetitions);
        let work = async |stack: &Stack| {
            let mut points = Vec::new();
            for length in shorter.chain([longest]) {
                points.push(said(curves::middles(stack, length, effort).await?));
            }
            taken.curve(points, Figure::MiddleP50);
            Ok(true)
        };
        self.on_a_plaza(Options::default(), work).await
    }

    /// Starts a Plaza for some work. Where that fails, or says that something is
    /// wrong, logs and data stay.
    async fn on_a_plaza(
        &self,
        options: Options,
        work: impl AsyncFnOnce(&Stack) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let stack = self.host.start(options).await?;
        let done = work(&stack).await;
        if !matches!(done, Ok(true)) {
            println!("  logs and data stay in {}", stack.keep().display());
        }
        done.map(drop)
    }
}

impl Taken {
    fn curve(&mut self, points: Vec<Point>, of: Figure) {
        if let Some(growth) = curves::growth(&points, of) {
            self.values.extend(None, vec![(Figure::Growth, growth)]);
        }
        for Point { at, figures } in points {
            self.values.extend(Some(&at), figures);
        }
    }
}

impl Values {
    fn extend(&mut self, at: Option<&str>, figures: Vec<(Figure, f64)>) {
        let figures = figures.into_iter();
        self.0
            .extend(figures.map(|(figure, value)| (at.map(str::to_owned), figure, value)));
    }

    /// Each figure once with all its values, in the order in which they came.
    fn measured(self) -> Vec<Measured> {
        let mut grouped: Vec<(Option<String>, Figure, Vec<f64>)> = Vec::new();
        for (at, figure, value) in self.0 {
            let same = grouped
                .iter_mut()
                .find(|(known_at, known, _)| *known_at == at && *known == figure);
            match same {
                Some((_, _, values)) => values.push(value),
                None => grouped.push((at, figure, vec![value])),
            }
        }
        let grouped = grouped.into_iter();
        grouped
            .filter_map(|(at, figure, values)| Measured::new(figure, at, values))
            .collect()
    }
}

/// Tells that a point of a curve is done.
fn said(point: Point) -> Point {
    println!("  {}", point.at);
    point
}

fn say_repetition(repetition: u32, of: u32) {
    if of > 1 {
        println!("  {} of {of}", repetition + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_figure_at_one_point_belong_together() {
        let mut values = Values::default();
        values.extend(None, vec![(Figure::Sends, 1.0)]);
        values.extend(Some("a"), vec![(Figure::Sends, 7.0)]);
        values.extend(None, vec![(Figure::Sends, 3.0), (Figure::Growth, 2.0)]);
        let measured: Vec<_> = values
            .measured()
            .into_iter()
            .map(|measured| (measured.figure, measured.at, measured.values))
            .collect();
        assert_eq!(
            measured,
            [
                (Figure::Sends, None, vec![1.0, 3.0]),
                (Figure::Sends, Some("a".into()), vec![7.0]),
                (Figure::Growth, None, vec![2.0]),
            ]
        );
    }
}
