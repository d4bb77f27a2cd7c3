//! The texts that people write: names are NFC-normalised, trimmed and bounded
//! in characters; message content is bounded and stored as typed.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Shortest username, in characters.
pub const MIN_USERNAME_CHARS: usize = 2;
/// Longest username, in characters.
pub const MAX_USERNAME_CHARS: usize = 32;
/// Longest display name, in characters.
pub const MAX_DISPLAY_NAME_CHARS: usize = 64;
/// Longest device name, in characters; a longer one is cut.
pub const MAX_DEVICE_NAME_CHARS: usize = 120;
/// Longest room name, in characters.
pub const MAX_ROOM_NAME_CHARS: usize = 80;
/// Longest topic, in characters.
pub const MAX_TOPIC_CHARS: usize = 250;
/// Longest reason of a ban, in characters.
pub const MAX_BAN_REASON_CHARS: usize = 250;
/// Longest search, in characters.
pub const MAX_SEARCH_CHARS: usize = 100;
/// Longest message, in characters.
pub const MAX_MESSAGE_CHARS: usize = 4_000;
/// Longest `clientMessageId`, in bytes.
pub const MAX_CLIENT_MESSAGE_ID_BYTES: usize = 64;
/// Shortest password, in characters (NIST SP 800-63B).
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password, in bytes; bounds the work of hashing.
pub const MAX_PASSWORD_BYTES: usize = 256;

/// Why a text is refused; the wording is fit for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("{what} can't be empty.")]
    Empty {
        /// The kind of text.
        what: &'static str,
    },
    /// Fewer characters than the least.
    #[error("{what} needs at least {min} characters.")]
    TooShort {
        /// The kind of text.
        what: &'static str,
        /// The least number of characters.
        min: usize,
    },
    /// More than the bound.
    #[error("{what} can have at most {max} characters.")]
    TooLong {
        /// The kind of text.
        what: &'static str,
        /// The greatest number of characters.
        max: usize,
    },
    /// A character that hides or reorders what others read.
    #[error("{what} contains a character that is not allowed (U+{codepoint:04X}).")]
    Forbidden {
        /// The kind of text.
        what: &'static str,
        /// The character at fault.
        codepoint: u32,
    },
    /// A character outside the username alphabet.
    #[error(
        "A username can have letters, digits, '.', '_' and '-', and starts with a letter or digit."
    )]
    UsernameAlphabet,
}

/// Characters that reorder or hide text around them: bidi embeddings,
/// overrides and isolates (Unicode TR 9; the "Trojan Source" set), and the
/// deprecated format characters.
const fn reorders(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{206A}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}')
}

fn line(what: &'static str, max: usize, text: &str) -> Result<String, TextError> {
    // Normalising can lengthen: bound the work first (a character is at most
    // 4 bytes and NFC never shrinks by more than a factor of 4).
    if text.len() > max * 16 {
        return Err(TextError::TooLong { what, max });
    }
    let text: String = text.nfc().collect();
    let text = text.trim();
    for c in text.chars() {
        let invisible = matches!(
            c,
            '\u{200B}' | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{FEFF}' | '\u{E0000}'
                ..='\u{E007F}'
        );
        if c.is_control() || reorders(c) || invisible {
            return Err(TextError::Forbidden {
                what,
                codepoint: u32::from(c),
            });
        }
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong { what, max });
    }
    Ok(text.to_owned())
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident => $parse:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and normalises.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let parse: fn(&str) -> Result<String, TextError> = $parse;
                parse(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

texts! {
    /// The name one signs in and is mentioned with; unique without regard to case.
    Username => |text| {
        let text = line("A username", MAX_USERNAME_CHARS, text)?;
        if text.is_empty() {
            return Err(TextError::Empty { what: "A username" });
        }
        if text.chars().count() < MIN_USERNAME_CHARS {
            return Err(TextError::TooShort { what: "A username", min: MIN_USERNAME_CHARS });
        }
        let ok = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !text.chars().all(ok) || !text.starts_with(char::is_alphanumeric) {
            return Err(TextError::UsernameAlphabet);
        }
        Ok(text)
    };
    /// The name that others read.
    DisplayName => |text| {
        let text = line("A display name", MAX_DISPLAY_NAME_CHARS, text)?;
        if text.is_empty() { Err(TextError::Empty { what: "A display name" }) } else { Ok(text) }
    };
    /// What a session list calls a device; may be empty. Programs send it, not
    /// people, so a long one is cut and not refused.
    DeviceName => |text| {
        let cut: String = text.chars().take(MAX_DEVICE_NAME_CHARS).collect();
        line("A device name", MAX_DEVICE_NAME_CHARS, &cut)
    };
    /// A room's name.
    RoomName => |text| {
        let text = line("A room name", MAX_ROOM_NAME_CHARS, text)?;
        if text.is_empty() { Err(TextError::Empty { what: "A room name" }) } else { Ok(text) }
    };
    /// What a room is about; may be empty.
    Topic => |text| line("A topic", MAX_TOPIC_CHARS, text);
    /// Why somebody is banned; may be empty.
    BanReason => |text| line("A reason", MAX_BAN_REASON_CHARS, text);
    /// What somebody searches for; may be empty.
    SearchQuery => |text| line("A search", MAX_SEARCH_CHARS, text);
    /// CommonMark, stored as typed. NUL and characters that reorder text are
    /// refused; a message of white space alone is empty.
    MessageContent => |text| {
        const WHAT: &str = "A message";
        if text.chars().take(MAX_MESSAGE_CHARS + 1).count() > MAX_MESSAGE_CHARS {
            return Err(TextError::TooLong { what: WHAT, max: MAX_MESSAGE_CHARS });
        }
        for c in text.chars() {
            if (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || reorders(c) {
                return Err(TextError::Forbidden { what: WHAT, codepoint: u32::from(c) });
            }
        }
        if text.trim().is_empty() {
            return Err(TextError::Empty { what: WHAT });
        }
        Ok(text.to_owned())
    };
    /// The client's own id of a send, which makes a retry safe: printable
    /// ASCII without spaces.
    ClientMessageId => |text| {
        const WHAT: &str = "clientMessageId";
        if text.is_empty() {
            return Err(TextError::Empty { what: WHAT });
        }
        if text.len() > MAX_CLIENT_MESSAGE_ID_BYTES {
            return Err(TextError::TooLong { what: WHAT, max: MAX_CLIENT_MESSAGE_ID_BYTES });
        }
        match text.chars().find(|c| !c.is_ascii_graphic()) {
            Some(c) => Err(TextError::Forbidden { what: WHAT, codepoint: u32::from(c) }),
            None => Ok(text.to_owned()),
        }
    };
}

/// Checks a new password: only its length, since rules about its characters
/// make passwords worse (NIST SP 800-63B, 3.1.1.2).
pub fn check_password(password: &str) -> Result<(), TextError> {
    const WHAT: &str = "A password";
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(TextError::TooLong {
            what: WHAT,
            max: MAX_PASSWORD_BYTES,
        });
    }
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(TextError::TooShort {
            what: WHAT,
            min: MIN_PASSWORD_CHARS,
        });
    }
    if password.contains('\0') {
        return Err(TextError::Forbidden {
            what: WHAT,
            codepoint: 0,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_normalised_and_trimmed() {
        assert_eq!(RoomName::parse("  Cafe\u{301}  ").unwrap().as_str(), "Café");
        assert_eq!(
            RoomName::parse(" \u{3000} "),
            Err(TextError::Empty {
                what: "A room name"
            })
        );
        assert!(RoomName::parse(&"é".repeat(80)).is_ok());
        assert!(RoomName::parse(&"é".repeat(81)).is_err());
    }

    #[test]
    fn what_hides_or_reorders_text_is_refused() {
        for bad in [
            "a\0b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\nb",
            "a\u{FEFF}b",
        ] {
            assert!(
                matches!(DisplayName::parse(bad), Err(TextError::Forbidden { .. })),
                "{bad:?}"
            );
        }
        // A joiner is part of emoji and of several scripts.
        assert!(DisplayName::parse("👩\u{200D}🚀").is_ok());
        assert!(MessageContent::parse("a\nb\tc").is_ok());
        assert!(MessageContent::parse("a\0b").is_err());
        assert!(MessageContent::parse("a\u{202E}b").is_err());
    }

    #[test]
    fn a_long_device_name_is_cut() {
        let name = DeviceName::parse(&"x".repeat(1_000_000)).unwrap();
        assert_eq!(name.as_str().len(), MAX_DEVICE_NAME_CHARS);
        assert_eq!(DeviceName::parse("").unwrap().as_str(), "");
        assert!(DeviceName::parse("a\0b").is_err());
    }

    #[test]
    fn usernames_have_an_alphabet() {
        for good in ["ab", "Ada.Lovelace", "r2_d2", "мария", "名前"] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["a", "", "a b", ".ab", "@ab", "a/b", &"x".repeat(33)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_is_kept_as_typed() {
        let text = "  Cafe\u{301}\r\n";
        assert_eq!(MessageContent::parse(text).unwrap().as_str(), text);
        assert!(MessageContent::parse(&"🚀".repeat(MAX_MESSAGE_CHARS)).is_ok());
        assert!(MessageContent::parse(&"🚀".repeat(MAX_MESSAGE_CHARS + 1)).is_err());
        assert!(MessageContent::parse(" \n ").is_err());
    }

    proptest! {
        #[test]
        fn a_parsed_name_parses_to_itself(text in "\\PC{0,100}") {
            if let Ok(name) = RoomName::parse(&text) {
                prop_assert_eq!(RoomName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
