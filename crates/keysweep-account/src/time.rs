//! Points in time as files write them.

use keysweep_facts::parse_rfc3339;
use serde_json::Value;

/// Seconds since 1970 of a time: text in RFC 3339 or digits, a number of seconds, or of milliseconds or less.
pub(crate) fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => parse_rfc3339(text)
            .or_else(|| text.parse::<i64>().ok().and_then(epoch))
            .or_else(|| parse_rfc3339(&format!("{text}Z"))),
        Value::Number(number) => epoch(number.as_f64()? as i64),
        _ => None,
    }
}

/// Seconds since 1970 of a count of seconds, milliseconds or microseconds; `None` for what is no date of our time.
pub(crate) fn epoch(count: i64) -> Option<i64> {
    match count {
        100_000_000..100_000_000_000 => Some(count),
        100_000_000_000..100_000_000_000_000 => Some(count / 1_000),
        100_000_000_000_000.. => Some(count / 1_000_000),
        _ => None,
    }
}

/// Seconds since 1970 of Chromium's microseconds since 1601.
pub(crate) fn from_1601(microseconds: i64) -> Option<i64> {
    (microseconds > 0).then(|| microseconds / 1_000_000 - 11_644_473_600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_read_in_all_units() {
        for value in [
            json!("2026-11-24T00:00:01Z"),
            json!("2026-11-24 00:00:01.5"),
            json!(1_795_478_401),
            json!("1795478401"),
            json!(1_795_478_401_000i64),
            json!(1_795_478_401_000_000i64),
        ] {
            assert_eq!(moment(&value), Some(1_795_478_401), "{value}");
        }
        assert_eq!(moment(&json!(3600)), None);
        assert_eq!(moment(&json!("soon")), None);
        assert_eq!(from_1601(13_439_952_001_000_000), Some(1_795_478_401));
    }
}
