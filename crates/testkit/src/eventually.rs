//! Waiting for a condition.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often the condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What a condition may answer: `bool`, `Option<T>`, or `Result<T, E>`.
pub trait Outcome {
    /// What is there when the condition holds.
    type Value;

    /// The value, or why it is not there yet.
    fn settled(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();

    fn settled(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".into()) }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn settled(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".into())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    type Value = T;

    fn settled(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Asks until the condition holds and gives its value.
///
/// # Panics
/// When it does not hold within `deadline`, with its last answer.
#[track_caller]
pub fn eventually<O: Outcome>(
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> O,
) -> impl Future<Output = O::Value> {
    let caller = std::panic::Location::caller();
    async move {
        let end = Instant::now() + deadline;
        loop {
            match condition().await.settled() {
                Ok(value) => return value,
                Err(last) if Instant::now() >= end => {
                    panic!("{caller}: not within {deadline:?}; the last answer was: {last}")
                }
                Err(_) => sleep(POLL).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_gives_the_value_once_it_is_there() {
        let mut tries = 0;
        let value = eventually(Duration::from_secs(5), async || {
            tries += 1;
            (tries == 3).then_some("here")
        })
        .await;
        assert_eq!((value, tries), ("here", 3));
    }

    #[tokio::test]
    #[should_panic(expected = "the last answer was: \"not yet\"")]
    async fn it_fails_with_the_last_answer_after_the_deadline() {
        eventually(Duration::from_millis(1), async || Err::<(), _>("not yet")).await;
    }
}
