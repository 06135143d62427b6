//! Jobs of a portfolio, their times planned for the GPUs that they ask for.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::placement::Spread;
use super::speeds::{Kind, Speeds};
use super::{Checkpoint, Demand, Job, Moment, promises};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::plan::Refusal;
use crate::spec::{Cluster, Pool, Portfolio, PortfolioWork, Size};
use crate::units::Seconds;

/// The jobs of a portfolio on a cluster, in the order of the file.
///
/// # Errors
/// Pools that are not there, windows, caps and spares that cannot be kept, jobs that no pool is large enough for, training that does not fit on
/// the GPUs that it asks for.
pub fn jobs_of(portfolio: &Portfolio, cluster: &Cluster, speeds: &mut Speeds<'_>) -> Result<Vec<Job>, Refusal> {
    let (mut jobs, mut too_large) = (Vec::new(), None);
    let mut wrong = promises::check(cluster, portfolio).err().unwrap_or_default();
    for index in 0..portfolio.jobs.len() {
        match outline(portfolio, cluster, index) {
            Ok(job) => jobs.push(job),
            Err(Refusal::Input(errors)) => wrong.extend(errors),
            Err(refusal) => too_large = too_large.or(Some(refusal)),
        }
    }
    if !wrong.is_empty() {
        return Err(Refusal::Input(wrong));
    }
    too_large.map_or(Ok(()), Err)?;
    plan_all(portfolio, &mut jobs, speeds)?;
    Ok(jobs)
}

/// Everything of a job but the time that its training takes.
fn outline(portfolio: &Portfolio, cluster: &Cluster, index: usize) -> Result<Job, Refusal> {
    let (file, resolved) = (portfolio.job(index), &portfolio.jobs[index]);
    let demand = demand(portfolio, cluster, index)?;
    let at = |time: Option<Seconds>| time.map(Moment::from);
    Ok(Job {
        name: file.name.clone(),
        arrival: at(file.arrival).unwrap_or_default(),
        after: resolved.after.iter().map(|before| *before as u32).collect(),
        queue: resolved.queue as u32,
        priority: file.priority,
        deadline: at(file.deadline),
        demand,
        work: match resolved.work {
            PortfolioWork::Given(time) => Moment::from(time),
            PortfolioWork::Training(..) => Moment::ZERO,
        },
        class: None,
        limit: at(file.time_limit),
        preemptible: file.preemptible,
        checkpoint: Checkpoint {
            interval: at(file.checkpoint_interval),
            write: at(file.checkpoint_write).unwrap_or_default(),
            restart: at(file.restart).unwrap_or(Moment::from(cluster.reliability.restart.value)),
        },
    })
}

/// The GPUs that a job asks for, and the pools that it may have them of.
fn demand(portfolio: &Portfolio, cluster: &Cluster, index: usize) -> Result<Demand, Refusal> {
    let file = portfolio.job(index);
    let size = portfolio.jobs[index].size;
    let named = match &file.pool {
        None => None,
        Some(name) => Some(cluster.pools.iter().position(|pool| pool.name == *name).ok_or_else(|| {
            let names: Vec<&str> = cluster.pools.iter().map(|pool| pool.name.as_str()).collect();
            let message = format!("cluster `{}` has no pool {}", cluster.name, quoted(name));
            let error = portfolio.error(("jobs", index), "pool", Code::UnknownPool, message);
            Refusal::Input(vec![error.help(format!("its pools: `{}`", names.join("`, `")))])
        })?),
    };
    let gpus_per_node = cluster.pools[named.unwrap_or(0)].gpus_per_node;
    let (least, most) = match size {
        Size::Gpus(least, most) => (least, most),
        Size::Nodes(least, most) => (least.saturating_mul(gpus_per_node), most.saturating_mul(gpus_per_node)),
    };
    let all: Vec<usize> = named.map_or_else(|| (0..cluster.pools.len()).collect(), |pool| vec![pool]);
    let have = |pool: usize| usable(portfolio, &cluster.pools[pool]);
    let large = |pool: &usize| have(*pool) >= least;
    let fitting: Vec<u16> = all.iter().copied().filter(large).map(|pool| pool as u16).collect();
    let together: u32 = all.iter().map(|pool| have(*pool)).sum();
    let across = file.across_pools && named.is_none();
    if fitting.is_empty() && !(across && together >= least) {
        return Err(Refusal::No(Box::new(too_large(portfolio, cluster, index, least))));
    }
    let pools = if across { all.into_iter().map(|pool| pool as u16).collect() } else { fitting };
    Ok(Demand { least, most, pools, across })
}

/// GPUs of a pool that jobs may use: those of spares are not.
fn usable(portfolio: &Portfolio, pool: &Pool) -> u32 {
    pool.nodes.saturating_sub(portfolio.spares) * pool.gpus_per_node
}

/// Says how much smaller the job or how much larger the cluster has to be.
fn too_large(portfolio: &Portfolio, cluster: &Cluster, index: usize, gpus: u32) -> Diagnostic {
    let job = portfolio.job(index);
    let key = if job.gpus.is_some() { "gpus" } else { "nodes" };
    let largest = cluster
        .pools
        .iter()
        .filter(|pool| job.pool.as_ref().is_none_or(|name| *name == pool.name))
        .max_by_key(|pool| usable(portfolio, pool));
    let (name, have) = largest.map_or(("", 0), |pool| (pool.name.as_str(), usable(portfolio, pool)));
    let mut message =
        format!("job {} asks for {gpus} GPUs, pool {} of `{}` has {have}", quoted(&job.name), quoted(name), cluster.name);
    match portfolio.spares {
        0 => {}
        1 => message.push_str(" beside its spare node"),
        spares => message = format!("{message} beside its {spares} spare nodes"),
    }
    let nodes = largest.map_or(0, |pool| gpus.div_ceil(pool.gpus_per_node)).saturating_add(portfolio.spares);
    portfolio.error(("jobs", index), key, Code::GpuCount, message).help(format!(
        "ask for {have} GPUs or fewer, or give the pool {nodes} nodes; `--size` finds how many meet all deadlines"
    ))
}

/// Plans what trains, on all cores, and puts the times into the jobs.
fn plan_all(portfolio: &Portfolio, jobs: &mut [Job], speeds: &mut Speeds<'_>) -> Result<(), Refusal> {
    let kinds = |job: usize, demand: &Demand, gpus: u32| -> Vec<Kind> {
        let PortfolioWork::Training(kind, _) = portfolio.jobs[job].work else { return Vec::new() };
        demand.pools.iter().map(|pool| (kind as u32, *pool, gpus, Spread::Leaf)).collect()
    };
    let of_job = |(i, job): (usize, &Job)| job.demand.counts().flat_map(|gpus| kinds(i, &job.demand, gpus)).collect::<Vec<_>>();
    let wanted: BTreeSet<Kind> = jobs.iter().enumerate().flat_map(of_job).collect();
    let planner = &*speeds;
    wanted.into_par_iter().for_each(|kind| {
        // Whoever asks for it is told why it fails.
        let _ = planner.plan(kind);
    });
    for (i, job) in jobs.iter_mut().enumerate() {
        let PortfolioWork::Training(_, tokens) = portfolio.jobs[i].work else { continue };
        // Pools in which it fits on every number of GPUs that it may get. The fastest is its home.
        let mut fits = Vec::new();
        let mut refused = None;
        for kind in kinds(i, &job.demand, job.demand.most) {
            let everywhere =
                job.demand.counts().try_fold(None, |_, gpus| speeds.plan((kind.0, kind.1, gpus, kind.3)).map(Some));
            match everywhere.and_then(|_| speeds.plan(kind)) {
                Ok(speed) => fits.push((kind, speed)),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        fits.sort_by(|(_, a), (_, b)| a.seconds_per_token.total_cmp(&b.seconds_per_token));
        let Some((home, speed)) = fits.first() else {
            return Err(refused.map_or(Refusal::Input(Vec::new()), |refusal| blame(portfolio, i, refusal)));
        };
        job.demand.pools = fits.iter().map(|((_, pool, ..), _)| *pool).collect();
        job.work = Moment::from(Seconds::new(speed.seconds_per_token * tokens.get()));
        job.class = Some(speeds.class(*home));
        let file = portfolio.job(i);
        job.checkpoint = Checkpoint {
            interval: file.checkpoint_interval.map(Moment::from).or(speed.checkpoint.interval),
            write: file.checkpoint_write.map_or(speed.checkpoint.write, Moment::from),
            restart: file.restart.map_or(speed.checkpoint.restart, Moment::from),
        };
    }
    Ok(())
}

/// Says which job a refusal of its training is about.
fn blame(portfolio: &Portfolio, job: usize, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Input(errors) => Refusal::Input(errors.into_iter().map(|error| portfolio.also(job, "train", error)).collect()),
        Refusal::No(error) => Refusal::No(Box::new(portfolio.also(job, "train", *error))),
    }
}
