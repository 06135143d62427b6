//! Costs from cluster files: the worked numbers of economics.md through the `cost` block, intervals, missing prices.

use planner::catalog::{Catalog, Provenance};
use planner::economics::bill::Bill;
use planner::economics::{CostLine, Exchange, OwnedCost, RentOrBuy};
use planner::plan::{CostQuestion, Costs, Plan};
use planner::report;
use planner::spec::{Cluster, Component, Workload, examples};
use planner::topology::Topology;
use planner::units::{HourlyPrice, Money, Range};
use planner::{diagnostic::Source, economics::budget::Limit};

/// A cluster of 16 nodes with H100, and a `cost` block.
fn cluster(power: &str, cost: &str) -> Cluster {
    let text = format!(
        "name: lab\npools: [{{name: h100, nodes: 16, server: dgx-h100}}]\n\
         fabric: {{kind: rail-optimized-fat-tree, switch: qm9700}}\npower: {{pue: 1.25{power}}}\ncost: {cost}\n"
    );
    Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Everything given: an H100 as economics.md has it, with its share of network and storage.
const H100: &str = "{capital: 35000 USD/GPU, life: 5 years, wacc: 10 %, residual: 0 %, utilisation: 80 %, power-per-gpu: 1.37 kW, \
                    facility: {build: 12 USD/W, life: 15 years, rate: 8 %, maintenance: 0 %}, \
                    staff: {gpus-per-person: 500, pay: 130000 USD/year}, maintenance: 0 %, insurance: 0 %MORE}";

fn given(more: &str) -> Cluster {
    cluster(", tariff: 0.08 USD/kWh", &H100.replace("MORE", more))
}

fn owned(cluster: &Cluster) -> OwnedCost {
    OwnedCost::new(cluster, &cluster.pools[0], Catalog::embedded(), None).expect("all prices are known")
}

fn amount(price: HourlyPrice) -> f64 {
    price.per_unit().amount()
}

fn line(owned: &OwnedCost, component: Component) -> &CostLine {
    owned.lines.iter().find(|line| line.component == component).expect("a line")
}

fn hour(owned: &OwnedCost, component: Component) -> f64 {
    amount(line(owned, component).gpu_hour.value)
}

#[track_caller]
fn near(is: f64, wanted: f64, within: f64) {
    assert!((is - wanted).abs() <= within, "{is}, not {wanted}");
}

/// economics.md, sections 1.1, 1.3 and 1.4.
#[test]
fn a_gpu_hour_of_an_h100() {
    let owned = owned(&given(""));
    near(hour(&owned, Component::Capital), 1.053, 5e-4);
    near(hour(&owned, Component::Facility), 0.219, 5e-4);
    near(hour(&owned, Component::Electricity), 0.137, 1e-6);
    near(hour(&owned, Component::Staff), 130_000.0 / 500.0 / 8766.0, 1e-9);
    let sum: f64 = owned.lines.iter().map(|line| amount(line.gpu_hour.value)).sum();
    near(amount(owned.owned_gpu_hour.value), sum, 1e-12);
    near(amount(owned.utilised_gpu_hour.value), sum / 0.8, 1e-12);
    // Everything is given: nothing lies between ends, and nothing is assumed.
    assert_eq!(owned.owned_gpu_hour, Range::exact(owned.owned_gpu_hour.value));
    assert_eq!(owned.assumed().count(), 0);
    assert_eq!(owned.not_counted, ["software", "data"]);
}

#[test]
fn shares_are_of_what_they_say() {
    let owned = owned(&given(", software: 4500 USD/GPU-year"));
    let all = amount(owned.owned_gpu_hour.value);
    let [capital, site, electricity] =
        [Component::Capital, Component::Facility, Component::Electricity].map(|component| hour(&owned, component));
    near(owned.electricity_share_of_owned_cost, electricity / all, 1e-12);
    near(owned.electricity_share_of_operating_cost, electricity / (all - capital - site), 1e-12);
    near(owned.electricity_share_of_site_cost, electricity / (site + electricity), 1e-12);
    near(owned.lines.iter().map(|line| line.share_of_owned_cost).sum(), 1.0, 1e-12);
    // public-claims E3: told as 65 % of the cost of training, it is 8 % of it and 38 % of the site's.
    assert!(owned.electricity_share_of_owned_cost < 0.09 && owned.electricity_share_of_site_cost > 0.38);
}

#[test]
fn every_method_has_its_hour() {
    let capital = |method: &str| hour(&owned(&given(method)), Component::Capital);
    near(capital(", method: straight-line"), 0.799, 5e-4);
    near(capital(", method: annuity"), 1.053, 5e-4);
    // 32.2 % of the price each year.
    near(capital(", method: replacement"), 35_000.0 * 0.322 / 8766.0, 2e-3);
    near(capital(", method: lease, lease: 1.20 USD/GPU-hour"), 1.20, 1e-12);
    let rented = owned(&given(", method: rent, rent: {price: 2.35 USD/GPU-hour}"));
    assert_eq!(rented.lines.len(), 1);
    assert_eq!((amount(rented.owned_gpu_hour.value), rented.capital_per_gpu), (2.35, None));
    let financed = "financing: {equity: 40 %, return-on-equity: 15 %, interest: 9 %, tax: 21 %}";
    let financed = owned(&cluster(", tariff: 0.08 USD/kWh", &H100.replace("MORE", "").replace("wacc: 10 %", financed)));
    near(financed.wacc.expect("a rate").value.get(), 0.10266, 1e-9);
    assert_eq!(financed.terms(), "annuity over 5.00 years at 10.3 %/year");
}

#[test]
fn a_rented_site_and_a_residual_value() {
    let text = H100.replace("MORE", "").replace("residual: 0 %", "residual: 20 %");
    let from = text.find("facility").expect("there");
    let to = text[from..].find('}').expect("there") + from + 1;
    let rented = text.replace(&text[from..to], "facility: {colocation: 184 USD/kW-month}");
    let owned = owned(&cluster(", tariff: 0.08 USD/kWh", &rented));
    near(hour(&owned, Component::Facility), 0.345, 5e-4);
    near(hour(&owned, Component::Capital), 1.053 * (1.0 - 0.2 / 1.1f64.powi(5)), 5e-4);
}

#[test]
fn a_bill_has_periods_demand_a_ratchet_and_taxes() {
    let bill = ", electricity: {periods: [{name: day, price: 0.12 USD/kWh, hours-per-week: 60}, {name: night, price: 0.05 USD/kWh}], \
                demand: 15 USD/kW-month, taxes: 5 %, fee: 128000 USD/year}";
    let file = |bill: &str| cluster("", &H100.replace("MORE", bill));
    let of = |bill: &str| hour(&owned(&file(bill)), Component::Electricity);
    let kw = 1.37 * 1.25;
    // A fee of 128,000 USD is 1,000 for each of 128 GPUs; taxes are on it too.
    let wanted = 1.05 * (kw * 0.075 + (kw * 15.0 * 12.0 + 1000.0) / 8766.0);
    near(of(bill), wanted, 1e-9);
    // 1 MW contracted for 128 GPUs, of which 85 % are paid: 6.6 kW a GPU, far more than it draws.
    let contract = bill.replace("taxes", "contract: 1 MW, floor: 85 %, taxes");
    let reserved = 850.0 / 128.0;
    near(of(&contract), 1.05 * (kw * 0.075 + (reserved * 15.0 * 12.0 + 1000.0) / 8766.0), 1e-9);
    let region = owned(&file(", electricity: {region: us-va}"));
    near(hour(&region, Component::Electricity), kw * 0.0892, 1e-9);
}

#[test]
fn currencies_meet_in_dollars() {
    // public-claims, section 7: a price in yuan is worth what the rate of the file says.
    let text = "name: lab\npools: [{name: h100, nodes: 16, server: dgx-h100}]\nfabric: {kind: fat-tree, switch: qm9700}\n\
                power: {pue: 1.25, tariff: 0.4 CNY/kWh}\ncurrencies: [{code: CNY, usd: 0.125, date: 2026-11}]\n\
                cost: {capital: 280000 CNY/GPU, power-per-gpu: 1.37 kW}\n";
    let cluster = Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid");
    let owned = owned(&cluster);
    near(hour(&owned, Component::Electricity), 1.37 * 1.25 * 0.05, 1e-12);
    near(hour(&owned, Component::Capital), 1.053, 5e-4);
}

#[test]
fn subsidies_lower_their_line_until_they_end() {
    let with = |terms: &str| owned(&given(&format!(", start: 2026-11-01, subsidies: [{{name: hub, {terms}}}]")));
    let paid = |owned: &OwnedCost| {
        owned.lines.iter().filter(|line| line.subsidy.is_some()).map(|l| amount(l.gpu_hour.value)).sum::<f64>()
    };
    near(paid(&with("on: electricity, percent: 50 %")), -0.0685, 1e-6);
    // A year of five.
    near(paid(&with("on: electricity, percent: 50 %, until: 2027-11-01")), -0.0137, 2e-5);
    // 128 GPUs over five years share a million.
    near(paid(&with("on: capital, percent: 50 %, cap: 1 M USD")), -1e6 / 128.0 / 5.0 / 8766.0, 1e-9);
    near(paid(&with("on: staff, amount: 12800 USD/year")), -100.0 / 8766.0, 1e-9);
    let capped = with("on: staff, amount: 1 M USD/year");
    near(paid(&capped), -hour(&capped, Component::Staff), 1e-12);
    let line = capped.lines.iter().find(|line| line.subsidy.is_some()).expect("a line");
    assert_eq!(line.name(), "hub");
}

#[test]
fn what_is_assumed_is_named_and_lies_between_ends() {
    let owned = owned(&cluster("", "{}"));
    let hour = owned.owned_gpu_hour;
    assert!(amount(hour.low) < amount(hour.value) && amount(hour.value) < amount(hour.high));
    for line in &owned.lines {
        assert!(amount(line.gpu_hour.low) <= amount(line.gpu_hour.value) + 1e-12, "{}", line.name());
        assert!(amount(line.gpu_hour.value) <= amount(line.gpu_hour.high) + 1e-12, "{}", line.name());
    }
    let assumed: Vec<&str> = owned.assumed().map(|figure| figure.what).collect();
    for what in ["life of hardware", "cost of capital", "electricity", "build cost of the site", "utilisation"] {
        assert!(assumed.contains(&what), "{what}: {assumed:?}");
    }
    assert!(owned.figures.iter().all(|figure| figure.provenance == Provenance::Given || !figure.source.is_empty()));
    // What owners were said to pay in 2026 (InferenceX), 1.30 to 1.69 USD, lies between the ends.
    assert!(amount(hour.low) < 1.30 && amount(hour.high) > 1.69);
}

#[test]
fn capital_is_that_of_the_bill_of_materials() {
    let read = |name: &str| Cluster::load(examples::read(name).expect("embedded").0, Catalog::embedded()).expect("valid");
    let cluster = read("h100-superpod-127");
    let bill = Bill::new(&cluster, &Topology::new(&cluster), Catalog::embedded());
    let all = bill.capital().expect("prices");
    let owned = owned(&cluster);
    let each = owned.capital_per_gpu.expect("bought").map(|price| price.per_unit().amount() * 1016.0);
    near(each.value, all.value().amount(), 1.0);
    near(each.low, all.low().amount(), 1.0);
    near(each.high, all.high().amount(), 1.0);
    assert!(owned.without_a_price.contains(&"storage-system".to_owned()), "{:?}", owned.without_a_price);
    // Each pool has its own nodes, and its part of what is around all.
    let mixed = read("mixed-a100-h100");
    let all = Bill::of(&mixed, Catalog::embedded()).capital().expect("prices").value().amount();
    let of =
        |pool| OwnedCost::new(&mixed, pool, Catalog::embedded(), None).expect("priced").capital_per_gpu.expect("bought").value;
    let sum: f64 = mixed.pools.iter().map(|pool| of(pool).per_unit().amount() * f64::from(pool.gpus())).sum();
    near(sum, all, 1.0);
}

/// A cost and a bill say one power of a cluster; electricity bills nodes at their load, and what is around them at its largest.
#[test]
fn power_is_that_of_the_bill_of_materials() {
    let read = |name: &str| Cluster::load(examples::read(name).expect("embedded").0, Catalog::embedded()).expect("valid");
    for name in ["h100-superpod-127", "h200-superpod-127", "mixed-a100-h100"] {
        let cluster = read(name);
        let bill = Bill::of(&cluster, Catalog::embedded());
        let of = |pool| OwnedCost::new(&cluster, pool, Catalog::embedded(), None).expect("priced");
        let sum = |power: fn(&OwnedCost) -> f64| {
            cluster.pools.iter().map(|pool| power(&of(pool)) * f64::from(pool.gpus())).sum::<f64>()
        };
        near(sum(|owned| owned.largest_power.get()) / bill.site_power.get(), 1.0, 1e-12);
        let around = bill.it_power.get() - cluster.it_power().get();
        assert!(around > 0.0, "{name}");
        let it = cluster.it_power().get() * cluster.power.load_factor.value + around;
        near(sum(|owned| owned.site_power.get()) / (it * cluster.power.pue.value), 1.0, 1e-12);
    }
    // By hand: a node of 10.2 kW at 0.75, 64 switches of 1.72 kW for 1,016 GPUs, and less than 25 W a GPU for management.
    let all = |nodes: f64, more: f64| 1.25 * (10_200.0 / 8.0 * nodes + 64.0 * 1720.0 / 1016.0 + more);
    let owned = owned(&read("h100-superpod-127"));
    for (power, nodes) in [(owned.largest_power, 1.0), (owned.site_power, 0.75)] {
        assert!((all(nodes, 0.0)..all(nodes, 25.0)).contains(&power.get()), "{power}");
    }
}

/// A machine on its own has nothing around it; power that was measured goes before all of it.
#[test]
fn power_without_a_bill() {
    let text = "name: one\npools: [{name: h100, nodes: 1, server: dgx-h100}]\npower: {pue: 1.5}\ncost: {}\n";
    let alone = owned(&Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid"));
    near(alone.largest_power.get(), 10_200.0 / 8.0 * 1.5, 1e-9);
    near(alone.site_power.get(), 10_200.0 / 8.0 * 0.75 * 1.5, 1e-9);
    near(hour(&alone, Component::Electricity), amount(alone.running_gpu_hour.value), 1e-12);
    let measured = owned(&given(""));
    near(measured.largest_power.get(), 1370.0 * 1.25, 1e-9);
    assert_eq!(measured.site_power, measured.largest_power);
    near(hour(&measured, Component::Electricity), amount(measured.running_gpu_hour.value), 1e-12);
}

/// Hours that nobody uses save the energy of nodes, not that of switches.
#[test]
fn what_is_around_nodes_draws_in_every_hour() {
    let owned = owned(&cluster(", tariff: 0.08 USD/kWh", "{}"));
    let nodes = 10.2 / 8.0 * 0.75 * 1.25;
    near(amount(owned.running_gpu_hour.value), nodes * 0.08, 1e-12);
    near(hour(&owned, Component::Electricity), owned.site_power.get() / 1e3 * 0.08, 1e-12);
    assert!(owned.site_power.get() / 1e3 > nodes * 1.05);
}

#[test]
fn a_network_without_a_price_is_taken_for_the_usual_part() {
    // 19 % of the price of a cluster (EPOCH-COST).
    let switch =
        Catalog::embedded().switches.iter().find(|s| s.price.is_none() && s.name == "qm9790").expect("without a price");
    let text = format!(
        "name: lab\npools: [{{name: h100, nodes: 16, server: dgx-h100, price: 324000 USD}}]\n\
         fabric: {{kind: rail-optimized-fat-tree, switch: {}}}\ncost: {{life: 5 years}}\n",
        switch.name
    );
    let cluster = Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid");
    near(owned(&cluster).capital_per_gpu.expect("bought").value.per_unit().amount(), 50_000.0, 1e-6);
}

#[test]
fn a_good_hour_carries_the_lost_ones() {
    let cluster = given("");
    let owned = OwnedCost::new(&cluster, &cluster.pools[0], Catalog::embedded(), Some(0.9)).expect("priced");
    near(amount(owned.good_gpu_hour.value), amount(owned.utilised_gpu_hour.value) / 0.9, 1e-12);
}

#[test]
fn owning_and_renting_cost_the_same_at_the_crossover() {
    let cluster = given(", rent: {price: 2.35 USD/GPU-hour}");
    let owned = owned(&cluster);
    let exchange = Exchange { cluster: &cluster, catalog: Catalog::embedded() };
    let rent = RentOrBuy::new(exchange, &cluster.pools[0], &owned).expect("priced");
    let hours = rent.break_even_hours_per_year.expect("there is one").value;
    let [all, running] = [owned.owned_gpu_hour.value, owned.running_gpu_hour.value].map(amount);
    near(2.35 * hours, (all - running) * 8766.0 + running * hours, 1e-6);
    assert!(rent.owning_is_cheaper && hours < 0.8 * 8766.0);
    // A rent that falls by a fifth each year is worth less over five.
    let falling = given(", rent: {price: 2.35 USD/GPU-hour, path: {decline: 20 %}}");
    let exchange = Exchange { cluster: &falling, catalog: Catalog::embedded() };
    let falling = RentOrBuy::new(exchange, &falling.pools[0], &owned).expect("priced");
    near(amount(falling.rent_gpu_hour.value), 2.35 * 0.6026, 1e-3);
    assert!(!falling.owning_is_cheaper && falling.break_even_share_of_hours.expect("one") > 0.9);
}

#[test]
fn a_missing_price_is_named_and_a_plan_goes_on_without_it() {
    let server = Catalog::embedded().servers.iter().find(|server| server.price.is_none()).expect("one without a price");
    let text = format!("name: lab\npools: [{{name: new, nodes: 1, server: {}}}]\ncost: {{life: 4 years}}\n", server.name);
    let cluster = Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid");
    let error = OwnedCost::new(&cluster, &cluster.pools[0], Catalog::embedded(), None).expect_err("no price");
    assert!(error.to_string().contains(&server.name), "{error}");
    assert!(error.put.contains("price: ") && error.put.contains("capital: "), "{}", error.put);
    let (source, _) = examples::read("workloads/tinyllama").expect("embedded");
    let workload = Workload::load(source, Catalog::embedded()).expect("valid");
    let plan =
        Plan::new(&cluster, &Topology::new(&cluster), &workload, &workload.jobs[0], Catalog::embedded()).expect("a plan");
    let run = plan.run.as_ref().expect("a run");
    assert!(run.time.get() > 0.0 && run.site_power.get() > 0.0);
    let cost = plan.cost.as_ref().expect("a cost");
    assert!(cost.owned.is_none() && cost.missing == [error]);
    assert!(report::plan_text(&plan).contains("No cost of owning"));
}

#[test]
fn a_budget_and_work_are_answered() {
    let cluster = given("");
    let asked = CostQuestion { budget: Some(Money::usd(50e9)), work: Some(("6e26 FLOP".parse().expect("work"), 0.4)) };
    let costs = Costs::new(&cluster, Catalog::embedded(), &[], &asked).expect("priced");
    let pool = &costs.pools[0];
    let bought = pool.purchase.expect("asked");
    assert_eq!((bought.gpus, bought.limit), (1_428_571.0, Limit::Budget));
    let work = pool.work.as_ref().expect("asked");
    // public-claims T4: 6e26 FLOP are 0.42 billion GPU-hours.
    near(work.gpu_hours.get() / 3600.0 / 1e9, 0.4213, 1e-3);
    near(work.total.value.amount() / 1e9, 0.4213 * amount(pool.owned.good_gpu_hour.value), 1e-3);
    for text in [report::costs_text(&costs), report::costs_markdown(&costs), report::costs_csv(&costs)] {
        assert!(text.contains("electricity") && text.contains("owned"), "{text}");
    }
    // The life stands beside the cost, always.
    assert!(
        report::costs_text(&costs)
            .starts_with("lab, pool h100: 128 x NVIDIA H100 SXM5 80 GB · annuity over 5.00 years at 10.0 %/year")
    );
}

/// The example whose file has a `cost` block: its plan is priced by it.
#[test]
fn a_run_costs_its_used_hours() {
    let read = |name: &str| examples::read(name).expect("embedded").0;
    let cluster = Cluster::load(read("h100-superpod-127"), Catalog::embedded()).expect("valid");
    let workload = Workload::load(read("llama3-70b"), Catalog::embedded()).expect("valid");
    let plan =
        Plan::new(&cluster, &Topology::new(&cluster), &workload, &workload.jobs[0], Catalog::embedded()).expect("a plan");
    let (run, cost) = (plan.run.as_ref().expect("a run"), plan.cost.as_ref().expect("a cost"));
    let owned = cost.owned.as_ref().expect("a block");
    let total = cost.total.expect("priced").amount();
    near(total / (run.gpu_hours.get() / 3600.0), amount(owned.utilised_gpu_hour.value), 1e-9);
    let range = cost.total_range.as_ref().expect("owned");
    assert!(range.low.amount() < total && total < range.high.amount());
    near(cost.per_million_tokens.expect("priced").amount() * run.tokens.get() / 1e6, total, total * 1e-9);
}
