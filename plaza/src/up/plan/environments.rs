//! Variables that single parts find in their environment beside their own: whoever
//! starts this Plaza to test it may, for instance, load a library into one of them.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::Deserialize;

/// Values by the part and the variable's name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Environments(BTreeMap<String, BTreeMap<String, String>>);

impl Environments {
    /// Those of a part.
    pub(crate) fn of(&self, part: &str) -> Vec<(OsString, Option<OsString>)> {
        let own = self.0.get(part).into_iter().flatten();
        own.map(|(name, value)| (name.into(), Some(value.into())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_own() {
        let all: Environments = serde_json::from_str(r#"{ "rooms": { "A": "1" } }"#).unwrap();
        assert_eq!(all.of("rooms"), [("A".into(), Some("1".into()))]);
        assert!(all.of("auth").is_empty());
    }
}
