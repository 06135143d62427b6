//! A shard: the k-th of n even slices of a sweep's items.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Shards at most: what a merge names when they are missing.
const MOST: u32 = 1_000_000;

/// One of several slices of the items, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

/// Why it is not clear which shard is meant. Each says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Text that is not two numbers.
    #[error("`{0}` is not a shard; write it as in `3/16`, the third of sixteen, or `none` for all items")]
    Text(String),
    /// A number outside of its range.
    #[error(
        "{from}: shard {number} of {of} does not exist; shards are counted from 1, the first is `1/{of}`, the last `{of}/{of}`"
    )]
    Outside {
        /// Where the number is from.
        from: String,
        /// The number.
        number: u64,
        /// How many there are.
        of: u32,
    },
    /// No shards at all.
    #[error("{0}: a sweep has at least one shard; `1/1` is the whole of it")]
    None(String),
    /// More shards than are kept account of.
    #[error("{from}: {of} shards are more than {MOST}; take fewer")]
    Many {
        /// Where the number is from.
        from: String,
        /// How many.
        of: u32,
    },
    /// A variable that holds no number.
    #[error("{variable} is `{value}`, not a number; unset it, or say `--shard k/n` or `--shard none`")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What it holds.
        value: String,
    },
    /// An engine that says which task this is, and not of how many.
    #[error(
        "{variable} says which task of {engine} this is, and nothing says of how many: add `--shards N` or set \
             PLANNER_SHARDS, or say `--shard none` for all items"
    )]
    HowMany {
        /// Where the number of the task is from.
        variable: &'static str,
        /// The engine.
        engine: &'static str,
    },
    /// A number of shards without an engine that says which.
    #[error(
        "{0} shards, and nothing says which this is: no SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or HQ_TASK_ID is set; \
             say `--shard k/{0}`, or `--shard none` for all items"
    )]
    Which(u32),
    /// A job array whose IDs have gaps.
    #[error(
        "the IDs of the Slurm array go from {min} to {max} and are {count}, so that some are left out: say by \
             `--shards N` or PLANNER_SHARDS how many shards there are, and IDs are taken as their numbers"
    )]
    Gaps {
        /// Smallest ID.
        min: u64,
        /// Largest ID.
        max: u64,
        /// How many there are.
        count: u64,
    },
}

impl Shard {
    /// All items.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// The shard of that number.
    ///
    /// # Errors
    /// When there is none; `from` is named as the one who said so.
    pub fn new(number: u64, of: u32, from: &str) -> Result<Self, ShardError> {
        match u32::try_from(number) {
            _ if of == 0 => Err(ShardError::None(from.to_owned())),
            _ if of > MOST => Err(ShardError::Many { from: from.to_owned(), of }),
            Ok(number) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(ShardError::Outside { from: from.to_owned(), number, of }),
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many shards there are.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether it is all of the items.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Its items, of so many: slices whose lengths differ by one at most.
    #[must_use]
    pub fn slice(self, items: usize) -> Range<usize> {
        let at = |shards: u32| (items as u128 * u128::from(shards) / u128::from(self.of)) as usize;
        at(self.number - 1)..at(self.number)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError::Text(text.to_owned());
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        Self::new(number.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?, &format!("`{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_each_other_and_are_even() {
        for items in [0, 1, 5, 16, 1000] {
            for of in 1..=20 {
                let slices: Vec<_> = (1..=of).map(|k| Shard::new(k.into(), of, "").unwrap().slice(items)).collect();
                assert_eq!((slices[0].start, slices[slices.len() - 1].end), (0, items));
                assert!(slices.windows(2).all(|pair| pair[0].end == pair[1].start));
                let lengths = || slices.iter().map(Range::len);
                assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1, "{items} in {of}: {slices:?}");
            }
        }
    }

    #[test]
    fn a_shard_outside_is_refused_with_those_that_there_are() {
        assert_eq!("3/16".parse::<Shard>().map(|shard| shard.to_string()), Ok("3/16".to_owned()));
        for (text, said) in [
            ("0/16", "the first is `1/16`"),
            ("17/16", "the last `16/16`"),
            ("99999999999/16", "shard 99999999999 of 16 does not exist"),
            ("1/0", "at least one shard"),
            ("1/2000000", "more than 1000000"),
            ("3", "write it as in `3/16`"),
            ("a/b", "`a/b` is not a shard"),
            ("-1/4", "is not a shard"),
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
