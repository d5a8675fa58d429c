//! What a field of a fact must be.

use globset::{GlobBuilder, GlobMatcher};
use keysweep_facts::Value;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::collections::BTreeMap;
use std::path::Path;

/// A condition on one field.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// `"$name"`: the variable's value; if it has none yet, it gets the field's.
    Variable(String),
    /// A value.
    Is(Value),
    /// `{ any = [...] }`: one of these.
    Any(Vec<Value>),
    /// `{ not = ... }`: another value, or the value of no variable `$name`; or no such field.
    Not(Box<Condition>),
    /// `{ not = "$a", as = "$b" }`: another value than that of the first variable, which the second one gets.
    Other(String, String),
    /// `{ glob = "..." }`.
    Glob(GlobMatcher),
    /// `{ part = "..." }`: one of the parts between commas.
    Part(String),
    /// `{ below = "$folder" }`: a path in the folder that the variable holds, or that is written out; with `as = "$path"` the
    /// variable gets it.
    Below(String, Option<String>),
    /// `{ min = N }`, `{ max = N }`.
    Range(i64, i64),
    /// `{ past = true }`: a time that is over; `false`: one that is not, or no such field.
    Past(bool),
    /// `{ known = true }`: any value; `false`: no such field.
    Known(bool),
}

/// The values of variables.
pub(crate) type Bindings = BTreeMap<String, Value>;

impl Condition {
    /// The variable that gets a value here.
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Condition::Variable(name) | Condition::Other(_, name) | Condition::Below(_, Some(name)) => Some(name),
            _ => None,
        }
    }

    /// The value that the field must have, if that is known.
    pub(crate) fn wanted<'a>(&'a self, bindings: &'a Bindings) -> Option<&'a Value> {
        match self {
            Condition::Variable(name) => bindings.get(name),
            Condition::Is(value) => Some(value),
            _ => None,
        }
    }

    /// Whether a field fits; variables without a value get one. `now` is in seconds since 1970.
    pub(crate) fn fits(&self, field: Option<&Value>, bindings: &mut Bindings, now: i64) -> bool {
        let Some(value) = field else {
            return matches!(self, Condition::Not(_) | Condition::Past(false) | Condition::Known(false));
        };
        match self {
            Condition::Variable(name) => match bindings.get(name) {
                Some(bound) => bound == value,
                None => {
                    bindings.insert(name.clone(), value.clone());
                    true
                }
            },
            Condition::Is(wanted) => wanted == value,
            Condition::Any(all) => all.contains(value),
            // A variable without a value is different from all.
            Condition::Not(inner) => match inner.variable() {
                Some(name) => bindings.get(name) != Some(value),
                None => !inner.fits(field, bindings, now),
            },
            Condition::Other(other, name) => {
                let bound = Condition::Variable(name.clone());
                bindings.get(other) != Some(value) && bound.fits(field, bindings, now)
            }
            Condition::Glob(glob) => text(value).is_some_and(|text| glob.is_match(text)),
            Condition::Part(part) => text(value).is_some_and(|text| text.split(',').any(|p| p.trim() == part)),
            Condition::Below(folder, name) => {
                let folder = match folder.strip_prefix('$') {
                    Some(name) => bindings.get(name).and_then(text),
                    None => Some(folder.as_str()),
                };
                let inside = folder.zip(text(value)).is_some_and(|(folder, path)| Path::new(path).starts_with(folder));
                inside && name.as_ref().is_none_or(|n| Condition::Variable(n.clone()).fits(field, bindings, now))
            }
            Condition::Range(min, max) => matches!(value, Value::Number(n) if (min..=max).contains(&n)),
            Condition::Past(past) => matches!(value, Value::Time(at) if (*at < now) == *past),
            Condition::Known(known) => *known,
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

/// A value as TOML has it. Times are written as RFC 3339 in text.
pub(crate) fn value(value: &toml::Value) -> Value {
    match value {
        toml::Value::Integer(number) => Value::Number(*number),
        toml::Value::Boolean(truth) => Value::Bool(*truth),
        toml::Value::String(text) => {
            keysweep_facts::parse_rfc3339(text).map_or_else(|| Value::Text(text.clone()), Value::Time)
        }
        other => Value::Text(other.to_string()),
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        condition(&toml::Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn condition(given: &toml::Value) -> Result<Condition, String> {
    let toml::Value::Table(table) = given else {
        return match given {
            toml::Value::String(text) if text.starts_with('$') => Ok(Condition::Variable(text[1..].to_owned())),
            toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::String(_) => {
                Ok(Condition::Is(value(given)))
            }
            _ => Err(format!("no value of a field: {given}")),
        };
    };
    let mut known: Vec<(&str, &toml::Value)> = table.iter().map(|(name, value)| (name.as_str(), value)).collect();
    known.sort_by_key(|(name, _)| *name);
    let number = |value: &toml::Value| value.as_integer().ok_or_else(|| "a number is wanted".to_owned());
    match known.as_slice() {
        [("any", toml::Value::Array(all))] => Ok(Condition::Any(all.iter().map(value).collect())),
        [("as", toml::Value::String(name)), ("not", toml::Value::String(other))]
            if name.starts_with('$') && other.starts_with('$') =>
        {
            Ok(Condition::Other(other[1..].to_owned(), name[1..].to_owned()))
        }
        [("not", inner)] => Ok(Condition::Not(Box::new(condition(inner)?))),
        [("glob", toml::Value::String(glob))] => {
            let glob = GlobBuilder::new(glob).literal_separator(true).build().map_err(|e| e.to_string())?;
            Ok(Condition::Glob(glob.compile_matcher()))
        }
        [("part", toml::Value::String(part))] => Ok(Condition::Part(part.clone())),
        [("below", toml::Value::String(folder))] => Ok(Condition::Below(folder.clone(), None)),
        [("as", toml::Value::String(name)), ("below", toml::Value::String(folder))] if name.starts_with('$') => {
            Ok(Condition::Below(folder.clone(), Some(name[1..].to_owned())))
        }
        [("min", least)] => Ok(Condition::Range(number(least)?, i64::MAX)),
        [("max", most)] => Ok(Condition::Range(i64::MIN, number(most)?)),
        [("past", toml::Value::Boolean(past))] => Ok(Condition::Past(*past)),
        [("known", toml::Value::Boolean(known))] => Ok(Condition::Known(*known)),
        _ => Err(format!(
            "no condition: {given} (known are any, not, not with as, glob, part, below, min, max, past and known)"
        )),
    }
}
