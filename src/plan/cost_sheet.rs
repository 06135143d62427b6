//! What follows from the lines of a cost, as steps of a spreadsheet: used hours, shares, renting, what a budget buys, what work and
//! runs cost. Each step has the number that was computed, and a recipe that computes it again.

use super::{CostQuestion, Plan, PoolCost, WorkCost};
use crate::catalog::{Provenance, Sourced};
use crate::economics::sheet::{Plain, Sheet};
use crate::economics::{Exchange, OwnedCost, RentOrBuy};
use crate::spec::{Component, Pool};
use crate::units::{HourlyPrice, Money, Range};

/// Everything of a pool: what its owned cost rests on, and what follows from it and from runs on it.
pub(super) fn sheet(cost: &PoolCost, pool: &Pool, exchange: Exchange<'_>, asked: &CostQuestion, plans: &[Plan]) -> Sheet {
    let mut sheet = cost.owned.sheet.clone();
    hours(&mut sheet, &cost.owned, pool);
    shares(&mut sheet, &cost.owned);
    if let Some(rent) = &cost.rent_or_buy {
        crossover(&mut sheet, rent);
    }
    budget(&mut sheet, cost, exchange, asked);
    if let Some(work) = &cost.work {
        self::work(&mut sheet, work);
    }
    for plan in plans.iter().filter(|plan| plan.cluster.pool == pool.name) {
        run(&mut sheet, plan, exchange);
    }
    sheet.rates(|currency| exchange.cluster.usd_rate(currency, exchange.catalog));
    sheet
}

fn amounts(hour: Range<HourlyPrice>) -> Range<f64> {
    hour.map(|price| price.per_unit().amount())
}

fn asked_for(what: &str) -> Sourced<()> {
    Sourced::new((), Provenance::Given, format!("command line, {what}"))
}

fn hours(sheet: &mut Sheet, owned: &OwnedCost, pool: &Pool) {
    let all = amounts(owned.owned_gpu_hour);
    sheet.step("owned GPU-hour", "USD/GPU-h", all, "SUM({lines})");
    sheet.step("used GPU-hour", "USD/GPU-h", amounts(owned.utilised_gpu_hour), "{owned_gpu_hour}/{~utilisation}");
    let year = f64::from(pool.gpus()) * 8766.0;
    sheet.step("pool, a year", "USD", all.map(|hour| hour * year), "{owned_gpu_hour}*{gpus_of_the_pool}*{hours_of_a_year}");
}

fn shares(sheet: &mut Sheet, owned: &OwnedCost) {
    if owned.electricity_share_of_owned_cost <= 0.0 {
        return;
    }
    let lines = |of: &dyn Fn(Component) -> bool| {
        let all = owned.lines.iter().enumerate().filter(|(_, line)| of(line.component));
        all.map(|(i, _)| format!("{{line {i}}}")).collect::<Vec<_>>().join("+")
    };
    let electricity = lines(&|c| c == Component::Electricity);
    let site = lines(&|c| matches!(c, Component::Facility | Component::Electricity));
    let operating = lines(&|c| !matches!(c, Component::Capital | Component::Facility | Component::Rent));
    let mut share = |what: &str, value: f64, of: &str| sheet.exact_step(what, "%", value, format!("({electricity})/({of})"));
    share("electricity of the owned cost", owned.electricity_share_of_owned_cost, "{owned_gpu_hour}");
    share("electricity of the operating cost", owned.electricity_share_of_operating_cost, &operating);
    share("electricity of site and electricity", owned.electricity_share_of_site_cost, &site);
    if let Some(price) = owned.electricity_is_half_of_owned_cost_at {
        let recipe = format!("({{owned_gpu_hour}}-({electricity}))/{{power_at_the_meter}}");
        sheet.exact_step("electricity is half of it at", "USD/kWh", price.per_unit().amount(), recipe);
    }
}

fn crossover(sheet: &mut Sheet, rent: &RentOrBuy) {
    let Some(hours) = rent.break_even_hours_per_year.filter(|_| sheet.steps.iter().any(|step| step.name == "running_cost"))
    else {
        return;
    };
    sheet.enter("rent", Range::exact(rent.rent_gpu_hour.value), &rent.rent_gpu_hour);
    let recipe = "IF({rent}>{running_cost},\
                  {hours_of_a_year}*MAX(0,{owned_gpu_hour}-{running_cost})/({rent}-{running_cost}),\"never\")";
    sheet.step("owning is cheaper from", "h/year", hours, recipe);
    sheet.exact_step("margin of a lessor", "%", rent.lessor_margin_of_rent, "({rent}-{used_gpu_hour})/{rent}");
}

fn budget(sheet: &mut Sheet, cost: &PoolCost, exchange: Exchange<'_>, asked: &CostQuestion) {
    let (Some(budget), Some(bought)) = (asked.budget, &cost.purchase) else { return };
    sheet.enter("budget", Range::exact(budget), &asked_for("--budget"));
    let mut most = "{budget}/{price_of_a_gpu}".to_owned();
    if let Some(limit) = exchange.cluster.power.site_limit {
        let given = Sourced::new((), Provenance::Given, "cluster file, power.site-limit");
        sheet.enter("power of the site", Range::exact(limit), &given);
        most = format!("MIN({most},{{power_of_the_site}}/({{it_power_per_gpu}}*{{pue}}))");
    }
    sheet.exact_step("GPUs that the budget buys", "", bought.gpus, format!("ROUNDDOWN({most},0)"));
    let (power, capital) = (bought.power.get() / 1e3, bought.capital.amount());
    sheet.exact_step("what they draw at most", "kW", power, "{gpus_that_the_budget_buys}*{it_power_per_gpu}*{pue}");
    sheet.exact_step("what they cost", "USD", capital, "{gpus_that_the_budget_buys}*{price_of_a_gpu}");
}

fn work(sheet: &mut Sheet, cost: &WorkCost) {
    sheet.enter("work", Range::exact(Plain(cost.work.get(), "FLOP")), &asked_for("--work"));
    let peak = Sourced::new((), Provenance::Datasheet, "dense 16-bit peak of the accelerator");
    sheet.enter("peak of a GPU", Range::exact(Plain(cost.peak.get(), "FLOP/s")), &peak);
    sheet.enter("MFU", Range::exact(Plain(cost.mfu, "%")), &asked_for("--mfu"));
    let hours = cost.gpu_hours.get() / 3600.0;
    sheet.exact_step("GPU-hours of the work", "h", hours, "{work}/({peak_of_a_gpu}*{mfu})/3600");
    let recipe = "{gpu_hours_of_the_work}*{used_gpu_hour}";
    sheet.step("cost of the work", "USD", cost.total.map(Money::amount), recipe);
}

/// A run: its GPU-hours are planned, the rest follows.
fn run(sheet: &mut Sheet, plan: &Plan, exchange: Exchange<'_>) {
    let Some((run, cost)) = plan.run.as_ref().zip(plan.cost.as_ref()) else { return };
    let Some(total) = cost.total.and_then(|total| exchange.usd(total).ok()) else { return };
    let called = |what: &str| format!("{}, {what}", plan.job.name);
    let name = |what: &str| crate::economics::sheet::name(&called(what));
    let planned = Sourced::new((), Provenance::Calibrated, "`planner plan`");
    sheet.enter(&called("GPU-hours"), Range::exact(Plain(run.gpu_hours.get() / 3600.0, "h")), &planned);
    let workload = Sourced::new((), Provenance::Given, "workload file, tokens");
    sheet.enter(&called("tokens"), Range::exact(Plain(run.tokens.get(), "tokens")), &workload);
    let price = match (&cost.total_range, &cost.gpu_hour) {
        (None, Some(price)) => {
            sheet.enter("price of a GPU-hour", Range::exact(price.value), price);
            "price_of_a_gpu_hour"
        }
        _ => "used_gpu_hour",
    };
    let all = match &cost.total_range {
        Some(range) => range.map(Money::amount),
        None => Range::exact(total.amount()),
    };
    sheet.step(&called("cost"), "USD", all, format!("{{{}}}*{{{price}}}", name("GPU-hours")));
    let each = format!("{{{}}}/{{{}}}*1000000", name("cost"), name("tokens"));
    sheet.exact_step(&called("cost of a million tokens"), "USD", total.amount() / run.tokens.get().max(1.0) * 1e6, each);
}
