//! Times for reports.

/// Seconds since 1970 as `2026-11-24T20:02:53Z`; `None` outside the years 1970 to 9999.
pub(crate) fn utc(seconds: i64) -> Option<String> {
    if !(0..253_402_300_800).contains(&seconds) {
        return None;
    }
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date, counting years from March so that a leap day is the last of its year; 400 years have 146,097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + i64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60))
}

/// GeneralizedTime (`20261124200253Z`, RFC 5280 section 4.1.2.5.2) as seconds since 1970.
pub(crate) fn generalized(text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z").filter(|d| d.len() == 14 && d.iter().all(u8::is_ascii_digit))?;
    let number = |range: std::ops::Range<usize>| digits[range].iter().fold(0i64, |n, b| 10 * n + i64::from(b - b'0'));
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    let (hour, minute, second) = (number(8..10), number(10..12), number(12..14));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    Some(86_400 * days + 3_600 * hour + 60 * minute + second)
}

#[cfg(test)]
mod tests {
    use super::{generalized, utc};

    #[test]
    fn dates_agree_with_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(seconds).as_deref(), Some(text));
            let compact: String = text.chars().filter(|c| !"-:T".contains(*c)).collect();
            assert_eq!(generalized(compact.as_bytes()), Some(seconds));
        }
        assert_eq!(generalized(b"20001301000000Z"), None);
        assert_eq!(utc(-1), None);
        assert_eq!(utc(i64::MAX), None);
    }
}
