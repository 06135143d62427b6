//! Putting shards together: the file that comes out is the one that a single run writes, or it is said what is missing.

use std::collections::BTreeMap;

use super::record::FORMAT;
use super::{Header, Record, SCHEMA_VERSION, Shard, Sheet};

/// Why shards cannot be put together. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Not a file that a sweep wrote.
    #[error(
        "{file} is not what `planner sweep` writes: its first line is no header ({why}); name files written with `--format jsonl`"
    )]
    Header {
        /// The file.
        file: String,
        /// What is wrong with the line.
        why: String,
    },
    /// Lines of another version.
    #[error(
        "{file} has lines of version {found}, this planner reads version {SCHEMA_VERSION}; merge with the planner that wrote it"
    )]
    Schema {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
    },
    /// A file that ends too early.
    #[error(
        "{file}:{line}: the file is cut off, items {first} to {last} are not in it; run shard {shard} again, \
             or copy its file again"
    )]
    Truncated {
        /// The file.
        file: String,
        /// The line that is not whole or not there.
        line: usize,
        /// First item that is missing.
        first: usize,
        /// Last item that is missing.
        last: usize,
        /// The shard.
        shard: Shard,
    },
    /// A line that is not an item, or not the one that belongs there.
    #[error("{file}:{line}: {why}; run shard {shard} again")]
    Line {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What is wrong with it.
        why: String,
        /// The shard.
        shard: Shard,
    },
    /// Files of different sweeps.
    #[error(
        "{other} is of another sweep than {file}: {what}; run all shards with one planner, the same files and the same options"
    )]
    Sweep {
        /// The first file.
        file: String,
        /// The one that differs.
        other: String,
        /// What differs.
        what: String,
    },
    /// One shard twice, with other content.
    #[error("{file} and {other} are both of shard {shard} and differ in item {item}; delete the one that is not to count")]
    Differs {
        /// The first file.
        file: String,
        /// The other.
        other: String,
        /// The shard.
        shard: Shard,
        /// The first item that differs.
        item: usize,
    },
    /// Shards that no file is of.
    #[error("{} of {of} {} missing", shards(.numbers), if .numbers.len() == 1 { "is" } else { "are" })]
    Missing {
        /// Their numbers.
        numbers: Vec<u32>,
        /// How many there are.
        of: u32,
    },
    /// No files.
    #[error("there is nothing to merge; name the files of all shards")]
    Nothing,
}

/// A file of a shard.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What the file is called.
    pub file: String,
    /// Its shard.
    pub shard: Shard,
    /// What is in it.
    pub sheet: Sheet,
}

impl Part {
    /// Reads a file, and holds it against what its header promises.
    ///
    /// # Errors
    /// When it is not whole, not of a sweep, or was changed.
    pub fn read(file: &str, text: &str) -> Result<Self, MergeError> {
        let first = text.split_inclusive('\n').next().unwrap_or_default();
        let wrong = |why: String| MergeError::Header { file: file.to_owned(), why };
        if first.is_empty() {
            return Err(wrong("the file is empty".to_owned()));
        }
        let version: Version = serde_json::from_str(first).map_err(|error| wrong(error.to_string()))?;
        if version.format != FORMAT {
            return Err(wrong(format!("its format is `{}`", version.format)));
        }
        if version.schema_version != SCHEMA_VERSION {
            return Err(MergeError::Schema { file: file.to_owned(), found: version.schema_version });
        }
        let header: Header = serde_json::from_str(first).map_err(|error| wrong(error.to_string()))?;
        let shard = Shard::new(header.shard.into(), header.shards, "the header").map_err(|error| wrong(error.to_string()))?;
        if serde_json::to_string(&header).ok().as_deref() != Some(first.trim_end_matches('\n')) {
            return Err(wrong("it was changed after it was written".to_owned()));
        }
        let records = items(file, text, shard, header.items)?;
        Ok(Self { file: file.to_owned(), shard, sheet: Sheet { header, records } })
    }
}

/// What any version of a header says first.
#[derive(serde::Deserialize)]
struct Version {
    format: String,
    schema_version: u32,
}

/// The lines behind the header: the items of the shard, each in its place and as it was written.
fn items(file: &str, text: &str, shard: Shard, all: usize) -> Result<Vec<Record>, MergeError> {
    let wanted = shard.slice(all);
    let mut lines = text.split_inclusive('\n').enumerate().skip(1);
    let mut records = Vec::new();
    for index in wanted.clone() {
        let cut_off = |line| MergeError::Truncated { file: file.into(), line, first: index, last: wanted.end - 1, shard };
        let Some((number, line)) = lines.next() else { return Err(cut_off(index - wanted.start + 2)) };
        let Some(line) = line.strip_suffix('\n') else { return Err(cut_off(number + 1)) };
        let wrong = |why: String| MergeError::Line { file: file.into(), line: number + 1, why, shard };
        let record: Record = serde_json::from_str(line).map_err(|error| wrong(format!("this is no item: {error}")))?;
        if record.index != index {
            return Err(wrong(format!("here is item {}, where item {index} belongs", record.index)));
        }
        if serde_json::to_string(&record).ok().as_deref() != Some(line) {
            return Err(wrong(format!("item {index} was changed after it was written")));
        }
        records.push(record);
    }
    match lines.next() {
        None => Ok(records),
        Some((number, _)) => {
            let why = format!("here is a line too many: the shard has {} items", records.len());
            Err(MergeError::Line { file: file.into(), line: number + 1, why, shard })
        }
    }
}

/// Puts the shards together, whatever order they come in.
///
/// # Errors
/// When they are of different sweeps, contradict each other, or some are missing.
pub fn merge(parts: Vec<Part>) -> Result<Sheet, MergeError> {
    let mut by_number: BTreeMap<u32, Part> = BTreeMap::new();
    let mut first: Option<(String, Header)> = None;
    for part in parts {
        let (file, header) = first.get_or_insert_with(|| (part.file.clone(), part.sheet.header.clone()));
        if let Some(what) = difference(header, &part.sheet.header) {
            return Err(MergeError::Sweep { file: file.clone(), other: part.file, what });
        }
        let Some(twin) = by_number.get(&part.shard.number()) else {
            by_number.insert(part.shard.number(), part);
            continue;
        };
        let pairs = twin.sheet.records.iter().zip(&part.sheet.records);
        if let Some((record, _)) = pairs.into_iter().find(|(a, b)| a != b) {
            let (file, item) = (twin.file.clone(), record.index);
            return Err(MergeError::Differs { file, other: part.file, shard: part.shard, item });
        }
    }
    let Some((_, mut header)) = first else { return Err(MergeError::Nothing) };
    let numbers: Vec<u32> = (1..=header.shards).filter(|number| !by_number.contains_key(number)).collect();
    if !numbers.is_empty() {
        return Err(MergeError::Missing { numbers, of: header.shards });
    }
    (header.shard, header.shards) = (1, 1);
    Ok(Sheet { header, records: by_number.into_values().flat_map(|part| part.sheet.records).collect() })
}

/// What two headers do not have in common, beside the number of the shard.
fn difference(one: &Header, other: &Header) -> Option<String> {
    if one.planner_version != other.planner_version {
        return Some(format!("planned by {} and by {}", one.planner_version, other.planner_version));
    }
    if one.space != other.space || one.items != other.items {
        return Some("the content of a file, or an option, is not the same".to_owned());
    }
    (one.shards != other.shards).then(|| format!("cut in {} shards and in {}", one.shards, other.shards))
}

/// `shard 3`, `shards 3, 7, 9-12`.
fn shards(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{first}-{last}"),
        _ => run.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    });
    format!("shard{} {}", if numbers.len() == 1 { "" } else { "s" }, runs.collect::<Vec<_>>().join(", "))
}
