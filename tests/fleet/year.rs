//! The example of a year: what the document says of it, and what no schedule of it may break.

use planner::catalog::{Catalog, Provenance};
use planner::diagnostic::Source;
use planner::economics::OwnedCost;
use planner::fleet::{Moment, PolicyKind};
use planner::spec::Cluster;
use planner::units::HourlyPrice;

use super::oracle::POLICIES;
use super::speeds::{example, scheduled_by};

/// Names of the jobs that are late.
fn late(policy: PolicyKind, portfolio: &str) -> Vec<String> {
    let (_, _, answer) = scheduled_by(policy, example("h100-256"), portfolio);
    assert!(answer.jobs.iter().all(|job| job.finish.is_some()), "{policy:?}");
    answer.jobs.into_iter().filter(|job| job.late.is_some()).map(|job| job.name).collect()
}

#[test]
fn who_is_late_under_which_policy() {
    let year = example("one-year");
    for policy in [PolicyKind::Easy, PolicyKind::FairShare, PolicyKind::Edf] {
        assert_eq!(late(policy, year.text()), ["retrain-q3"], "{policy:?}");
    }
    assert_eq!(late(PolicyKind::Priority, year.text()), ["retrain-q3", "demo"]);
    let higher = ["demo", "retrain-q3"].iter().fold(year.text().to_owned(), |text, name| {
        text.replace(&format!("name: {name}, queue: product,"), &format!("name: {name}, queue: product, priority: 30,"))
    });
    assert!(late(PolicyKind::Priority, &higher).is_empty());
}

/// Under every policy the site draws no more than it may, nodes under maintenance are empty, and what is reserved is kept.
#[test]
fn caps_and_windows_hold_under_every_policy() {
    let day = |days: u64| Moment::from_secs(days * 86_400);
    for policy in POLICIES {
        let (jobs, outcome, answer) = scheduled_by(policy, example("h100-256"), example("one-year").text());
        assert_eq!(jobs.len(), 40);
        for stretch in &answer.course {
            // A stretch of some days lies within the time of the cap.
            let capped = stretch.from >= day(200) && stretch.from < day(256);
            let most = if capped { 2.1e6 } else { 4e6 };
            assert!(
                stretch.power.get() <= most + 1.0,
                "{policy:?}: {} on day {}",
                stretch.power,
                stretch.from.secs() / 86_400.0
            );
        }
        for segment in &outcome.segments {
            let during = |from: Moment, until: Moment| segment.start < until && segment.end > from;
            for slot in segment.allocation.slots.as_slice() {
                // Places are nodes here. The last 32 are under maintenance for half a day, the first four reserved for three days.
                let maintained = slot.at >= 256 - 32 && during(day(120), day(120) + Moment::from_secs(43_200));
                assert!(!maintained, "{policy:?}: {} runs on a node under maintenance", jobs[segment.job as usize].name);
                let reserved = slot.at < 4 && during(day(200), day(203));
                let name = &jobs[segment.job as usize].name;
                assert!(!reserved || name == "demo", "{policy:?}: {name} runs on a reserved node");
            }
        }
    }
}

/// All GPUs are paid for, used or not: at a given price for every hour, at their owner's cost with energy in the used hours alone.
#[test]
fn the_year_costs_what_its_gpus_cost() {
    let jobs = "jobs:\n  - {name: half, duration: 100 days, nodes: 128 nodes}\n";
    let year = |price: &str| {
        let text = format!("{}\n{price}", example("h100-256").text());
        let (_, _, answer) = scheduled_by(PolicyKind::Fifo, Source::new("cluster.yaml", text), jobs);
        answer.cost.expect("a price")
    };
    let hours = 2048.0 * 2400.0;
    let given = year("price: {gpu-hour: 2 USD/GPU-h}\n");
    assert_eq!(given.pools[0].gpu_hour.provenance, Provenance::Given);
    assert!((given.total.amount() - 2.0 * hours).abs() < 1.0 && (given.pools[0].used - 0.5).abs() < 1e-9, "{}", given.total);

    let terms = "cost: {capital: 46000 USD/GPU, life: 5 years, wacc: 10 %, utilisation: 80 %, facility: {colocation: 184 USD/kW-month}}\n";
    let text = format!("{}\n{terms}", example("h100-256").text());
    let catalog = Catalog::embedded();
    let cluster = Cluster::load(Source::new("cluster.yaml", text), catalog).expect("a cluster");
    let owner = OwnedCost::new(&cluster, &cluster.pools[0], catalog, None).expect("a cost");
    let usd = |price: HourlyPrice| price.per_unit().amount();
    let hour = usd(owner.owned_gpu_hour.value) - 0.5 * usd(owner.running_gpu_hour.value);
    let owned = year(terms);
    assert!(usd(owner.running_gpu_hour.value) > 0.0);
    assert!((owned.total.amount() / (hour * hours) - 1.0).abs() < 1e-9, "{} at {hour} USD an hour", owned.total);
}
