//! How long to wait after an error, by chat.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::api::ChatDeployment;

/// After the first error.
const FIRST: Duration = Duration::from_secs(1);
/// Doubled this often at most: 256 s.
const DOUBLINGS: u32 = 8;

/// Errors in a row, by the chat's uid.
#[derive(Debug, Default)]
pub(super) struct Backoff(Mutex<HashMap<String, u32>>);

impl Backoff {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wait after one more error, with a quarter of jitter.
    pub(super) fn next(&self, chat: &ChatDeployment) -> Duration {
        let mut errors = self.lock();
        let errors = errors.entry(key(chat)).or_default();
        let pause = FIRST * 2_u32.pow(*errors);
        *errors = (*errors + 1).min(DOUBLINGS);
        pause.mul_f64(0.875 + fastrand::f64() / 4.0)
    }

    /// It went well, or the chat is gone.
    pub(super) fn forget(&self, chat: &ChatDeployment) {
        self.lock().remove(&key(chat));
    }
}

fn key(chat: &ChatDeployment) -> String {
    chat.metadata.uid.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::trial;

    #[test]
    fn waits_double_up_to_a_bound_and_begin_anew() {
        let (backoff, chat) = (Backoff::default(), trial());
        let near =
            |pause: Duration, seconds: f64| (pause.as_secs_f64() / seconds - 1.0).abs() <= 0.13;
        for seconds in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 256.0] {
            let pause = backoff.next(&chat);
            assert!(near(pause, seconds), "{pause:?} for {seconds}");
        }
        backoff.forget(&chat);
        assert!(near(backoff.next(&chat), 1.0));
    }
}
