//! Jobs on clusters with their estimates, as they are now.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::cause::{Change, Input};
use super::files::Files;
use super::pair::Pair;
use super::policy::Selection;
use super::tree::{ClusterAt, Tree, WorkloadAt};
use crate::diagnostic::{Diagnostic, Label, Source};
use crate::estimate::{Context, Estimate, Inputs, Own, Refused};
use crate::spec::Job;
use crate::yaml::Path as Place;

/// A job on a cluster, with what its estimate follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// Which.
    pub pair: Pair,
    /// Name of the cluster, as its file says it.
    pub cluster: String,
    /// What the files say.
    pub inputs: Inputs,
    /// The estimate, or why there is none.
    pub outcome: Result<Estimate, Refused>,
}

/// The outcome of a pair that was estimated from these inputs before.
pub type Known<'a> = &'a (dyn Fn(&Pair, &Inputs) -> Option<Result<Estimate, Refused>> + Sync);

/// Where the files of a pair stand, to point into them.
#[derive(Debug, Clone)]
pub struct Places {
    cluster: (Arc<Source>, crate::yaml::Node),
    workload: (Arc<Source>, crate::yaml::Node),
    job: Place,
    own: [Own; 2],
}

impl Tree {
    /// The pairs that are asked for, estimated, in their order; those that are `known` are not estimated again.
    ///
    /// # Errors
    /// When a file that a job names cannot be read.
    pub fn estimate(
        &self,
        files: &Files,
        context: &Context,
        selection: &Selection,
        (known, done): (Known<'_>, &(dyn Fn(usize) + Sync)),
    ) -> Result<Vec<(Estimated, Places)>, Vec<Diagnostic>> {
        let chosen = self.chosen(selection);
        let read = |path: &Path| files.read(path);
        let inputs = chosen.iter().map(|(cluster, workload, job)| {
            Inputs::of(&cluster.tree.to_json(), (&workload.workload, job), context, &read).map_err(|error| vec![error])
        });
        let inputs: Vec<Inputs> = inputs.collect::<Result<_, _>>()?;
        let estimated = chosen.into_par_iter().zip(inputs).map(|((at, workload, job), inputs)| {
            let on = (&at.cluster, &at.topology);
            let pair = pair(at, workload, job);
            let outcome = known(&pair, &inputs).unwrap_or_else(|| {
                let estimate = context.estimate(on, (&workload.workload, job), inputs.hashes());
                estimate.map(Estimate::in_brief).map_err(Refused::from)
            });
            done(1);
            let estimated = Estimated { pair, cluster: at.cluster.name.clone(), inputs, outcome };
            (estimated, Places::of(at, workload, job, context))
        });
        Ok(estimated.collect())
    }

    /// Every job on every cluster, with the name that the cluster gives itself.
    pub fn every_pair(&self) -> impl Iterator<Item = (Pair, &str)> {
        self.chosen(&Selection::default())
            .into_iter()
            .map(|(at, workload, job)| (pair(at, workload, job), at.cluster.name.as_str()))
    }

    /// How many pairs are asked for.
    #[must_use]
    pub fn pairs(&self, selection: &Selection) -> usize {
        self.chosen(selection).len()
    }

    fn chosen(&self, selection: &Selection) -> Vec<(&ClusterAt, &WorkloadAt, &Job)> {
        let all = self.clusters.iter().flat_map(|cluster| {
            self.workloads.iter().flat_map(move |at| at.workload.jobs.iter().map(move |job| (cluster, at, job)))
        });
        all.filter(|(cluster, at, job)| selection.takes(&pair(cluster, at, job), &cluster.cluster.name)).collect()
    }
}

fn pair(cluster: &ClusterAt, workload: &WorkloadAt, job: &Job) -> Pair {
    Pair { cluster: cluster.name.clone(), workload: workload.name.clone(), job: job.name.clone() }
}

impl Places {
    fn of(cluster: &ClusterAt, workload: &WorkloadAt, job: &Job, context: &Context) -> Self {
        let (source, tree) = workload.workload.file();
        Self {
            cluster: (Arc::clone(&cluster.source), cluster.tree.clone()),
            workload: (Arc::clone(source), tree.clone()),
            job: workload.workload.place(job),
            own: context.own().clone(),
        }
    }

    /// Where a change stands now; nothing where its file is there no more.
    #[must_use]
    pub fn of_change(&self, change: &Change, inputs: &Inputs) -> Option<Label> {
        match &change.input {
            Input::Cluster => Some(label(&self.cluster, &change.edit.place(&inputs.cluster))),
            Input::Job => {
                let below = change.edit.place(&inputs.job);
                Some(label(&self.workload, &below.steps().iter().fold(self.job.clone(), |path, step| path.then(step.clone()))))
            }
            Input::File(_) => Some(label(&self.workload, &self.job.key("model"))),
            Input::Catalogue => Some(label(self.own[0].as_ref()?, &change.edit.place(inputs.catalog.as_ref()?))),
            Input::Profile => Some(label(self.own[1].as_ref()?, &change.edit.place(inputs.profile.as_ref()?))),
        }
    }

    /// The cluster's name in its file.
    #[must_use]
    pub fn of_cluster(&self) -> Label {
        label(&self.cluster, &Place::root().key("name"))
    }
}

fn label((source, tree): &(Arc<Source>, crate::yaml::Node), at: &Place) -> Label {
    Label { source: Arc::clone(source), span: source.clamp(tree.nearest_span(at)), text: String::new(), primary: true }
}
