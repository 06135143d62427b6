//! A workload file of the options that a launch file states.

use std::collections::BTreeMap;
use std::path::Path;

use super::draft::{Draft, Line, Lines, Written};
use super::flags::{Flags, Read};
use super::{layout, transformer};
use crate::catalog::{Catalog, Model};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};
use crate::model::Architecture;
use crate::spec::Workload;

/// Writes options as a workload file.
pub(super) fn write(flags: &Flags, catalog: &Catalog) -> Result<String, Vec<Diagnostic>> {
    let mut draft = Draft { name: job_name(flags.source.name()), file: file_name(flags.source.name()), ..Draft::default() };
    transformer::read(flags, &mut draft);
    let gpus = gpus(flags);
    batch(flags, &mut draft);
    precision(flags, &mut draft.job, &mut draft.notes);
    let replicas = layout::parallelism(flags, &mut draft, gpus.as_ref());
    global_batch(flags, &mut draft.job, replicas);
    layout::recompute(flags, &mut draft.parallelism, &mut draft.notes);
    draft.notes.splice(0..0, flags.notes.iter().cloned());
    draft.unread = flags.unread();
    let open_vocabulary = !draft.model.0.iter().any(|line| line.key == "vocab");
    let mut errors = flags.errors();
    if errors.is_empty() && open_vocabulary {
        // Any does for comparing the rest.
        draft.model.put_default("vocab", 1, "the catalogue");
    }
    if !errors.is_empty() {
        if open_vocabulary && !flags.has("vocab-size") {
            flags.missing("vocab-size");
            errors.extend(flags.errors());
        }
        return Err(errors);
    }
    let written = draft.write(None);
    let model = checked(flags, &written, catalog)?;
    let known = same(&model, catalog, open_vocabulary);
    let vocabularies: BTreeMap<u32, &str> = known.iter().rev().map(|known| (known.vocab, known.name.as_str())).collect();
    match known.first() {
        Some(first) if !open_vocabulary || vocabularies.len() == 1 => {
            if open_vocabulary {
                draft.notes.push("The vocabulary is that of the catalogue; the file does not state it.".into());
            }
            Ok(draft.write(Some(&first.name)).text)
        }
        Some(_) => {
            let called = (flags.called)("vocab-size");
            let key = called.trim_start_matches('-');
            let choices: Vec<String> =
                vocabularies.iter().map(|(vocab, name)| format!("`--set {key}={vocab}` as `{name}`")).collect();
            let message = format!("{} is missing", quoted(&called));
            flags.error(Code::LaunchMissing, &flags.anchor, message, &format!("give {}", choices.join(", ")));
            Err(flags.errors())
        }
        None if open_vocabulary => {
            flags.missing("vocab-size");
            Err(flags.errors())
        }
        None => Ok(written.text),
    }
}

/// The model of a written workload, if that can be planned; mistakes are shown where the options are.
fn checked(flags: &Flags, written: &Written, catalog: &Catalog) -> Result<Model, Vec<Diagnostic>> {
    let place = |line: Option<&Line>| match line {
        Some(line) if line.place.end > 0 => line.place.clone(),
        _ => flags.anchor.clone(),
    };
    let source = Source::new("workload.yaml", written.text.as_str());
    let workload = Workload::load(source, catalog).map_err(|errors| {
        let moved = |error: Diagnostic| {
            let line = error.place().map(|label| label.source.line_column(label.span.start).0);
            let line = line.and_then(|line| written.lines.get(&line));
            let from = line.map(|line| format!("{}: ", quoted(&line.from))).unwrap_or_default();
            let moved = Diagnostic::error(error.code, format!("{from}{}", error.message)).at(&flags.source, place(line), "");
            moved.help(error.help.unwrap_or_else(|| "correct the option".into()))
        };
        errors.into_iter().map(moved).collect::<Vec<_>>()
    })?;
    let model = workload.jobs.into_iter().next().map(|job| job.model).ok_or_else(Vec::new)?;
    match Architecture::new(&model) {
        Ok(_) => Ok(model),
        Err(error) => {
            let line =
                written.lines.values().find(|line| line.key == error.field || error.field == "moe" && line.key == "experts");
            let message = format!("the options do not fit together: {}", error.message);
            Err(vec![Diagnostic::error(Code::LaunchValue, message).at(&flags.source, place(line), "").help(error.help)])
        }
    }
}

/// The catalogue's models with the same numbers, but for the vocabulary where that is open.
fn same<'a>(model: &Model, catalog: &'a Catalog, any_vocabulary: bool) -> Vec<&'a Model> {
    let Ok(wanted) = Architecture::new(model) else { return Vec::new() };
    let equal = |entry: &&Model| {
        Architecture::new(entry).is_ok_and(|known| {
            let vocab = if any_vocabulary { known.vocab } else { wanted.vocab };
            known == Architecture { name: known.name.clone(), vocab, ..wanted.clone() } && entry.mtp_layers == model.mtp_layers
        })
    };
    catalog.models.iter().filter(equal).collect()
}

/// A job's name from that of a file.
fn job_name(path: &str) -> String {
    let stem = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(80).collect();
    let plain = plain.trim_matches('-');
    // These, and numbers, would be no names in YAML.
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let named = plain.starts_with(|c: char| c.is_ascii_alphabetic()) && !reserved.contains(&plain);
    if named { plain.to_owned() } else { format!("job-{plain}").trim_end_matches('-').to_owned() }
}

fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// GPUs that the launch starts, where it says so.
fn gpus(flags: &Flags) -> Option<Read<u64>> {
    let number = |names: &[&str]| {
        let name = names.iter().find(|name| flags.has(name))?;
        // A range of nodes or a variable of the batch system leaves the number open.
        let plain = flags.get(name)?.values.first().is_some_and(|value| value.text.parse::<u64>().is_ok());
        plain.then(|| flags.number(name)).flatten()
    };
    let nodes = number(&["nnodes", "nodes"]);
    let each = number(&["nproc-per-node", "gpus-per-node"])?;
    match nodes {
        Some(nodes) => Some(Read {
            value: nodes.value.saturating_mul(each.value),
            from: format!("{} x {}", nodes.from, each.from),
            place: nodes.place,
        }),
        None if flags.has("nnodes") || flags.has("nodes") => None,
        None => Some(each),
    }
}

/// Data.
fn batch(flags: &Flags, draft: &mut Draft) {
    let sequence = flags.needed("seq-length");
    draft.job.put_some("sequence", sequence.as_ref());
    let Some(sequence) = sequence else { return };
    let tokens = match (flags.number("train-samples"), flags.number("train-iters"), flags.has("global-batch-size")) {
        (Some(samples), ..) => Some(samples.with(samples.value.saturating_mul(sequence.value))),
        (None, Some(steps), true) => flags
            .number("global-batch-size")
            .map(|batch| steps.with(steps.value.saturating_mul(batch.value).saturating_mul(sequence.value))),
        _ => None,
    };
    if let Some(tokens) = tokens.filter(|tokens| tokens.value > 0) {
        draft.job.put("tokens", &tokens.with(format!("{} tokens", tokens.value)));
    }
}

fn global_batch(flags: &Flags, job: &mut Lines, replicas: Option<Read<u64>>) {
    let micro = flags.needed("micro-batch-size");
    let stated = flags.number("global-batch-size");
    let batch = match (stated, micro, replicas) {
        (Some(batch), ..) => Some(batch),
        // Megatron-LM's default is one microbatch of every replica.
        (None, Some(micro), Some(replicas)) if !flags.has("step-batch-size-schedule") => {
            Some(replicas.with(micro.value.saturating_mul(replicas.value)))
        }
        _ => {
            flags.missing("global-batch-size");
            None
        }
    };
    if let Some(batch) = batch {
        job.put("global-batch", &batch.with(format!("{} sequences", batch.value)));
    }
}

fn precision(flags: &Flags, job: &mut Lines, notes: &mut Vec<String>) {
    let base =
        [("bf16", "bf16"), ("fp16", "fp16")].iter().find_map(|(flag, name)| flags.switch(flag).map(|read| read.with(*name)));
    let narrow = flags.text("fp8-format").map(|format| match flags.text("fp8-recipe") {
        Some(recipe) if recipe.value == "mxfp8" => recipe.with("mxfp8"),
        Some(recipe) if recipe.value == "blockwise" => {
            notes.push("FP8 scaled by blocks is planned as FP8 scaled by tensor.".into());
            recipe.with("fp8")
        }
        _ => format.with("fp8"),
    });
    let four = flags.text("fp4-format").map(|format| format.with("nvfp4"));
    match four.or(narrow).or(base) {
        Some(precision) => job.put("precision", &precision),
        None => job.put_default("precision", "tf32", &format!("no {}", (flags.called)("bf16"))),
    }
    job.put_default("software", "megatron-core", "the options are Megatron-Core's");
    let backend = flags.text("attention-backend");
    let local = flags.text("transformer-impl").filter(|implementation| implementation.value == "local");
    if let Some(sinks) = flags.text("softmax-type").filter(|kind| kind.value == "learnable") {
        job.put("attention", &sinks.with("sinks"));
    } else if let Some(backend) = backend.as_ref().filter(|backend| matches!(backend.value.as_str(), "unfused" | "local")) {
        job.put("attention", &backend.with("unfused"));
    } else if let Some(local) = local.filter(|_| backend.is_none() && flags.switch("use-flash-attn").is_none()) {
        job.put("attention", &local.with("unfused"));
    }
    graphs(flags, job);
}

/// What is launched from recorded graphs; two flags of older versions say so too.
fn graphs(flags: &Flags, job: &mut Lines) {
    let older = flags.switch("enable-cuda-graph").or_else(|| flags.switch("external-cuda-graph"));
    let graphs = match flags.text("cuda-graph-impl") {
        Some(graphs) if graphs.value == "none" => None,
        Some(graphs) => Some(graphs.with(if graphs.value == "full_iteration" { "full" } else { "partial" })),
        None => older.map(|older| older.with("partial")),
    };
    job.put_some("graphs", graphs.as_ref());
}
