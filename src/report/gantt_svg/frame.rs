//! What is around the rows: heading, time axis, the rows left out, legend.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::scene::{Class, idle};
use super::super::svg::escape;
use super::ink::{BUBBLE, CRITICAL, FAINT, fill, gib, px};
use super::layout::{Gantt, HIDDEN, LEFT, TOP, WIDTH, ticks};
use crate::step::graph::Stream;
use crate::units::grouped;

impl Gantt<'_> {
    pub(super) fn heading(&self, out: &mut String) {
        let many = |n: u32, name: &str| format!("{} {name}{}", grouped(f64::from(n), 0), if n == 1 { "" } else { "s" });
        let mut facts = vec![format!("step {}", self.scene.timeline.step), many(self.scene.stages, "stage")];
        facts.extend((self.chunks > 1).then(|| format!("{} each", many(self.chunks, "chunk"))));
        facts.push(many(self.microbatches, "microbatch").replace("batchs", "batches"));
        facts.push(format!("{:.1} % idle", 100.0 * idle(self.scene, &self.stages)));
        let _ =
            writeln!(out, "<text x=\"24\" y=\"34\" font-size=\"17\" font-weight=\"600\">{}</text>", escape(self.scene.title));
        let _ = writeln!(out, "<text x=\"24\" y=\"55\" fill=\"{FAINT}\">{}</text>", escape(&facts.join(" · ")));
        let y = px(TOP - 10.0);
        let _ = write!(out, "<g font-size=\"11\" fill=\"{FAINT}\" text-anchor=\"end\">");
        let _ = write!(out, "<text x=\"{}\" y=\"{y}\">idle</text>", px(self.right + 50.0));
        if self.right < WIDTH - 100.0 {
            let all: Vec<String> = self.scene.capacities().into_iter().map(gib).collect();
            let capacity = escape(&format!("peak of {}", all.join(", ")));
            let _ = write!(out, "<text x=\"{}\" y=\"{y}\">{capacity}</text>", px(WIDTH - 20.0));
        }
        out.push_str("</g>\n");
    }

    /// Grid lines behind the rows, times below them.
    pub(super) fn axis(&self, out: &mut String) {
        let ticks = ticks(self.scene.timeline.step.get());
        let (top, bottom) = (px(TOP - 4.0), px(self.bottom));
        let _ = write!(out, "<path stroke=\"#dfe4ec\" d=\"");
        for (time, _) in &ticks {
            let _ = write!(out, "M{} {top}V{bottom}", px(self.x(*time)));
        }
        let _ = write!(out, "\"/>\n<g font-size=\"11\" fill=\"{FAINT}\" text-anchor=\"middle\">");
        for (time, label) in &ticks {
            let _ = write!(out, "<text x=\"{}\" y=\"{}\">{label}</text>", px(self.x(*time)), px(self.bottom + 15.0));
        }
        out.push_str("</g>\n");
    }

    pub(super) fn hidden(&self, out: &mut String, count: u32, y: f64) {
        let middle = y + HIDDEN / 2.0 - 3.0;
        let x = f64::midpoint(LEFT, self.right);
        let _ = writeln!(
            out,
            "<path stroke=\"#b6c0ce\" stroke-dasharray=\"1 5\" stroke-width=\"2\" stroke-linecap=\"round\" \
             d=\"M{} {m}H{}M{} {m}H{}\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{FAINT}\" \
             stroke=\"#fcfdfe\" stroke-width=\"5\" paint-order=\"stroke\">{count} more stage{}</text>",
            px(LEFT),
            px(x - 64.0),
            px(x + 64.0),
            px(self.right),
            px(x),
            px(middle + 4.0),
            if count == 1 { "" } else { "s" },
            m = px(middle),
        );
    }

    /// What occurs, and what it looks like. Returns where it ends.
    pub(super) fn legend(&self, out: &mut String, top: f64) -> f64 {
        let used: BTreeSet<Class> = self.turns.iter().flatten().flat_map(|turn| &turn.stretches).map(|s| s.class).collect();
        let (mut x, mut y) = (LEFT, top);
        let mut entry = |name: &str, swatch: &dyn Fn(f64, f64) -> String, out: &mut String| {
            let width = 20.0 + 6.7 * name.chars().count() as f64 + 18.0;
            if x > LEFT && x + width > WIDTH - 20.0 {
                (x, y) = (LEFT, y + 20.0);
            }
            let _ = writeln!(out, "{}<text x=\"{}\" y=\"{}\">{name}</text>", swatch(x, y), px(x + 20.0), px(y));
            x += width;
        };
        let rect = |x: f64, top: f64, height: f64, fill: &str| {
            format!("<rect x=\"{}\" y=\"{}\" width=\"14\" height=\"{}\" fill=\"{fill}\"/>", px(x), px(top), px(height))
        };
        for class in used {
            let later = fill(class, 1, 2);
            let name = class.name().to_owned();
            match class {
                Class::Pair => {
                    let halves = |x: f64, y: f64| {
                        rect(x, y - 10.0, 6.0, &fill(Class::Forward, 0, 1))
                            + &rect(x, y - 4.0, 6.0, &fill(Class::Backward, 0, 1))
                    };
                    entry(&name, &halves, out);
                }
                _ if self.chunks > 1 && !self.columns && later != fill(class, 0, 1) => {
                    let shades = |x: f64, y: f64| {
                        rect(x, y - 10.0, 12.0, &fill(class, 0, 1))
                            + &format!("<path fill=\"{later}\" d=\"M{} {}h-9l9 -12z\"/>", px(x + 14.0), px(y + 2.0))
                    };
                    entry(&format!("{name} (later chunks lighter)"), &shades, out);
                }
                _ => entry(&name, &|x, y| rect(x, y - 10.0, 12.0, &fill(class, 0, 1)), out),
            }
        }
        entry("idle", &|x, y| rect(x, y - 10.0, 12.0, BUBBLE), out);
        for (_, colour, streams) in &self.lanes {
            let name = if streams.contains(&Stream::DataParallel) {
                "communication with replicas"
            } else {
                "transfers between stages"
            };
            entry(name, &|x, y| rect(x, y - 6.0, 3.0, colour), out);
        }
        if self.scene.timeline.tasks.iter().any(|placed| placed.critical) {
            let outline = |x: f64, y: f64| {
                let (x, y) = (px(x), px(y - 9.5));
                format!("<path fill=\"none\" stroke=\"{CRITICAL}\" stroke-width=\"1.3\" d=\"M{x} {y}h13v11h-13z\"/>")
            };
            entry("critical path", &outline, out);
        }
        if self.curve > 0.0 {
            entry("memory, dashed where full", &|x, y| rect(x, y - 5.0, 7.0, "#d9e0ea") + &rect(x, y - 5.6, 1.0, FAINT), out);
        }
        if self.columns {
            entry("columns: share of time", &|_, _| String::new(), out);
        }
        y
    }
}
