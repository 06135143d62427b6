//! Patterns of clusters, workloads and jobs.

use std::ops::Range;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};

use crate::diagnostic::{Code, Diagnostic, Source, nearest, quoted};
use crate::diff::Pair;
use crate::yaml::{Document, Path};

/// Jobs on clusters, by patterns.
#[derive(Debug, Clone)]
pub struct Scope {
    source: Arc<Source>,
    cluster: Option<Pattern>,
    workload: Option<Pattern>,
    job: Option<Pattern>,
}

/// The jobs on clusters that are estimated: those that a scope takes, all where there is none.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The scopes.
    pub scopes: Vec<Scope>,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    span: Range<usize>,
    glob: GlobMatcher,
}

impl Selection {
    /// Whether a pair is estimated; `cluster` is the name that the cluster gives itself.
    #[must_use]
    pub fn takes(&self, pair: &Pair, cluster: &str) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|scope| scope.takes(pair, cluster))
    }
}

impl Scope {
    pub(super) fn new<T>(file: &Document<T>, at: &Path, patterns: [(&str, Option<&String>); 3]) -> Result<Self, Diagnostic> {
        let [cluster, workload, job] = patterns.map(|(key, text)| {
            let pattern = |text: &String| {
                let glob = Glob::new(text).map_err(|error| {
                    let message = format!("{} is no pattern: {}", quoted(text), error.kind());
                    file.error(Code::InvalidValue, &at.key(key), message).help("write a name, or a glob such as `h100-*`")
                })?;
                Ok(Pattern { text: text.clone(), span: file.span(&at.key(key)), glob: glob.compile_matcher() })
            };
            text.map(pattern).transpose()
        });
        Ok(Self { source: Arc::clone(&file.source), cluster: cluster?, workload: workload?, job: job? })
    }

    /// Whether a pair is one of them; `cluster` is the name that the cluster gives itself.
    #[must_use]
    pub fn takes(&self, pair: &Pair, cluster: &str) -> bool {
        let fits = |pattern: &Option<Pattern>, names: &[&str]| {
            pattern.as_ref().is_none_or(|pattern| names.iter().any(|name| pattern.takes(name)))
        };
        fits(&self.cluster, &[&pair.cluster, cluster])
            && fits(&self.workload, &[&pair.workload])
            && fits(&self.job, &[&pair.job])
    }

    /// Says which pattern is why no pair is taken; nothing where one is.
    pub(super) fn unmatched(&self, all: &[(Pair, &str)]) -> Option<Diagnostic> {
        if all.iter().any(|(pair, cluster)| self.takes(pair, cluster)) {
            return None;
        }
        let error = |what: &str, pattern: &Pattern, names: Vec<&str>| {
            let message = format!("no {what} matches {}", quoted(&pattern.text));
            let near = nearest(&pattern.text, names.iter().copied());
            let help = near.map_or_else(
                || "patterns are globs over paths below the tree without `.yaml`, or over their last part".to_owned(),
                |near| format!("did you mean {}?", quoted(near)),
            );
            Diagnostic::error(Code::NothingMatches, message).at(&self.source, pattern.span.clone(), "").help(help)
        };
        let lone = |pattern: &Option<Pattern>, names: &dyn Fn(&Pair) -> Vec<String>, what: &str| {
            let pattern = pattern.as_ref()?;
            let names: Vec<String> = all.iter().flat_map(|(pair, _)| names(pair)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            (!names.iter().any(|name| pattern.takes(name))).then(|| error(what, pattern, names))
        };
        let both = |path: &str| vec![path.to_owned(), last(path).to_owned()];
        let own = |pattern: &Pattern| all.iter().any(|(_, cluster)| pattern.takes(cluster));
        let cluster = self.cluster.clone().filter(|pattern| !own(pattern));
        let named = |pair: &Pair| {
            let own = all.iter().filter(|(other, _)| other.cluster == pair.cluster).map(|(_, name)| (*name).to_owned());
            both(&pair.cluster).into_iter().chain(own.take(1)).collect()
        };
        lone(&cluster, &named, "cluster")
            .or_else(|| lone(&self.workload, &|pair| both(&pair.workload), "workload"))
            .or_else(|| lone(&self.job, &|pair| vec![pair.job.clone()], "job"))
            .or_else(|| {
                let pattern = self.job.as_ref().or(self.workload.as_ref()).or(self.cluster.as_ref())?;
                Some(error("job on a cluster", pattern, Vec::new()))
            })
    }
}

impl Pattern {
    fn takes(&self, name: &str) -> bool {
        self.glob.is_match(name) || self.glob.is_match(last(name))
    }
}

/// The last part of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
