//! Addresses of a test's own.

use std::net::{Ipv4Addr, SocketAddr};

/// An address on loopback that nothing listens on, and that no other test on this
/// machine is given.
pub fn free_address() -> SocketAddr {
    let port = plaza_local::free_port("test", None).expect("a free port");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
