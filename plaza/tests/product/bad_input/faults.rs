//! What an input may hold, and so what it may not.

use plaza_types::{MessageId, RoomId};
use serde_json::Value;

/// What an input may hold, and so what it may not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Text that is stored, of at most this many characters.
    Stored(usize),
    /// A password: bounded, and never stored as it is.
    Password,
    /// An opaque token.
    Token,
    /// The id of something.
    Id,
    /// The client's own id of a send.
    ClientId,
    /// The name of a channel that a token opens.
    Channel,
    /// A whole number.
    Seq,
    /// A count between bounds.
    Count,
    /// A time that is to come.
    Time,
    /// One of some names.
    Enum,
}

pub(super) struct Input {
    /// JSON pointer into the variables.
    pub(super) at: &'static str,
    pub(super) rule: Rule,
    pub(super) optional: bool,
}

pub(super) struct Mutation {
    pub(super) name: &'static str,
    pub(super) document: &'static str,
    /// Variables that would be accepted.
    pub(super) good: Value,
    pub(super) inputs: Vec<Input>,
}

pub(super) const fn needed(at: &'static str, rule: Rule) -> Input {
    Input {
        at,
        rule,
        optional: false,
    }
}

pub(super) const fn optional(at: &'static str, rule: Rule) -> Input {
    Input {
        at,
        rule,
        optional: true,
    }
}

/// What is wrong, as JSON text: some of it no JSON value can hold.
pub(super) fn faults(rule: Rule) -> Vec<(&'static str, String)> {
    let text = |text: &str| Value::from(text).to_string();
    let mut faults = vec![
        ("a list", "[[]]".to_owned()),
        ("an object", r#"{"a":1}"#.to_owned()),
        ("true", "true".to_owned()),
    ];
    match rule {
        Rule::Seq => faults.extend([
            ("a negative number", "-1".to_owned()),
            ("a fraction", "1.5".to_owned()),
            ("a number beyond 2^53", "9007199254740992".to_owned()),
            ("text", text("one")),
        ]),
        Rule::Count => faults.extend([
            ("zero", "0".to_owned()),
            ("a negative number", "-1".to_owned()),
            ("a fraction", "1.5".to_owned()),
            ("a number too large", "2000000000".to_owned()),
            ("a number beyond 2^53", "9007199254740992".to_owned()),
            ("text", text("one")),
        ]),
        Rule::Time => faults.extend([
            ("a time that is over", text("2020-01-01T00:00:00Z")),
            ("a time too far", text("2999-01-01T00:00:00Z")),
            ("a time beyond years", text("+262142-12-31T23:59:59Z")),
            ("empty text", text("")),
            ("a day", text("2999-01-01")),
            ("a number", "1".to_owned()),
            ("NUL", text("a\0b")),
        ]),
        Rule::Enum => faults.extend([
            ("another word", text("NOBODY")),
            ("empty text", text("")),
            ("a number", "1".to_owned()),
        ]),
        Rule::Id | Rule::ClientId | Rule::Token => {}
        Rule::Stored(_) | Rule::Password | Rule::Channel => {
            faults.push(("a number", "1".to_owned()))
        }
    }
    faults.extend(texts(rule));
    faults
}

/// Texts that are wrong.
fn texts(rule: Rule) -> Vec<(&'static str, String)> {
    let text = |text: &str| Value::from(text).to_string();
    let mut faults = Vec::new();
    let empty = ("empty text", text(""));
    match rule {
        Rule::Stored(longest) => faults.extend([
            empty,
            ("white space", text(" \u{3000}\t ")),
            ("a character too many", text(&"x".repeat(longest + 1))),
            ("1 MB of text", text(&"x".repeat(1_000_000))),
            ("NUL", text("a\0b")),
            ("a bidi override", text("a\u{202E}b")),
            ("an unpaired surrogate", r#""a\ud800b""#.to_owned()),
        ]),
        Rule::Password => faults.extend([
            empty,
            ("1 MB of text", text(&"x".repeat(1_000_000))),
            ("257 bytes", text(&"x".repeat(257))),
            ("NUL", text("correct\0horse")),
            (
                "an unpaired surrogate",
                r#""correct horse\ud800""#.to_owned(),
            ),
        ]),
        Rule::Id => faults.extend([
            empty,
            ("no id", text("1")),
            ("an unknown id", text(&MessageId::new().to_string())),
            (
                "an id in another spelling",
                text("{018f8f7c-0000-7000-8000-000000000000}"),
            ),
            ("NUL", text("a\0b")),
        ]),
        Rule::ClientId => faults.extend([
            empty,
            ("65 bytes", text(&"x".repeat(65))),
            ("a space", text("a b")),
            ("NUL", text("a\0b")),
        ]),
        Rule::Token => faults.extend([
            empty,
            ("garbage", text("garbage")),
            ("1 MB of text", text(&"x".repeat(1_000_000))),
        ]),
        Rule::Channel => faults.extend([
            empty,
            ("no channel", text("room")),
            ("nothing's channel", text("room:")),
            (
                "an unknown room's channel",
                text(&format!("room:{}.1", RoomId::new())),
            ),
            (
                "a private room's channel",
                text(&format!("private:{}.1", RoomId::new())),
            ),
            ("everybody's channel", text("pulse:all")),
            ("1 MB of text", text(&"x".repeat(1_000_000))),
            ("NUL", text("room:\0.1")),
            ("a bidi override", text("room:\u{202E}.1")),
            ("an unpaired surrogate", r#""room:\ud800.1""#.to_owned()),
        ]),
        Rule::Seq | Rule::Count | Rule::Time | Rule::Enum => {}
    }
    faults
}

/// Where white space is a value like any other: it may stand for nothing.
pub(super) fn is_fine(mutation: &Mutation, input: &Input, fault: &str) -> bool {
    // No display name, topic or reason is what an empty one means.
    let may_be_empty = [
        ("register", "/input/displayName"),
        ("createRoom", "/input/topic"),
        ("updateRoom", "/input/topic"),
        ("banMember", "/input/reason"),
    ];
    let blank = matches!(fault, "empty text" | "white space");
    blank && may_be_empty.contains(&(mutation.name, input.at))
}
