//! What an estimate follows from: what files say, without how they are written. Kept beside an estimate, it can be made again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Estimate, Hash, Refused};
use crate::calibration::{Calibration, Profile};
use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::plan::{Plan, Refusal, Request};
use crate::search::Progress;
use crate::spec::{Cluster, Job, Read, Workload};
use crate::topology::Topology;
use crate::yaml;

/// The catalogue and the efficiencies that jobs are estimated with.
#[derive(Debug)]
pub struct Context {
    /// The embedded catalogue, with the user's entries.
    pub catalog: Cow<'static, Catalog>,
    /// The default efficiencies, moved by the user's profile; nothing without one.
    pub calibration: Option<Calibration>,
    own: [Own; 2],
}

/// A file of the user's, and what is written in it; nothing where none is named.
pub type Own = Option<(Arc<Source>, yaml::Node)>;

impl Context {
    /// From the user's catalogue and profile, where there are any.
    ///
    /// # Errors
    /// Everything that is wrong with these files.
    pub fn read(catalog: Option<Arc<Source>>, profile: Option<Arc<Source>>) -> Result<Self, Vec<Diagnostic>> {
        let scanned = |source: &Option<Arc<Source>>| -> Result<Own, Vec<Diagnostic>> {
            source.as_ref().map(|source| Ok((Arc::clone(source), yaml::scan(source)?))).transpose()
        };
        let own: [Own; 2] = [scanned(&catalog)?, scanned(&profile)?];
        let catalog = match catalog {
            None => Cow::Borrowed(Catalog::embedded()),
            Some(source) => Cow::Owned(Catalog::embedded().clone().with(yaml::load::<Catalog>(source)?.value)),
        };
        let profile = profile.map(|source| Profile::load(source, &catalog)).transpose()?;
        Ok(Self { catalog, calibration: profile.map(Calibration::with_profile), own })
    }

    /// The user's catalogue and profile.
    #[must_use]
    pub fn own(&self) -> &[Own; 2] {
        &self.own
    }

    /// The efficiencies.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        self.calibration.as_ref().unwrap_or_else(|| Calibration::defaults())
    }

    /// The estimate of a job on a cluster; its layout is the fastest, as `planner plan` chooses it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn estimate(
        &self,
        (cluster, topology): (&Cluster, &Topology),
        (workload, job): (&Workload, &Job),
        hashes: InputHashes,
    ) -> Result<Estimate, Refusal> {
        let request = Request { top: 1, ..Request::default() };
        let how: (_, _, &dyn Fn(Progress)) = (self.calibration(), &request, &|_| {});
        let plan = Plan::asked((cluster, topology), workload, job, &self.catalog, how)?;
        Ok(self.kept(&plan, cluster, hashes))
    }

    /// What is kept of a plan on a cluster.
    #[must_use]
    pub fn kept(&self, plan: &Plan, cluster: &Cluster, hashes: InputHashes) -> Estimate {
        let total = plan.cost.as_ref().and_then(|cost| cost.total);
        let rate = total.and_then(|total| cluster.usd_rate(total.currency(), &self.catalog));
        Estimate::new(plan, hashes, rate.map(|rate| rate.value))
    }
}

/// What the files say that the estimate of one job on one cluster follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// The cluster file.
    pub cluster: Value,
    /// The job, as it stands in the workload file; jobs that have to be done before it do not count.
    pub job: Value,
    /// Lines of the files that the job names: a model's configuration, a pipeline order.
    pub files: BTreeMap<String, Vec<String>>,
    /// The user's catalogue.
    pub catalog: Option<Value>,
    /// The user's profile.
    pub profile: Option<Value>,
}

/// Hashes of what an estimate follows from, each over what a file says and not over how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputHashes {
    /// Of the cluster file.
    pub cluster: String,
    /// Of the job and the files that it names.
    pub job: String,
    /// Of the user's catalogue, where one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// Of the user's profile, where one is named: the calibration's identity. Without it the planner's own counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// Inputs that were read.
#[derive(Debug)]
pub struct Loaded {
    context: Context,
    cluster: Cluster,
    topology: Topology,
    workload: Workload,
}

impl Inputs {
    /// What is said about a job; `read` reads the files that it names.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of(
        cluster: &Value,
        (workload, job): (&Workload, &Job),
        context: &Context,
        read: Read<'_>,
    ) -> Result<Self, Diagnostic> {
        let (source, tree) = workload.file();
        let folder = FilePath::new(source.name()).parent().unwrap_or(FilePath::new(""));
        let mut said = tree.at(&workload.place(job)).map(yaml::Node::to_json).unwrap_or_default();
        if let Some(fields) = said.as_object_mut() {
            fields.remove("after");
        }
        let mut files = BTreeMap::new();
        for name in workload.files(job, &context.catalog) {
            files.insert(name.to_owned(), read(&folder.join(name))?.text().lines().map(str::to_owned).collect());
        }
        let [catalog, profile] = context.own().each_ref().map(|own| own.as_ref().map(|(_, tree)| tree.to_json()));
        Ok(Self { cluster: cluster.clone(), job: said, files, catalog, profile })
    }

    /// Their hashes.
    #[must_use]
    pub fn hashes(&self) -> InputHashes {
        let of = |value: &Value| Hash::default().with("value", value).named();
        let named = |hash: Hash, (name, lines): (&String, &Vec<String>)| hash.with(name, lines.join("\n"));
        InputHashes {
            cluster: of(&self.cluster),
            job: self.files.iter().fold(Hash::default().with("value", &self.job), named).named(),
            catalog: self.catalog.as_ref().map(of),
            profile: self.profile.as_ref().map(of),
        }
    }

    /// Reads them again as if they were files; `workload` is the path of the job's file, to which those that it names are relative.
    ///
    /// # Errors
    /// Everything that this planner does not accept of them.
    pub fn load(&self, workload: &str) -> Result<Loaded, Vec<Diagnostic>> {
        let source = |name: &str, value: &Value| Source::new(name, value.to_string());
        let own = |name: &str, value: &Option<Value>| value.as_ref().map(|value| source(name, value));
        let context = Context::read(own("catalogue", &self.catalog), own("profile", &self.profile))?;
        let cluster = Cluster::load(source("cluster", &self.cluster), &context.catalog)?;
        let folder = FilePath::new(workload).parent().unwrap_or(FilePath::new(""));
        let read = |path: &FilePath| {
            let found = self.files.iter().find(|(name, _)| folder.join(name) == path);
            let missing = || Diagnostic::error(Code::Unreadable, format!("no file `{}` was kept", path.display()));
            found.map(|(_, lines)| Source::new(path.display().to_string(), lines.join("\n"))).ok_or_else(missing)
        };
        let jobs = source(workload, &json!({ "jobs": [self.job] }));
        let workload = Workload::load_with(jobs, &context.catalog, &read)?;
        Ok(Loaded { topology: Topology::new(&cluster), context, cluster, workload })
    }

    /// The estimate that follows from them.
    ///
    /// # Errors
    /// Why there is none.
    pub fn estimate(&self, workload: &str) -> Result<Estimate, Refused> {
        let Loaded { context, cluster, topology, workload } = &self.load(workload).map_err(Refused::new)?;
        let job = workload.jobs.first().ok_or_else(|| Refused::new(Vec::new()))?;
        let estimate = context.estimate((cluster, topology), (workload, job), self.hashes()).map_err(Refused::from)?;
        Ok(estimate.in_brief())
    }
}
