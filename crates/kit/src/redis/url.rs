//! The forms of a Redis URL.

use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{Form, cluster::Cluster, prepared, sentinel::Sentinel};

/// Hosts that a URL may name.
const MAX_HOSTS: usize = 64;

/// Where sentinels listen when the URL does not say it.
const SENTINEL_PORT: u16 = 26_379;

/// Why a URL names no Redis. It never repeats the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// No scheme, or an unknown one.
    #[error(
        "it begins with none of redis://, rediss://, redis+cluster://, rediss+cluster://, \
         redis+sentinel://, rediss+sentinel://"
    )]
    Scheme,
    /// A plain URL that is none.
    #[error("it is no Redis URL: {0}")]
    Malformed(&'static str),
    /// A list of hosts in a form that has one.
    #[error("it names several hosts: that is for redis+cluster:// and redis+sentinel://")]
    SeveralHosts,
    /// A host of a list is missing or malformed.
    #[error("host {place} of its list is none: {why}")]
    Host {
        /// 1 for the first.
        place: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Too long a list.
    #[error("it names more than {MAX_HOSTS} hosts")]
    TooManyHosts,
    /// A path behind a cluster's hosts.
    #[error("a cluster has no databases: nothing comes behind its hosts")]
    ClusterPath,
    /// Sentinels without the name of a master.
    #[error(
        "behind the sentinels comes the master's name, such as /plaza, and then perhaps a database, /0"
    )]
    Master,
    /// Certificates that are none, or that nothing would look at.
    #[error("the certificates that come with it are no PEM, or it is without TLS (rediss…)")]
    Certificates,
    /// A parameter that this form does not have.
    #[error("it has a parameter that is unknown here")]
    Parameter,
}

/// The parts of a URL with several hosts.
struct Parts<'a> {
    /// `redis` or `rediss`.
    scheme: &'static str,
    /// User and password with the `@`, or nothing.
    user: &'a str,
    hosts: Vec<&'a str>,
    /// What follows the hosts, without its first slash.
    path: &'a str,
    query: Option<&'a str>,
    trusted: Trusted<'a>,
}

/// Certificates (PEM) in place of the system's.
type Trusted<'a> = Option<&'a [u8]>;

pub(super) fn parse(url: &str, trusted: Trusted<'_>) -> Result<Form, RedisUrlError> {
    let (scheme, rest) = url.split_once("://").ok_or(RedisUrlError::Scheme)?;
    let is_secure = scheme.starts_with("rediss") || scheme == "valkeys";
    let are_some = |pem| CertificateDer::pem_slice_iter(pem).all(|one| one.is_ok());
    let has_one = |pem| CertificateDer::pem_slice_iter(pem).next().is_some();
    if trusted.is_some_and(|pem| !is_secure || !are_some(pem) || !has_one(pem)) {
        return Err(RedisUrlError::Certificates);
    }
    let parts = |plain, rest| Parts::new(plain, rest, trusted);
    match scheme {
        "redis+cluster" => cluster(&parts("redis", rest)?).map(Form::Cluster),
        "rediss+cluster" => cluster(&parts("rediss", rest)?).map(Form::Cluster),
        "redis+sentinel" => sentinel(&parts("redis", rest)?).map(Form::Sentinel),
        "rediss+sentinel" => sentinel(&parts("rediss", rest)?).map(Form::Sentinel),
        _ => one(url, scheme, trusted).map(Form::One),
    }
}

fn one(url: &str, scheme: &str, trusted: Trusted<'_>) -> Result<Client, RedisUrlError> {
    // Sockets in the file system and Valkey's names are the library's own.
    if redis::parse_redis_url(url).is_none() {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let hosts = rest.split(['/', '?']).next().unwrap_or_default();
        let hosts = hosts.rsplit('@').next().unwrap_or_default();
        return Err(match scheme {
            "redis" | "rediss" if hosts.contains(',') => RedisUrlError::SeveralHosts,
            "redis" | "rediss" => RedisUrlError::Malformed("host or port are malformed"),
            _ => RedisUrlError::Scheme,
        });
    }
    let info = info(url, trusted).map_err(RedisUrlError::Malformed)?;
    Client::open(info).map_err(|_| RedisUrlError::Malformed("the address is not usable"))
}

/// The library's error is not told: it may repeat the URL.
fn info(url: &str, trusted: Trusted<'_>) -> Result<ConnectionInfo, &'static str> {
    let info = url.into_connection_info();
    let info = info
        .map(prepared)
        .map_err(|_| "host, port or database are malformed")?;
    let Some(pem) = trusted else { return Ok(info) };
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(pem.to_vec()),
    };
    Client::build_with_tls(info, certificates)
        .map(|client| client.get_connection_info().clone())
        .map_err(|_| "its certificates are not usable")
}

impl<'a> Parts<'a> {
    fn new(
        scheme: &'static str,
        rest: &'a str,
        trusted: Trusted<'a>,
    ) -> Result<Self, RedisUrlError> {
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let at = authority.rfind('@').map_or(0, |at| at + 1);
        let (user, hosts) = authority.split_at(at);
        let hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
        if hosts.len() > MAX_HOSTS {
            return Err(RedisUrlError::TooManyHosts);
        }
        Ok(Self {
            scheme,
            user,
            hosts,
            path,
            query,
            trusted,
        })
    }

    /// Each host as its own URL would have it, with this user; and this port
    /// where it names none.
    fn infos(&self, user: &str, port: u16) -> Result<Vec<ConnectionInfo>, RedisUrlError> {
        let infos = self.hosts.iter().zip(1..).map(|(host, place)| {
            let name = host.rsplit(']').next().unwrap_or_default();
            let port = if name.contains(':') {
                String::new()
            } else {
                format!(":{port}")
            };
            let scheme = self.scheme;
            let wrong = |why| RedisUrlError::Host { place, why };
            if host.is_empty() {
                return Err(wrong("it is empty"));
            }
            let url = format!("{scheme}://{user}{host}{port}");
            info(&url, self.trusted).map_err(wrong)
        });
        infos.collect()
    }
}

fn cluster(parts: &Parts<'_>) -> Result<Cluster, RedisUrlError> {
    if !parts.path.is_empty() {
        return Err(RedisUrlError::ClusterPath);
    }
    if parts.query.is_some() {
        return Err(RedisUrlError::Parameter);
    }
    parts.infos(parts.user, 6_379).map(Cluster::new)
}

fn sentinel(parts: &Parts<'_>) -> Result<Sentinel, RedisUrlError> {
    let (name, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    let of_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if name.is_empty() || !name.chars().all(of_name) {
        return Err(RedisUrlError::Master);
    }
    if !database.chars().all(|c| c.is_ascii_digit()) {
        return Err(RedisUrlError::Master);
    }
    let (scheme, user) = (parts.scheme, parts.user);
    let primary = format!("{scheme}://{user}primary/{database}");
    let primary = info(&primary, parts.trusted);
    let primary = primary.map_err(RedisUrlError::Malformed)?;

    let mut sentinels = parts.infos("", SENTINEL_PORT)?;
    let query = format!("redis://h/?{}", parts.query.unwrap_or_default());
    let query = reqwest::Url::parse(&query).map_err(|_| RedisUrlError::Parameter)?;
    for (name, value) in query.query_pairs() {
        for sentinel in &mut sentinels {
            let settings = sentinel.redis_settings().clone();
            let settings = match &*name {
                "sentinel_user" => settings.set_username(&value),
                "sentinel_password" => settings.set_password(&value),
                _ => return Err(RedisUrlError::Parameter),
            };
            *sentinel = sentinel.clone().set_redis_settings(settings);
        }
    }
    Ok(Sentinel::new(sentinels, name.to_owned(), primary))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::place;

    fn parse(url: &str) -> Result<Form, RedisUrlError> {
        super::parse(url, None)
    }

    fn error(url: &str) -> RedisUrlError {
        parse(url).unwrap_err()
    }

    #[test]
    fn one_server_is_named_as_everywhere() {
        for url in [
            "redis://:secret@redis:6380/2",
            "rediss://user:secret@redis:6380",
        ] {
            let Ok(Form::One(client)) = parse(url) else {
                panic!("{url}")
            };
            let info = client.get_connection_info();
            assert_eq!(place(info), Some(("redis", 6380)));
            assert_eq!(info.redis_settings().password(), Some("secret"));
        }
    }

    #[test]
    fn a_cluster_is_named_by_some_of_its_nodes() {
        let url = "rediss+cluster://user:se%40cret@a:7000,[::1]:7001,c";
        let Ok(Form::Cluster(cluster)) = parse(url) else {
            panic!()
        };
        let seeds = cluster.seeds();
        let places: Vec<_> = seeds.iter().filter_map(place).collect();
        assert_eq!(places, [("a", 7000), ("::1", 7001), ("c", 6379)]);
        for seed in seeds {
            let settings = seed.redis_settings();
            assert_eq!(settings.username(), Some("user"));
            assert_eq!(settings.password(), Some("se@cret"));
            assert!(matches!(
                seed.addr(),
                redis::ConnectionAddr::TcpTls {
                    insecure: false,
                    ..
                }
            ));
        }
    }

    #[test]
    fn sentinels_come_with_the_name_of_their_master() {
        let url = "redis+sentinel://:one@a,b:7000/plaza/3?sentinel_password=t%26wo";
        let Ok(Form::Sentinel(sentinel)) = parse(url) else {
            panic!()
        };
        let places: Vec<_> = sentinel.sentinels().iter().filter_map(place).collect();
        assert_eq!(places, [("a", 26379), ("b", 7000)]);
        let of_sentinel = sentinel.sentinels()[0].redis_settings();
        assert_eq!(of_sentinel.password(), Some("t&wo"));
        assert_eq!(of_sentinel.db(), 0);
        let of_primary = sentinel.template().redis_settings();
        assert_eq!(of_primary.password(), Some("one"));
        assert_eq!(of_primary.db(), 3);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_url() {
        let host = |place, why| RedisUrlError::Host { place, why };
        let cases = [
            ("secret", RedisUrlError::Scheme),
            ("http://secret", RedisUrlError::Scheme),
            ("redis+clusters://secret", RedisUrlError::Scheme),
            ("redis://secret:1,b:2", RedisUrlError::SeveralHosts),
            (
                "redis://secret:port",
                RedisUrlError::Malformed("host or port are malformed"),
            ),
            (
                "redis://secret/database",
                RedisUrlError::Malformed("host, port or database are malformed"),
            ),
            (
                "redis+cluster://a:1,secret:x",
                host(2, "host, port or database are malformed"),
            ),
            ("redis+cluster://a:1,,b", host(2, "it is empty")),
            ("redis+cluster://", host(1, "it is empty")),
            ("redis+cluster://a:1/1", RedisUrlError::ClusterPath),
            ("redis+cluster://a:1?x=secret", RedisUrlError::Parameter),
            ("redis+sentinel://a:1", RedisUrlError::Master),
            ("redis+sentinel://a:1/n/secret", RedisUrlError::Master),
            ("redis+sentinel://a:1/n?x=secret", RedisUrlError::Parameter),
        ];
        for (url, expected) in cases {
            assert_eq!(error(url), expected, "{url}");
            assert!(!error(url).to_string().contains("secret"));
        }
        let many = format!("redis+cluster://{}", vec!["a"; 65].join(","));
        assert_eq!(error(&many), RedisUrlError::TooManyHosts);
    }

    #[test]
    fn certificates_are_for_tls_and_have_to_be_some() {
        for (url, pem) in [
            ("redis://a", &b""[..]),
            ("rediss://a", b"no PEM"),
            ("rediss://a", b""),
        ] {
            let error = super::parse(url, Some(pem)).unwrap_err();
            assert_eq!(error, RedisUrlError::Certificates);
        }
    }

    #[test]
    fn what_is_shown_of_it_holds_no_password() {
        for url in [
            "redis://user:secret@a",
            "redis+cluster://user:secret@a,b",
            "redis+sentinel://:secret@a,b/plaza?sentinel_password=secret",
        ] {
            let shown = format!("{:?}", parse(url).unwrap());
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
