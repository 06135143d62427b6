//! A step as a Gantt chart in SVG: a row a stage, time to the right.
//!
//! The picture is one file without script, on a light card that stays readable on a dark page. Boxes are what runs on a stage's
//! compute stream; thin lanes below are transfers and the communication with replicas, behind which it may hide. Of many stages
//! the first and the last are shown. Boxes too narrow to see are drawn as one with a neighbour of the same kind; where whole
//! passes are, columns show the share of time that each kind has.

mod critical;
mod frame;
mod ink;
mod layout;
mod row;

pub(super) use self::ink::{CRITICAL, FAINT, INK, Paths, px};
use self::layout::Gantt;
pub(super) use self::layout::{WIDTH, ticks};
use super::scene::{Row, Scene};
use super::svg::card;

/// The step as a picture of 1,200 pixels' width. The same step gives the same bytes.
#[must_use]
pub fn gantt_svg(scene: &Scene) -> String {
    Gantt::new(scene).draw()
}

impl Gantt<'_> {
    fn draw(&self) -> String {
        let mut body = String::new();
        self.heading(&mut body);
        self.axis(&mut body);
        for (row, y) in &self.rows {
            if let Row::Stage(stage) = row {
                self.stage(&mut body, *stage, *y);
            }
        }
        self.critical(&mut body);
        for (row, y) in &self.rows {
            if let Row::Hidden { count, .. } = row {
                self.hidden(&mut body, *count, *y);
            }
        }
        let bottom = self.legend(&mut body, self.bottom + 44.0);
        card(self.scene.title, (WIDTH, bottom + 18.0), &body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::fake;
    use super::layout::ticks;
    use super::*;
    use crate::units::Seconds;

    /// Every tag closed, in order; attributes in double quotes; no bare ampersand.
    fn check_xml(svg: &str) {
        let mut open: Vec<&str> = Vec::new();
        for (i, _) in svg.match_indices('<') {
            let tag = &svg[i + 1..i + svg[i..].find('>').unwrap()];
            assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "{tag}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap());
            }
        }
        assert!(open.is_empty(), "{open:?}");
        for (i, _) in svg.match_indices('&') {
            assert!(["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|entity| svg[i..].starts_with(entity)));
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "not a number");
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn is_well_formed_and_the_same_every_time() {
        for (p, v, m) in [(1, 1, 1), (4, 1, 8), (8, 2, 16), (26, 1, 30)] {
            let step = fake::interleaved(p, v, m);
            let svg = gantt_svg(&step.scene());
            check_xml(&svg);
            assert_eq!(svg, gantt_svg(&fake::interleaved(p, v, m).scene()));
        }
    }

    #[test]
    fn other_classes_have_their_colours_and_the_title_its_escapes() {
        let step = fake::put_off();
        let svg = gantt_svg(&step.scene());
        check_xml(&svg);
        assert!(svg.contains("&quot;a&quot; &lt; b &amp; c"));
        for class in ["forward and backward overlapped", "input gradient", "weight gradient", "optimizer"] {
            assert!(svg.contains(&format!(">{class}</text>")), "{class}");
        }
    }

    #[test]
    fn many_stages_are_left_out_and_many_microbatches_stay_small() {
        let step = fake::interleaved(64, 1, 16);
        let svg = gantt_svg(&step.scene());
        check_xml(&svg);
        assert!(svg.contains(">40 more stages</text>"));
        assert!(svg.contains(">stage 52</text>") && !svg.contains(">stage 30</text>"));
        let many = fake::interleaved(2, 1, 512);
        let svg = gantt_svg(&many.scene());
        assert!(svg.contains("columns: share of time"));
        assert!(svg.len() < 1_000_000, "{}", svg.len());
    }

    #[test]
    fn an_empty_step_draws_nothing_and_does_not_fail() {
        let timeline = crate::step::graph::Timeline { step: Seconds::ZERO, tasks: Vec::new() };
        let scene = Scene { title: "none", stages: 2, timeline: &timeline, memory: &[], capacity: &[] };
        check_xml(&gantt_svg(&scene));
    }

    #[test]
    fn ticks_are_round() {
        let labels: Vec<String> = ticks(0.43).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms", "300 ms", "350 ms", "400 ms"]);
        assert_eq!(ticks(13.8).last().unwrap().1, "12 s");
        assert_eq!(ticks(1.05).last().unwrap().1, "1.0 s");
    }
}
