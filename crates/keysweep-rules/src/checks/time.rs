//! Times in tokens: seconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// The present.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// A time as `2023-01-18 01:30:22 UTC`. The calendar is computed as in Howard Hinnant's `civil_from_days`.
pub(super) fn date(seconds: f64) -> String {
    if !(0.0..253_402_300_800.0).contains(&seconds) {
        return "out of range".to_owned();
    }
    let seconds = seconds as i64;
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", time / 3_600, time / 60 % 60, time % 60)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_gregorian_calendar() {
        for (seconds, expected) in [
            (0.0, "1970-01-01 00:00:00 UTC"),
            (951_782_400.0, "2000-02-29 00:00:00 UTC"),
            (1_516_239_022.9, "2018-01-18 01:30:22 UTC"),
            (1_709_251_199.0, "2024-02-29 23:59:59 UTC"),
            (4_107_542_400.0, "2100-03-01 00:00:00 UTC"),
            (253_402_300_799.0, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(date(seconds), expected);
        }
        for seconds in [-1.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(date(seconds), "out of range");
        }
    }
}
