//! Whether what is remembered may still be relied on.

use std::time::Duration;

use plaza_types::Visibility;

/// How long an entry is good while removals arrive.
const ENTRY_LIVES: Duration = Duration::from_secs(30);
/// How old the last removals may be for that.
const FEED_LIVES: Duration = Duration::from_secs(2);

/// How old they may be for an entry of a private room, while rooms does not answer.
const PRIVATE_LIVES: Duration = Duration::from_secs(3);

/// What to do with an entry, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Rely on it.
    Good,
    /// Ask rooms; should rooms not answer, rely on it.
    AskOrRely,
    /// Ask rooms.
    Ask,
}

/// Judges an entry about a room of this visibility, asked for `age` ago, when
/// the last removals were asked for `feed_age` ago (none: never).
///
/// A replica cannot tell a dead rooms from a cut wire behind which people are
/// removed: what everybody may read anyway is relied on for as long as it
/// takes, what only members may read no longer than a removal may take.
pub(super) fn judge(visibility: Visibility, age: Duration, feed_age: Option<Duration>) -> Verdict {
    let told = feed_age.is_some_and(|age| age < FEED_LIVES);
    match visibility {
        _ if told && age < ENTRY_LIVES => Verdict::Good,
        Visibility::Public => Verdict::AskOrRely,
        Visibility::Private if feed_age.is_some_and(|age| age < PRIVATE_LIVES) => {
            Verdict::AskOrRely
        }
        Visibility::Private => Verdict::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_entry_lives_30_s_while_removals_are_younger_than_2_s() {
        for visibility in [Visibility::Public, Visibility::Private] {
            let told = |age, feed| judge(visibility, age, feed) == Verdict::Good;
            assert!(told(ms(0), Some(ms(0))));
            assert!(told(ms(29_999), Some(ms(1_999))));
            assert!(!told(ms(30_000), Some(ms(0))));
            assert!(!told(ms(0), Some(ms(2_000))));
            assert!(!told(ms(0), None));
        }
    }

    #[test]
    fn what_is_known_of_public_rooms_outlives_an_outage_of_rooms_and_of_private_ones_3_s() {
        let old = ms(3_600_000);
        assert_eq!(
            judge(Visibility::Public, old, Some(old)),
            Verdict::AskOrRely
        );
        for age in [ms(0), old] {
            let private = |feed| judge(Visibility::Private, age, feed);
            assert_eq!(private(Some(ms(2_000))), Verdict::AskOrRely);
            assert_eq!(private(Some(ms(2_999))), Verdict::AskOrRely);
            assert_eq!(private(Some(ms(3_000))), Verdict::Ask);
            assert_eq!(private(None), Verdict::Ask);
        }
    }
}
