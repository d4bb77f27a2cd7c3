//! Work that arrives while work of the same kind is under way waits, and is
//! then done together. Nothing is delayed for it: what finds nothing under way
//! begins at once, alone.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;
use tracing::{Instrument, Span};

/// Why an item has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// As many wait as may; nothing was done.
    #[error("too many wait already")]
    Full,
    /// The work ended without a word about it, as when it panicked.
    #[error("the work was cut off")]
    Lost,
}

/// Lines of items by key: each key's groups are worked on one after another.
pub struct Groups<K, I, O> {
    lines: Arc<Lines<K, I, O>>,
    largest: usize,
    most_waiting: usize,
}

type Waiting<I, O> = (I, oneshot::Sender<O>, Span);

struct Lines<K, I, O>(Mutex<HashMap<K, Vec<Waiting<I, O>>>>);

impl<K, I, O> Lines<K, I, O> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Vec<Waiting<I, O>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, I, O> fmt::Debug for Groups<K, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

impl<K, I, O> Clone for Groups<K, I, O> {
    fn clone(&self) -> Self {
        Self {
            lines: self.lines.clone(),
            ..*self
        }
    }
}

impl<K, I, O> Groups<K, I, O>
where
    K: Hash + Eq + Clone + Send + 'static,
    I: Send + 'static,
    O: Send + 'static,
{
    /// Groups of at most `largest` items, `most_waiting` of them in one line.
    pub fn new(largest: usize, most_waiting: usize) -> Self {
        Self {
            lines: Arc::new(Lines(Mutex::default())),
            largest: largest.max(1),
            most_waiting,
        }
    }

    /// Has an item worked on with those that wait with it, and gives its
    /// outcome. `work` gives one outcome an item, in their order; it goes on
    /// when the caller no longer waits, and whoever stopped waiting before it
    /// began is left out of it.
    pub async fn run<W, F>(&self, key: K, item: I, work: W) -> Result<O, GroupError>
    where
        W: Fn(Vec<I>) -> F + Send + 'static,
        F: Future<Output = Vec<O>> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let is_first = {
            let mut lines = self.lines.lock();
            let is_first = !lines.contains_key(&key);
            let line = lines.entry(key.clone()).or_default();
            if line.len() >= self.most_waiting {
                return Err(GroupError::Full);
            }
            line.push((item, answer, Span::current()));
            is_first
        };
        if is_first {
            let line = Line {
                lines: self.lines.clone(),
                key,
                is_over: false,
            };
            tokio::spawn(line.work_off(self.largest, work));
        }
        outcome.await.map_err(|_| GroupError::Lost)
    }
}

/// Who works off a line. When it breaks off, the line is gone with all that
/// still waited in it, and the next item begins another.
struct Line<K: Hash + Eq, I, O> {
    lines: Arc<Lines<K, I, O>>,
    key: K,
    /// Nobody waited any more: what stands under the key now is another line.
    is_over: bool,
}

impl<K: Hash + Eq, I, O> Drop for Line<K, I, O> {
    fn drop(&mut self) {
        if !self.is_over {
            self.lines.lock().remove(&self.key);
        }
    }
}

impl<K: Hash + Eq, I, O> Line<K, I, O> {
    async fn work_off<W, F>(mut self, largest: usize, work: W)
    where
        W: Fn(Vec<I>) -> F,
        F: Future<Output = Vec<O>>,
    {
        while let Some(group) = self.next(largest) {
            let mut items = Vec::with_capacity(group.len());
            let mut answers = Vec::with_capacity(group.len());
            let mut span = None;
            for (item, answer, of_item) in group {
                items.push(item);
                answers.push(answer);
                span.get_or_insert(of_item);
            }
            // What is done for many is told in the trace of the first.
            let outcomes = work(items).instrument(span.unwrap_or_else(Span::none));
            for (answer, outcome) in answers.into_iter().zip(outcomes.await) {
                let _ = answer.send(outcome);
            }
        }
    }

    /// The next group; none: nobody waits, and the line is gone.
    fn next(&mut self, largest: usize) -> Option<Vec<Waiting<I, O>>> {
        let mut lines = self.lines.lock();
        let line = lines.get_mut(&self.key)?;
        line.retain(|(_, answer, _)| !answer.is_closed());
        if line.is_empty() {
            lines.remove(&self.key);
            self.is_over = true;
            return None;
        }
        let rest = line.split_off(line.len().min(largest));
        Some(std::mem::replace(line, rest))
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// Groups whose work waits for a permit each, and what was worked on.
    #[derive(Clone)]
    struct Bench {
        groups: Groups<&'static str, u32, u32>,
        gate: Arc<Semaphore>,
        seen: Arc<Mutex<Vec<Vec<u32>>>>,
    }

    impl Bench {
        fn new(largest: usize, most_waiting: usize) -> Self {
            Self {
                groups: Groups::new(largest, most_waiting),
                gate: Arc::new(Semaphore::new(0)),
                seen: Arc::default(),
            }
        }

        async fn run(&self, key: &'static str, item: u32) -> Result<u32, GroupError> {
            let bench = self.clone();
            let work = move |items: Vec<u32>| {
                let bench = bench.clone();
                async move {
                    bench.seen.lock().unwrap().push(items.clone());
                    bench.gate.acquire().await.unwrap().forget();
                    assert!(!items.contains(&13), "unlucky");
                    items.into_iter().map(|item| item * 10).collect()
                }
            };
            self.groups.run(key, item, work).await
        }

        fn seen(&self) -> Vec<Vec<u32>> {
            self.seen.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_arrives_meanwhile_is_done_together_and_in_order() {
        let bench = Bench::new(3, 10);
        let all = join_all((1..=6).map(|item| bench.run("a", item)));
        let outcomes = async {
            tokio::task::yield_now().await;
            bench.gate.add_permits(3);
        };
        let (outcomes, ()) = tokio::join!(all, outcomes);
        let outcomes: Vec<u32> = outcomes.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes, [10, 20, 30, 40, 50, 60]);
        assert_eq!(bench.seen(), [vec![1, 2, 3], vec![4, 5, 6]]);
        assert!(bench.groups.lines.lock().is_empty(), "nothing is left");
    }

    #[tokio::test]
    async fn nothing_waits_for_company() {
        let bench = Bench::new(3, 10);
        bench.gate.add_permits(2);
        assert_eq!(bench.run("a", 1).await, Ok(10));
        assert_eq!(bench.run("a", 2).await, Ok(20));
        assert_eq!(bench.seen(), [vec![1], vec![2]]);
    }

    #[tokio::test]
    async fn a_line_is_bounded_and_another_is_not_held_up_by_it() {
        let bench = Bench::new(1, 2);
        let waiting = join_all((1..=2).map(|item| bench.run("a", item)));
        let beyond = async {
            tokio::task::yield_now().await;
            let third = tokio::spawn({
                let bench = bench.clone();
                async move { bench.run("a", 3).await }
            });
            tokio::task::yield_now().await;
            let fourth = bench.run("a", 4).await;
            bench.gate.add_permits(4);
            (third.await.unwrap(), fourth, bench.run("b", 5).await)
        };
        let (waiting, beyond) = tokio::join!(waiting, beyond);
        assert_eq!(waiting, [Ok(10), Ok(20)]);
        assert_eq!(beyond, (Ok(30), Err(GroupError::Full), Ok(50)));
    }

    #[tokio::test]
    async fn work_that_breaks_off_is_told_and_the_next_begins_anew() {
        let bench = Bench::new(3, 10);
        bench.gate.add_permits(2);
        assert_eq!(bench.run("a", 13).await, Err(GroupError::Lost));
        assert_eq!(bench.run("a", 1).await, Ok(10));
    }

    #[tokio::test]
    async fn who_no_longer_waits_is_left_out() {
        let bench = Bench::new(3, 10);
        let first = bench.run("a", 1);
        let rest = async {
            tokio::task::yield_now().await;
            let gone = tokio::spawn({
                let bench = bench.clone();
                async move { bench.run("a", 2).await }
            });
            tokio::task::yield_now().await;
            gone.abort();
            let _ = gone.await;
            bench.gate.add_permits(2);
            bench.run("a", 3).await
        };
        let (first, rest) = tokio::join!(first, rest);
        assert_eq!((first, rest), (Ok(10), Ok(30)));
        assert_eq!(bench.seen(), [vec![1], vec![3]]);
    }
}
