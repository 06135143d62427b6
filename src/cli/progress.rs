//! Progress of a measurement or a sweep, on terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::bench::Watcher;
use crate::search::Progress;

/// A bar on standard error; nothing where that is no terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(gpu: &str, kernels: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(kernels as u64), ProgressDrawTarget::stderr());
        // A template that does not parse, which no test lets pass, leaves the default style.
        if let Ok(style) = ProgressStyle::with_template("{prefix}  {bar:24} {pos}/{len}  {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(gpu.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Watcher for Bar {
    fn begins(&mut self, kernel: &str, number: usize, _: usize) {
        self.0.set_position(number as u64);
        self.0.set_message(kernel.to_owned());
    }

    fn sampled(&mut self, _: usize) {
        self.0.tick();
    }

    fn done(&mut self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar of a sweep's items, with their rate. It guesses no end, because items differ a thousandfold in what they take.
pub(super) struct Items(ProgressBar);

impl Items {
    pub(super) fn new(items: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(items as u64), ProgressDrawTarget::stderr());
        // As above, the default style is left by a template that does not parse.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} items  {per_sec}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many more are planned.
    pub(super) fn done(&self, items: usize) {
        self.0.inc(items as u64);
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar of a search's layouts, with their rate.
pub(super) struct Layouts(ProgressBar);

impl Layouts {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        // As above, the default style is left by a template that does not parse.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {human_pos} of {human_len} layouts  {per_sec}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// How far the search is.
    pub(super) fn show(&self, progress: Progress) {
        self.0.set_length(progress.all);
        self.0.set_position(progress.done);
    }
}

impl Drop for Layouts {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
