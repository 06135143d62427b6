//! Reading what commands work on: the catalogue, a cluster, a workload, by path or by the name of an embedded example.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::progress::Layouts;
use super::{Failure, Global};
use crate::calibration::{Calibration, Profile};
use crate::catalog::{Accelerator, Catalog};
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::diff::POLICY;
use crate::plan::survey::Survey;
use crate::plan::{Plan, Refusal, Request, setup_calibrated};
use crate::search::Progress;
use crate::spec::{Cluster, Job, Workload, examples};
use crate::step::Setup;
use crate::topology::Topology;
use crate::yaml;

/// A cluster and a workload.
#[derive(Debug, Args)]
pub(super) struct Inputs {
    /// Cluster file, or the name of an embedded example [default: h100-superpod-127]
    #[arg(value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Workload file, or the name of an embedded example [default: llama3-70b]
    #[arg(long, short, value_name = "FILE")]
    pub workload: Option<String>,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Plan this job of the workload only
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,
}

/// Form of an answer that is a table or a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For machines: base units, the unit in the key
    Json,
    /// For pull requests and documents
    Markdown,
    /// For spreadsheets
    Csv,
}

/// What was read.
pub(super) struct Loaded {
    pub catalog: Cow<'static, Catalog>,
    pub cluster: Cluster,
    /// The cluster's file.
    pub cluster_file: Arc<Source>,
    pub topology: Topology,
    pub workload: Workload,
    /// The defaults moved by the user's profile.
    pub calibration: Option<Calibration>,
    /// What is said about embedded examples that stand in for files.
    pub note: Option<String>,
    /// Places of the jobs to plan.
    pub jobs: Vec<usize>,
}

/// The embedded catalogue, with the user's entries where a file is named.
pub(super) fn catalog(global: &Global) -> Result<Cow<'static, Catalog>, Failure> {
    let Some(path) = &global.catalog else { return Ok(Cow::Borrowed(Catalog::embedded())) };
    let own = yaml::load::<Catalog>(Source::read(path)?)?;
    Ok(Cow::Owned(Catalog::embedded().clone().with(own.value)))
}

/// The accelerator of that name, or an error that names the nearest.
pub(super) fn accelerator<'a>(catalog: &'a Catalog, name: &str) -> anyhow::Result<&'a Accelerator> {
    catalog.accelerator(name).ok_or_else(|| {
        let near = nearest(name, catalog.accelerators.iter().map(|entry| entry.name.as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        anyhow::anyhow!("no accelerator is called `{name}`{near}")
    })
}

/// The user's profile over the default efficiencies, and where it stands; nothing where none is named.
pub(super) fn calibration(
    path: Option<&Path>,
    catalog: &Catalog,
) -> Result<Option<(Calibration, Arc<Source>)>, Vec<Diagnostic>> {
    let Some(path) = path else { return Ok(None) };
    let source = Source::read(path).map_err(|error| vec![error])?;
    Profile::load(source.clone(), catalog).map(|profile| Some((Calibration::with_profile(profile), source)))
}

/// Clusters by path, by the name of an example, or all in a folder; what is wrong with them goes to `errors`.
pub(super) fn clusters(
    names: &[String],
    catalog: &Catalog,
    errors: &mut Vec<Diagnostic>,
) -> anyhow::Result<Vec<(Arc<Source>, Cluster)>> {
    let mut clusters = Vec::new();
    for name in expanded(names)? {
        let read = examples::read(&name).map_err(|error| vec![error]);
        match read.and_then(|(source, _)| Ok((source.clone(), Cluster::load(source, catalog)?))) {
            Ok(found) => clusters.push(found),
            Err(found) => errors.extend(found),
        }
    }
    Ok(clusters)
}

/// Names with folders replaced by the *.yaml in them, by name; a policy file is none of them.
pub(super) fn expanded(names: &[String]) -> anyhow::Result<Vec<String>> {
    let mut out = Vec::new();
    for name in names {
        if !Path::new(name).is_dir() {
            out.push(name.clone());
            continue;
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(name).with_context(|| format!("cannot read the folder {name}"))? {
            let path = entry.with_context(|| format!("cannot read the folder {name}"))?.path();
            let policies = path.file_name().is_some_and(|name| name == POLICY);
            if path.is_file() && !policies && path.extension().is_some_and(|suffix| suffix == "yaml") {
                files.push(path.to_str().with_context(|| format!("{} is not a name in UTF-8", path.display()))?.to_owned());
            }
        }
        if files.is_empty() {
            bail!("the folder {name} has no *.yaml; name a file, or a folder with some");
        }
        files.sort_unstable();
        out.append(&mut files);
    }
    Ok(out)
}

/// The jobs of a workload that are asked for: all of them, or the one that is named.
pub(super) fn jobs(workload: &Workload, name: Option<&str>) -> anyhow::Result<Vec<usize>> {
    let Some(name) = name else { return Ok((0..workload.jobs.len()).collect()) };
    match workload.jobs.iter().position(|job| job.name == *name) {
        Some(job) => Ok(vec![job]),
        None => {
            let names: Vec<&str> = workload.jobs.iter().map(|job| job.name.as_str()).collect();
            bail!("no job is called `{name}`; the workload has `{}`", names.join("`, `"))
        }
    }
}

impl Inputs {
    pub(super) fn load(&self, global: &Global) -> Result<Loaded, Failure> {
        let catalog = catalog(global)?;
        let cluster_name = self.cluster.as_deref().unwrap_or(examples::DEFAULT_CLUSTER);
        let workload_name = self.workload.as_deref().unwrap_or(examples::DEFAULT_WORKLOAD);
        // Both files are read before either is refused: all mistakes at once.
        let mut errors = Vec::new();
        let cluster = examples::read(cluster_name)
            .map_err(|error| vec![error])
            .and_then(|(source, _)| Ok((Cluster::load(source.clone(), &catalog)?, source)));
        let workload =
            examples::read(workload_name).map_err(|error| vec![error]).and_then(|(source, _)| Workload::load(source, &catalog));
        let cluster = cluster.map_err(|found| errors.extend(found)).ok();
        let workload = workload.map_err(|found| errors.extend(found)).ok();
        let calibration = calibration(self.calibration.as_deref(), &catalog);
        let calibration = calibration.map_err(|found| errors.extend(found)).ok();
        let (Some((cluster, cluster_file)), Some(workload), Some(calibration)) = (cluster, workload, calibration) else {
            return Err(errors.into());
        };
        let jobs = jobs(&workload, self.job.as_deref())?;
        let defaults: Vec<&str> = [(&self.cluster, cluster_name), (&self.workload, workload_name)]
            .into_iter()
            .filter(|(given, _)| given.is_none())
            .map(|(_, name)| name)
            .collect();
        let note = (!defaults.is_empty()).then(|| {
            format!(
                "No {} given: planning the embedded example {}.\n",
                if defaults.len() == 2 { "files" } else { "second file" },
                defaults.join(" with ")
            )
        });
        let topology = Topology::new(&cluster);
        let calibration = calibration.map(|(calibration, _)| calibration);
        Ok(Loaded { catalog, cluster, cluster_file, topology, workload, calibration, note, jobs })
    }
}

impl Loaded {
    fn calibration(&self) -> &Calibration {
        self.calibration.as_ref().unwrap_or_else(|| Calibration::defaults())
    }

    /// The plan of a job, its layout chosen as asked.
    pub(super) fn plan_as(&self, job: &Job, request: &Request) -> Result<Plan, Refusal> {
        let bar = Layouts::new();
        let watch = |progress: Progress| bar.show(progress);
        let how: (_, _, &dyn Fn(Progress)) = (self.calibration(), request, &watch);
        Plan::asked((&self.cluster, &self.topology), &self.workload, job, &self.catalog, how)
    }

    /// The layouts of a job, surveyed.
    pub(super) fn survey(&self, job: &Job, request: &Request) -> Result<Survey, Refusal> {
        let bar = Layouts::new();
        let watch = |progress: Progress| bar.show(progress);
        let how: (_, _, &dyn Fn(Progress)) = (self.calibration(), request, &watch);
        Survey::new((&self.cluster, &self.topology), (&self.workload, job), &self.catalog, how)
    }

    /// The plan of a job.
    pub(super) fn plan(&self, job: &Job) -> Result<Plan, Refusal> {
        Plan::calibrated((&self.cluster, &self.topology), &self.workload, job, &self.catalog, self.calibration())
    }

    /// A job on its pool.
    pub(super) fn setup(&self, job: &Job) -> Result<Setup<'_>, Refusal> {
        setup_calibrated(&self.cluster, &self.topology, &self.workload, job, self.calibration())
    }
}

/// Where results go.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// Write to this file instead of standard output; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
