//! The wall clock: what was sent on one machine is received on another.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in µs of Unix time.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}
