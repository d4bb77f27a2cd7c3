//! Whose request it is: the peer's address, unless the peer is a proxy that
//! the operator trusts to tell.

use std::{fmt, net::IpAddr, str::FromStr};

use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Why a text names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network: write an address such as 10.1.2.3, or 10.0.0.0/8")]
pub struct NetworkError(String);

/// An address, or a network in CIDR form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let text = text.trim();
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse()
            .or_else(|_| address())
            .map(Self)
            .map_err(|_| NetworkError(text.to_owned()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The client's address. What a client writes into `X-Forwarded-For` itself
/// stands left of what the trusted proxies append: the last address that is no
/// trusted proxy's is the client's.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let trusts = |address: IpAddr| trusted.iter().any(|network| network.0.contains(&address));
    let mut client = peer.to_canonical();
    if trusted.is_empty() {
        return client;
    }
    let values: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let hops = values
        .into_iter()
        .rev()
        .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        if !trusts(client) {
            break;
        }
        // What cannot be read was not written by a proxy that can be trusted to tell.
        let Some(address) = read(hop.trim()) else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

/// An address; some proxies add the port.
fn read(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .ok()
        .or_else(|| Some(hop.parse::<std::net::SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[&str], trusted: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(FORWARDED_FOR, header.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn a_forged_header_changes_nothing_without_a_trusted_proxy() {
        let forged = ["203.0.113.9", "10.0.0.1"];
        assert_eq!(client("192.0.2.7", &forged, &[]), "192.0.2.7");
        assert_eq!(client("192.0.2.7", &forged, &["10.0.0.0/8"]), "192.0.2.7");
    }

    #[test]
    fn behind_trusted_proxies_it_is_the_last_address_that_is_none_of_them() {
        let trusted = ["10.0.0.0/8", "2001:db8::1"];
        for (headers, expected) in [
            (vec!["203.0.113.9"], "203.0.113.9"),
            (vec!["forged, 203.0.113.9"], "203.0.113.9"),
            (vec!["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (vec!["198.51.100.1", "203.0.113.9,10.0.0.2"], "203.0.113.9"),
            (vec!["203.0.113.9:4711"], "203.0.113.9"),
            (vec!["[2001:db8::9]:4711, 2001:db8::1"], "2001:db8::9"),
            (vec!["::ffff:203.0.113.9"], "203.0.113.9"),
            (vec![], "10.0.0.1"),
            (vec!["nonsense"], "10.0.0.1"),
            (vec!["203.0.113.9, nonsense"], "10.0.0.1"),
            (vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            assert_eq!(
                client("10.0.0.1", &headers, &trusted),
                expected,
                "{headers:?}"
            );
            assert_eq!(client("::ffff:10.0.0.1", &headers, &trusted), expected);
        }
    }

    #[test]
    fn a_network_is_an_address_or_in_cidr_form() {
        for good in ["10.1.2.3", "10.0.0.0/8", "::1", "fd00::/8"] {
            assert!(good.parse::<Network>().is_ok(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0.1:80"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
