//! The error that leaves a service: a code that programs act on and a
//! sentence that a person can act on, never internal text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What kind of refusal; the same word in internal HTTP bodies and in
/// GraphQL's `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// No valid token: sign in or refresh.
    Unauthenticated,
    /// A valid token that may not do this.
    Forbidden,
    /// Not there, or not there for this caller.
    NotFound,
    /// The input breaks a rule; nothing was changed.
    BadUserInput,
    /// The input contradicts what is stored.
    Conflict,
    /// Too much at once; `retryAfterMs` says when to try again.
    RateLimited,
    /// A part that is needed does not answer; trying again later is right.
    Unavailable,
    /// A defect of ours. The cause is in the log under the trace id.
    Internal,
}

impl Code {
    /// The text form, as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Conflict => "CONFLICT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// The HTTP status that carries this code between services.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::BadUserInput => 422,
            Self::Conflict => 409,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

/// A refusal as it travels: `{"error":{"code":…,"message":…}}` in HTTP bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct ApiError {
    /// What programs act on.
    pub code: Code,
    /// What a person reads: what happened and what to do.
    pub message: String,
    /// The input field at fault, in the API's spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When trying again makes sense, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ApiError {
    /// An error of this code with a sentence for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after_ms: None,
        }
    }

    /// BAD_USER_INPUT about one field.
    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(Code::BadUserInput, message)
        }
    }

    /// NOT_FOUND for the named kind of thing ("room").
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("There is no such {what}, or you may not see it."),
        )
    }

    /// UNAVAILABLE, with the time after which to try again (ms).
    pub fn unavailable(retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(
                Code::Unavailable,
                "This is not available right now. Try again in a moment.",
            )
        }
    }

    /// RATE_LIMITED until so long a wait is over: rounded up, since whoever
    /// comes back a moment early is refused again.
    pub fn rate_limited_for(wait: Duration) -> Self {
        let ms = wait.as_nanos().div_ceil(1_000_000).max(1);
        Self::rate_limited(u64::try_from(ms).unwrap_or(u64::MAX))
    }

    /// RATE_LIMITED, with the time after which to try again (ms).
    pub fn rate_limited(retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(
                Code::RateLimited,
                "Too many requests at once. Try again in a moment.",
            )
        }
    }

    /// INTERNAL; the cause belongs in the log, not in here.
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "Something went wrong on our side. Try again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_told_shorter_than_it_is() {
        for (wait, ms) in [
            (Duration::ZERO, 1),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(7), 7),
            (Duration::from_nanos(7_000_001), 8),
            (Duration::MAX, u64::MAX),
        ] {
            let told = ApiError::rate_limited_for(wait).retry_after_ms;
            assert_eq!(told, Some(ms), "{wait:?}");
        }
    }
}
