//! Free ports on loopback.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{Mutex, PoisonError},
};

use crate::LocalError;

/// How often a server whose port was taken between the choice and its use is
/// given another one.
pub const MAX_BIND_TRIES: usize = 8;

/// Ports are drawn below the range from which the system serves outgoing
/// connections, so that one of those is not in the way when the server binds.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// What this process has drawn, each with the UDP port of the same number, which
/// nothing here serves: whoever has drawn a port may not have bound it yet, and by
/// that another process sees that it is spoken for, until this one ends.
static DRAWN: Mutex<Option<HashMap<u16, UdpSocket>>> = Mutex::new(None);

/// Whether a server could listen on this loopback port now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// A loopback port that is free now: `remembered` while it still is, else a
/// random one that neither this process nor another one on this machine was
/// given before.
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

/// Whether nobody has drawn the port yet; this process has then.
fn is_new(port: u16) -> bool {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let Entry::Vacant(place) = drawn.get_or_insert_default().entry(port) else {
        return false;
    };
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
        .map(|held| place.insert(held))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_is_drawn_twice() {
        let drawn: HashSet<u16> = (0..500).map(|_| free_port("test", None).unwrap()).collect();
        assert_eq!(drawn.len(), 500);
    }

    #[test]
    fn what_another_process_has_drawn_is_not_drawn_again() {
        // As another process holds it: no TCP port is bound, and this process
        // does not know of it.
        let held = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        assert!(is_free(port));
        assert!(!is_new(port));
        drop(held);
        assert!(is_new(port));
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
