//! Times as RFC 3339 text in UTC, without a calendar library (Howard Hinnant's `civil_from_days` and `days_from_civil`).

/// `2026-11-24T00:00:01Z` for seconds since 1970 UTC, in the proleptic Gregorian calendar.
pub fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Seconds since 1970 of a time in RFC 3339: with fractions, which are dropped, and with `Z`, `UTC` or an offset.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let shape = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    if !shape.iter().all(|(at, any)| bytes.get(*at).is_some_and(|b| any.as_bytes().contains(b))) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let offset = match rest {
        "Z" | "z" | "UTC" | " UTC" => 0,
        _ => {
            let sign = match rest.as_bytes() {
                [b'+', ..] => 1,
                [b'-', ..] => -1,
                _ => return None,
            };
            let at = text.len() - rest.len();
            let colon = usize::from(rest.as_bytes().get(3) == Some(&b':'));
            if rest.len() != 5 + colon {
                return None;
            }
            sign * (number(at + 1..at + 3)? * 3600 + number(at + 3 + colon..at + 5 + colon)? * 60)
        }
    };
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_both_ways() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_478_401, "2026-11-24T00:00:01Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert_eq!(parse_rfc3339(text), Some(seconds));
        }
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        let at = parse_rfc3339("2026-11-24T00:00:01Z");
        for text in [
            "2026-11-24T00:00:01.123456Z",
            "2026-11-24T02:00:01+02:00",
            "2026-11-23T19:00:01-0500",
            "2026-11-24T00:00:01UTC",
        ] {
            assert_eq!(parse_rfc3339(text), at, "{text}");
        }
    }

    #[test]
    fn other_text_is_no_time() {
        for text in [
            "",
            "2026-11-24",
            "2026-13-24T00:00:01Z",
            "2026-11-24T00:00:01",
            "2026-11-24T00:00:01+é",
            "é".repeat(12).as_str(),
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
