//! Policies: which estimates are kept of a tree, and what may become of them.

mod amount;
mod file;
mod judge;
mod scope;

pub use amount::Amount;
pub use file::{Level, PairFile, PolicyFile, RuleFigure, RuleFile};
pub use judge::{Verdict, judge};
pub use scope::{Scope, Selection};

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Label, Source};
use crate::diff::{Figure, Pair};
use crate::units::{Money, Seconds, Share, Watts};
use crate::yaml::{self, Document, Path};

/// What a policy file says.
#[derive(Debug, Default)]
pub struct Policies {
    /// Jobs on clusters that are estimated.
    pub selection: Selection,
    /// The rules, in the order of the file.
    pub rules: Vec<Policy>,
}

/// A rule, and where it holds.
#[derive(Debug)]
pub struct Policy {
    /// What it is called; else what it says.
    pub name: String,
    /// What happens when it is broken.
    pub level: Level,
    /// Jobs on clusters that it is for.
    pub scope: Scope,
    /// What may not happen.
    pub rule: Rule,
    /// Where it stands.
    pub place: Label,
}

/// What may not happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// A figure grows by more than this share.
    Percent(Figure, f64),
    /// A figure grows by more than this.
    Amount(Amount),
    /// The cost crosses this from below.
    Budget(Money),
    /// MFU is below this.
    LeastMfu(Share),
    /// Power at the site's meter is above this.
    MostPower(Watts),
    /// Less than this share of an accelerator's memory is free.
    LeastFree(Share),
    /// The run takes longer than this.
    MostTime(Seconds),
    /// The job's deadline is missed.
    Deadline,
}

/// Keys of which a policy has exactly one.
const RULES: [&str; 8] = [
    "max-increase-percent",
    "max-increase",
    "budget",
    "min-mfu",
    "max-site-power",
    "min-memory-headroom",
    "max-run-time",
    "meet-deadline",
];

impl Policies {
    /// Reads a policy file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(source: Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        let file = yaml::load::<PolicyFile>(source)?;
        let mut errors = Vec::new();
        let mut read = Self::default();
        for (i, pair) in file.value.pairs.iter().enumerate() {
            let patterns = [("cluster", Some(&pair.cluster)), ("workload", Some(&pair.workload)), ("job", pair.job.as_ref())];
            match Scope::new(&file, &Path::root().key("pairs").index(i), patterns) {
                Ok(scope) => read.selection.scopes.push(scope),
                Err(error) => errors.push(error),
            }
        }
        for (i, rule) in file.value.policies.iter().enumerate() {
            match Policy::new(&file, rule, &Path::root().key("policies").index(i)) {
                Ok(policy) => read.rules.push(policy),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }

    /// Holds the patterns against what there is: a pair that is not there is an error; a policy for nothing is a warning, and one in
    /// money that cannot be compared.
    #[must_use]
    pub fn unmatched(&self, all: &[(Pair, &str)], estimated: &[(Pair, &str)], catalog: &Catalog) -> Vec<Diagnostic> {
        let selection = self.selection.scopes.iter().filter_map(|scope| scope.unmatched(all));
        let rules = self.rules.iter().filter_map(|policy| policy.scope.unmatched(estimated));
        let money = self.rules.iter().filter_map(|policy| policy.without_rate(catalog));
        selection.chain(rules.chain(money).map(Diagnostic::into_warning)).collect()
    }
}

impl Policy {
    fn new(file: &Document<PolicyFile>, said: &RuleFile, at: &Path) -> Result<Self, Diagnostic> {
        let there: Vec<&str> = {
            let node = file.tree.at(at);
            RULES.into_iter().filter(|key| node.is_some_and(|node| node.entry(key).is_some())).collect()
        };
        let known = || RULES.map(|key| format!("`{key}`")).join(", ");
        let (key, other) = match there[..] {
            [] => {
                let error = file.error(Code::MissingKey, at, "this policy has no rule");
                return Err(error.help(format!("add one of {}", known())));
            }
            [key] => (key, None),
            [key, other, ..] => (key, Some(other)),
        };
        if let Some(other) = other {
            let error = file.error(Code::ConflictingKeys, &at.key(other), format!("`{key}` and `{other}` are two policies"));
            return Err(error
                .also(&file.source, file.span(&at.key(key)), "the other")
                .help("write an item of the list for each"));
        }
        if said.figure.is_some() && key != "max-increase-percent" {
            let error = file.error(Code::ConflictingKeys, &at.key("figure"), format!("`{key}` says itself what it is about"));
            return Err(error.help("leave `figure` out; it belongs to `max-increase-percent`"));
        }
        let Some(rule) = Rule::new(said) else {
            let error = file.error(Code::InvalidValue, &at.key(key), format!("`{key}` does not say what may not happen"));
            return Err(error.help(format!(
                "write `{key}: {}`, or leave the policy out",
                if key == "meet-deadline" { "true" } else { "…" }
            )));
        };
        let patterns = [("cluster", said.cluster.as_ref()), ("workload", said.workload.as_ref()), ("job", said.job.as_ref())];
        Ok(Self {
            name: said.name.clone().unwrap_or_else(|| rule.told()),
            level: said.level,
            scope: Scope::new(file, at, patterns)?,
            rule,
            place: Label {
                source: Arc::clone(&file.source),
                span: file.span(&at.key(key)),
                text: String::new(),
                primary: true,
            },
        })
    }
}

impl Policy {
    fn without_rate(&self, catalog: &Catalog) -> Option<Diagnostic> {
        let currency = match &self.rule {
            Rule::Budget(money) => money.currency(),
            Rule::Amount(amount) => amount.money?.currency(),
            _ => return None,
        };
        if catalog.usd_rate(currency).is_some() {
            return None;
        }
        let message =
            format!("no exchange rate from {currency} to USD is known: costs in other currencies are not held against this");
        let error = Diagnostic::error(Code::UnknownPrice, message).at(&self.place.source, self.place.span.clone(), "");
        Some(error.help("write the policy in USD, or name a `--catalog` with `currencies`"))
    }
}

impl Rule {
    fn new(said: &RuleFile) -> Option<Self> {
        let percent = || {
            let figure = said.figure.unwrap_or(RuleFigure::Cost).figure();
            said.max_increase_percent.map(|percent| Self::Percent(figure, percent / 100.0))
        };
        percent()
            .or_else(|| said.max_increase.clone().map(Self::Amount))
            .or_else(|| said.budget.map(Self::Budget))
            .or_else(|| said.min_mfu.map(Self::LeastMfu))
            .or_else(|| said.max_site_power.map(Self::MostPower))
            .or_else(|| said.min_memory_headroom.map(Self::LeastFree))
            .or_else(|| said.max_run_time.map(Self::MostTime))
            .or_else(|| said.meet_deadline.filter(|meet| *meet).map(|_| Self::Deadline))
    }

    /// The rule in a few words.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Percent(figure, share) => format!("{} by at most {} %", figure.name(), round_percent(*share)),
            Self::Amount(amount) => format!("{} by at most {}", amount.figure.name(), amount.text),
            Self::Budget(money) => format!("budget of {money}"),
            Self::LeastMfu(share) => format!("MFU of {share} or more"),
            Self::MostPower(power) => format!("site power of {power} or less"),
            Self::LeastFree(share) => format!("{share} of memory free or more"),
            Self::MostTime(time) => format!("run time of {time} or less"),
            Self::Deadline => "deadline met".to_owned(),
        }
    }
}

impl RuleFigure {
    /// The figure.
    #[must_use]
    pub fn figure(self) -> Figure {
        match self {
            Self::Cost => Figure::Cost,
            Self::RunTime => Figure::RunTime,
            Self::StepTime => Figure::StepTime,
            Self::Energy => Figure::Energy,
            Self::SitePower => Figure::SitePower,
            Self::Carbon => Figure::Carbon,
            Self::Memory => Figure::Memory,
        }
    }
}

/// A share in percent as it was probably written.
fn round_percent(share: f64) -> f64 {
    crate::estimate::rounded(share * 100.0)
}
