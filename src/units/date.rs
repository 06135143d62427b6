//! A day of the calendar, as prices and subsidies are dated.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{QuantityError, Seconds};

/// A day of the Gregorian calendar. A month alone means its first day, a year alone the first of January.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i32,
    month: u32,
    day: u32,
}

const EXAMPLE: &str = "2027-12-31";

impl Date {
    /// The time from this day to another; negative when that is earlier.
    #[must_use]
    pub fn until(self, other: Self) -> Seconds {
        Seconds::new((other.days() - self.days()) as f64 * 86_400.0)
    }

    /// Its month, from 1 to 12.
    #[must_use]
    pub fn month(self) -> u32 {
        self.month
    }

    /// The day after it.
    #[must_use]
    pub fn next(self) -> Self {
        let Self { year, month, day } = self;
        match (day < days_in(year, month), month < 12) {
            (true, _) => Self { day: day + 1, ..self },
            (false, true) => Self { month: month + 1, day: 1, ..self },
            (false, false) => Self { year: year + 1, month: 1, day: 1 },
        }
    }

    /// Days since 1970-01-01, by counting years from March so that the leap day is the last.
    fn days(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month < 3);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let since_march = (153 * ((i64::from(self.month) + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + since_march - 719_468
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let wrong =
            |what: &str| QuantityError::new(format!("`{text}` is not a date{what}")).with_hint(format!("write `{EXAMPLE}`"));
        let text = text.trim();
        let parts: Vec<&str> = text.split('-').collect();
        let number = |part: Option<&&str>, width: usize, otherwise: u32| match part {
            None => Ok(otherwise),
            Some(part) if part.len() == width && part.bytes().all(|b| b.is_ascii_digit()) => {
                part.parse().map_err(|_| wrong(""))
            }
            Some(_) => Err(wrong(": year, month and day have four, two and two digits")),
        };
        let (year, month, day) = (number(parts.first(), 4, 0)?, number(parts.get(1), 2, 1)?, number(parts.get(2), 2, 1)?);
        let year = i32::try_from(year).unwrap_or(0);
        if parts.len() > 3 || !(1900..=2200).contains(&year) || !(1..=12).contains(&month) {
            return Err(wrong(" between 1900 and 2200"));
        }
        if !(1..=days_in(year, month)).contains(&day) {
            return Err(wrong(": the month has no such day"));
        }
        Ok(Self { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(super::quantity::Text(std::marker::PhantomData::<Self>))
    }
}

impl schemars::JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "x-quantity": "date", "examples": [EXAMPLE] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(date("1970-01-01").days(), 0);
        assert_eq!(date("2000-03-01").days(), 11_017);
        assert_eq!(date("2024-02-28").until(date("2024-03-01")), Seconds::new(2.0 * 86_400.0));
        assert_eq!(date("2026").until(date("2025-12-31")), Seconds::new(-86_400.0));
        assert_eq!(date("2026-07").to_string(), "2026-07-01");
    }

    #[test]
    fn the_next_day_ends_months_and_years() {
        for (day, next) in [("2024-02-28", "2024-02-29"), ("2026-02-28", "2026-03-01"), ("2026-12-31", "2027-01-01")] {
            assert_eq!(date(day).next(), date(next));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "2026-13", "2026-02-29", "26-01-01", "2026-1-1", "2026-01-01-01", "soon", "2026/01/01", "9999"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
