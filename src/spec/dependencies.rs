//! Jobs of a file that come after others: each named once, none waiting for itself.

use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use super::names;
use crate::diagnostic::{Batch, Code, Diagnostic, nearest, quoted};
use crate::yaml::{Document, Path};

/// A job's name, and the names of those it comes after.
pub(super) type Waits<'a> = (&'a str, &'a [String]);

/// Places that are shown of a circle beside its first.
const MOST_PLACES: usize = 8;

fn at(index: usize, field: &str) -> Path {
    Path::root().key("jobs").index(index).key(field)
}

/// The places of the jobs that each of `jobs:` comes after; names that two have, names that none has, and circles are mistakes.
pub(super) fn resolve<T>(file: &Document<T>, jobs: &[Waits<'_>], errors: &mut Vec<Diagnostic>) -> Vec<Vec<usize>> {
    // Of several with one name, the first.
    let places: BTreeMap<&str, usize> = jobs.iter().enumerate().rev().map(|(index, (name, _))| (*name, index)).collect();
    let mut all = Vec::new();
    for (index, (name, waits)) in jobs.iter().enumerate() {
        let mut after = Vec::new();
        for (i, before) in waits.iter().enumerate() {
            match places.get(before.as_str()) {
                Some(place) => after.push(*place),
                None => errors.push(unknown(file, jobs, &at(index, "after").index(i), before, errors.len())),
            }
        }
        all.push(after);
        if let Some(first) = places.get(name).copied().filter(|first| *first < index) {
            let error = file.error(Code::DuplicateName, &at(index, "name"), format!("two jobs are called {}", quoted(name)));
            errors
                .push(error.also(&file.source, file.span(&at(first, "name")), "the first").help("give each job its own name"));
        }
    }
    errors.extend(cycles(file, jobs, &all));
    all
}

fn unknown<T>(file: &Document<T>, jobs: &[Waits<'_>], at: &Path, name: &str, errors: usize) -> Diagnostic {
    let error = file.error(Code::UnknownJob, at, format!("no job is called {}", quoted(name)));
    if errors >= Batch::MOST {
        // It is only counted.
        return error;
    }
    let names = || jobs.iter().map(|(name, _)| *name);
    error.help(match nearest(name, names()) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => format!("jobs of this file: {}", names::list(names())),
    })
}

/// Jobs that wait for each other in a circle: the cycles of the dependency graph.
fn cycles<T>(file: &Document<T>, jobs: &[Waits<'_>], after: &[Vec<usize>]) -> Vec<Diagnostic> {
    let mut graph = DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..jobs.len()).map(|index| graph.add_node(index)).collect();
    for (index, befores) in after.iter().enumerate() {
        for before in befores {
            graph.update_edge(nodes[*before], nodes[index], ());
        }
    }
    let mut found: Vec<Vec<usize>> = tarjan_scc(&graph)
        .into_iter()
        .map(|component| component.into_iter().map(|node| graph[node]).collect::<Vec<_>>())
        .filter(|jobs| jobs.len() > 1 || jobs.iter().any(|job| graph.contains_edge(nodes[*job], nodes[*job])))
        .collect();
    for component in &mut found {
        component.sort_unstable();
    }
    found.sort();
    found
        .into_iter()
        .map(|component| {
            let names = names::list(component.iter().map(|job| jobs[*job].0));
            let first = component.first().copied().unwrap_or_default();
            let message = if component.len() == 1 {
                format!("job {names} waits for itself")
            } else {
                format!("jobs {names} wait for each other")
            };
            component.iter().skip(1).take(MOST_PLACES).fold(
                file.error(Code::DependencyCycle, &at(first, "after"), message).help("take one of the `after` entries out"),
                |error, job| error.also(&file.source, file.span(&at(*job, "after")), "and this"),
            )
        })
        .collect()
}
