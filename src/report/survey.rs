//! The screen of `planner search`: layouts and what makes them slower, how sure the first is, what other goals would choose, what
//! better hardware is worth.

use std::fmt::Write as _;

use super::Table;
use super::plan::{because, gib, headline, percent, wrapped};
use crate::plan::survey::{Effect, Lever, Survey};
use crate::units::{Seconds, grouped};

/// What the front is made of.
const FRONT: &str = "Each is the fastest on as many GPUs or fewer that leaves no less of a quarter, half or three quarters of the memory free; \
                     differences below 1 % are none.";

/// The survey as text.
#[must_use]
pub fn survey_text(survey: &Survey) -> String {
    let mut out = headline(&survey.plan);
    for (title, table, note) in parts(survey) {
        let _ = write!(out, "\n  {title}\n{}", table.text(2));
        if !note.is_empty() {
            out += &wrapped(&note);
        }
    }
    out
}

/// The survey as Markdown.
#[must_use]
pub fn survey_markdown(survey: &Survey) -> String {
    let mut out = format!("### {}", headline(&survey.plan));
    for (title, table, note) in parts(survey) {
        let _ = write!(out, "\n**{title}**\n\n{}", table.markdown());
        if !note.is_empty() {
            let _ = write!(out, "\n{note}\n");
        }
    }
    out
}

/// The layouts as CSV: the best, the next best and the front, a row each, in base units.
#[must_use]
pub fn survey_csv(survey: &Survey) -> String {
    let number = |value: f64| format!("{value:.8e}").parse::<f64>().unwrap_or(value).to_string();
    let mut table = Table::new(&["list", "layout", "gpus", "slower_by", "dearer_by", "memory_bytes", "chance_best"], 2);
    let plan = &survey.plan;
    let chance = |strategy| survey.trust.chance(strategy).map(number).unwrap_or_default();
    let memory = plan.step.fullest().map(|stage| number(stage.memory.total().get())).unwrap_or_default();
    let zero = || "0".to_owned();
    let gpus = plan.step.gpus.to_string();
    table.row(["best".to_owned(), plan.step.strategy.describe(), gpus, zero(), zero(), memory, chance(&plan.step.strategy)]);
    for other in &plan.alternatives {
        table.row([
            "best".to_owned(),
            other.strategy.describe(),
            other.strategy.gpus().to_string(),
            number(other.slower_by),
            number(other.dearer_by),
            number(other.memory.get()),
            chance(&other.strategy),
        ]);
    }
    for point in &survey.front {
        table.row([
            "front".to_owned(),
            point.strategy.describe(),
            point.gpus.to_string(),
            number(point.slower_by),
            number(point.dearer_by),
            number(point.memory.get()),
            String::new(),
        ]);
    }
    table.csv()
}

/// What is told: a title, a table, a sentence.
fn parts(survey: &Survey) -> Vec<(String, Table, String)> {
    let objective = "The best layouts, each the best of its degrees of parallelism".to_owned();
    let front = "Layouts that no other beats in time, memory, GPU-hours and energy at once".to_owned();
    let levers = "A tenth more, a tenth less of the hardware, the layouts searched anew".to_owned();
    vec![
        (objective, best(survey), sureness(survey)),
        (front, goals(survey), FRONT.to_owned()),
        (levers, hardware(survey), worth(survey)),
    ]
}

fn best(survey: &Survey) -> Table {
    let plan = &survey.plan;
    let mut table = Table::new(&["layout", "time", "memory", "best in", "because of"], 1).with_remarks();
    let chance = |strategy| survey.trust.chance(strategy).map_or(String::new(), |chance| format!("{:.0} %", chance * 100.0));
    let memory = plan.step.fullest().map_or(String::new(), |stage| gib(stage.memory.total()));
    table.row([
        plan.step.strategy.describe(),
        plan.step.step_time.to_string(),
        memory,
        chance(&plan.step.strategy),
        String::new(),
    ]);
    for other in &plan.alternatives {
        table.row([
            other.strategy.describe(),
            percent(other.slower_by),
            gib(other.memory),
            chance(&other.strategy),
            because(other),
        ]);
    }
    table
}

fn sureness(survey: &Survey) -> String {
    let trust = &survey.trust;
    let within: Vec<String> = trust
        .within
        .iter()
        .map(|within| format!("within {:.0} % of it in {:.0} %", within.margin * 100.0, within.chance * 100.0))
        .collect();
    let first = trust.layouts.first().map_or(0.0, |likely| likely.best);
    let mut out = format!("The first leaves {:.0} % of the memory free", trust.free_memory * 100.0);
    if let Some(slower) = trust.without_overlap {
        let _ = write!(out, ", and relies on overlap: {} time where communication does not overlap", percent(slower));
    }
    out.push('.');
    if trust.layouts.len() < 2 {
        return out;
    }
    let _ = write!(
        out,
        " Best in: how often, when {} combinations of degrees are each off by as much as those of {} published sweeps were ({} layouts, \
         half of them by less than {:.1} %). The first is the best in {:.0} % of cases, {}.",
        trust.layouts.len(),
        trust.from.sweeps,
        trust.from.layouts,
        trust.from.deciles[5].exp_m1() * 100.0,
        first * 100.0,
        within.join(", ")
    );
    out
}

fn goals(survey: &Survey) -> Table {
    let job = survey.plan.run.is_some();
    let mut headings = vec!["layout", "GPUs", "time", "GPU-hours", "memory", "free"];
    if job {
        headings.extend(["run", "energy", "cost"]);
    }
    let mut table = Table::new(&headings, 1);
    for point in &survey.front {
        let mut cells = vec![
            point.strategy.describe(),
            grouped(point.gpus as f64, 0),
            percent(point.slower_by),
            percent(point.dearer_by),
            gib(point.memory),
            format!("{:.0} %", point.free_memory * 100.0),
        ];
        if job {
            cells.push(point.run_time.map(|time| time.to_string()).unwrap_or_default());
            cells.push(point.energy.map(|energy| energy.to_string()).unwrap_or_default());
            cells.push(point.cost.map(|cost| cost.to_string()).unwrap_or_default());
        }
        table.row(cells);
    }
    table
}

fn hardware(survey: &Survey) -> Table {
    let worth = survey.levers.iter().any(|lever| lever.worth.is_some());
    let mut headings = vec!["", "now", "+10 %", "-10 %"];
    if worth {
        headings.push("+10 % is worth");
    }
    headings.push("other layout");
    let mut table = Table::new(&headings, 1).with_remarks();
    for lever in &survey.levers {
        let mut cells =
            vec![lever.what.to_owned(), lever.now.clone(), effect(lever.more.as_ref()), effect(lever.less.as_ref())];
        if worth {
            cells.push(lever.worth.map(|money| format!("{money} a GPU")).unwrap_or_default());
        }
        cells.push(others(lever));
        table.row(cells);
    }
    table
}

fn effect(effect: Option<&Effect>) -> String {
    effect.map_or(
        "does not fit".to_owned(),
        |effect| if effect.by.abs() < 5e-5 { "the same".to_owned() } else { percent(effect.by) },
    )
}

/// The layouts that a move would change to.
fn others(lever: &Lever) -> String {
    let other = |sign: &str, effect: Option<&Effect>| {
        effect.and_then(|effect| effect.other).map(|strategy| format!("{sign}10 %: {}", strategy.describe()))
    };
    let all: Vec<String> = other("+", lever.more.as_ref()).into_iter().chain(other("-", lever.less.as_ref())).collect();
    all.join("; ")
}

fn worth(survey: &Survey) -> String {
    let plan = &survey.plan;
    let Some((run, _)) = plan.run.as_ref().zip(plan.cost.as_ref().and_then(|cost| cost.total)) else { return String::new() };
    let time: Seconds = run.time;
    format!(
        "Changes are of the time per token, or of what else was asked for. Worth: what is saved over one run of {time}, for each GPU."
    )
}
