//! Whether this process may open as many connections as a run needs.

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};

/// Beside the connections of subscribers: those of senders, and the rest.
const OTHERS: u64 = 2_000;

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFilesError {
    #[error(
        "{connections} connections need {needed} open files, and at most {most} are allowed here: allow more \
         (`ulimit -Hn {needed}` as root, LimitNOFILE= of a service, `--ulimit nofile={needed}` of a container), \
         or run with fewer --members"
    )]
    TooFew {
        connections: usize,
        needed: u64,
        most: u64,
    },
    #[error("cannot learn or raise how many files may be open")]
    System(#[from] Errno),
}

/// Sees to it that so many connections can be open, up to what the system
/// allows this user.
pub(crate) fn allow(connections: usize) -> Result<(), OpenFilesError> {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = connections as u64 + OTHERS;
    if let Some(raised) = raise(now, most, connections, needed)? {
        setrlimit(Resource::RLIMIT_NOFILE, raised, most)?;
    }
    Ok(())
}

/// What to raise the limit to; none: it is high enough.
fn raise(
    now: u64,
    most: u64,
    connections: usize,
    needed: u64,
) -> Result<Option<u64>, OpenFilesError> {
    if now >= needed {
        return Ok(None);
    }
    // Few connections of senders are open where the rate is low: what there is
    // will do, unless it does not even hold the subscribers.
    let least = connections as u64 + 100;
    if most < least {
        return Err(OpenFilesError::TooFew {
            connections,
            needed,
            most,
        });
    }
    Ok(Some(needed.min(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_is_allowed() {
        assert_eq!(raise(1_024, 4_096, 10, 2_010).unwrap(), Some(2_010));
        assert_eq!(raise(1_024, 2_000, 1_000, 3_000).unwrap(), Some(2_000));
        assert_eq!(raise(4_096, 4_096, 10, 2_010).unwrap(), None);
    }

    #[test]
    fn who_may_not_open_enough_is_told_what_to_do() {
        let error = raise(1_024, 4_096, 15_000, 17_000).unwrap_err().to_string();
        assert!(
            error.contains("17000") && error.contains("ulimit"),
            "{error}"
        );
    }

    #[test]
    fn a_few_connections_are_always_allowed() {
        allow(1).unwrap();
    }
}
