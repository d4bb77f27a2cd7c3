//! What a refresh does, from what the session's row says.

use std::time::Duration;

/// How long the token just replaced still answers its successor: for tabs
/// that refresh together and for answers that were lost.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// A session as it stands, read under its lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Of the present token.
    pub(crate) generation: i64,
    /// Since the present token was made.
    pub(crate) age: Duration,
    pub(crate) revoked: bool,
    pub(crate) expired: bool,
    pub(crate) disabled: bool,
}

/// What to do about a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Move to this generation and answer its token.
    Rotate(i64),
    /// Answer the present token of this generation again.
    Repeat(i64),
    /// Refuse: the session is over.
    Refuse(Refusal),
    /// Refuse and end the session: a token replaced long ago came back, so
    /// somebody else has a copy.
    EndForReuse,
}

/// Why a refresh is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Revoked,
    Expired,
    Disabled,
}

/// Decides about a token of generation `presented`.
pub(crate) fn step(standing: Standing, presented: i64) -> Step {
    if standing.revoked {
        return Step::Refuse(Refusal::Revoked);
    }
    if standing.disabled {
        return Step::Refuse(Refusal::Disabled);
    }
    if standing.expired {
        return Step::Refuse(Refusal::Expired);
    }
    if presented >= standing.generation {
        // Ahead of the row only after the database was restored to an earlier
        // state: the token is the newest there is.
        return Step::Rotate(presented.saturating_add(1));
    }
    if presented + 1 == standing.generation && standing.age <= GRACE {
        return Step::Repeat(standing.generation);
    }
    Step::EndForReuse
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: Standing = Standing {
        generation: 5,
        age: Duration::from_secs(10),
        revoked: false,
        expired: false,
        disabled: false,
    };

    #[test]
    fn the_present_token_rotates() {
        assert_eq!(step(LIVE, 5), Step::Rotate(6));
    }

    #[test]
    fn the_token_just_replaced_answers_its_successor_for_thirty_seconds() {
        assert_eq!(step(LIVE, 4), Step::Repeat(5));
        let at = |age| Standing { age, ..LIVE };
        assert_eq!(step(at(GRACE), 4), Step::Repeat(5));
        let late = at(GRACE + Duration::from_millis(1));
        assert_eq!(step(late, 4), Step::EndForReuse);
    }

    #[test]
    fn an_older_token_ends_the_session() {
        for presented in 0..4 {
            assert_eq!(step(LIVE, presented), Step::EndForReuse);
        }
    }

    #[test]
    fn a_token_from_before_a_restore_goes_on() {
        assert_eq!(step(LIVE, 9), Step::Rotate(10));
    }

    #[test]
    fn a_session_that_is_over_refuses_every_token() {
        for (standing, refusal) in [
            (
                Standing {
                    revoked: true,
                    ..LIVE
                },
                Refusal::Revoked,
            ),
            (
                Standing {
                    expired: true,
                    ..LIVE
                },
                Refusal::Expired,
            ),
            (
                Standing {
                    disabled: true,
                    ..LIVE
                },
                Refusal::Disabled,
            ),
        ] {
            for presented in [0, 4, 5] {
                assert_eq!(step(standing, presented), Step::Refuse(refusal));
            }
        }
    }
}
