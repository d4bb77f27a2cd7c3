//! The text of a message that a run sends: it says whose it is and when it was
//! due, so that any process that receives it knows how long it took.

use std::fmt;

use uuid::Uuid;

/// What the text begins with.
const TAG: &str = "plaza-loadtest";
/// What short texts are filled with.
const FILLER: &str = "the quick brown fox jumps over the lazy dog and goes on ";

/// One run; its messages carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunId(u32);

impl RunId {
    /// Another than any before, with all likelihood.
    pub(crate) fn new() -> Self {
        Self(fastrand::u32(..))
    }

    /// The same for all processes that load this room from this moment on (µs
    /// of Unix time).
    pub(crate) fn agreed(room: Uuid, begins_at_us: i64) -> Self {
        // Uuid's low bits are random in version 7.
        let (_, low) = room.as_u64_pair();
        let mixed = (low ^ begins_at_us.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(u32::try_from(mixed >> 32).unwrap_or_default())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What the text of a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) run: RunId,
    /// When it was due (µs of Unix time).
    pub(crate) due_us: i64,
    /// Its number in the run.
    pub(crate) number: u64,
}

impl Content {
    /// The text, at least `chars` characters long.
    pub(crate) fn text(&self, chars: usize) -> String {
        let Self {
            run,
            due_us,
            number,
        } = self;
        let mut text = format!("{TAG} {run} {due_us} {number} ");
        let lacking = chars.saturating_sub(text.len());
        text.extend(FILLER.chars().cycle().take(lacking));
        text
    }

    /// Reads the text of a message; none: it is nobody's of a load test.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(TAG)?.split_ascii_whitespace();
        let run = u32::from_str_radix(words.next()?, 16).ok()?;
        Some(Self {
            run: RunId(run),
            due_us: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_agreed_have_one_run() {
        let room = Uuid::now_v7();
        let at = 1_700_000_000_000_000;
        assert_eq!(RunId::agreed(room, at), RunId::agreed(room, at));
        assert_ne!(RunId::agreed(room, at), RunId::agreed(room, at + 1_000_000));
        assert_ne!(RunId::agreed(room, at), RunId::agreed(Uuid::now_v7(), at));
    }

    #[test]
    fn a_text_says_what_it_was_made_of() {
        let content = Content {
            run: RunId::new(),
            due_us: 1_700_000_000_123_456,
            number: 7,
        };
        let text = content.text(200);
        assert_eq!(text.chars().count(), 200);
        assert_eq!(Content::read(&text), Some(content));
        assert_eq!(Content::read(&content.text(0)), Some(content));
        for other in ["", "hello", "plaza-loadtest", "plaza-loadtest x y z"] {
            assert_eq!(Content::read(other), None, "{other}");
        }
    }
}
