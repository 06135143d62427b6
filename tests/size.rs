//! Sizes: the fewest nodes against trying every number of them, limits and what would have to give, fronts, swings, the file.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::size::{Answer, Design, Limits, Need, Network, Objective, Offer, Question, Site, Sized, Swing, Wiring};
use planner::spec::{Cluster, Workload};
use planner::topology::Topology;
use planner::units::{Money, Seconds, Watts};

#[path = "support/command.rs"]
mod command;
use command::{planner, text};

const DAY: f64 = 86_400.0;

/// A run of a small model that takes a handful of nodes.
const JOB: &str =
    "jobs:\n- name: small\n  model: llama3-8b\n  sequence: 4096\n  global-batch: 256 sequences\n  tokens: 200B tokens\n";

fn workload(text: &str) -> Workload {
    Workload::load(Source::new("job.yaml", text), Catalog::embedded()).expect("a valid workload")
}

fn answer(workload: &Workload, days: f64, limits: Limits, servers: &[&str]) -> Answer {
    on_site(&Site::default(), workload, days, limits, servers)
}

fn on_site(site: &Site, workload: &Workload, days: f64, limits: Limits, servers: &[&str]) -> Answer {
    let names: Vec<String> = servers.iter().map(|name| (*name).to_owned()).collect();
    let designs = Design::all(&names, Catalog::embedded()).expect("servers of the catalogue");
    Answer::new(&Question {
        workload,
        deadline: Some(Seconds::new(days * DAY)),
        limits,
        objective: Objective::Capital,
        site,
        designs: &designs,
        catalog: Catalog::embedded(),
        calibration: Calibration::defaults(),
    })
}

/// Whether a cluster file's only job is done in time.
fn in_time(text: &str, workload: &Workload, days: f64) -> bool {
    let catalog = Catalog::embedded();
    let cluster = Cluster::load(Source::new("cluster.yaml", text), catalog).expect("a valid cluster");
    let topology = Topology::new(&cluster);
    let plan = Plan::new(&cluster, &topology, workload, &workload.jobs[0], catalog);
    plan.is_ok_and(|plan| plan.run.is_some_and(|run| run.time.get() <= days * DAY))
}

#[test]
fn the_fewest_nodes_are_what_trying_every_number_finds() {
    let workload = workload(JOB);
    for (server, days) in [("dgx-h100", 20.0), ("dgx-h200", 9.0), ("mi300x-8x", 15.0)] {
        let found = answer(&workload, days, Limits::default(), &[server]);
        let best = found.best.expect("some number of nodes does");
        // Every number of nodes, one by one, on the same wiring, and the cheapest wiring of those that do with the fewest.
        let designs = Design::all(&[server.to_owned()], Catalog::embedded()).expect("a server of the catalogue");
        let fewest = designs
            .iter()
            .filter_map(|design| (1..=64).find(|nodes| in_time(&design.file(&Site::default(), *nodes), &workload, days)))
            .min();
        assert_eq!(Some(best.nodes), fewest, "{server}: {}", best.design.wiring());
        assert!(best.in_time() && best.of_deadline <= 1.0);
        assert!(in_time(&best.design.file(&Site::default(), best.nodes), &workload, days));
    }
}

#[test]
fn the_cheapest_server_within_the_limits_is_bought() {
    let workload = workload(JOB);
    let servers = ["dgx-h100", "dgx-h200", "dgx-b200"];
    let free = answer(&workload, 10.0, Limits::default(), &servers);
    let prices: Vec<f64> = free.servers.iter().filter_map(|candidate| candidate.sized.as_ref()).map(Sized::price).collect();
    assert_eq!(prices.len(), 3);
    assert!(prices.is_sorted(), "the cheapest is not first: {prices:?}");
    let best = free.best.as_ref().expect("an answer");
    assert_eq!(best.price(), prices[0]);
    assert_eq!(free.binds.iter().map(|of| of.need).collect::<Vec<_>>(), [Need::Deadline]);
    assert!(free.ways.is_empty());

    // Without the first server's power, another one is bought.
    let limits = Limits { rack_power: Some(Watts::new(15e3)), ..Limits::default() };
    let one_in_a_rack = answer(&workload, 10.0, limits, &servers).best.expect("one node a rack");
    assert!(one_in_a_rack.rack_power <= Watts::new(15e3) && one_in_a_rack.racks > best.racks);

    // More nodes are never slower and never cheaper.
    let front: Vec<(f64, f64)> = free.front.iter().map(|sized| (sized.price(), sized.done.get())).collect();
    assert!(front.len() > 1 && front.is_sorted_by(|a, b| a.0 < b.0 && a.1 > b.1), "{front:?}");
}

#[test]
fn what_would_have_to_give_is_told_and_then_it_does() {
    let workload = workload(JOB);
    let servers = ["dgx-h100", "dgx-b200"];
    let tight = Limits { budget: Some(Money::usd(1e6)), site_power: Some(Watts::new(30e3)), ..Limits::default() };
    let refused = answer(&workload, 10.0, tight, &servers);
    assert!(refused.best.is_none() && !refused.ways.is_empty());
    assert!(refused.ways.is_sorted_by_key(|way| way.raise.len()), "single limits are not first");
    for way in &refused.ways {
        let mut limits = tight;
        for of in &way.raise {
            assert!(of.share() > 1.0);
            match of.need {
                Need::Budget => limits.budget = Some(Money::usd(of.used)),
                Need::SitePower => limits.site_power = Some(Watts::new(of.used)),
                other => panic!("{other:?} was not limited"),
            }
        }
        let then = answer(&workload, 10.0, limits, &servers).best.expect("the way out leads out");
        assert_eq!((then.design.server.as_str(), then.nodes), (way.server.as_str(), way.nodes));
    }
}

#[test]
fn what_no_number_of_nodes_does_is_told_with_what_would() {
    let workload = workload(JOB);
    // A lead time that is longer than the deadline leaves nothing: a later deadline or a shorter lead time leave the same.
    let lead_time = Some(Seconds::new(12.0 * DAY));
    let late = answer(&workload, 10.0, Limits { lead_time, ..Limits::default() }, &["dgx-h100"]);
    assert!(late.best.is_none() && late.servers[0].refusal.is_some());
    let told: Vec<(Need, f64)> = late.ways.iter().map(|way| (way.raise[0].need, way.raise[0].used / DAY)).collect();
    let [(Need::Deadline, deadline), (Need::LeadTime, lead)] = told[..] else { panic!("{told:?}") };
    assert!((deadline - 12.0 - (10.0 - lead)).abs() < 1e-6, "{told:?}");
    // In the time that is left some cluster does; a fifth less is too little for few nodes and for many.
    let days = deadline - 12.0;
    assert!(answer(&workload, days * 1.001, Limits::default(), &["dgx-h100"]).best.is_some());
    let design = &Design::all(&["dgx-h100".to_owned()], Catalog::embedded()).expect("a server of the catalogue")[0];
    for nodes in [late.ways[0].nodes / 2, late.ways[0].nodes * 2] {
        assert!(!in_time(&design.file(&Site::default(), nodes), &workload, days * 0.8), "{nodes} nodes");
    }
    // A rack that holds no node of any server: what one node needs.
    let rack_power = Some(Watts::new(9e3));
    let low = answer(&workload, 10.0, Limits { rack_power, ..Limits::default() }, &["dgx-h100", "dgx-b200"]);
    let told: Vec<(Need, f64, &str)> =
        low.ways.iter().map(|way| (way.raise[0].need, way.raise[0].used, way.server.as_str())).collect();
    assert!(told.contains(&(Need::RackPower, 10_200.0, "dgx-h100")), "{told:?}");
}

#[test]
fn the_lead_time_is_taken_from_the_deadline() {
    let workload = workload(JOB);
    let at_once = answer(&workload, 10.0, Limits::default(), &["dgx-h100"]).best.expect("an answer");
    let lead_time = Some(Seconds::new(5.0 * DAY));
    let later = answer(&workload, 15.0, Limits { lead_time, ..Limits::default() }, &["dgx-h100"]).best.expect("an answer");
    assert_eq!(at_once.nodes, later.nodes);
    assert!((later.done.get() - at_once.done.get() - 5.0 * DAY).abs() < 1.0);
}

#[test]
fn jobs_run_one_after_the_other_by_their_deadlines() {
    let second = JOB.replace("jobs:\n", "").replace("small", "first").replace("200B", "50B") + "  deadline: 3 days\n";
    let both = workload(&format!("{JOB}  deadline: 12 days\n{second}"));
    let designs = Design::all(&["dgx-h100".to_owned()], Catalog::embedded()).expect("a server of the catalogue");
    let site = Site::default();
    let question = Question {
        workload: &both,
        deadline: None,
        limits: Limits::default(),
        objective: Objective::Capital,
        site: &site,
        designs: &designs,
        catalog: Catalog::embedded(),
        calibration: Calibration::defaults(),
    };
    let best = Answer::new(&question).best.expect("an answer");
    assert_eq!(best.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["first", "small"]);
    assert!(best.jobs.iter().all(|job| job.done <= job.deadline));
    let sum: f64 = best.jobs.iter().map(|job| job.time.get()).sum();
    assert!((best.done.get() - sum).abs() < 1e-6 * sum);
}

#[test]
fn swings_move_the_answer_as_they_should() {
    let workload = workload(JOB);
    let found = answer(&workload, 10.0, Limits::default(), &["dgx-h100"]);
    let best = found.best.as_ref().expect("an answer");
    let swing = |what: &str| found.swings.iter().find(|swing| swing.what == what).unwrap_or_else(|| panic!("no {what}"));
    let prices = swing("purchase prices");
    let capital = best.capital.expect("a price");
    assert_eq!(prices.capital_usd, [capital.low().amount(), capital.high().amount()]);
    assert!(swing("step time, and so MFU").nodes[0] <= best.nodes && swing("step time, and so MFU").nodes[1] >= best.nodes);
    assert!(swing("deadline").nodes[0] <= swing("deadline").nodes[1]);
    let width = |swing: &Swing| swing.width(Objective::Capital);
    assert!(found.swings.is_sorted_by(|a, b| width(a) >= width(b)), "the widest is not first");
    // What changes no hardware changes what owning it costs, in the direction that it should.
    let owned = |what: &str| swing(what).ownership_usd.expect("prices are known");
    let runs = |what: &str| swing(what).runs_usd.expect("prices are known");
    assert!(owned("electricity")[0] < owned("electricity")[1] && owned("life of hardware")[0] < owned("life of hardware")[1]);
    assert!(runs("life of hardware")[0] > runs("life of hardware")[1] && runs("utilisation")[0] > runs("utilisation")[1]);
    assert_eq!(owned("utilisation")[0], owned("utilisation")[1]);
}

#[test]
fn a_site_says_what_is_not_asked() {
    let site = |text: &str| Site::read(&Source::new("site.yaml", text));
    let error = site("power: {pue: 1.1}\npools: []\n").expect_err("pools are asked for");
    let place = error.place().expect("a place");
    assert_eq!((&place.source.text()[place.span.clone()], error.help.is_some()), ("pools", true));

    let workload = workload(JOB);
    let cool = site("power: {pue: 1.05, tariff: 0.06 USD/kWh}\n").expect("a site");
    let warm = site("power: {pue: 1.5, tariff: 0.06 USD/kWh}").expect("a site");
    let power =
        |site: &Site| on_site(site, &workload, 10.0, Limits::default(), &["dgx-h100"]).best.expect("an answer").site_power;
    assert!((power(&warm) / power(&cool) - 1.5 / 1.05).abs() < 1e-9);
    // What is wrong with the site is told with its line.
    let wrong = site("power: {pue: 1.1,\n  tarif: 0.06 USD/kWh}\n").expect("text");
    let designs = Design::all(&["dgx-h100".to_owned()], Catalog::embedded()).expect("a server of the catalogue");
    let errors = wrong.check(&designs[0], Catalog::embedded()).expect_err("an unknown key");
    assert!(errors[0].message.contains("tarif"), "{}", errors[0].message);
}

#[test]
fn an_answer_does_not_depend_on_threads() {
    let workload = workload(JOB);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let found = pool.install(|| answer(&workload, 10.0, Limits::default(), &["dgx-h100", "dgx-b200"]));
        planner::report::json(&found).expect("keys are text")
    };
    assert_eq!(on(1), on(3));
}

/// At the price of a node that is told, two servers cost the same: found again by writing that price into the cluster files.
#[test]
fn at_the_break_even_price_servers_cost_the_same() {
    let workload = workload(JOB);
    for objective in [Objective::Capital, Objective::Ownership, Objective::Runs] {
        let designs = Design::all(&["dgx-h100".to_owned(), "dgx-h200".to_owned()], Catalog::embedded()).expect("known");
        let ask = |site: &Site, designs: &[Design]| {
            Answer::new(&Question {
                workload: &workload,
                deadline: Some(Seconds::new(10.0 * DAY)),
                limits: Limits::default(),
                objective,
                site,
                designs,
                catalog: Catalog::embedded(),
                calibration: Calibration::defaults(),
            })
        };
        let site = Site::default();
        let found = ask(&site, &designs);
        assert_eq!(found.objective, objective);
        let best = found.best.as_ref().expect("an answer");
        let worths: Vec<f64> =
            found.servers.iter().filter_map(|of| of.sized.as_ref()).map(|sized| sized.worth(objective)).collect();
        assert!(worths.is_sorted() && best.worth(objective) == worths[0], "{objective:?}: {worths:?}");
        let [stays, other] = found.break_evens.as_slice() else { panic!("{:?}", found.break_evens) };
        assert_eq!((stays.server.as_str(), other.against.as_str()), (best.design.server.as_str(), best.design.server.as_str()));
        // The best stays the best for a little more than it costs; the other has to get cheaper.
        assert!(stays.change().expect("a price") > 0.0 && other.change().expect("a price") < 0.0);
        for even in [stays, other] {
            let price = even.even_usd.expect("a price");
            let priced = Site::written(format!("price: {{items: {{{}: {price} USD}}}}\n", even.server));
            let sized = |server: &str| {
                ask(&priced, &designs).servers.into_iter().find(|of| of.server == server).and_then(|of| of.sized)
            };
            let [a, b] = [&even.server, &even.against].map(|server| sized(server).expect("planned").worth(objective));
            assert!((a / b - 1.0).abs() < 1e-6, "{objective:?}, {}: {a}, {b}", even.server);
        }
    }
}

#[test]
fn networks_and_wirings_are_as_asked() {
    let catalog = Catalog::embedded();
    let names = ["dgx-h100".to_owned()];
    let of = |wirings: Vec<Wiring>, networks: Vec<Network>| {
        Design::offered(&names, &Offer { wirings, networks }, catalog).expect("designs")
    };
    let ethernet = of(vec![Wiring::Full], vec![Network::Ethernet]);
    assert!(!ethernet.is_empty() && ethernet.iter().all(|design| design.network == Network::Ethernet));
    assert!(ethernet[0].wiring().contains("(Ethernet)"), "{}", ethernet[0].wiring());
    assert!(Design::all(&names, catalog).expect("designs").iter().all(|design| design.wiring != Wiring::RailOnly));

    // Rails without spines are cheaper, and as fast where a job keeps to them.
    let workload = workload(&JOB.replace("200B", "2T").replace("256 sequences", "1024 sequences"));
    let best = |wiring: Wiring| {
        let designs = of(vec![wiring], vec![Network::Infiniband]);
        let question = Question {
            workload: &workload,
            deadline: Some(Seconds::new(8.0 * DAY)),
            limits: Limits::default(),
            objective: Objective::Capital,
            site: &Site::default(),
            designs: &designs,
            catalog,
            calibration: Calibration::defaults(),
        };
        Answer::new(&question).best.expect("an answer")
    };
    let (full, rails) = (best(Wiring::Full), best(Wiring::RailOnly));
    assert!(rails.design.file(&Site::default(), rails.nodes).contains("kind: rail-only"));
    assert!(full.nodes > 32 && rails.price() < full.price() && rails.nodes >= full.nodes, "{} {}", full.nodes, rails.nodes);
}

/// A cluster that is sized has a pool of its own.
#[test]
fn a_job_that_names_pools_is_told_to_leave_them_out() {
    let asked = ["size", "--workload", "llama3-70b-two-pools", "--deadline", "90 days"];
    let out = planner(&asked);
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("leave `pools` out") && said.contains("llama3-70b-two-pools.yaml:"), "{said}");
}

#[test]
fn a_deadline_of_no_time_is_refused() {
    let ended = planner(&["size", "--deadline", "0 days"]);
    assert!(ended.status.code() == Some(2) && text(&ended.stderr).contains("such as `90 days`"), "{}", text(&ended.stderr));
}

/// A server whose nodes have no price is not the cheapest for that: it comes last, and what to write is told.
#[test]
fn a_server_without_a_price_comes_last() {
    let workload = workload(JOB);
    let servers = ["mi355x-8x", "dgx-b200"];
    let found = answer(&workload, 10.0, Limits::default(), &servers);
    assert_eq!(found.best.as_ref().expect("an answer").design.server, "dgx-b200");
    let unpriced = found.servers[1].sized.as_ref().expect("it does");
    assert!(unpriced.design.server == "mi355x-8x" && unpriced.capital.is_none() && unpriced.owning.is_none());
    let text = planner::report::size_text(&found, &workload);
    assert!(text.contains("No price of a node `mi355x-8x` is known") && !text.contains("inf"), "{text}");
    // No budget is enough for what has no price, and none is named.
    let limits = Limits { budget: Some(Money::usd(1e6)), ..Limits::default() };
    let alone = answer(&workload, 10.0, limits, &["mi355x-8x"]);
    assert!(alone.best.is_none() && alone.ways.is_empty() && alone.servers[0].exceeds == [Need::Budget]);
    assert!(!planner::report::size_text(&alone, &workload).contains("inf"));
    // With one it is compared.
    let site = Site::read(&Source::new("site.yaml", "price: {items: {mi355x-8x: 200000 USD}}\n")).expect("a site");
    assert_eq!(
        on_site(&site, &workload, 10.0, Limits::default(), &servers).best.expect("an answer").design.server,
        "mi355x-8x"
    );
}
