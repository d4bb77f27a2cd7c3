//! Versions of Plaza, and which may follow which.

use std::{fmt, str::FromStr};

/// A version such as `0.1.0` or `0.2.0-rc.1`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    /// What comes after a `-`: such a version comes before the one without.
    pre: Option<String>,
}

/// The text is no version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no version, such as 0.1.0")]
pub struct NoVersion(String);

/// Why one version may not follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is older, and the databases' schema does not go back.
    Downgrade,
    /// There is a minor version between them whose migrations are needed.
    Skips,
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let refuse = || NoVersion(text.to_owned());
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre.to_owned())),
            None => (text, None),
        };
        let mut numbers = numbers.split('.').map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok);
        let (Some(major), Some(minor), Some(patch), None) = (next(), next(), next(), next()) else {
            return Err(refuse());
        };
        Ok(Self {
            major,
            minor,
            patch,
            pre,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        match &self.pre {
            Some(pre) => write!(f, "-{pre}"),
            None => Ok(()),
        }
    }
}

impl Version {
    /// Whether an operator of this version knows how to run `other`: its own
    /// minor version and the one before it.
    pub fn knows(&self, other: &Self) -> bool {
        self.major == other.major && other.minor <= self.minor && self.minor - other.minor <= 1
    }

    /// Whether `next` may follow this one.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_become(&self, next: &Self) -> Result<(), Refusal> {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        let older = numbers(next) < numbers(self)
            || (numbers(next) == numbers(self) && next.pre.is_some() && self.pre.is_none());
        if older {
            return Err(Refusal::Downgrade);
        }
        let near = next.major == self.major && next.minor - self.minor <= 1;
        if near { Ok(()) } else { Err(Refusal::Skips) }
    }

    /// The versions that [`Self::knows`], in words.
    pub fn known(&self) -> String {
        match self.minor.checked_sub(1) {
            Some(before) => format!(
                "{}.{before}.x and {}.{}.x",
                self.major, self.major, self.minor
            ),
            None => format!("{}.{}.x", self.major, self.minor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_read_and_written() {
        for text in ["0.1.0", "12.3.45", "0.2.0-rc.1"] {
            assert_eq!(version(text).to_string(), text);
        }
        for text in ["", "1", "1.2", "1.2.x", "1.2.3.4", "v1.2.3"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_operator_knows_its_minor_version_and_the_one_before() {
        let own = version("1.4.2");
        for known in ["1.4.0", "1.4.9", "1.3.0"] {
            assert!(own.knows(&version(known)), "{known}");
        }
        for unknown in ["1.5.0", "1.2.9", "2.4.0", "0.4.0"] {
            assert!(!own.knows(&version(unknown)), "{unknown}");
        }
    }

    #[test]
    fn upgrades_go_one_minor_version_at_a_time_and_never_back() {
        let from = version("1.4.2");
        for next in ["1.4.2", "1.4.3", "1.5.0"] {
            assert_eq!(from.may_become(&version(next)), Ok(()), "{next}");
        }
        for next in ["1.4.1", "1.3.9", "1.4.2-rc.1", "0.9.0"] {
            assert_eq!(
                from.may_become(&version(next)),
                Err(Refusal::Downgrade),
                "{next}"
            );
        }
        for next in ["1.6.0", "2.0.0"] {
            assert_eq!(
                from.may_become(&version(next)),
                Err(Refusal::Skips),
                "{next}"
            );
        }
        assert_eq!(version("1.4.2-rc.1").may_become(&from), Ok(()));
    }
}
