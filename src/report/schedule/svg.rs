//! A schedule as a Gantt chart in SVG: a row a job, time to the right, GPUs in use and power below.

use std::fmt::Write as _;

use super::super::gantt_svg::{CRITICAL, FAINT, Paths, WIDTH, px, ticks};
use super::super::svg::{card, escape};
use super::{text, time};
use crate::fleet::{Answer, Ended, Job, Moment, Outcome, Stretch};
use crate::units::{Watts, grouped};

/// Height of a row.
const ROW: f64 = 18.0;
/// Top of the first row.
const TOP: f64 = 100.0;
/// Rows that are still drawn.
const MOST: usize = 200;
/// Heights of the curves of GPUs in use and of power, and of the space above each.
const CURVE: f64 = 56.0;
const SPACE: f64 = 14.0;
/// Width of a letter of the legend.
const LETTER: f64 = 6.2;
/// Colours of queues, one after another.
const COLOURS: [&str; 6] = ["#6fa3e8", "#62bd8f", "#dd85ae", "#f29f4b", "#b9a6e6", "#45b0a8"];
const WAITING: &str = "#e3e8ef";

/// The schedule as a picture. The same schedule gives the same bytes.
#[must_use]
pub fn schedule_svg(answer: &Answer, jobs: &[Job], outcome: &Outcome) -> String {
    let shown = answer.jobs.len().min(MOST);
    let longest = answer.jobs.iter().take(shown).map(|job| job.name.chars().count()).max().unwrap_or(0);
    let left = (40.0 + 6.6 * longest.max(11) as f64).min(320.0);
    let chart = Chart { left, scale: (WIDTH - 40.0 - left) / answer.end.secs().max(1.0) };
    let bottom = TOP + ROW * shown as f64;
    let mut body = String::new();
    heading(&mut body, answer, shown);
    legend(&mut body, answer);
    let below = bottom + 2.0 * (SPACE + CURVE);
    chart.axis(&mut body, answer, below + 4.0);
    chart.jobs(&mut body, answer, &jobs[..shown], outcome);
    let gpus = f64::from(answer.gpus);
    chart.curve(&mut body, answer, bottom + SPACE, ("GPUs in use", gpus, &grouped(gpus, 0)), |stretch| stretch.gpus);
    let power = answer.course.iter().map(|stretch| stretch.power.get()).fold(0.0, f64::max);
    let most = Watts::new(power).to_string();
    chart.curve(&mut body, answer, bottom + 2.0 * SPACE + CURVE, ("power", power, &most), |stretch| stretch.power.get());
    card(&text::title(answer), (WIDTH, below + 36.0), &body)
}

fn heading(out: &mut String, answer: &Answer, shown: usize) {
    let mut facts: Vec<String> = text::facts(answer).into_iter().take(1).map(|(_, value)| value).collect();
    if shown < answer.jobs.len() {
        facts.push(format!("the first {shown} jobs"));
    }
    let title = escape(&text::title(answer));
    let _ = writeln!(out, "<text x=\"24\" y=\"34\" font-size=\"17\" font-weight=\"600\">{title}</text>");
    let _ = writeln!(out, "<text x=\"24\" y=\"55\" fill=\"{FAINT}\">{}</text>", escape(&facts.join(" · ")));
}

/// What colours and marks stand for, in a line.
fn legend(out: &mut String, answer: &Answer) {
    let mut x = 24.0;
    let mut entry = |mark: String, width: f64, said: &str| {
        let _ = writeln!(
            out,
            "{mark}<text x=\"{}\" y=\"78\" font-size=\"11\" fill=\"{FAINT}\">{}</text>",
            px(x + width),
            escape(said)
        );
        x += width + LETTER * said.chars().count() as f64 + 18.0;
        x
    };
    let mut at = 24.0;
    if answer.queues.len() > 1 {
        for ((queue, _), colour) in answer.queues.iter().zip(COLOURS.iter().cycle()) {
            let mark = format!("<rect x=\"{}\" y=\"69\" width=\"12\" height=\"10\" rx=\"2\" fill=\"{colour}\"/>", px(at));
            at = entry(mark, 17.0, queue);
        }
    }
    let mark = format!("<rect x=\"{}\" y=\"72\" width=\"12\" height=\"5\" fill=\"{WAITING}\"/>", px(at));
    at = entry(mark, 17.0, "waits");
    for (colour, width, said) in [(FAINT, 2, "deadline"), (CRITICAL, 2, "deadline missed"), (CRITICAL, 1, "stopped")] {
        let mark = format!("<path stroke=\"{colour}\" stroke-width=\"{width}\" d=\"M{} 67v13\"/>", px(at + 2.0));
        at = entry(mark, 9.0, said);
    }
}

struct Chart {
    left: f64,
    /// Pixels of a second.
    scale: f64,
}

impl Chart {
    fn x(&self, at: Moment) -> f64 {
        self.left + at.secs() * self.scale
    }

    fn axis(&self, out: &mut String, answer: &Answer, bottom: f64) {
        let ticks = ticks(answer.end.secs());
        let x = |seconds: f64| px(self.left + seconds * self.scale);
        let _ = write!(out, "<path stroke=\"#dfe4ec\" d=\"");
        for (at, _) in &ticks {
            let _ = write!(out, "M{} {}V{}", x(*at), px(TOP - 6.0), px(bottom));
        }
        out.push_str("\"/>\n");
        let _ = write!(out, "<g font-size=\"11\" fill=\"{FAINT}\" text-anchor=\"middle\">");
        for (at, label) in &ticks {
            let _ = write!(out, "<text x=\"{}\" y=\"{}\">{label}</text>", x(*at), px(bottom + 15.0));
        }
        out.push_str("</g>\n");
    }

    fn jobs(&self, out: &mut String, answer: &Answer, jobs: &[Job], outcome: &Outcome) {
        let top = |job: usize| TOP + ROW * job as f64;
        let mut waiting = Paths::default();
        let mut marks = String::new();
        for (i, (job, answer_of)) in jobs.iter().zip(&answer.jobs).enumerate() {
            let y = px(top(i) + 12.0);
            let _ = writeln!(out, "<text x=\"24\" y=\"{y}\" font-size=\"11\">{}</text>", escape(&job.name));
            if let Some(ready) = outcome.records[i].ready {
                let (from, until) = (self.x(ready), self.x(answer_of.finish.unwrap_or(answer.end)));
                waiting.rect(WAITING, from, top(i) + 6.0, (until - from).max(1.0), 5.0);
            }
            if let Some(deadline) = job.deadline.filter(|deadline| *deadline <= answer.end) {
                let colour = if answer_of.late.is_some() { CRITICAL } else { FAINT };
                let x = px(self.x(deadline));
                let _ = write!(
                    marks,
                    "<path stroke=\"{colour}\" stroke-width=\"2\" d=\"M{x} {}v{}\"/>",
                    px(top(i) + 1.0),
                    px(ROW - 4.0)
                );
            }
        }
        waiting.write(out);
        for segment in outcome.segments.iter().filter(|segment| (segment.job as usize) < jobs.len()) {
            let job = &jobs[segment.job as usize];
            let y = top(segment.job as usize) + 2.0;
            let (from, until) = (self.x(segment.start), self.x(segment.end));
            let fill = COLOURS[job.queue as usize % COLOURS.len()];
            let (x, width, height) = (px(from), px((until - from).max(0.8)), px(ROW - 5.0));
            let said =
                format!("{}: {} GPUs from {} to {}", job.name, segment.allocation.gpus, time(segment.start), time(segment.end));
            let said = escape(&said);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"2\" fill=\"{fill}\"><title>{said}</title></rect>",
                px(y)
            );
            if segment.ended != Ended::Done {
                let _ = write!(marks, "<path stroke=\"{CRITICAL}\" d=\"M{} {}v{height}\"/>", px(until), px(y));
            }
        }
        let _ = writeln!(out, "{marks}");
    }

    /// What goes on below the jobs, up to a dashed line at `most`.
    fn curve(
        &self,
        out: &mut String,
        answer: &Answer,
        top: f64,
        (name, most, said): (&str, f64, &str),
        of: impl Fn(&Stretch) -> f64,
    ) {
        let base = top + CURVE;
        let height = |value: f64| px(base - CURVE * value / most.max(1e-9));
        let mut path = format!("M{} {}", px(self.left), px(base));
        let ends = answer.course.iter().skip(1).map(|stretch| stretch.from).chain([answer.end]);
        for (stretch, end) in answer.course.iter().zip(ends) {
            let _ = write!(path, "V{}H{}", height(of(stretch)), px(self.x(end)));
        }
        let _ = writeln!(out, "<path fill=\"#93a4bb\" d=\"{path}V{}z\"/>", px(base));
        let label = |out: &mut String, y: f64, text: &str| {
            let _ = writeln!(out, "<text x=\"24\" y=\"{}\" font-size=\"11\" fill=\"{FAINT}\">{}</text>", px(y), escape(text));
        };
        label(out, base - 2.0, name);
        label(out, top + 9.0, said);
        let _ = writeln!(
            out,
            "<path stroke=\"#b6c0ce\" stroke-width=\"0.7\" stroke-dasharray=\"2 3\" d=\"M{} {}H{}\"/>",
            px(self.left),
            height(most),
            px(self.x(answer.end))
        );
    }
}
