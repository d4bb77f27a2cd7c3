//! Times that callers set.

use chrono::{DateTime, TimeDelta, Utc};
use plaza_types::ApiError;

/// Whether a time is still to come, and soon enough.
pub(super) fn check(
    field: &str,
    time: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    longest: TimeDelta,
) -> Result<(), ApiError> {
    match time {
        Some(time) if time <= now => Err(ApiError::bad_input(
            field,
            "This time is over. Choose one that is to come.",
        )),
        Some(time) if time - now > longest => Err(ApiError::bad_input(
            field,
            format!("This can be at most {} days from now.", longest.num_days()),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_to_come_and_soon_enough() {
        let now = Utc::now();
        let check = |time| check("until", time, now, TimeDelta::days(2));
        assert!(check(None).is_ok());
        assert!(check(Some(now + TimeDelta::days(2))).is_ok());
        for bad in [
            now,
            now - TimeDelta::days(1),
            now + TimeDelta::days(2) + TimeDelta::seconds(1),
            DateTime::<Utc>::MAX_UTC,
            DateTime::<Utc>::MIN_UTC,
        ] {
            assert!(check(Some(bad)).is_err(), "{bad}");
        }
    }
}
