//! The screen of `planner schedule`.

use std::fmt::Write as _;

use super::bars::{gantt, levels};
use super::tables::{jobs, sizes};
use super::time;
use crate::fleet::{Answer, Failures, Outcome, Placement};
use crate::units::{Seconds, grouped};

/// Jobs that are still listed one by one.
const LISTED: usize = 60;
/// Characters of the time axis.
const COLUMNS: usize = 72;

/// What it is a schedule of.
pub(super) fn title(answer: &Answer) -> String {
    let placed = match answer.placement {
        Placement::Pool => "GPUs counted",
        Placement::Node => "placed by node",
        Placement::Leaf => "placed by leaf",
        Placement::Pod => "placed by leaf and pod",
        Placement::Domain => "placed by domain, leaf and pod",
    };
    format!(
        "{} jobs on {} · {} nodes, {} GPUs · {}, {placed}",
        grouped(answer.jobs.len() as f64, 0),
        answer.cluster,
        grouped(f64::from(answer.nodes), 0),
        grouped(f64::from(answer.gpus), 0),
        answer.policy.as_str(),
    )
}

/// The figures of the first lines.
pub(super) fn facts(answer: &Answer) -> Vec<(&'static str, String)> {
    let waits = &answer.waits;
    let span = |seconds: f64| Seconds::new(seconds).to_string();
    let deadlines = answer.jobs.iter().filter(|job| job.deadline.is_some()).count();
    let late = answer.jobs.iter().filter(|job| job.late.is_some()).count();
    let mut done = format!("all after {}, {:.1} % of GPU time used", time(answer.end), answer.utilisation * 100.0);
    let never = answer.jobs.iter().filter(|job| job.finish.is_none()).count();
    if never > 0 {
        let jobs =
            if never == 1 { "1 job NEVER RUNS".to_owned() } else { format!("{} jobs NEVER RUN", grouped(never as f64, 0)) };
        done = format!("{jobs}, the others are done after {}", time(answer.end));
    }
    if deadlines > 0 {
        let _ = write!(done, ", {late} of {deadlines} deadlines missed");
    }
    let mut facts = vec![
        ("Done", done),
        (
            "Waits",
            format!(
                "mean {}, half within {}, 95 % within {}, longest {}",
                span(waits.mean),
                span(waits.p50),
                span(waits.p95),
                span(waits.most)
            ),
        ),
        ("Turnaround", format!("mean {} from submission to end", span(waits.completion))),
    ];
    let held = &answer.held;
    let limits = [
        ("GPUs", held.gpus),
        ("places that go together", held.topology),
        ("power", held.power),
        ("promised nodes", held.promised),
    ];
    let limits: Vec<String> =
        limits.iter().filter(|(_, held)| held.millis() > 0).map(|(name, held)| format!("{name} {}", time(*held))).collect();
    if !limits.is_empty() {
        facts
            .push(("Limited by", format!("{}; free GPUs in pieces: {:.0} %", limits.join(", "), answer.fragmentation * 100.0)));
    }
    let mut energy = vec![answer.energy.to_string()];
    energy.extend(answer.electricity.map(|money| format!("electricity {money}")));
    energy.extend(answer.cost.as_ref().map(|cost| format!("all GPUs for that time {}", cost.total)));
    energy.extend(answer.carbon.map(|carbon| format!("{carbon} CO2e")));
    facts.push(("Energy", energy.join(", ")));
    if let Some(failures) = &answer.failures {
        facts.push(("Failures", failures_in_words(failures)));
    }
    if let Some(size) = &answer.smallest {
        let mut line = format!("{} nodes meet all deadlines", grouped(f64::from(size.nodes), 0));
        line += &size.all_in_time.map_or_else(String::new, |share| format!(", with failures in {:.0} %", share * 100.0));
        let _ = write!(line, ", the last job done after {}", time(size.end));
        facts.push(("Smallest", line));
    }
    facts
}

fn failures_in_words(failures: &Failures) -> String {
    let mut parts = vec![format!("{} simulations", grouped(failures.seeds as f64, 0))];
    if let Some(faults) = failures.faults {
        parts.push(format!(
            "{} nodes fail (90 % {} to {})",
            grouped(faults.p50, 0),
            grouped(faults.p5, 0),
            grouped(faults.p95, 0)
        ));
    }
    if let Some(end) = failures.end {
        let at = |seconds: f64| Seconds::new(seconds).to_string();
        parts.push(format!("all done after {} (90 % {} to {})", at(end.p50), at(end.p5), at(end.p95)));
    }
    if let Some(missed) = failures.missed {
        parts.push(format!("{:.0} deadlines missed (90 % {:.0} to {:.0})", missed.p50, missed.p5, missed.p95));
    }
    parts.push(format!("all met in {:.0} %", failures.all_in_time * 100.0));
    parts.join(", ")
}

/// The schedule as text: the answer in the first lines, then the jobs, then how they run over time.
#[must_use]
pub fn schedule_text(answer: &Answer, outcome: &Outcome) -> String {
    let mut out = format!("{}\n\n", title(answer));
    for (name, value) in facts(answer) {
        let _ = writeln!(out, "  {name:<11} {value}");
    }
    if answer.queues.len() > 1 {
        for (name, waits) in &answer.queues {
            let wait = Seconds::new(waits.mean);
            let _ =
                writeln!(out, "  {:<11} {} jobs of queue {name} wait {wait} in the mean", "", grouped(waits.jobs as f64, 0));
        }
    }
    if !answer.larger.is_empty() {
        let _ = write!(out, "\n{}", sizes(&answer.larger).text(2));
    }
    let few = answer.jobs.len() <= LISTED;
    if few {
        let _ = write!(out, "\n{}", jobs(answer).text(2));
    }
    let width = if few { answer.jobs.iter().map(|job| job.name.chars().count()).max().unwrap_or(0).max(10) } else { 10 };
    let mut line = |name: &str, content: &str| {
        let pad = " ".repeat(width.saturating_sub(name.chars().count()));
        let _ = writeln!(out, "{}", format!("  {name}{pad}  {content}").trim_end());
    };
    line("", "");
    if few {
        for (name, content) in gantt(answer, outcome, COLUMNS) {
            line(&name, &content);
        }
    }
    let course = |of: &dyn Fn(&crate::fleet::Stretch) -> f64| answer.course.iter().map(of).collect::<Vec<f64>>();
    line("GPUs used", &levels(&course(&|stretch| stretch.gpus), f64::from(answer.gpus), COLUMNS));
    let power = course(&|stretch| stretch.power.get());
    let most = power.iter().copied().fold(0.0, f64::max);
    line("power", &levels(&power, most, COLUMNS));
    let end = time(answer.end);
    line("", &format!("0{end:>width$}", width = COLUMNS - 1));
    if few {
        line("", "█ runs  · waits  x stopped by a failure  < stopped for others  | deadline");
    }
    let _ = writeln!(out, "\n  Power of idle nodes is assumed, {:.0} % of their largest.", answer.idle_power.value * 100.0);
    for pool in answer.cost.iter().flat_map(|cost| &cost.pools) {
        let (price, why) = (&pool.gpu_hour, pool.gpu_hour.provenance.as_str());
        let _ =
            writeln!(out, "  An hour of a GPU of {}, used or not, costs {} ({why}: {}).", pool.pool, price.value, price.source);
    }
    let _ = writeln!(out, "  Not modelled: {}.", answer.not_modelled.join(", "));
    out
}
