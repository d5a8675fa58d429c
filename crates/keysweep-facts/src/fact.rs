//! A fact and its values.

use crate::time::{parse_rfc3339, rfc3339};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Something that is true of a place, a credential or an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fact {
    /// What is said, such as `credential` or `synced`.
    pub predicate: String,
    /// Of what, and how: the fields of the predicate. A field that is not known is absent.
    pub fields: BTreeMap<String, Value>,
    /// How it is known, as a sentence for people.
    pub evidence: String,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Seconds since 1970 UTC; RFC 3339 in JSON.
    Time(i64),
}

impl Fact {
    /// A fact without fields.
    pub fn new(predicate: &str, evidence: impl Into<String>) -> Self {
        Self { predicate: predicate.to_owned(), fields: BTreeMap::new(), evidence: evidence.into() }
    }

    /// The fact with one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// The fact with one more field, if there is a value for it.
    #[must_use]
    pub fn with_some(self, field: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// The text of a field, if it has one.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.fields.get(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The time of a field, if it has one.
    pub fn time(&self, field: &str) -> Option<i64> {
        match self.fields.get(field) {
            Some(Value::Time(seconds)) => Some(*seconds),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Number(number) => number.fmt(f),
            Value::Bool(truth) => truth.fmt(f),
            Value::Time(seconds) => f.write_str(&rfc3339(*seconds)),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Number(number) => serializer.serialize_i64(*number),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Time(seconds) => serializer.serialize_str(&rfc3339(*seconds)),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// Takes text that is a time in RFC 3339, as this module writes it, for a time.
struct AnyValue;

impl Visitor<'_> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a whole number, a truth value or a time")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(parse_rfc3339(text).map_or_else(|| Value::Text(text.to_owned()), Value::Time))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Number).map_err(|_| E::custom("a number beyond 64 bits with sign"))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_survive_json() {
        let fact = Fact::new("credential", "read in a file")
            .with("path", "a/b")
            .with("rounds", 16)
            .with("encrypted", true)
            .with("expires", Value::Time(1_795_478_401))
            .with_some("host", None::<&str>);
        let json = serde_json::to_string(&fact).unwrap();
        assert!(json.contains(r#""expires":"2026-11-24T00:00:01Z""#), "{json}");
        assert!(!json.contains("host"));
        assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for json in ["null", "1.5", "[1]", "18446744073709551615"] {
            assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
        }
    }
}
