//! Options by section, and how values are written in a shell.

use serde::Serialize;
use serde_json::Value;

use crate::model::Architecture;

/// Options about one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// What they are about.
    pub name: &'static str,
    /// The options, in the order they are written.
    pub settings: Vec<Setting>,
}

/// One option.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Its name as the framework writes it.
    pub name: String,
    /// Its value; `true` where naming the option is enough.
    pub value: Value,
}

/// Something that the options of a framework do not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsupported {
    /// What it is, as a workload file calls it.
    pub what: String,
    /// Why, and what the options do instead.
    pub why: String,
}

impl Unsupported {
    /// `what` is not said, for the reason `why`.
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

impl Section {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, settings: Vec::new() }
    }

    /// Adds an option with a value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.settings.push(Setting { name: name.to_owned(), value: value.into() });
    }

    /// Adds an option where there is a value.
    pub(super) fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a number that differs from what the framework does anyway.
    pub(super) fn set_unless(&mut self, default: u32, name: &str, value: u32) {
        if value != default {
            self.set(name, value);
        }
    }

    /// Adds what every Megatron calls alike: lengths, vocabulary, dropout.
    pub(super) fn lengths(&mut self, model: &Architecture, sequence: u32, positions: u32) {
        self.set("--max-position-embeddings", positions);
        self.set("--seq-length", sequence);
        self.set("--vocab-size", model.vocab);
        self.flag("--untie-embeddings-and-output-weights", !model.tied_embeddings);
        let dropout = if model.dropout { 0.1 } else { 0.0 };
        self.set("--attention-dropout", dropout);
        self.set("--hidden-dropout", dropout);
    }

    /// Adds an option that needs no value, if `wanted`.
    pub(super) fn flag(&mut self, name: &str, wanted: bool) {
        if wanted {
            self.set(name, true);
        }
    }
}

impl Setting {
    /// The option on a command line: the name, and the value where there is one.
    pub(super) fn words(&self) -> String {
        match &self.value {
            Value::Bool(true) => self.name.clone(),
            value => format!("{} {}", self.name, shell(value)),
        }
    }

    /// The option as `name=value`, a word of a command line.
    pub(super) fn assigned(&self) -> String {
        match &self.value {
            Value::String(text) => quoted(&format!("{}={text}", self.name)),
            value => quoted(&format!("{}={value}", self.name)),
        }
    }
}

fn shell(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => items.iter().map(shell).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}

/// A word of a shell, quoted where it has to be.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// `NAME=( ... )` with an option a line.
pub(super) fn array(name: &str, section: &Section) -> String {
    let lines: Vec<String> = section.settings.iter().map(|setting| format!("    {}", setting.words())).collect();
    format!("{name}=(\n{}\n)\n", lines.join("\n"))
}

/// `DISTRIBUTED_ARGS` of `torchrun`: how many processes, and where they meet.
pub(super) fn distributed(nodes: u32, gpus: u32) -> String {
    let mut lines = vec![format!("    --nnodes {nodes}"), format!("    --nproc-per-node {gpus}")];
    if nodes > 1 {
        let places = [("node-rank", "NODE_RANK"), ("master-addr", "MASTER_ADDR"), ("master-port", "MASTER_PORT")];
        lines.extend(places.iter().map(|(option, variable)| format!("    --{option} \"${variable}\"")));
    }
    format!("DISTRIBUTED_ARGS=(\n{}\n)\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_the_shell() {
        let mut section = Section::new("x");
        section.set("--layout", "Et*3|t*3L");
        section.set("--modules", vec!["a", "b c"]);
        section.set("--heads", 8);
        section.flag("--bf16", true);
        section.set_unless(1, "--cp", 1);
        let words: Vec<String> = section.settings.iter().map(Setting::words).collect();
        assert_eq!(words, ["--layout 'Et*3|t*3L'", "--modules a 'b c'", "--heads 8", "--bf16"]);
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
