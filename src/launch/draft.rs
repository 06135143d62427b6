//! A workload file on its way: keys, values, what each is from, and where that was.

use std::collections::BTreeMap;
use std::ops::Range;

use super::flags::Read;

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub key: &'static str,
    pub value: String,
    pub from: String,
    pub place: Range<usize>,
}

/// A value as YAML writes it.
pub(super) struct Plain(String);

impl From<u64> for Plain {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

impl From<bool> for Plain {
    fn from(flag: bool) -> Self {
        Self(flag.to_string())
    }
}

impl From<&str> for Plain {
    fn from(word: &str) -> Self {
        Self(word.to_owned())
    }
}

/// Keys of one mapping.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(pub Vec<Line>);

impl Lines {
    /// A key with a value that was read.
    pub(super) fn put<T: ToString>(&mut self, key: &'static str, value: &Read<T>) {
        let (from, place) = (value.from.clone(), value.place.clone());
        self.0.push(Line { key, value: value.value.to_string(), from, place });
    }

    /// The same where there is a value.
    pub(super) fn put_some<T: ToString>(&mut self, key: &'static str, value: Option<&Read<T>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// A key with a value that follows from what the file does not say.
    pub(super) fn put_default(&mut self, key: &'static str, value: impl Into<Plain>, why: &str) {
        self.0.push(Line { key, value: value.into().0, from: why.to_owned(), place: 0..0 });
    }

    /// Whether a flag of the file, or else its absence, makes a key true.
    pub(super) fn put_switch(&mut self, key: &'static str, value: Option<&Read<bool>>, called: &str) {
        match value {
            Some(value) => self.put(key, value),
            None => self.put_default(key, false, &format!("no {called}")),
        }
    }
}

/// A workload file of one job.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub name: String,
    /// What the file is called that it was made from.
    pub file: String,
    pub job: Lines,
    pub model: Lines,
    pub latent: Lines,
    pub experts: Lines,
    pub window: Lines,
    pub parallelism: Lines,
    /// What is said at the end.
    pub notes: Vec<String>,
    pub unread: Vec<String>,
}

/// A workload file, and what the lines of it are from.
pub(super) struct Written {
    pub text: String,
    pub lines: BTreeMap<usize, Line>,
}

/// Characters of a comment's line.
const WIDTH: usize = 110;

impl Draft {
    /// The file, with the architecture spelled out, or with a name of the catalogue in its place.
    pub(super) fn write(&self, catalogued: Option<&str>) -> Written {
        let mut out = Written { text: String::new(), lines: BTreeMap::new() };
        out.say(&format!("# Made from {}; behind each value is what it is from.", self.file));
        out.say("jobs:");
        out.say(&format!("  - name: {}", self.name));
        match catalogued {
            Some(name) => {
                let from = self.model.0.iter().map(|line| line.from.as_str()).filter(|from| !from.starts_with("no "));
                let mut from: Vec<&str> = from.collect();
                from.dedup();
                out.say(&format!("    model: {name}  # of the catalogue: all its numbers are those of {}", listed(&from)));
            }
            None => {
                out.say("    model:");
                out.say(&format!("      name: {}", self.name));
                out.lines_at(6, &self.model);
                for (key, lines) in [("mla", &self.latent), ("moe", &self.experts), ("sliding-window", &self.window)] {
                    if !lines.0.is_empty() {
                        out.say(&format!("      {key}:"));
                        out.lines_at(8, lines);
                    }
                }
            }
        }
        out.lines_at(4, &self.job);
        out.say("    parallelism:");
        out.lines_at(6, &self.parallelism);
        for note in &self.notes {
            for line in wrapped(note) {
                out.say(&format!("# {line}"));
            }
        }
        if !self.unread.is_empty() {
            out.say("# Not read, because it does not change a step or is not known here:");
            for line in wrapped(&self.unread.join(" ")) {
                out.say(&format!("#   {line}"));
            }
        }
        out
    }
}

impl Written {
    fn say(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn lines_at(&mut self, indent: usize, lines: &Lines) {
        for line in &lines.0 {
            self.lines.insert(self.text.lines().count() + 1, line.clone());
            self.say(&format!("{:indent$}{}: {}  # {}", "", line.key, line.value, shown(&line.from)));
        }
    }
}

/// Names in a comment, the first few of them.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 4;
    let first: Vec<String> = names.iter().take(MOST).map(|name| shown(name)).collect();
    let more = names.len().saturating_sub(MOST);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}

/// Text of the file in a comment: on one line, and not long.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    text.chars().filter(|c| !c.is_control()).take(MOST).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().map(shown) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word,
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
