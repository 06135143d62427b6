//! What moves an estimate: changes of input by what they are about, in the order in which they are tried.

use serde::Serialize;

use super::edit::{Edit, Step};
use crate::estimate::Inputs;

/// What a change is about. Changes are put in one after the other in this order, so that what is bought comes before what it costs:
/// a price counts for the nodes that there are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The planner, with the catalogue and the efficiencies that it carries.
    Planner,
    /// The user's catalogue.
    Catalogue,
    /// The user's profile of measurements.
    Calibration,
    /// What stands in a pool.
    Hardware,
    /// Numbers of nodes.
    Nodes,
    /// The network: fabric, ports.
    Link,
    /// Power and its limits, cooling, carbon.
    Power,
    /// Failures, checkpoints, storage.
    Reliability,
    /// The model.
    Model,
    /// What else the job says.
    Workload,
    /// The layout.
    Layout,
    /// Prices: of GPU-hours, hardware, electricity, owning, money.
    Price,
    /// Names and descriptions: they move nothing.
    Label,
}

/// Which input a change is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// The cluster file.
    Cluster,
    /// The job.
    Job,
    /// A file that the job names.
    File(String),
    /// The user's catalogue.
    Catalogue,
    /// The user's profile.
    Profile,
}

/// A change of one value of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is about.
    pub about: About,
    /// Which input it is in.
    pub input: Input,
    /// The change.
    pub edit: Edit,
}

impl Change {
    /// Everything that differs between two inputs, in the order in which it is tried.
    #[must_use]
    pub fn all(old: &Inputs, new: &Inputs) -> Vec<Self> {
        let mut changes = Vec::new();
        let mut take = |input: Input, edits: Vec<Edit>| {
            changes.extend(edits.into_iter().map(|edit| Self { about: about(&input, &edit), input: input.clone(), edit }));
        };
        take(Input::Catalogue, whole(old.catalog.as_ref(), new.catalog.as_ref()));
        take(Input::Profile, whole(old.profile.as_ref(), new.profile.as_ref()));
        take(Input::Cluster, Edit::all(&old.cluster, &new.cluster));
        take(Input::Job, Edit::all(&old.job, &new.job));
        let names: std::collections::BTreeSet<_> = old.files.keys().chain(new.files.keys()).collect();
        for name in names {
            let lines = |inputs: &Inputs| inputs.files.get(name).map(|lines| lines.join("\n").into());
            let (old, new) = (lines(old), lines(new));
            if old != new {
                take(Input::File(name.clone()), vec![Edit { path: Vec::new(), old, new }]);
            }
        }
        changes.sort_by(|a, b| (a.about, &a.input, &a.edit.path).cmp(&(b.about, &b.input, &b.edit.path)));
        changes
    }

    /// Puts this change into inputs.
    pub fn apply(&self, to: &mut Inputs) {
        let own = |place: &mut Option<serde_json::Value>| {
            let mut value = place.take().unwrap_or_default();
            self.edit.apply(&mut value);
            *place = Some(value).filter(|value| !value.is_null());
        };
        match &self.input {
            Input::Cluster => self.edit.apply(&mut to.cluster),
            Input::Job => self.edit.apply(&mut to.job),
            Input::Catalogue => own(&mut to.catalog),
            Input::Profile => own(&mut to.profile),
            Input::File(name) => match self.edit.new.as_ref().and_then(serde_json::Value::as_str) {
                Some(text) => drop(to.files.insert(name.clone(), text.lines().map(str::to_owned).collect())),
                None => drop(to.files.remove(name)),
            },
        }
    }

    /// `pools[h100].nodes 96 → 127`.
    #[must_use]
    pub fn told(&self) -> String {
        match &self.input {
            Input::Cluster | Input::Job => format!("{} {}", self.edit.key(), self.edit.told()),
            Input::File(name) => format!("{name} changed"),
            Input::Catalogue => own_told("catalogue", &self.edit),
            Input::Profile => own_told("profile", &self.edit),
        }
    }
}

/// An own file may be there now and not before: all of it is one change then.
fn whole(old: Option<&serde_json::Value>, new: Option<&serde_json::Value>) -> Vec<Edit> {
    match (old, new) {
        (Some(old), Some(new)) => Edit::all(old, new),
        (None, None) => Vec::new(),
        (old, new) => vec![Edit { path: Vec::new(), old: old.cloned(), new: new.cloned() }],
    }
}

fn own_told(what: &str, edit: &Edit) -> String {
    match (&edit.old, &edit.new) {
        (None, _) if edit.path.is_empty() => format!("{what} added"),
        (_, None) if edit.path.is_empty() => format!("{what} removed"),
        _ => format!("{what}: {} {}", edit.key(), edit.told()),
    }
}

fn about(input: &Input, edit: &Edit) -> About {
    let mut keys = edit.path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Item(_) => None,
    });
    let (first, second) = (keys.next().unwrap_or_default(), keys.next());
    match (input, first) {
        (Input::Catalogue, _) => About::Catalogue,
        (Input::Profile, _) => About::Calibration,
        (Input::File(_), _) | (Input::Job, "model") => About::Model,
        (Input::Job, "parallelism") => About::Layout,
        (_, "name" | "description") => About::Label,
        (Input::Job, _) => About::Workload,
        (Input::Cluster, "fabric" | "networks") => About::Link,
        (Input::Cluster, "reliability" | "storage") => About::Reliability,
        (Input::Cluster, "price" | "cost" | "currencies") => About::Price,
        (Input::Cluster, "power") => match second {
            Some("tariff") => About::Price,
            _ => About::Power,
        },
        (Input::Cluster, _) => match second {
            Some("nodes") => About::Nodes,
            Some("nics") => About::Link,
            Some("price" | "owned" | "spares") => About::Price,
            Some("max-power" | "nodes-per-rack" | "cooling" | "embodied-carbon" | "service-life") => About::Power,
            _ => About::Hardware,
        },
    }
}
