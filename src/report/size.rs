//! The screen of `planner size`: what to buy, which limit binds, what each server would take, what being earlier costs, what moves
//! the answer.

use std::fmt::Write as _;

use super::Table;
use super::cost::short;
use super::plan::wrapped;
use crate::size::{Answer, Need, Owning, Sized, Use, Way};
use crate::spec::Workload;
use crate::units::{Currency, Money, MoneyInterval, grouped};

/// The answer as text.
#[must_use]
pub fn size_text(answer: &Answer, workload: &Workload) -> String {
    let mut out = question(workload) + "\n\n";
    for line in verdict(answer) {
        out += &wrapped(&line);
    }
    for (title, table) in tables(answer) {
        let _ = write!(out, "\n  {title}\n{}", table.text(2));
    }
    out.push('\n');
    for note in notes(answer) {
        out += &wrapped(&note);
    }
    out
}

/// The answer as Markdown.
#[must_use]
pub fn size_markdown(answer: &Answer, workload: &Workload) -> String {
    let mut out = format!("### {}\n\n", question(workload));
    for line in verdict(answer) {
        let _ = writeln!(out, "{line}\n");
    }
    for (title, table) in tables(answer) {
        let _ = write!(out, "**{title}**\n\n{}\n", table.markdown());
    }
    for note in notes(answer) {
        let _ = writeln!(out, "{}\n", note.replace('*', "\\*"));
    }
    out
}

/// The servers as CSV: a row each, base units.
#[must_use]
pub fn size_csv(answer: &Answer) -> String {
    let number = |value: f64| format!("{value:.8e}").parse::<f64>().unwrap_or(value).to_string();
    let mut table = Table::new(
        &[
            "server",
            "switch",
            "oversubscription",
            "nodes",
            "gpus",
            "done_s",
            "capital_usd",
            "capital_low_usd",
            "capital_high_usd",
            "ownership_usd",
            "runs_usd",
            "site_power_w",
            "racks",
            "exceeds",
            "refusal",
        ],
        2,
    );
    for candidate in &answer.servers {
        let sized = candidate.sized.as_ref();
        let text = |of: &dyn Fn(&Sized) -> String| sized.map(of).unwrap_or_default();
        let money = |of: &dyn Fn(crate::units::MoneyInterval) -> Money| {
            sized.and_then(|sized| sized.capital).map(|capital| number(of(capital).amount())).unwrap_or_default()
        };
        let owning = |of: &dyn Fn(&Owning) -> Money| {
            sized.and_then(|sized| sized.owning.as_ref()).map(|owning| number(of(owning).amount())).unwrap_or_default()
        };
        table.row([
            candidate.server.clone(),
            text(&|sized| sized.design.switch.clone()),
            text(&|sized| number(sized.design.oversubscription)),
            text(&|sized| sized.nodes.to_string()),
            text(&|sized| sized.gpus.to_string()),
            text(&|sized| number(sized.done.get())),
            money(&|capital| capital.value()),
            money(&|capital| capital.low()),
            money(&|capital| capital.high()),
            owning(&|owning| owning.over_life.value),
            owning(&|owning| owning.runs.value),
            text(&|sized| number(sized.site_power.get())),
            text(&|sized| sized.racks.to_string()),
            candidate.exceeds.iter().map(|need| need.as_str()).collect::<Vec<_>>().join("; "),
            candidate.refusal.clone().unwrap_or_default(),
        ]);
    }
    table.csv()
}

fn question(workload: &Workload) -> String {
    let jobs: Vec<String> = workload
        .jobs
        .iter()
        .map(|job| match job.tokens {
            Some(tokens) => format!("{} ({}), {tokens}", job.name, job.model.name),
            None => job.name.clone(),
        })
        .collect();
    jobs.join("; ")
}

fn usd(amount: f64) -> String {
    Money::new(amount, Currency::USD).to_string()
}

fn capital(sized: &Sized) -> String {
    match sized.capital {
        Some(capital) => {
            format!("{} ({} to {})", capital.value(), grouped(capital.low().amount(), 0), grouped(capital.high().amount(), 0))
        }
        None => "no price".to_owned(),
    }
}

fn verdict(answer: &Answer) -> Vec<String> {
    let Some(best) = &answer.best else { return refusal(answer) };
    let jobs: Vec<String> =
        best.jobs.iter().map(|job| format!("{} in {} on {}", job.name, job.time, job.strategy.describe())).collect();
    let owning = best.owning.as_ref().map(|owning| {
        let (all, runs) = (short(owning.over_life.value), short(owning.runs.value));
        format!(" Owned over {} for {all}, at which the runs cost {runs}.", owning.life)
    });
    let owning = owning.unwrap_or_default();
    let mut lines = vec![
        format!(
            "Buy {} nodes of {} ({} GPUs) on {}: {}.",
            grouped(f64::from(best.nodes), 0),
            best.design.server,
            grouped(f64::from(best.gpus), 0),
            best.design.wiring(),
            jobs.join("; ")
        ),
        format!(
            "Capital {}.{owning} Power {} at the meter, {} in a rack. Racks {}.",
            capital(best),
            best.site_power,
            best.rack_power,
            grouped(f64::from(best.racks), 0)
        ),
    ];
    if let Some((first, others)) = answer.binds.split_first() {
        let others: Vec<String> = others.iter().map(used).collect();
        let rest = if others.is_empty() { String::new() } else { format!(" Then: {}.", others.join("; ")) };
        lines.push(format!("Binds: {}.{rest}", used(first)));
    }
    lines
}

fn used(of: &Use) -> String {
    format!("{}, {} of {} ({:.0} %)", of.need.as_str(), of.need.shown(of.used), of.need.shown(of.most), of.share() * 100.0)
}

fn refusal(answer: &Answer) -> Vec<String> {
    let mut lines = vec!["No cluster meets the deadlines within the limits.".to_owned()];
    for way in &answer.ways {
        let several = if way.nodes == 1 { "node" } else { "nodes" };
        let does = if way.nodes == 1 { "does" } else { "do" };
        let nodes = format!("{} {several} of {}", grouped(f64::from(way.nodes), 0), way.server);
        lines.push(if way.raise.iter().any(|of| matches!(of.need, Need::Deadline | Need::LeadTime)) {
            format!("{}: then {nodes} {does}, about as fast as any number is.", raised(way))
        } else {
            format!("{}: then {nodes} {does}.", raised(way))
        });
    }
    if answer.ways.is_empty() {
        lines.push("No limit is known whose raising would do; the table says what each server lacks.".to_owned());
    }
    lines
}

fn raised(way: &Way) -> String {
    let each = |of: &Use| {
        format!(
            "{} from {} to {} ({:+.0} %)",
            of.need.as_str(),
            of.need.shown(of.most),
            of.need.shown(of.used),
            (of.share() - 1.0) * 100.0
        )
    };
    let how = if way.raise.iter().all(|of| of.need == Need::LeadTime) { "Shorten" } else { "Raise" };
    format!("{how} {}", way.raise.iter().map(each).collect::<Vec<_>>().join(", and "))
}

fn tables(answer: &Answer) -> Vec<(&'static str, Table)> {
    let mut out = vec![("The fewest nodes of each server that meet the deadlines", servers(answer))];
    if answer.front.len() > 1 {
        out.push(("What being done earlier costs", front(answer)));
    }
    if !answer.swings.is_empty() {
        out.push(("What moves the answer", swings(answer)));
    }
    if !answer.break_evens.is_empty() {
        out.push(("At what price of a node two servers cost the same", break_evens(answer)));
    }
    out
}

fn servers(answer: &Answer) -> Table {
    let headings = ["server", "nodes", "GPUs", "done in", "capital", "owned", "runs", "power", "racks", "network", ""];
    let mut table = Table::new(&headings, 1).with_remarks();
    for candidate in &answer.servers {
        let Some(sized) = &candidate.sized else {
            let mut row = vec![candidate.server.clone()];
            row.extend(std::iter::repeat_n("-".to_owned(), 9));
            row.push(candidate.refusal.clone().unwrap_or_default());
            table.row(row);
            continue;
        };
        let exceeds: Vec<&str> = candidate.exceeds.iter().map(|need| need.as_str()).collect();
        let mut row = vec![
            candidate.server.clone(),
            grouped(f64::from(sized.nodes), 0),
            grouped(f64::from(sized.gpus), 0),
            sized.done.to_string(),
        ];
        row.extend(money(sized));
        row.extend([
            sized.site_power.to_string(),
            grouped(f64::from(sized.racks), 0),
            sized.design.wiring(),
            if exceeds.is_empty() { String::new() } else { format!("exceeds {}", exceeds.join(", ")) },
        ]);
        table.row(row);
    }
    table
}

/// Capital, cost of owning, cost of the runs.
fn money(sized: &Sized) -> [String; 3] {
    let known = |money: Option<Money>| money.map_or_else(|| "-".to_owned(), short);
    let owning = sized.owning.as_ref();
    [
        known(sized.capital.map(MoneyInterval::value)),
        known(owning.map(|owning| owning.over_life.value)),
        known(owning.map(|owning| owning.runs.value)),
    ]
}

fn front(answer: &Answer) -> Table {
    let mut table = Table::new(&["server", "nodes", "GPUs", "done in", "capital", "owned", "runs", "power"], 1);
    for sized in &answer.front {
        let mut row = vec![
            sized.design.server.clone(),
            grouped(f64::from(sized.nodes), 0),
            grouped(f64::from(sized.gpus), 0),
            sized.done.to_string(),
        ];
        row.extend(money(sized));
        row.push(sized.site_power.to_string());
        table.row(row);
    }
    table
}

fn swings(answer: &Answer) -> Table {
    let mut table = Table::new(&["", "from", "to", "nodes", "capital", "owned", "runs"], 3);
    let between = |[a, b]: [f64; 2]| {
        let [a, b] = [a, b].map(|amount| short(Money::usd(amount)));
        if a == b { a } else { format!("{} to {b}", a.trim_end_matches(" USD")) }
    };
    for swing in &answer.swings {
        let [a, b] = swing.nodes.map(|nodes| grouped(f64::from(nodes), 0));
        let known = |ends: Option<[f64; 2]>| ends.map_or_else(|| "-".to_owned(), between);
        table.row([
            swing.what.to_owned(),
            swing.low.clone(),
            swing.high.clone(),
            if a == b { a } else { format!("{a} to {b}") },
            between(swing.capital_usd),
            known(swing.ownership_usd),
            known(swing.runs_usd),
        ]);
    }
    table
}

fn break_evens(answer: &Answer) -> Table {
    let mut table = Table::new(&["server", "against", "a node costs", "even at", "change", "a GPU over the other's"], 2);
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    for even in &answer.break_evens {
        table.row([
            even.server.clone(),
            even.against.clone(),
            usd(even.node_usd),
            even.even_usd.map_or_else(|| "no price".to_owned(), usd),
            even.change().map(percent).unwrap_or_default(),
            even.premium.map(percent).unwrap_or_default(),
        ]);
    }
    table
}

fn notes(answer: &Answer) -> Vec<String> {
    let mut notes = Vec::new();
    let unpriced =
        answer.servers.iter().filter_map(|candidate| candidate.sized.as_ref()).filter(|sized| sized.capital.is_none());
    for sized in unpriced {
        let server = &sized.design.server;
        notes.push(format!(
            "No price of a node `{server}` is known, so that it comes last: `price: {{items: {{{server}: 310000 USD}}}}` in a file for --site says it."
        ));
    }
    if let Some(best) = &answer.best {
        if best.unpriced > 0 {
            notes.push(format!(
                "{} kinds of items have no price and are not in the capital: `planner bom` names them, `price: {{items: ...}}` in a site file prices them.",
                best.unpriced
            ));
        }
        if best.jobs.len() > 1 {
            notes.push("Jobs run one after the other, the earliest deadline first, each on the whole cluster.".to_owned());
        }
    }
    notes
}
