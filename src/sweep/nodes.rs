//! Node counts as they are written on the command line: `16,32,64`, `16..128:16`, `16..1024:x2`.

use std::collections::BTreeSet;
use std::str::FromStr;

/// Counts that one list holds at most.
const MOST: usize = 10_000;

/// Nodes that a pool has at most, as in a cluster file.
const MOST_NODES: u32 = 1_000_000;

/// Numbers of nodes, in the order they were written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCounts(Vec<u32>);

impl NodeCounts {
    /// The counts.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }
}

impl FromStr for NodeCounts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut counts = Vec::new();
        for part in text.split(',') {
            match part.split_once("..") {
                Some((first, rest)) => range(part, first, rest, &mut counts)?,
                None => counts.push(count(part)?),
            }
        }
        let mut seen = BTreeSet::new();
        match counts.iter().find(|count| !seen.insert(**count)) {
            Some(twice) => Err(format!("{twice} nodes are there twice")),
            None => Ok(Self(counts)),
        }
    }
}

fn count(text: &str) -> Result<u32, String> {
    let text = text.trim();
    match text.parse() {
        Ok(count) if (1..=MOST_NODES).contains(&count) => Ok(count),
        Ok(_) => Err(format!("`{text}` is not between 1 and {MOST_NODES} nodes")),
        Err(_) => Err(format!("`{text}` is not a number of nodes; write `16,32,64`, `16..128:16` or `16..1024:x2`")),
    }
}

/// `16..128:16` adds 16 each time, `16..1024:x2` doubles; both ends are meant, and without a step it is 1.
fn range(part: &str, first: &str, rest: &str, counts: &mut Vec<u32>) -> Result<(), String> {
    let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let (first, last) = (count(first)?, count(last)?);
    if first > last {
        return Err(format!("`{part}` ends before it begins; write `{last}..{first}`"));
    }
    let factor = step.strip_prefix('x');
    let by: u32 = factor
        .unwrap_or(step)
        .parse()
        .map_err(|_| format!("`{step}` is not a step; write one as in `16..128:16`, or a factor as in `16..1024:x2`"))?;
    if by < if factor.is_some() { 2 } else { 1 } {
        return Err(format!("with a step of `{step}`, `{part}` never ends"));
    }
    let mut at = first;
    while at <= last {
        if counts.len() == MOST {
            return Err(format!("`{part}` is of more than {MOST} numbers; take a larger step"));
        }
        counts.push(at);
        at = if factor.is_some() { at.saturating_mul(by) } else { at.saturating_add(by) };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Result<Vec<u32>, String> {
        text.parse::<NodeCounts>().map(|counts| counts.0)
    }

    #[test]
    fn lists_and_ranges_are_read_in_their_order() {
        assert_eq!(counts("64,16, 32"), Ok(vec![64, 16, 32]));
        assert_eq!(counts("16..64:16"), Ok(vec![16, 32, 48, 64]));
        assert_eq!(counts("16..100:x2,7"), Ok(vec![16, 32, 64, 7]));
        assert_eq!(counts("3..5"), Ok(vec![3, 4, 5]));
    }

    #[test]
    fn what_is_no_list_is_told_how_to_be_one() {
        for (text, said) in [
            ("", "is not a number of nodes"),
            ("0", "is not between 1 and 1000000 nodes"),
            ("2000000", "is not between"),
            ("32..16", "write `16..32`"),
            ("1..4:0", "never ends"),
            ("1..4:x1", "never ends"),
            ("1..4:two", "is not a step"),
            ("1..1000000", "more than 10000 numbers"),
            ("2,1..3", "2 nodes are there twice"),
        ] {
            let error = counts(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
