//! Where browsers open their WebSocket.

use std::{fmt, str::FromStr};

use http::Uri;

/// Why a text is not an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a WebSocket endpoint: write ws://host/path, wss://host/path, or a path that begins with /"
)]
pub struct EndpointError(String);

/// A `ws` or `wss` URL, or a path on the host that serves the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeEndpoint {
    text: String,
    origin: Option<String>,
}

impl RealtimeEndpoint {
    /// As given to browsers.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its origin where it is another host's, for `connect-src`.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

impl FromStr for RealtimeEndpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = || EndpointError(text.to_owned());
        // The text goes into a response header: nothing that could end a directive there.
        if text.contains([';', ',', ' ']) {
            return Err(error());
        }
        let uri: Uri = text.parse().map_err(|_| error())?;
        let origin = match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("ws" | "wss")), Some(authority))
                if !authority.as_str().contains('@') =>
            {
                Some(format!("{scheme}://{authority}"))
            }
            (None, None) if text.starts_with('/') && !text.starts_with("//") => None,
            _ => return Err(error()),
        };
        Ok(Self {
            text: text.to_owned(),
            origin,
        })
    }
}

impl fmt::Display for RealtimeEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_websocket_url_or_a_path() {
        let origin = |text: &str| {
            text.parse::<RealtimeEndpoint>()
                .map(|endpoint| endpoint.origin().map(str::to_owned))
        };
        assert_eq!(origin("/connection/websocket"), Ok(None));
        assert_eq!(
            origin("ws://127.0.0.1:8000/connection/websocket"),
            Ok(Some("ws://127.0.0.1:8000".into()))
        );
        for bad in [
            "",
            "http://a/b",
            "connection",
            "//evil.example/x",
            "ws://u:p@a/b",
            "wss://a/b; script-src *",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
