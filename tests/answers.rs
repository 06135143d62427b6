//! What is said beside the best layout: why others are slower, which pools and data types were open.

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::{Plan, Request};
use planner::search::Objective;
use planner::spec::{Cluster, Precision, Workload, examples};
use planner::topology::Topology;

/// A cluster and a workload: names of examples, or what a file would say.
struct Site {
    cluster: Cluster,
    topology: Topology,
    workload: Workload,
}

impl Site {
    fn new(cluster: &str, workload: &str) -> Self {
        let catalog = Catalog::embedded();
        let source = |text: &str| {
            if text.contains('\n') { Source::new("written.yaml", text) } else { examples::read(text).expect("an example").0 }
        };
        let cluster = Cluster::load(source(cluster), catalog).expect("a valid cluster");
        let topology = Topology::new(&cluster);
        let workload = Workload::load(source(workload), catalog).expect("a valid workload");
        Self { cluster, topology, workload }
    }

    fn plan(&self, request: &Request) -> Plan {
        let calibration = planner::calibration::Calibration::defaults();
        let job = &self.workload.jobs[0];
        let how: (_, _, &dyn Fn(planner::search::Progress)) = (calibration, request, &|_| {});
        Plan::asked((&self.cluster, &self.topology), &self.workload, job, Catalog::embedded(), how).expect("a plan")
    }
}

#[test]
fn what_makes_an_alternative_slower_adds_up() {
    let plan = Site::new("h100-superpod-127", "llama3-70b").plan(&Request { top: 6, ..Request::default() });
    assert_eq!(plan.alternatives.len(), 5);
    for other in &plan.alternatives {
        let sum: f64 = other.why.iter().map(|shift| shift.by).sum();
        assert!((sum - other.slower_by).abs() < 1e-9, "{}: {sum} is not {}", other.strategy.describe(), other.slower_by);
        let sizes: Vec<f64> = other.why.iter().map(|shift| shift.by.abs()).collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b), "the largest part is not first: {:?}", other.why);
    }
}

/// As many nodes of either.
const MIXED: &str = "name: mixed\npools:\n- {name: a100, nodes: 8, server: dgx-a100}\n- {name: h100, nodes: 8, server: dgx-h100}\n\
                     fabric: {kind: fat-tree, switch: qm9700}\n";

const JOB: &str =
    "jobs:\n- name: small\n  model: llama3-8b\n  sequence: 4096\n  global-batch: 256 sequences\n  tokens: 100B tokens\n";

#[test]
fn a_job_that_names_no_pool_takes_the_best_one() {
    let site = Site::new(MIXED, JOB);
    let fastest = site.plan(&Request::default());
    assert_eq!(fastest.cluster.pool, "h100");
    let [other] = fastest.contenders.as_slice() else { panic!("one other pool: {:?}", fastest.contenders) };
    assert_eq!((other.pool.as_str(), other.precision), ("a100", Precision::Bf16));
    // What a contender says is what naming its pool gives.
    let named = Site::new(MIXED, &format!("{JOB}  pool: a100\n")).plan(&Request::default());
    assert!(named.contenders.is_empty());
    assert_eq!(Some(named.step.strategy), other.strategy);
    let slower = named.step.step_time.get() / fastest.step.step_time.get() - 1.0;
    assert!((other.slower_by.expect("it fits") - slower).abs() < 1e-9);

    // In money, each pool at its own price.
    let cheapest = site.plan(&Request { objective: Objective::Cost, ..Request::default() });
    let cost = |pool: &str| {
        let site = Site::new(MIXED, &format!("{JOB}  pool: {pool}\n"));
        let plan = site.plan(&Request { objective: Objective::Cost, ..Request::default() });
        plan.cost.and_then(|cost| cost.total).expect("a price").amount()
    };
    let total = cheapest.cost.as_ref().and_then(|cost| cost.total).expect("a price").amount();
    assert_eq!(total, cost("a100").min(cost("h100")));
}

#[test]
fn data_types_are_open_only_where_asked() {
    let site = Site::new(
        "name: x\npools:\n- {name: b200, nodes: 2, server: dgx-b200}\nfabric: {kind: fat-tree, switch: qm9700}\n",
        JOB,
    );
    let plan = site.plan(&Request::default());
    assert_eq!((plan.job.precision, plan.contenders.len()), (Precision::Bf16, 0));
    let open = site.plan(&Request { any_precision: true, ..Request::default() });
    assert!(open.step.step_time < plan.step.step_time, "fewer bits are no faster");
    let types: Vec<Precision> =
        open.contenders.iter().map(|contender| contender.precision).chain([open.job.precision]).collect();
    assert!(types.contains(&Precision::Fp8) && types.contains(&Precision::Bf16) && types.contains(&Precision::Nvfp4));
    assert!(!types.contains(&Precision::Int8), "nobody trains in integers");
    let slower: Vec<f64> = open.contenders.iter().filter_map(|contender| contender.slower_by).collect();
    assert!(slower.is_sorted() && slower[0] >= 0.0, "the better ones are not first: {slower:?}");
    // What the job says stands.
    let fixed = Site::new("h200-superpod-127", &format!("{JOB}  precision: bf16\n"));
    assert!(fixed.plan(&Request { any_precision: true, ..Request::default() }).contenders.is_empty());
}
