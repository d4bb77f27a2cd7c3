//! JSON for programs that people look into: an object by line, a list on one.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// A value as JSON.
pub(crate) fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    let form = Form(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut text, form))?;
    text.push(b'\n');
    Ok(text)
}

/// Objects as another has them; lists as they are without one.
struct Form<'a>(PrettyFormatter<'a>);

impl Formatter for Form<'_> {
    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn lists_are_on_one_line() {
        let value = json!({ "a": [1, 2, [3]], "b": { "c": [{ "d": 1 }] } });
        let text = to_vec(&value).unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.contains("\n  \"a\": [1,2,[3]],\n"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), value);
    }
}
