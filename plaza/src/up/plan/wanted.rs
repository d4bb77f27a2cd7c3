//! What was asked for, and what follows for origins and addresses.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Environments, Wires};

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Name or address that others reach this machine by; `None`: this machine only.
    pub(crate) host: Option<String>,
    /// The web app's port.
    pub(crate) port: Option<u16>,
    /// Whether messages are pushed.
    pub(crate) realtime: bool,
    /// Whether Plaza's own parts are one process.
    pub(crate) standalone: bool,
    /// Whether each part has a second process beside the first.
    pub(crate) two: bool,
    /// The built web app.
    pub(crate) spa: Option<PathBuf>,
    /// What is between the parts.
    pub(crate) wires: Wires,
    /// What single parts find in their environment besides.
    pub(crate) environments: Environments,
}

impl Wanted {
    /// Where a browser finds the web app.
    pub(crate) fn url(&self, port: u16) -> String {
        origin(self.host.as_deref().unwrap_or("localhost"), port)
    }

    pub(super) fn origins(&self, port: u16) -> Vec<String> {
        let mut origins = vec![origin("localhost", port), origin("127.0.0.1", port)];
        origins.extend(self.host.as_deref().map(|host| origin(host, port)));
        origins.dedup();
        origins
    }

    /// Limits that differ from the defaults, unless the environment has them.
    /// Reached from this machine alone, everybody has one address: what limits
    /// an address would limit all people together, and keeps no stranger out.
    pub(super) fn limits(&self) -> Vec<(&'static str, OsString)> {
        let by_address = [
            "PLAZA_RATE_ADDRESS_PER_SECOND",
            "PLAZA_RATE_ANONYMOUS_PER_SECOND",
        ];
        by_address
            .into_iter()
            .filter(|name| self.host.is_none() && std::env::var_os(name).is_none())
            .map(|name| (name, "0".into()))
            .collect()
    }

    pub(super) fn bind_address(&self) -> &'static str {
        if self.host.is_some() {
            "0.0.0.0"
        } else {
            "127.0.0.1"
        }
    }
}

fn origin(host: &str, port: u16) -> String {
    match port {
        80 => format!("http://{host}"),
        port => format!("http://{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(host: Option<&str>) -> Wanted {
        Wanted {
            host: host.map(str::to_owned),
            port: None,
            realtime: true,
            standalone: false,
            two: false,
            spa: None,
            wires: Wires::default(),
            environments: Environments::default(),
        }
    }

    #[test]
    fn this_machine_only_unless_a_host_is_named() {
        let local = wanted(None);
        assert_eq!(local.bind_address(), "127.0.0.1");
        assert_eq!(
            local.origins(8080),
            ["http://localhost:8080", "http://127.0.0.1:8080"]
        );
        assert_eq!(local.url(8080), "http://localhost:8080");
        assert_eq!(local.limits().len(), 2, "one address is everybody's");
        let open = wanted(Some("chat.lan"));
        assert!(open.limits().is_empty(), "the defaults");
        assert_eq!(open.bind_address(), "0.0.0.0");
        assert!(open.origins(8080).contains(&"http://chat.lan:8080".into()));
    }

    #[test]
    fn an_origin_names_no_default_port() {
        assert_eq!(wanted(Some("chat.lan")).url(80), "http://chat.lan");
    }
}
