//! The browser's refresh token: an HttpOnly, SameSite=Strict cookie that
//! scripts never see and other sites never make a browser send.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

/// Longest token that is passed on to auth, in bytes.
const MAX_TOKEN_BYTES: usize = 512;

/// The cookie's name and attributes, by the public origins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CookieRules {
    secure: bool,
}

impl CookieRules {
    /// `secure`: every origin is https.
    pub(crate) const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The `__Host-` prefix keeps other hosts of the domain from setting it;
    /// browsers demand Secure and Path=/ for it.
    const fn name(self) -> &'static str {
        if self.secure {
            "__Host-plaza_refresh"
        } else {
            "plaza_refresh"
        }
    }

    const fn path(self) -> &'static str {
        if self.secure { "/" } else { "/graphql" }
    }

    /// The request's token.
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<SecretString> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == self.name())
            .map(|cookie| cookie.value().to_owned())
            .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN_BYTES)
            .map(SecretString::from)
    }

    fn render(self, change: &Change, now: DateTime<Utc>) -> Option<HeaderValue> {
        let (value, seconds) = match change {
            Change::Set { token, until } => {
                (token.expose_secret(), (*until - now).num_seconds().max(0))
            }
            Change::Clear => ("", 0),
        };
        let cookie = Cookie::build((self.name(), value))
            .path(self.path())
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Strict)
            .max_age(Duration::seconds(seconds));
        let mut header = HeaderValue::from_str(&cookie.to_string()).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

enum Change {
    Set {
        token: SecretString,
        until: DateTime<Utc>,
    },
    Clear,
}

/// The cookie during one request. The mutations of a document run one after
/// another, and each sees what those before it did.
pub(crate) struct Jar {
    rules: CookieRules,
    received: Option<SecretString>,
    change: Mutex<Option<Change>>,
}

impl Jar {
    /// With what the request brought.
    pub(crate) fn new(rules: CookieRules, headers: &HeaderMap) -> Self {
        Self {
            rules,
            received: rules.read(headers),
            change: Mutex::new(None),
        }
    }

    /// The token as it stands.
    pub(crate) fn token(&self) -> Option<SecretString> {
        match &*self.change.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Change::Set { token, .. }) => Some(token.clone()),
            Some(Change::Clear) => None,
            None => self.received.clone(),
        }
    }

    /// Keeps a new token until it expires.
    pub(crate) fn set(&self, token: SecretString, until: DateTime<Utc>) {
        self.put(Change::Set { token, until });
    }

    /// Forgets the token.
    pub(crate) fn clear(&self) {
        self.put(Change::Clear);
    }

    fn put(&self, change: Change) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }

    /// The `Set-Cookie` of the answer: at most one, the last change.
    pub(crate) fn header(&self, now: DateTime<Utc>) -> Option<HeaderValue> {
        let change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        self.rules.render(change.as_ref()?, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(secure: bool, cookie: &str) -> Jar {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        Jar::new(CookieRules::new(secure), &headers)
    }

    fn token(jar: &Jar) -> Option<String> {
        jar.token().map(|token| token.expose_secret().to_owned())
    }

    fn header(jar: &Jar, now: DateTime<Utc>) -> String {
        jar.header(now).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn behind_https_the_cookie_is_secure_and_bound_to_the_host() {
        let jar = jar(true, "");
        let now = Utc::now();
        jar.set("t".into(), now + chrono::Duration::days(30));
        assert_eq!(
            header(&jar, now),
            "__Host-plaza_refresh=t; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000"
        );
    }

    #[test]
    fn on_plain_http_it_goes_to_the_api_alone() {
        let jar = jar(false, "");
        let now = Utc::now();
        jar.set("t".into(), now + chrono::Duration::seconds(60));
        assert_eq!(
            header(&jar, now),
            "plaza_refresh=t; HttpOnly; SameSite=Strict; Path=/graphql; Max-Age=60"
        );
    }

    #[test]
    fn only_the_cookie_of_this_scheme_is_read() {
        let both = "a=b; plaza_refresh=plain; __Host-plaza_refresh=bound";
        assert_eq!(token(&jar(true, both)).as_deref(), Some("bound"));
        assert_eq!(token(&jar(false, both)).as_deref(), Some("plain"));
        assert_eq!(token(&jar(false, "plaza_refresh=")), None);
        let long = format!("plaza_refresh={}", "x".repeat(MAX_TOKEN_BYTES + 1));
        assert_eq!(token(&jar(false, &long)), None);
    }

    #[test]
    fn each_mutation_of_a_document_sees_what_those_before_it_did() {
        let jar = jar(false, "plaza_refresh=first");
        let now = Utc::now();
        assert_eq!(token(&jar).as_deref(), Some("first"));
        assert!(jar.header(now).is_none(), "nothing changed");
        jar.set("second".into(), now);
        assert_eq!(token(&jar).as_deref(), Some("second"));
        jar.clear();
        assert_eq!(token(&jar), None);
        assert!(header(&jar, now).starts_with("plaza_refresh=; "));
        assert!(header(&jar, now).ends_with("Max-Age=0"));
    }
}
