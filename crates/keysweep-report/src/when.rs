//! Dates.

use keysweep_facts::rfc3339;

/// `2026-11-24` for seconds since 1970 UTC.
pub fn date(seconds: i64) -> String {
    let mut text = rfc3339(seconds);
    text.truncate(text.find('T').unwrap_or(text.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_agree_with_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_795_478_400, "2026-11-24"),
            (-86_400, "1969-12-31"),
            (4_102_444_799, "2099-12-31"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
