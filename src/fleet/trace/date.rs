//! Dates and times as Slurm prints them.

/// Seconds since 1970 of `2025-03-01T12:30:00`, taken as it stands, without a time zone.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let fits = (1970..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
    // The first of the next month is a day after the last of this one.
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let fits = fits && days(year, month, day) < days(next.0, next.1, 1);
    let fits = fits && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    fits.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970 of a date of the Gregorian calendar: years begin in March, so that a leap day is the last.
/// H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Seconds of a span of time: `1-12:30:00`, `12:30:00` or `30:00`, as of `Elapsed` and `Timelimit`.
pub(super) fn span(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().ok()?, clock),
        None => (0, text),
    };
    // Fractions of a second are of no account.
    let clock = clock.split('.').next()?;
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let fits = (2..=3).contains(&parts.len()) && days < 1_000_000 && parts.iter().all(|part| *part < 1_000_000);
    fits.then(|| days * 86_400 + parts.iter().fold(0, |sum, part| sum * 60 + part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(seconds("1970-01-01T00:00:00"), Some(0));
        assert_eq!(seconds("2000-02-29T00:00:00"), Some(951_782_400));
        assert_eq!(seconds("2025-03-01T12:30:01"), Some(1_740_832_201));
        for wrong in [
            "2025-02-29T00:00:00",
            "2025-04-31T00:00:00",
            "Unknown",
            "2025-13-01T00:00:00",
            "2025-01-01 00:00:00",
            "2025-01-01T24:00:00",
            "-1-1-1T0:0:0",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spans_with_and_without_days() {
        assert_eq!(span("1-12:30:05"), Some(131_405));
        assert_eq!(span("12:30:05"), Some(45_005));
        assert_eq!(span("30:05.250"), Some(1805));
        assert_eq!(span("UNLIMITED"), None);
    }
}
