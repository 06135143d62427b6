//! The figures of a run: how time becomes time by the calendar, energy, carbon and money.

use super::{Derivation, How, carbon, gpus};
use crate::plan::Plan;
use crate::plan::price::{dollars, prices};
use crate::run::{PoolRun, RunEstimate};
use crate::spec::Cluster;
use crate::step::Setup;
use crate::units::{Seconds, Watts};

const DAY: f64 = 86_400.0;

/// The headline numbers of a run, each with its chain.
pub(super) fn explain(
    plan: &Plan,
    run: &RunEstimate,
    cluster: &Cluster,
    setup: &Setup<'_>,
    step: Derivation,
) -> Vec<Derivation> {
    let goodput = goodput(run, cluster, &step);
    let steps = Derivation::model("steps", run.steps as f64, "", "tokens over tokens per step, rounded up");
    let productive = Derivation::new("time of all steps", run.productive.get(), "s", How::Product, vec![steps, step]);
    let time = Derivation::new("run time", run.time.get(), "s", How::Quotient, vec![productive, goodput.clone()]);
    let mut out = vec![goodput, time.clone(), spares(run)];
    let energy =
        Derivation::new("energy", run.energy.get(), "J", How::Product, vec![power(run, (cluster, setup)), time.clone()]);
    let kilowatt_hours = Derivation::new(
        "energy in kWh",
        run.energy.get() / 3.6e6,
        "kWh",
        How::Quotient,
        vec![energy, Derivation::given("joules per kWh", 3.6e6, "", "definition")],
    );
    out.push(kilowatt_hours.clone());
    out.extend(carbon::explain(&run.carbon, (plan, run), (cluster, setup), &kilowatt_hours));
    if let Some((cost, tariff)) = plan.cost.as_ref().and_then(|cost| cost.electricity).zip(cluster.power.tariff) {
        let unit = dollars(cost);
        let tariff = Derivation::given("tariff", tariff.per_unit().amount(), unit, "cluster file, power.tariff");
        out.push(Derivation::new("electricity", cost.amount(), unit, How::Product, vec![kilowatt_hours, tariff]));
    }
    let gpu_hours = Derivation::new(
        "GPU-hours",
        run.gpu_hours.get() / 3600.0,
        "GPU-h",
        How::Quotient,
        vec![
            Derivation::new("GPU-seconds", run.gpu_hours.get(), "GPU-s", How::Product, vec![time, gpus(plan)]),
            Derivation::given("seconds per hour", 3600.0, "", "definition"),
        ],
    );
    let (price, owned) = prices(plan);
    match price.zip(plan.cost.as_ref().and_then(|cost| cost.total)) {
        Some((price, total)) => {
            out.push(Derivation::new("cost", total.amount(), dollars(total), How::Product, vec![gpu_hours, price]));
        }
        None => out.push(gpu_hours),
    }
    out.extend(owned);
    out
}

fn seconds(name: &str, time: Seconds, how: How, from: Vec<Derivation>) -> Derivation {
    Derivation::new(name, time.get(), "s", how, from)
}

/// An interval of training over the time that it is expected to take (Daly 2006): `T / (e^(R/M) M (e^((T+C)/M) - 1))`.
fn goodput(run: &RunEstimate, cluster: &Cluster, step: &Derivation) -> Derivation {
    let checkpoint = &run.checkpoint;
    let Some(interval) = checkpoint.interval else {
        return Derivation::model("goodput", 1.0, "", "nothing fails, and no checkpoint is asked for");
    };
    let blocked = blocked(run, cluster);
    let interval_told = self::interval(run, cluster, interval, &blocked, step);
    let cycle =
        seconds("interval with its checkpoint", interval + checkpoint.blocked, How::Sum, vec![interval_told.clone(), blocked]);
    let Some(mtti) = run.failures.mtti else {
        return Derivation::new("goodput", run.goodput, "", How::Quotient, vec![interval_told, cycle]);
    };
    let mtti_told = self::mtti(run, mtti);
    let setback = setback(run, cluster);
    let back = (setback.value / mtti.get()).exp();
    let ahead = (cycle.value / mtti.get()).exp_m1();
    let back_told = Derivation::new("growth by restarts", back, "", How::Exponential, vec![setback, mtti_told.clone()]);
    let ahead_told = Derivation::new("growth by interruptions", ahead, "", How::Growth, vec![cycle, mtti_told.clone()]);
    let wall = Seconds::new(back * ahead * mtti.get());
    let wall = seconds("expected time of an interval", wall, How::Product, vec![back_told, ahead_told, mtti_told]);
    Derivation::new("goodput", run.goodput, "", How::Quotient, vec![interval_told, wall])
}

fn blocked(run: &RunEstimate, cluster: &Cluster) -> Derivation {
    if cluster.reliability.blocking.is_some() {
        let source = "cluster file, reliability.checkpoint-blocking";
        return Derivation::given("wait for a checkpoint", run.checkpoint.blocked.get(), "s", source);
    }
    written("wait for a checkpoint", run)
}

fn written(name: &str, run: &RunEstimate) -> Derivation {
    let checkpoint = &run.checkpoint;
    let bandwidth = &checkpoint.write_bandwidth;
    seconds(
        name,
        checkpoint.write,
        How::Quotient,
        vec![bytes(run), Derivation::figure("written by all nodes", bandwidth.value.get(), "B/s", bandwidth)],
    )
}

fn bytes(run: &RunEstimate) -> Derivation {
    let equation = "parameters times 14 bytes: weights, master weights, two moments (12 where FSDP holds 32-bit weights)";
    Derivation::model("checkpoint", run.checkpoint.bytes.get(), "B", equation)
}

fn interval(run: &RunEstimate, cluster: &Cluster, interval: Seconds, blocked: &Derivation, step: &Derivation) -> Derivation {
    let wanted = match (cluster.reliability.interval, run.failures.mtti) {
        (Some(given), _) => {
            Derivation::given("interval asked for", given.get(), "s", "cluster file, reliability.checkpoint-interval")
        }
        (None, Some(mtti)) => {
            let daly = crate::run::checkpoint::daly(run.checkpoint.blocked, mtti);
            let equation =
                "sqrt(2 C M) (1 + sqrt(C/2M)/3 + C/18M) - C, C the wait and M the time to an interruption (Daly 2006)";
            let how = How::Model { equation: equation.into() };
            seconds("Daly's interval", daly, how, vec![blocked.clone(), self::mtti(run, mtti)])
        }
        (None, None) => Derivation::model("interval", interval.get(), "s", "of one step"),
    };
    let behind =
        Derivation::model("written behind the job", run.checkpoint.behind().get(), "s", "writing less the wait for it");
    seconds("checkpoint interval", interval, How::Largest, vec![wanted, behind, step.clone()])
}

fn mtti(run: &RunEstimate, mtti: Seconds) -> Derivation {
    let failures = &run.failures;
    let rate = &failures.node_rate;
    let nodes = Derivation::model("nodes", run.nodes as f64, "", "GPUs over GPUs per node, rounded up");
    let per_node = Derivation::figure("failures per node-day", rate.value.get() * DAY, "", rate);
    let mut causes =
        vec![Derivation::new("by nodes, a day", per_node.value * nodes.value, "", How::Product, vec![nodes, per_node])];
    if let Some(by_job) = failures.job_mtti {
        let source = "cluster file, reliability.job-mtti";
        causes.push(Derivation::given("by the job itself, a day", DAY / by_job.get(), "", source));
    }
    let daily = Derivation::new("interruptions a day", causes.iter().map(|cause| cause.value).sum(), "", How::Sum, causes);
    let day = Derivation::given("seconds per day", DAY, "s", "definition");
    seconds("time to an interruption", mtti, How::Quotient, vec![day, daily])
}

fn setback(run: &RunEstimate, cluster: &Cluster) -> Derivation {
    let (checkpoint, restart) = (&run.checkpoint, &cluster.reliability.restart);
    let bandwidth = &checkpoint.read_bandwidth;
    let read = Derivation::figure("read by all nodes", bandwidth.value.get(), "B/s", bandwidth);
    let mut parts = vec![
        Derivation::figure("restart", restart.value.get(), "s", restart),
        seconds("loading", checkpoint.load, How::Quotient, vec![bytes(run), read]),
    ];
    if checkpoint.behind() > Seconds::ZERO {
        let wait = seconds("wait", checkpoint.blocked, How::Sum, vec![blocked(run, cluster)]);
        parts.push(seconds(
            "training before the last checkpoint was written",
            checkpoint.behind(),
            How::Difference,
            vec![written("writing", run), wait],
        ));
    }
    let total = parts.iter().map(|part| part.value).sum();
    Derivation::new("setback by an interruption", total, "s", How::Sum, parts)
}

fn spares(run: &RunEstimate) -> Derivation {
    let spares = &run.spares;
    let rate = &run.failures.node_rate;
    let per_day = Derivation::figure("failures per node-day", rate.value.get() * DAY, "", rate);
    let days = Derivation::figure("days away", spares.repair.value.get() / DAY, "", &spares.repair);
    let away = Derivation::new("time away per time up", per_day.value * days.value, "", How::Product, vec![per_day, days]);
    let one = Derivation::given("time up", 1.0, "", "definition");
    let both = Derivation::new("a turn", 1.0 + away.value, "", How::Sum, vec![one, away.clone()]);
    let down = Derivation::new("share of time a node is down", spares.unavailability, "", How::Quotient, vec![away, both]);
    let equation = "the quantile of a beta-binomial distribution: docs/runs.md, spares";
    Derivation::new(
        "spare nodes",
        spares.nodes as f64,
        "",
        How::Model { equation: equation.into() },
        vec![
            Derivation::model("nodes", run.nodes as f64, "", "GPUs over GPUs per node, rounded up"),
            down,
            Derivation::figure("correlation of outages", spares.correlation.value, "", &spares.correlation),
            Derivation::figure("share of time at full strength", spares.full_strength.value, "", &spares.full_strength),
        ],
    )
}

fn power(run: &RunEstimate, (cluster, setup): (&Cluster, &Setup<'_>)) -> Derivation {
    let pue = || Derivation::figure("PUE", cluster.power.pue.value, "", &cluster.power.pue);
    let of = |own: &Setup<'_>, pool: &PoolRun| {
        let nodes = Derivation::model("nodes", pool.nodes as f64, "", "GPUs over GPUs per node, rounded up");
        vec![nodes, node_power(pool, cluster, own)]
    };
    if let [pool] = run.pools.as_slice() {
        let from = of(setup, pool).into_iter().chain([pue()]).collect();
        return Derivation::new("site power", run.site_power.get(), "W", How::Product, from);
    }
    let parts = setup.sides().zip(&run.pools).map(|(own, pool)| {
        Derivation::new(format!("pool {}", pool.pool), pool.power().get(), "W", How::Product, of(own, pool))
    });
    let nodes = Derivation::new("power of all nodes", run.it_power.get(), "W", How::Sum, parts.collect());
    Derivation::new("site power", run.site_power.get(), "W", How::Product, vec![nodes, pue()])
}

fn node_power(of: &PoolRun, cluster: &Cluster, setup: &Setup<'_>) -> Derivation {
    let (pool, power) = (setup.pool, &of.node_power);
    let most = Derivation::figure("largest power of a node", pool.max_power.value.get(), "W", &pool.max_power);
    let Some(parts) = &power.parts else {
        let load =
            Derivation::figure("share drawn in training", cluster.power.load_factor.value, "", &cluster.power.load_factor);
        return Derivation::new("power of a node", power.total.value.get(), "W", How::Product, vec![most, load]);
    };
    let tdp = Derivation::figure("power of a GPU", pool.accelerator.tdp.get(), "W", &pool.accelerator_figure("tdp", ()));
    let count = Derivation::model("GPUs of a node", f64::from(pool.gpus_per_node), "", "cluster file");
    let part = |name: &str, watts: Watts, share: f64, active: Option<f64>| {
        let share = Derivation::figure("share of the GPUs' power", share, "", &power.total);
        let active =
            active.map(|active| Derivation::model("activity", active, "", "1 in kernels, 0.8 waiting and communicating"));
        let from = [tdp.clone(), count.clone(), share].into_iter().chain(active).collect();
        Derivation::new(name, watts.get(), "W", How::Product, from)
    };
    let share = |watts: Watts| watts.get() / (tdp.value * count.value);
    let drawn = parts.computing * parts.activity;
    let all = vec![
        part("nothing running", parts.idle, share(parts.idle), None),
        part("computing", drawn, share(parts.computing), Some(parts.activity)),
        part("fans", parts.fans, share(parts.fans), None),
    ];
    let sum = Derivation::new("drawn by its parts", parts.total().get(), "W", How::Sum, all);
    Derivation::new("power of a node", power.total.value.get(), "W", How::Smallest, vec![sum, most])
}
