//! Planning the items of a shard, in parallel, in their order.

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Header, Item, Outcome, Planned, Record, Shard, Sheet, Space};
use crate::calibration::Calibration;
use crate::catalog::Provenance;
use crate::economics::CostEstimate;
use crate::estimate::{Price, Refused, rounded};
use crate::plan::Plan;
use crate::spec::Cluster;
use crate::topology::Topology;
use crate::units::{Carbon, Currency};

/// Plans the items of a shard, and tells `done` how many more are.
///
/// Items are gathered by their cluster and size, so that a topology is built once and gone when its items are planned; those that
/// differ in prices alone share a plan.
#[must_use]
pub fn run(space: &Space, shard: Shard, done: &(dyn Fn(usize) + Sync)) -> Sheet {
    let items: Vec<Item> = shard.slice(space.len()).filter_map(|index| space.item(index)).collect();
    let records = items
        .chunk_by(|a, b| (a.cluster, a.nodes) == (b.cluster, b.nodes))
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|items| site(space, items, done))
        .collect::<Vec<_>>();
    Sheet { header: Header::new(space, shard), records: records.concat() }
}

/// Items on one cluster of one size.
fn site(space: &Space, items: &[Item], done: &(dyn Fn(usize) + Sync)) -> Vec<Record> {
    let Some(first) = items.first() else { return Vec::new() };
    let input = &space.clusters[first.cluster];
    let cluster = match first.nodes {
        None => Ok(Cow::Borrowed(&input.cluster)),
        Some(nodes) => Cluster::load_sized(Arc::clone(&input.source), &space.catalog, nodes).map(Cow::Owned),
    };
    let cluster = match cluster {
        Ok(cluster) => cluster,
        Err(errors) => {
            let refusal = Refused::new(errors);
            done(items.len());
            let nodes = first.nodes.unwrap_or_default();
            return items.iter().map(|item| record(space, item, nodes, Outcome::Refusal(refusal.clone()))).collect();
        }
    };
    let topology = Topology::new(&cluster);
    let nodes = cluster.pools.iter().map(|pool| pool.nodes).sum();
    let calibration = space.calibration.as_ref().map_or_else(|| Calibration::defaults(), |(calibration, _)| calibration);
    let jobs = items
        .chunk_by(|a, b| (a.workload, a.job) == (b.workload, b.job))
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|items| {
            let workload = &space.workloads[items[0].workload].workload;
            let job = &workload.jobs[items[0].job];
            let plan =
                Plan::calibrated((&cluster, &topology), workload, job, &space.catalog, calibration).map_err(Refused::from);
            let records = items.iter().map(|item| {
                let outcome = match &plan {
                    Ok(plan) => Outcome::Plan(Box::new(priced(space, item, &cluster, plan))),
                    Err(refusal) => Outcome::Refusal(refusal.clone()),
                };
                record(space, item, nodes, outcome)
            });
            let records: Vec<Record> = records.collect();
            done(items.len());
            records
        })
        .collect::<Vec<_>>();
    jobs.concat()
}

fn record(space: &Space, item: &Item, nodes: u32, outcome: Outcome) -> Record {
    let input = &space.workloads[item.workload];
    Record {
        index: item.index,
        cluster: space.clusters[item.cluster].cluster.name.clone(),
        nodes,
        workload: input.name.clone(),
        job: input.workload.jobs[item.job].name.clone(),
        gpu_hour: item.gpu_hour.map(|price| price.per_unit().into()),
        tariff_kwh: item.tariff.map(|price| price.per_unit().into()),
        outcome,
    }
}

/// A plan at the prices of an item.
fn priced(space: &Space, item: &Item, cluster: &Cluster, plan: &Plan) -> Planned {
    let mut cluster = cluster.clone();
    cluster.gpu_hour = item.gpu_hour.or(cluster.gpu_hour);
    cluster.power.tariff = item.tariff.or(cluster.power.tariff);
    let pools = plan.pools(&cluster);
    let cost = plan.run.as_ref().map(|run| CostEstimate::new(&cluster, &pools, &space.catalog, run));
    let total = cost.as_ref().and_then(|cost| cost.total);
    let price = cost.as_ref().and_then(|cost| cost.gpu_hour.as_ref());
    let usd = total.and_then(|total| {
        let rate = cluster.usd_rate(total.currency(), &space.catalog)?;
        Some(rounded(total.convert(Currency::USD, rate.value).amount()))
    });
    let step = &plan.step;
    let run = plan.run.as_ref();
    let pair = |times: [crate::units::Seconds; 2]| times.map(|time| rounded(time.get()));
    Planned {
        gpus: step.gpus,
        layout: step.strategy.describe(),
        step_time_s: rounded(step.step_time.get()),
        step_time_90_s: pair(plan.interval.ninety),
        step_time_50_s: pair(plan.interval.half),
        tokens_per_s: rounded(step.tokens_per_s.get()),
        mfu: rounded(step.mfu),
        memory_bytes: step.fullest().map_or(0.0, |stage| rounded(stage.memory.total().get())),
        memory_capacity_bytes: rounded(step.memory_capacity.get()),
        run_time_s: run.map(|run| rounded(run.time.get())),
        energy_j: run.map(|run| rounded(run.energy.get())),
        carbon_g: run.and_then(|run| run.carbon.location).map(Carbon::get).map(rounded),
        gpu_hour: price.map(|price| price.value.per_unit().into()),
        gpu_hour_assumed: price.is_some_and(|price| price.provenance == Provenance::Assumed),
        cost: total.map(Price::from),
        cost_usd: usd,
        cost_per_million_tokens: cost.as_ref().and_then(|cost| cost.per_million_tokens).map(Price::from),
        electricity: cost.as_ref().and_then(|cost| cost.electricity).map(Price::from),
        meets_deadline: run.and_then(|run| run.meets_deadline),
    }
}
