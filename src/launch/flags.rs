//! Options with values and places, as a launch file states them, under the names of Megatron-LM.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::shell::Evaluated;
use crate::diagnostic::{Code, Diagnostic, Source, quoted};

/// An option.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    /// Its name as the file writes it.
    pub shown: String,
    /// Its values; none where the name is enough.
    pub values: Vec<Evaluated>,
    /// Where it is.
    pub place: Range<usize>,
}

/// The options of a launch file.
#[derive(Debug)]
pub(super) struct Flags {
    pub source: Arc<Source>,
    /// What the format calls an option that is not there.
    pub called: fn(&str) -> String,
    /// Where the options begin.
    pub anchor: Range<usize>,
    /// What else is to be said about the file.
    pub notes: Vec<String>,
    all: BTreeMap<String, Flag>,
    read: RefCell<BTreeSet<String>>,
    errors: RefCell<Vec<Diagnostic>>,
}

/// A value that was read, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read<T> {
    pub value: T,
    /// What it is from, for a comment.
    pub from: String,
    pub place: Range<usize>,
}

impl<T> Read<T> {
    /// The same place with another value.
    pub(super) fn with<U>(&self, value: U) -> Read<U> {
        Read { value, from: self.from.clone(), place: self.place.clone() }
    }
}

impl Flags {
    pub(super) fn new(source: &Arc<Source>, called: fn(&str) -> String) -> Self {
        Self {
            source: Arc::clone(source),
            called,
            anchor: 0..1,
            notes: Vec::new(),
            all: BTreeMap::new(),
            read: RefCell::default(),
            errors: RefCell::default(),
        }
    }

    /// Notes an option; the last of several counts, as on a command line.
    pub(super) fn insert(&mut self, name: &str, flag: Flag) {
        if self.all.is_empty() {
            self.anchor = flag.place.clone();
        }
        self.all.insert(name.to_owned(), flag);
    }

    /// Options and values as a command line has them: what follows a name, up to the next, is its value.
    pub(super) fn line(&mut self, words: &[Evaluated]) {
        let mut open: Option<(String, Flag)> = None;
        for word in words {
            let Some(name) = word.text.strip_prefix("--").filter(|name| !name.is_empty() && !word.text.contains(' ')) else {
                if let Some((_, flag)) = &mut open {
                    flag.values.push(word.clone());
                }
                continue;
            };
            if let Some((name, flag)) = open.take() {
                self.insert(&name, flag);
            }
            let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            let flag = Flag {
                shown: format!("--{name}"),
                values: value.iter().map(|value| Evaluated { text: (*value).to_owned(), ..word.clone() }).collect(),
                place: word.place.clone(),
            };
            open = Some((name.replace('_', "-"), flag));
        }
        if let Some((name, flag)) = open {
            self.insert(&name, flag);
        }
    }

    /// Whether an option is there, without reading it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// An option.
    pub(super) fn get(&self, name: &str) -> Option<&Flag> {
        let flag = self.all.get(name)?;
        self.read.borrow_mut().insert(name.to_owned());
        Some(flag)
    }

    /// The value of an option as it is written.
    pub(super) fn text(&self, name: &str) -> Option<Read<String>> {
        let flag = self.get(name)?;
        let Some(value) = flag.values.first() else {
            self.error(Code::LaunchValue, &flag.place, format!("{} has no value", quoted(&flag.shown)), "write its value");
            return None;
        };
        if value.unknown {
            let message = format!("the value of {} is not known: {}", quoted(&flag.shown), quoted(&value.text));
            self.error(Code::LaunchUnresolved, &value.place, message, &set_help(&flag.shown, &value.text));
            return None;
        }
        Some(Read { value: value.text.clone(), from: flag.shown.clone(), place: value.place.clone() })
    }

    /// The value of an option as a whole number.
    pub(super) fn number(&self, name: &str) -> Option<Read<u64>> {
        let text = self.text(name)?;
        // Floating-point notation of whole numbers, `8.0`, is not read: argparse refuses it too.
        match text.value.replace('_', "").parse::<u32>().ok().map(u64::from) {
            Some(number) => Some(text.with(number)),
            None => {
                let message = format!("{} is not a whole number: {}", quoted(&text.from), quoted(&text.value));
                self.error(Code::LaunchValue, &text.place, message, "write it in digits");
                None
            }
        }
    }

    /// The same for an option that a workload needs.
    pub(super) fn needed(&self, name: &str) -> Option<Read<u64>> {
        if !self.has(name) {
            self.missing(name);
        }
        self.number(name)
    }

    /// Says that an option is missing.
    pub(super) fn missing(&self, name: &str) {
        let called = (self.called)(name);
        let message = format!("{} is missing", quoted(&called));
        let help = format!("add it to the file, or give `--set {}=N`", called.trim_start_matches('-'));
        self.error(Code::LaunchMissing, &self.anchor.clone(), message, &help);
    }

    /// Whether an option that needs no value is there.
    pub(super) fn switch(&self, name: &str) -> Option<Read<bool>> {
        let flag = self.get(name)?;
        let value = flag.values.first().map(|value| value.text.to_lowercase());
        let on = !matches!(value.as_deref(), Some("false" | "0" | "no"));
        on.then(|| Read { value: true, from: flag.shown.clone(), place: flag.place.clone() })
    }

    /// All values of an option in a line.
    pub(super) fn joined(&self, name: &str) -> Option<Read<String>> {
        let first = self.text(name)?;
        let values = &self.get(name)?.values;
        Some(first.with(values.iter().map(|value| value.text.as_str()).collect::<Vec<_>>().join(" ")))
    }

    /// Notes a mistake.
    pub(super) fn error(&self, code: Code, place: &Range<usize>, message: String, help: &str) {
        let error = Diagnostic::error(code, message).at(&self.source, place.clone(), "").help(help);
        self.errors.borrow_mut().push(error);
    }

    /// The mistakes so far.
    pub(super) fn errors(&self) -> Vec<Diagnostic> {
        self.errors.take()
    }

    /// Options that nothing was read from, as the file writes them.
    pub(super) fn unread(&self) -> Vec<String> {
        let read = self.read.borrow();
        self.all.iter().filter(|(name, _)| !read.contains(*name)).map(|(_, flag)| flag.shown.clone()).collect()
    }
}

/// How a value that the file leaves open is given.
fn set_help(shown: &str, value: &str) -> String {
    let variable: String = value
        .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    if variable.starts_with(|c: char| c.is_ascii_uppercase()) && value.starts_with('$') {
        format!("define `{variable}` in the file, or give `--set {variable}=VALUE`")
    } else {
        format!("write the value, or give `--set {}=VALUE`", shown.trim_start_matches('-'))
    }
}
