//! Free ports on loopback.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Mutex, PoisonError},
};

use crate::LocalError;

/// How often a server whose port was taken between the choice and its use is
/// given another one.
pub const MAX_BIND_TRIES: usize = 8;

/// Ports are drawn below the range from which the system serves outgoing
/// connections, so that one of those is not in the way when the server binds.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// What this process has drawn: whoever has a port may not have bound it yet.
static DRAWN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// Whether a server could listen on this loopback port now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// A loopback port that is free now: `remembered` while it still is, else a
/// random one, so that processes which choose at the same moment differ, and
/// one that this process was not given before.
///
/// # Errors
/// [`LocalError::NoPort`], naming `name`, when a thousand draws are all taken.
pub fn free_port(name: &str, remembered: Option<u16>) -> Result<u16, LocalError> {
    if let Some(port) = remembered
        && is_free(port)
    {
        return Ok(port);
    }
    std::iter::repeat_with(|| fastrand::u16(RANGE))
        .take(1000)
        .find(|port| is_free(*port) && is_new(*port))
        .ok_or_else(|| LocalError::NoPort { name: name.into() })
}

/// Whether this process has not drawn the port yet; it has then.
fn is_new(port: u16) -> bool {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    drawn.get_or_insert_default().insert(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_drawn_twice() {
        let drawn: HashSet<u16> = (0..2_000)
            .map(|_| free_port("test", None).unwrap())
            .collect();
        assert_eq!(drawn.len(), 2_000);
    }

    #[test]
    fn a_remembered_port_is_kept_while_free_and_left_when_taken() {
        let port = free_port("test", None).unwrap();
        assert_eq!(free_port("test", Some(port)).unwrap(), port);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(free_port("test", Some(port)).unwrap(), port);
        drop(taken);
    }
}
