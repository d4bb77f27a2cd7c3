//! The addresses that people open Plaza at, exactly as browsers send them.

use std::{fmt, str::FromStr};

use http::Uri;

/// Why a text is not a public origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not `scheme://host[:port]`.
    #[error("{0:?} is not an origin: write scheme://host or scheme://host:port, without a path")]
    Malformed(String),
    /// A spelling that no browser sends.
    #[error("{given:?} never matches what browsers send: write {canonical:?}")]
    Spelling {
        /// As given.
        given: String,
        /// As browsers send it.
        canonical: String,
    },
    /// No origin at all.
    #[error("at least one origin is needed")]
    None,
}

/// The exact origins that Plaza is opened at: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrigins(Vec<String>);

impl PublicOrigins {
    /// Each, as browsers send it in the `Origin` header.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether all of them are https: only then can cookies be `Secure`.
    pub fn all_secure(&self) -> bool {
        self.0.iter().all(|origin| origin.starts_with("https://"))
    }
}

impl FromStr for PublicOrigins {
    type Err = OriginError;

    /// Reads origins separated by commas.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let origins = text
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(parse)
            .collect::<Result<Vec<_>, _>>()?;
        if origins.is_empty() {
            return Err(OriginError::None);
        }
        Ok(Self(origins))
    }
}

impl fmt::Display for PublicOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

fn parse(text: &str) -> Result<String, OriginError> {
    let malformed = || OriginError::Malformed(text.to_owned());
    let bare = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = bare.parse().map_err(|_| malformed())?;
    let scheme = uri.scheme_str().ok_or_else(malformed)?.to_ascii_lowercase();
    let authority = uri.authority().ok_or_else(malformed)?;
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return Err(malformed()),
    };
    if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(malformed());
    }
    let host = authority.host().to_ascii_lowercase();
    let canonical = match authority.port_u16() {
        Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    };
    if canonical == text {
        Ok(canonical)
    } else {
        Err(OriginError::Spelling {
            given: text.to_owned(),
            canonical,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_secure_only_when_every_origin_is_https() {
        let origins = |text: &str| text.parse::<PublicOrigins>().unwrap();
        assert!(origins("https://chat.example").all_secure());
        assert!(origins("https://chat.example,https://other.example:8443").all_secure());
        assert!(!origins("https://chat.example, http://localhost:8080").all_secure());
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_refused_with_the_right_spelling() {
        for (given, canonical) in [
            ("https://chat.example/", "https://chat.example"),
            ("https://chat.example:443", "https://chat.example"),
            ("http://Chat.Example:8080", "http://chat.example:8080"),
        ] {
            let error = given.parse::<PublicOrigins>().unwrap_err();
            assert!(error.to_string().contains(canonical), "{error}");
        }
        for bad in [
            "",
            "*",
            "chat.example",
            "ftp://chat.example",
            "https://chat.example/app",
            "https://a@chat.example",
        ] {
            assert!(bad.parse::<PublicOrigins>().is_err(), "{bad}");
        }
    }
}
