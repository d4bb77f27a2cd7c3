//! Ports that parts are told in place of those where the others listen: with a
//! proxy behind each, whoever starts this Plaza may cut one part off another.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Who browsers are among those that are told ports.
pub(super) const PEOPLE: &str = "people";

/// Loopback ports by the part that is told and the part that is meant. What is
/// not in it is told as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Wires(BTreeMap<String, BTreeMap<String, u16>>);

impl Wires {
    /// What `told` is told of the port `own`, where `meant` listens.
    pub(crate) fn port(&self, told: &str, meant: &str, own: u16) -> u16 {
        let ports = self.0.get(told);
        ports
            .and_then(|ports| ports.get(meant))
            .copied()
            .unwrap_or(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_wire_is_told_as_it_is() {
        let wires: Wires = serde_json::from_str(r#"{ "rooms": { "auth": 7 } }"#).unwrap();
        assert_eq!(wires.port("rooms", "auth", 1), 7);
        assert_eq!(wires.port("rooms", "redis", 2), 2);
        assert_eq!(wires.port("messages", "auth", 1), 1);
    }
}
