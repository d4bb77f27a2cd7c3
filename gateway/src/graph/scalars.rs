use async_graphql::{InputValueError, InputValueResult, Number as Json, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};
use plaza_types::{Number, PositionError, Seq, Version};

/// A whole number from 0 to 2^53 - 1: a place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(Seq);

/// A whole number from 0 to 2^53 - 1: a place in a room.
#[Scalar(name = "Seq")]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => Ok(Self(seq(number)?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(number) if seq(number).is_ok())
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.get().into())
    }
}

/// 1.0 and 1e3 are no whole numbers here, as in JSON schema's stricter readers.
fn seq(number: &Json) -> Result<Seq, PositionError> {
    number
        .as_i64()
        .filter(|_| !number.is_f64())
        .ok_or(PositionError)?
        .try_into()
}

impl Position {
    /// As the place of a change.
    pub(crate) const fn seq(self) -> Seq {
        self.0
    }

    /// As the place of a message.
    pub(crate) fn number(self) -> Result<Number, PositionError> {
        self.0.get().try_into()
    }
}

impl From<Seq> for Position {
    fn from(seq: Seq) -> Self {
        Self(seq)
    }
}

macro_rules! from_positions {
    ($($position:ty),+) => {$(
        impl From<$position> for Position {
            fn from(position: $position) -> Self {
                // Both kinds have the same range.
                Self(position.get().try_into().unwrap_or_default())
            }
        }
    )+};
}
from_positions!(Number, Version);

/// RFC 3339, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(chrono::DateTime<Utc>);

/// RFC 3339, UTC.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(time: chrono::DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl From<DateTime> for chrono::DateTime<Utc> {
    fn from(time: DateTime) -> Self {
        time.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_is_a_whole_number_that_json_carries_exactly() {
        let parse = |text: &str| {
            let value = Value::from_json(serde_json::from_str(text).unwrap()).unwrap();
            assert_eq!(
                Position::is_valid(&value),
                Position::parse(value.clone()).is_ok()
            );
            Position::parse(value)
                .ok()
                .map(|position| position.seq().get())
        };
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("9007199254740991"), Some(9_007_199_254_740_991));
        for bad in [
            "9007199254740992",
            "-1",
            "1.0",
            "1.5",
            "1e3",
            "\"1\"",
            "null",
            "true",
            "18446744073709551615",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_utc_with_a_z() {
        let time: chrono::DateTime<Utc> = "2026-11-24T20:00:00.25+01:00".parse().unwrap();
        assert_eq!(
            DateTime::from(time).to_value(),
            Value::from("2026-11-24T19:00:00.250Z")
        );
    }
}
