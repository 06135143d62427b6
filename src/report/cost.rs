//! What a GPU-hour costs: as a table for people, in Markdown, as CSV.

use std::fmt::Write as _;

use super::Table;
use super::plan::wrapped;
use crate::economics::budget::Limit;
use crate::economics::{CostEstimate, OwnedCost, RentOrBuy};
use crate::plan::{Costs, PoolCost, RunCost, WorkCost};
use crate::units::{HourlyPrice, Money, Range, grouped, significant};

/// All of it as text.
#[must_use]
pub fn costs_text(costs: &Costs) -> String {
    let pools: Vec<String> = costs.pools.iter().map(|pool| pool_text(costs, pool)).collect();
    let mut out = pools.join("\n");
    if !costs.runs.is_empty() {
        out.push('\n');
        out += &runs(&costs.runs).text(2);
    }
    out
}

fn pool_text(costs: &Costs, pool: &PoolCost) -> String {
    let mut out = format!("{}\n\n{}", headline(costs, pool), lines(&pool.owned, true).text(2));
    out.push('\n');
    for sentence in sentences(&pool.owned, pool.rent_or_buy.as_ref()).into_iter().chain(asked(pool)) {
        out += &wrapped(&sentence);
    }
    let assumed: Vec<String> = pool.owned.assumed().map(|figure| figure.what.to_owned()).collect();
    if !assumed.is_empty() {
        out += &wrapped(&format!(
            "* assumed: {}. `planner catalog economics` says why; `--format markdown` has the values.",
            assumed.join(", ")
        ));
    }
    out += &left_out(&pool.owned);
    out
}

fn headline(costs: &Costs, pool: &PoolCost) -> String {
    let gpus = grouped(f64::from(pool.gpus), 0);
    format!("{}, pool {}: {gpus} x {} · {}", costs.cluster, pool.pool, pool.accelerator, pool.owned.terms())
}

/// All of it in Markdown.
#[must_use]
pub fn costs_markdown(costs: &Costs) -> String {
    let mut out = String::new();
    for pool in &costs.pools {
        let _ = write!(out, "### {}\n\n{}\n", headline(costs, pool), lines(&pool.owned, true).markdown());
        for sentence in sentences(&pool.owned, pool.rent_or_buy.as_ref()).into_iter().chain(asked(pool)) {
            let _ = writeln!(out, "- {sentence}");
        }
        out += "\n<details><summary>Figures</summary>\n\n";
        for figure in &pool.owned.figures {
            let _ = writeln!(out, "- {}: {}, {} ({})", figure.what, figure.value, figure.provenance, figure.source);
        }
        out += "\n</details>\n\n";
    }
    if !costs.runs.is_empty() {
        out += &runs(&costs.runs).markdown();
    }
    out
}

/// A row a line of a pool, in US dollars.
#[must_use]
pub fn costs_csv(costs: &Costs) -> String {
    let columns = ["cluster", "pool", "component", "usd_per_gpu_hour", "low", "high", "share_of_owned_cost"];
    let mut table = Table::new(&columns, 0);
    let number = |price: HourlyPrice| format!("{:.8e}", price.per_unit().amount()).parse::<f64>().unwrap_or(0.0).to_string();
    for pool in &costs.pools {
        let mut row = |name: &str, hour: &Range<HourlyPrice>, share: String| {
            table.row([
                costs.cluster.clone(),
                pool.pool.clone(),
                name.to_owned(),
                number(hour.value),
                number(hour.low),
                number(hour.high),
                share,
            ]);
        };
        for line in &pool.owned.lines {
            row(line.name(), &line.gpu_hour, format!("{:.6}", line.share_of_owned_cost));
        }
        row("owned", &pool.owned.owned_gpu_hour, "1".to_owned());
        row("utilised", &pool.owned.utilised_gpu_hour, String::new());
        if pool.owned.goodput.is_some() {
            row("good", &pool.owned.good_gpu_hour, String::new());
        }
    }
    table.csv()
}

/// The lines of the cost and their sum; with `how`, how each is computed.
fn lines(owned: &OwnedCost, how: bool) -> Table {
    let headings = ["component", "USD/GPU-hour", "between", "of owned cost", "how"];
    let mut table = if how { Table::new(&headings, 1).with_remarks() } else { Table::new(&headings[..4], 1) };
    let mut row = |name: &str, hour: &Range<HourlyPrice>, share: f64, formula: &str| {
        let mut cells = vec![name.to_owned(), cents(hour.value), between(hour), format!("{:.1} %", share * 100.0)];
        if how {
            cells.push(formula.to_owned());
        }
        table.row(cells);
    };
    for line in &owned.lines {
        row(line.name(), &line.gpu_hour, line.share_of_owned_cost, &line.formula);
    }
    row("owned", &owned.owned_gpu_hour, 1.0, "every hour, used or not");
    table
}

fn cents(price: HourlyPrice) -> String {
    format!("{:.3}", price.per_unit().amount())
}

fn between(hour: &Range<HourlyPrice>) -> String {
    if hour.low == hour.high { String::new() } else { format!("{} to {}", cents(hour.low), cents(hour.high)) }
}

fn ends(range: &Range<HourlyPrice>) -> String {
    let between = between(range);
    if between.is_empty() { String::new() } else { format!(" ({between})") }
}

/// What used and good hours cost, what electricity is a share of, when owning is cheaper.
fn sentences(owned: &OwnedCost, rent: Option<&RentOrBuy>) -> Vec<String> {
    let used = owned.utilisation.value;
    let good = match owned.goodput {
        Some(part) => format!(
            "; a good one {}{}, {:.1} % of the used being good",
            cents(owned.good_gpu_hour.value),
            ends(&owned.good_gpu_hour),
            part * 100.0
        ),
        None => String::new(),
    };
    let hour = &owned.utilised_gpu_hour;
    let mut out =
        vec![format!("A used GPU-hour costs {} USD{}, {used} of the hours used{good}.", cents(hour.value), ends(hour))];
    if owned.electricity_share_of_owned_cost > 0.0 {
        out.push(format!(
            "Electricity is {:.1} % of the owned cost, {:.1} % of the operating cost (all but hardware and site), {:.1} % of site and electricity.",
            owned.electricity_share_of_owned_cost * 100.0,
            owned.electricity_share_of_operating_cost * 100.0,
            owned.electricity_share_of_site_cost * 100.0
        ));
    }
    out.extend(rent.filter(|_| owned.running_gpu_hour.value.per_unit().amount() > 0.0).map(crossover));
    out
}

/// From how many hours a year owning is cheaper than renting.
fn crossover(rent: &RentOrBuy) -> String {
    let star = if rent.rent_gpu_hour.provenance == crate::catalog::Provenance::Assumed { "*" } else { "" };
    let price = format!("Rented at {}{star}", rent.rent_gpu_hour.value);
    let Some(hours) = &rent.break_even_hours_per_year else {
        return format!("{price} a GPU-hour costs less than the energy of an owned one.");
    };
    let share = rent.break_even_share_of_hours.unwrap_or_default();
    let between = format!("({} to {})", grouped(hours.low, 0), grouped(hours.high, 0));
    if share > 1.0 {
        return format!(
            "{price}, renting is cheaper however much is used: owning would need {} hours a year {between}.",
            grouped(hours.value, 0)
        );
    }
    format!(
        "{price}, owning is cheaper from {} hours a year {between}, {:.0} % of all; a lessor with these costs earns {:.0} % of the rent.",
        grouped(hours.value, 0),
        share * 100.0,
        rent.lessor_margin_of_rent * 100.0
    )
}

/// How dear electricity would have to be, and answers to what was asked of a pool.
fn asked(pool: &PoolCost) -> Vec<String> {
    let half = pool.owned.electricity_is_half_of_owned_cost_at;
    let mut out: Vec<String> =
        half.map(|price| format!("Electricity would be half of the owned cost at {price}.")).into_iter().collect();
    if let Some(bought) = &pool.purchase {
        let binds = match bought.limit {
            Limit::Budget => "the budget binds",
            Limit::Power => "the site's power binds, not the budget",
        };
        let (gpus, power) = (grouped(bought.gpus, 0), bought.power);
        out.push(format!("{} buy {gpus} GPUs that draw up to {power} at the meter: {binds}.", short(bought.capital)));
    }
    if let Some(WorkCost { work, peak, mfu, gpu_hours, total }) = &pool.work {
        let (mfu, cost) = (mfu * 100.0, spread(total));
        out.push(format!(
            "{work} at {mfu:.0} % of {peak} take {} GPU-hours and cost {cost}.",
            grouped(gpu_hours.get() / 3600.0, 0)
        ));
    }
    out
}

/// Money in three digits with its thousands: `3.02 M USD`.
pub(super) fn short(money: Money) -> String {
    let amount = money.amount();
    let scales = [(1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")];
    let (size, letter) = scales.into_iter().find(|(size, _)| amount.abs() >= *size).unwrap_or((1.0, ""));
    format!("{}{letter} {}", significant(amount / size, 3), money.currency())
}

fn spread(total: &Range<Money>) -> String {
    if total.low == total.high {
        return short(total.value);
    }
    format!("{} ({} to {})", short(total.value), short(total.low), short(total.high))
}

/// A row a job.
fn runs(runs: &[RunCost]) -> Table {
    let mut table = Table::new(&["job", "model", "GPU-hours", "cost of the run", "per M tokens"], 2);
    for run in runs {
        let total = run.cost.total_range.as_ref().map(spread).or(run.cost.total.map(short));
        table.row([
            run.job.clone(),
            run.model.clone(),
            grouped(run.gpu_hours.get() / 3600.0, 0),
            total.unwrap_or_default(),
            run.cost.per_million_tokens.map(|money| money.to_string()).unwrap_or_default(),
        ]);
    }
    table
}

/// What the cost does not have in it; nothing where it has all.
fn left_out(owned: &OwnedCost) -> String {
    let mut all: Vec<String> = owned.not_counted.iter().map(|what| (*what).to_owned()).collect();
    if !owned.without_a_price.is_empty() {
        all.push(format!("{} items of `planner bom` that have no price", owned.without_a_price.len()));
    }
    if all.is_empty() { String::new() } else { wrapped(&format!("Not counted: {}.", all.join(", "))) }
}

/// The lines as Markdown, for a plan's.
pub(super) fn owned_markdown(owned: &OwnedCost) -> String {
    lines(owned, true).markdown()
}

/// The short form within a plan.
pub(super) fn within_plan(cost: &CostEstimate) -> String {
    let mut out = String::new();
    if let Some(owned) = &cost.owned {
        let _ = write!(out, "  Cost of a GPU-hour: {}\n{}", owned.terms(), lines(owned, false).text(2));
        let mut said = sentences(owned, cost.rent_or_buy.as_ref());
        let per_tokens = cost.per_million_tokens.map(|money| format!(", {money} per M tokens")).unwrap_or_default();
        said.extend(cost.total_range.as_ref().map(|total| format!("The run costs {}{per_tokens}.", spread(total))));
        for sentence in &said {
            out += &wrapped(sentence);
        }
        out += &left_out(owned);
    }
    for missing in &cost.missing {
        out += &wrapped(&format!("No cost of owning: {missing}; {}.", missing.put));
    }
    out
}
