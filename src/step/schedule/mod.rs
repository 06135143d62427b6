//! Pipeline schedules: who runs what, in which order. One file a schedule.
//!
//! A schedule knows degrees, not durations; only the heuristic looks at how long the passes take, to compare the orders that it
//! tries. A stage holds chunks of layers, [`Placement`] says which slices of the model they are, and an order is a list of
//! [`Turn`]s. The backward pass is one turn, or two where a schedule moves the weight gradient, which no other stage waits for.
//!
//! In the files p is the number of stages, v of chunks a stage, m of microbatches, i a stage, and F, B and W the times of a
//! chunk's forward pass, input gradient and weight gradient. The bubble is the time that the stage with the longest span from
//! its first to its last turn is idle in between, for chunks that all take as long and transfers that take no time.

mod breadth_first;
mod closed;
mod dualpipe;
mod dualpipev;
mod gpipe;
mod greedy;
mod interleaved;
mod kind;
mod one_f_one_b;
mod order_error;
mod placement;
mod rule;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod timing;
mod zb_auto;
mod zb_h1;
mod zb_h2;
mod zb_v;
mod zero_bubble;

pub use closed::Bubble;
pub use kind::Kind;
pub use order_error::{OrderError, Place};
pub use placement::Placement;
pub use rule::ScheduleError;
pub use text::{Shape, from_text, place_of, shape_of, to_text};

/// What a turn does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// The forward pass.
    Forward,
    /// The backward pass: input and weight gradient in one.
    Backward,
    /// The gradient of the input, for which the stage before waits.
    InputGradient,
    /// The gradient of the weights, for which no stage waits; after it the activations are no longer needed.
    WeightGradient,
}

/// One turn of a stage's compute stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    /// What it does.
    pub work: Work,
    /// Chunk of the stage.
    pub chunk: u32,
    /// Microbatch.
    pub microbatch: u32,
    /// Runs overlapped with the turn that follows it in the order: both start when both can, and end together.
    pub paired: bool,
}

impl Turn {
    /// A turn by itself.
    #[must_use]
    pub const fn new(work: Work, chunk: u32, microbatch: u32) -> Self {
        Self { work, chunk, microbatch, paired: false }
    }
}

/// How long the passes of a chunk take, in any one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Forward pass.
    pub forward: f64,
    /// Input gradient.
    pub input_gradient: f64,
    /// Weight gradient.
    pub weight_gradient: f64,
    /// Activations or gradients to another stage.
    pub transfer: f64,
}

impl Times {
    /// All passes of a chunk and a microbatch.
    #[must_use]
    pub const fn work(&self) -> f64 {
        self.forward + self.input_gradient + self.weight_gradient
    }
}

/// The shape of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pipeline {
    /// The schedule.
    pub kind: Kind,
    /// Stages, p.
    pub stages: u32,
    /// Chunks per stage, v.
    pub chunks: u32,
    /// Microbatches, m.
    pub microbatches: u32,
    /// The most microbatches that a stage may keep; only [`Kind::ZbAuto`] asks.
    pub memory_limit: u32,
    /// How long the passes take; only [`Kind::ZbAuto`] and closed forms ask.
    pub times: Times,
}

/// What every stage runs, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Where the slices of the model are.
    pub placement: Placement,
    /// Turns by stage.
    pub orders: Vec<Vec<Turn>>,
}

impl Pipeline {
    /// What every stage runs.
    ///
    /// # Errors
    /// When the schedule does not run in this shape.
    pub fn schedule(&self) -> Result<Schedule, ScheduleError> {
        self.rule()?;
        let (p, v, m) = (self.stages, self.chunks, self.microbatches);
        if self.kind == Kind::ZbAuto {
            return Ok(zb_auto::schedule(p, m, self.memory_limit, &self.times));
        }
        let order = |stage| match self.kind {
            Kind::Gpipe => gpipe::order(m),
            Kind::OneForwardOneBackward => one_f_one_b::order(p, m, stage),
            Kind::Interleaved => self.groups().order(stage),
            Kind::BreadthFirst => breadth_first::order(v, m),
            Kind::ZbH1 | Kind::ZbAuto => zb_h1::shift(p, stage).order(m),
            Kind::ZbH2 => zb_h2::shift(p, stage).order(m),
            Kind::ZbV => zb_v::order(p, m, stage),
            Kind::DualPipe => dualpipe::steps(p, m, stage).order(),
            Kind::DualPipeV => dualpipev::steps(p, m, stage).order(),
            // The rule has refused it.
            Kind::Own(_) => Vec::new(),
        };
        Ok(Schedule { placement: self.kind.placement(), orders: (0..p).map(order).collect() })
    }

    /// The most microbatches of each chunk of `stage` that are between their forward and the end of their backward pass at once,
    /// when the whole stage first keeps most.
    ///
    /// Closed forms, equal to a walk over [`Self::schedule`], which [`Schedule::in_flight`] takes; the heuristic has none, and
    /// makes its schedule for this. Nothing for a pipeline that is against the [rule](Self::rule).
    #[must_use]
    pub fn in_flight(&self, stage: u32) -> Vec<u32> {
        let mut alive = Vec::new();
        self.in_flight_into(stage, &mut alive);
        alive
    }

    /// The same, into memory that is used again.
    pub fn in_flight_into(&self, stage: u32, alive: &mut Vec<u32>) {
        alive.clear();
        if self.rule().is_err() || stage >= self.stages {
            return;
        }
        let (p, m) = (self.stages, self.microbatches);
        match self.kind {
            Kind::Gpipe | Kind::BreadthFirst => alive.resize(self.chunks as usize, m),
            Kind::OneForwardOneBackward => alive.push(one_f_one_b::in_flight(p, m, stage)),
            Kind::Interleaved => alive.extend(self.groups().in_flight(stage)),
            Kind::ZbH1 => alive.push(zb_h1::shift(p, stage).in_flight(m)),
            Kind::ZbH2 => alive.push(zb_h2::shift(p, stage).in_flight(m)),
            Kind::ZbV => alive.extend(zb_v::in_flight(p, m, stage)),
            Kind::ZbAuto => *alive = zb_auto::schedule(p, m, self.memory_limit, &self.times).in_flight(stage),
            Kind::DualPipe => alive.extend(dualpipe::in_flight(p, m, stage)),
            Kind::DualPipeV => alive.extend(dualpipev::steps(p, m, stage).in_flight()),
            Kind::Own(_) => {}
        }
    }

    /// [`Self::in_flight`] as a number of microbatches of a whole stage: chunks of a loop or a vee are parts of a stage, those
    /// of a bidirectional pipeline are each as large as a stage.
    #[must_use]
    pub fn peak_microbatches(&self, stage: u32) -> f64 {
        let chunks: u32 = self.in_flight(stage).iter().sum();
        match self.kind.placement() {
            Placement::Looped | Placement::Vee => f64::from(chunks) / f64::from(self.chunks.max(1)),
            Placement::Bidirectional => f64::from(chunks),
        }
    }

    fn groups(&self) -> interleaved::Groups {
        interleaved::Groups { stages: self.stages, chunks: self.chunks, microbatches: self.microbatches }
    }
}

impl Schedule {
    /// How many turns there are.
    #[must_use]
    pub fn turns(&self) -> usize {
        self.orders.iter().map(Vec::len).sum()
    }

    /// Chunks of a stage.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.orders.iter().flatten().map(|turn| turn.chunk + 1).max().unwrap_or(0)
    }

    /// The most microbatches of each chunk of `stage` that are between their forward and the end of their backward pass at once,
    /// when the whole stage first keeps most.
    #[must_use]
    pub fn in_flight(&self, stage: u32) -> Vec<u32> {
        self.fullest(stage, |_| 1.0)
    }

    /// The microbatches of each chunk of `stage` between their forward and the end of their backward pass, when the stage first
    /// keeps most of what `weight` says that a microbatch of a chunk keeps.
    #[must_use]
    pub fn fullest(&self, stage: u32, weight: impl Fn(u32) -> f64) -> Vec<u32> {
        let Some(order) = self.orders.get(stage as usize) else { return Vec::new() };
        let chunks = order.iter().map(|turn| turn.chunk + 1).max().unwrap_or(0);
        let weights: Vec<f64> = (0..chunks).map(weight).collect();
        let mut kept = vec![0u32; chunks as usize];
        let (mut most, mut fullest) = (0.0, kept.clone());
        for turn in order {
            let kept_chunk = &mut kept[turn.chunk as usize];
            match turn.work {
                Work::Forward => {
                    *kept_chunk += 1;
                    // Added up anew, so that rounding does not tell equal fillings apart.
                    let all: f64 = kept.iter().zip(&weights).map(|(kept, weight)| f64::from(*kept) * weight).sum();
                    if all > most {
                        most = all;
                        fullest.clone_from(&kept);
                    }
                }
                Work::Backward | Work::WeightGradient => *kept_chunk = kept_chunk.saturating_sub(1),
                Work::InputGradient => {}
            }
        }
        fullest
    }
}
