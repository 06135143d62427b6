//! Which shard an engine means: the variables that Slurm, Kubernetes and HyperQueue set for a task.
//!
//! * Slurm sets `SLURM_ARRAY_TASK_ID`, and `SLURM_ARRAY_TASK_MIN`, `_MAX`, `_STEP` and `_COUNT` for the array (`man sbatch`).
//! * A Kubernetes Job with `completionMode: Indexed` sets `JOB_COMPLETION_INDEX`, from 0, and not the number of completions.
//! * HyperQueue sets `HQ_TASK_ID` to the task's number in `--array`, and to 0 in a job of one task.

use super::shard::{Shard, ShardError};

/// The shard that an engine means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assigned {
    /// The shard.
    pub shard: Shard,
    /// The variable that says so.
    pub from: &'static str,
}

/// How many shards there are, where the engine does not say.
const SHARDS: &str = "PLANNER_SHARDS";

impl Assigned {
    /// Reads `variable`s; `shards` is how many there are, when the user said so. None where no engine runs this.
    ///
    /// HyperQueue comes first because its workers run inside of jobs of Slurm, whose variables they pass on.
    ///
    /// # Errors
    /// When the variables do not say which shard of how many, or one that does not exist.
    pub fn read(variable: impl Fn(&str) -> Option<String>, shards: Option<u32>) -> Result<Option<Self>, ShardError> {
        let number = |name: &'static str| match variable(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => match value.trim().parse::<u64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(ShardError::Variable { variable: name, value }),
            },
        };
        let shards = match shards {
            Some(shards) => Some(shards),
            None => match number(SHARDS)?.map(u32::try_from) {
                Some(Ok(shards)) => Some(shards),
                Some(Err(_)) => {
                    return Err(ShardError::Variable { variable: SHARDS, value: variable(SHARDS).unwrap_or_default() });
                }
                None => None,
            },
        };
        let assigned = |number, from| match shards {
            Some(of) => Shard::new(number, of, from).map(|shard| Some(Self { shard, from })),
            None => Err(how_many(from)),
        };
        if let Some(task) = number("HQ_TASK_ID")? {
            return assigned(task, "HQ_TASK_ID");
        }
        if let Some(task) = number("SLURM_ARRAY_TASK_ID")? {
            let from = "SLURM_ARRAY_TASK_ID";
            if shards.is_some() {
                return assigned(task, from);
            }
            let (Some(min), Some(max), Some(count)) =
                (number("SLURM_ARRAY_TASK_MIN")?, number("SLURM_ARRAY_TASK_MAX")?, number("SLURM_ARRAY_TASK_COUNT")?)
            else {
                return Err(how_many(from));
            };
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            let Some(of) =
                u32::try_from(count).ok().filter(|_| min.saturating_add(step.saturating_mul(count.saturating_sub(1))) == max)
            else {
                return Err(ShardError::Gaps { min, max, count });
            };
            let place = task.checked_sub(min).filter(|behind| behind % step == 0).map_or(0, |behind| behind / step + 1);
            return Shard::new(place, of, from).map(|shard| Some(Self { shard, from }));
        }
        if let Some(index) = number("JOB_COMPLETION_INDEX")? {
            return assigned(index.saturating_add(1), "JOB_COMPLETION_INDEX");
        }
        shards.map_or(Ok(None), |shards| Err(ShardError::Which(shards)))
    }
}

fn how_many(variable: &'static str) -> ShardError {
    let engine = match variable {
        "HQ_TASK_ID" => "HyperQueue",
        "JOB_COMPLETION_INDEX" => "Kubernetes",
        _ => "Slurm",
    };
    ShardError::HowMany { variable, engine }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], shards: Option<u32>) -> Result<Option<String>, String> {
        let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Assigned::read(value, shards)
            .map(|found| found.map(|found| format!("{} by {}", found.shard, found.from)))
            .map_err(|error| error.to_string())
    }

    fn slurm<'a>(id: &'a str, [min, max, step, count]: [&'a str; 4]) -> Vec<(&'a str, &'a str)> {
        vec![
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_STEP", step),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ]
    }

    #[test]
    fn every_engine_counts_in_its_own_way() {
        let by = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(read(&slurm("3", ["1", "16", "1", "16"]), None), by("3/16 by SLURM_ARRAY_TASK_ID"));
        assert_eq!(read(&slurm("0", ["0", "15", "1", "16"]), None), by("1/16 by SLURM_ARRAY_TASK_ID"));
        assert_eq!(read(&slurm("7", ["1", "7", "2", "4"]), None), by("4/4 by SLURM_ARRAY_TASK_ID"));
        assert_eq!(read(&[("JOB_COMPLETION_INDEX", "0")], Some(4)), by("1/4 by JOB_COMPLETION_INDEX"));
        assert_eq!(read(&[("JOB_COMPLETION_INDEX", "3"), ("PLANNER_SHARDS", "4")], None), by("4/4 by JOB_COMPLETION_INDEX"));
        assert_eq!(read(&[("HQ_TASK_ID", "2")], Some(4)), by("2/4 by HQ_TASK_ID"));
        assert_eq!(read(&[], None), Ok(None));
    }

    /// A worker of HyperQueue that Slurm started passes Slurm's variables on.
    #[test]
    fn the_innermost_engine_counts() {
        let mut both = slurm("1", ["1", "2", "1", "2"]);
        both.push(("HQ_TASK_ID", "5"));
        assert_eq!(read(&both, Some(8)), Ok(Some("5/8 by HQ_TASK_ID".to_owned())));
    }

    /// `sbatch --array=3,7` runs two shards of sixteen again.
    #[test]
    fn an_array_with_gaps_needs_the_number_of_shards() {
        let again = slurm("7", ["3", "7", "1", "2"]);
        assert!(read(&again, None).unwrap_err().contains("from 3 to 7 and are 2"));
        assert_eq!(read(&again, Some(16)), Ok(Some("7/16 by SLURM_ARRAY_TASK_ID".to_owned())));
    }

    #[test]
    fn what_is_not_said_is_asked_for() {
        for (variables, shards, said) in [
            (vec![("JOB_COMPLETION_INDEX", "0")], None, "which task of Kubernetes this is, and nothing says of how many"),
            (vec![("HQ_TASK_ID", "1")], None, "add `--shards N`"),
            (vec![("SLURM_ARRAY_TASK_ID", "1")], None, "of Slurm"),
            (vec![("HQ_TASK_ID", "0")], Some(4), "HQ_TASK_ID: shard 0 of 4 does not exist"),
            (vec![("JOB_COMPLETION_INDEX", "4")], Some(4), "shard 5 of 4 does not exist"),
            (vec![("JOB_COMPLETION_INDEX", "x")], Some(4), "JOB_COMPLETION_INDEX is `x`, not a number"),
            (slurm("9", ["1", "4", "1", "4"]), None, "shard 9 of 4 does not exist"),
            (vec![("PLANNER_SHARDS", "99999999999")], None, "PLANNER_SHARDS is `99999999999`"),
            (vec![], Some(4), "say `--shard k/4`"),
            (vec![("HQ_TASK_ID", "1")], Some(0), "at least one shard"),
        ] {
            let error = read(&variables, shards).unwrap_err();
            assert!(error.contains(said), "{variables:?}: {error}");
        }
    }
}
