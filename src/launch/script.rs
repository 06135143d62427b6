//! Launch scripts of Megatron-LM, and the YAML of its tests, as options.

use std::sync::Arc;

use super::flags::{Flag, Flags};
use super::shell::{Evaluated, evaluate};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::yaml::{self, Node};

/// Options by which a launch line is told from other commands.
const TELLING: [&str; 6] =
    ["num-layers", "hidden-size", "num-attention-heads", "micro-batch-size", "seq-length", "tensor-model-parallel-size"];

/// Commands that start the processes; their options say how many.
const STARTERS: [&str; 4] = ["nnodes", "nproc-per-node", "nodes", "gpus-per-node"];

/// Variables without a value that are named.
const MOST_OPEN: usize = 8;

/// Reads a script, a launch line, or YAML with `MODEL_ARGS`.
pub(super) fn read(source: &Arc<Source>, given: &[(String, String)]) -> Result<Flags, Vec<Diagnostic>> {
    let is_yaml = source.text().lines().any(|line| line.starts_with("MODEL_ARGS:"));
    let mut flags = if is_yaml { from_yaml(source, given)? } else { from_shell(source, given).map_err(|error| vec![error])? };
    if flags.is_empty() {
        let error = Diagnostic::error(Code::LaunchSyntax, "the file has no options of Megatron-LM")
            .at(source, 0..1, "")
            .help("name a script with `--num-layers` and the other options, or YAML with `MODEL_ARGS:`");
        return Err(vec![error]);
    }
    let anchor = flags.anchor.clone();
    for (name, value) in given.iter().filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_lowercase() || c == '-')) {
        let value = Evaluated { text: value.clone(), place: anchor.clone(), unknown: false };
        let name = name.trim_start_matches('-');
        flags.insert(name, Flag { shown: format!("--set {name}"), values: vec![value], place: anchor.clone() });
    }
    Ok(flags)
}

fn called(name: &str) -> String {
    format!("--{name}")
}

fn from_shell(source: &Arc<Source>, given: &[(String, String)]) -> Result<Flags, Diagnostic> {
    let script = evaluate(source, given)?;
    let mut flags = Flags::new(source, called);
    let told = |words: &[Evaluated]| -> usize {
        let names = words.iter().filter_map(|word| word.text.strip_prefix("--"));
        names.filter(|name| TELLING.contains(&name.split('=').next().unwrap_or_default())).count()
    };
    let launches = |words: &&Vec<Evaluated>| told(words) > 0;
    // A file of bare options has one a line; a script has one launch line, the first of those that say most.
    let bare = |words: &Vec<Evaluated>| words.first().is_some_and(|word| word.text.starts_with("--"));
    let best = script.commands.iter().filter(launches).filter(|words| !bare(words)).rev().max_by_key(|words| told(words));
    match best {
        Some(words) => {
            flags.line(words);
            let others = script.commands.iter().filter(launches).count() - 1;
            if others > 0 {
                flags
                    .notes
                    .push(format!("{others} other commands have options of Megatron-LM; the one that has most was read."));
            }
        }
        None if script.commands.iter().any(bare) => {
            script.commands.iter().filter(|words| bare(words)).for_each(|words| flags.line(words));
        }
        // Arrays alone, for another script to use.
        None => {
            let with_options = |words: &&Vec<Evaluated>| words.iter().any(|word| word.text.starts_with("--"));
            script.variables.iter().filter(with_options).for_each(|words| flags.line(words));
        }
    }
    let open =
        best.into_iter().flatten().filter(|word| word.unknown && word.text.starts_with('$') && word.text.contains("ARGS"));
    for word in open.take(MOST_OPEN) {
        let line = source.line_column(word.place.start).0;
        flags.notes.push(format!("What {} holds (line {line}) is not in the file and was not read.", word.text));
    }
    for place in &script.undecided {
        let line = source.line_column(place.start).0;
        flags.notes.push(format!("The condition on line {line} was not decided; what it guards was not read."));
    }
    batch_system(source, &mut flags);
    Ok(flags)
}

/// Nodes and processes of each, where a batch system starts them: `#SBATCH --nodes=16`.
fn batch_system(source: &Arc<Source>, flags: &mut Flags) {
    if flags.is_empty() || STARTERS.iter().any(|name| flags.has(name)) {
        return;
    }
    let names = [
        ("--nodes", "nnodes"),
        ("-N", "nnodes"),
        ("--gpus-per-node", "nproc-per-node"),
        ("--ntasks-per-node", "nproc-per-node"),
    ];
    for (index, line) in source.text().lines().enumerate() {
        let Some(directive) = line.strip_prefix("#SBATCH") else { continue };
        let mut words = directive.split(|c: char| c == '=' || c.is_whitespace()).filter(|word| !word.is_empty());
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        let Some((_, flag)) = names.iter().find(|(directive, _)| *directive == name) else { continue };
        // `h100:8` names the GPU before their number.
        let number = value.rsplit(':').next().unwrap_or(value);
        if flags.has(flag) && name == "--ntasks-per-node" || number.parse::<u32>().is_err() {
            continue;
        }
        let place = source.line(index + 1);
        let value = Evaluated { text: number.to_owned(), place: place.clone(), unknown: false };
        flags.insert(flag, Flag { shown: format!("#SBATCH {name}"), values: vec![value], place });
    }
}

fn from_yaml(source: &Arc<Source>, given: &[(String, String)]) -> Result<Flags, Vec<Diagnostic>> {
    let tree = yaml::scan(source)?;
    let mut flags = Flags::new(source, called);
    for entry in tree.entry("MODEL_ARGS").map(|entry| entry.value.entries()).unwrap_or_default() {
        let name = entry.key.trim_start_matches('-').replace('_', "-");
        let values = values(&entry.value, given);
        if values.first().is_some_and(|value| value.text.eq_ignore_ascii_case("false")) {
            continue;
        }
        let values = if values.first().is_some_and(|v| v.text.eq_ignore_ascii_case("true")) { Vec::new() } else { values };
        flags.insert(&name, Flag { shown: entry.key.clone(), values, place: entry.key_span.clone() });
    }
    Ok(flags)
}

/// The values of a YAML node: those of a list, or the words of a text.
fn values(node: &Node, given: &[(String, String)]) -> Vec<Evaluated> {
    if !node.items().is_empty() {
        return node.items().iter().flat_map(|item| values(item, given)).collect();
    }
    let Some((text, _)) = node.scalar() else { return Vec::new() };
    let known = given.iter().find(|(name, _)| text == format!("${name}") || text == format!("${{{name}}}"));
    let text = known.map_or(text, |(_, value)| value.as_str());
    let evaluated = |text: &str| Evaluated { text: text.to_owned(), place: node.span.clone(), unknown: text.contains('$') };
    if text.starts_with(['(', '[']) { vec![evaluated(text)] } else { text.split_whitespace().map(evaluated).collect() }
}
