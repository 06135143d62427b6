//! How the layers of a model are dealt to the slices of a pipeline, where the job says more than how many slices there are.
//!
//! The rules and their names are those of Megatron-LM (`get_num_layers_to_build`): numbers for the first and the last stage are
//! of the whole stage, its virtual stages share them evenly, and so do the stages between. An embedding or a loss that is
//! accounted for takes the place of one layer of the slice that holds it.

use super::{Strategy, Violation};
use crate::diagnostic::Code;
use crate::spec::Parallelism;
#[cfg(test)]
use crate::spec::ScheduleKind;

/// What a job says about its layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LayerSplit {
    /// Nothing: evenly, what does not divide where it hurts least ([`Strategy::slice_layers`]).
    #[default]
    Even,
    /// Layers of the first and of the last stage; the others share the rest.
    Ends {
        /// Layers of the first stage.
        first: Option<u32>,
        /// Layers of the last stage.
        last: Option<u32>,
    },
    /// What counts as a layer when layers are dealt out.
    Counted {
        /// The embedding, on the first slice.
        embedding: bool,
        /// The output layer and the loss, on the last slice.
        loss: bool,
    },
    /// Layers of every slice, in the order of the model.
    Given(Vec<u32>),
}

/// What counts as a layer when the planner deals layers out: the choices that a search has where the job makes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerDeal {
    /// Layers alone.
    #[default]
    Even,
    /// The embedding too.
    Embedding,
    /// The output layer and the loss too.
    Loss,
    /// All of it.
    Both,
}

impl LayerDeal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Even, Self::Embedding, Self::Loss, Self::Both];

    /// Whether the embedding, and whether the loss counts.
    #[must_use]
    pub const fn counts(self) -> (bool, bool) {
        (matches!(self, Self::Embedding | Self::Both), matches!(self, Self::Loss | Self::Both))
    }

    /// What counts, in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Even => "nothing",
            Self::Embedding => "embedding",
            Self::Loss => "loss",
            Self::Both => "embedding and loss",
        }
    }
}

impl LayerSplit {
    /// The job's own split; where it has none, the layout's.
    #[must_use]
    pub fn with(&self, deal: LayerDeal) -> Self {
        let (embedding, loss) = deal.counts();
        if *self == Self::Even && deal != LayerDeal::Even { Self::Counted { embedding, loss } } else { self.clone() }
    }

    /// What `parallelism` asks for. Keys that exclude each other are for whoever reads the file to refuse.
    #[must_use]
    pub fn of(parallelism: &Parallelism) -> Self {
        let p = parallelism;
        let (embedding, loss) = (p.account_for_embedding.unwrap_or(false), p.account_for_loss.unwrap_or(false));
        match &p.layers {
            Some(layers) => Self::Given(layers.clone()),
            None if p.first_stage_layers.is_some() || p.last_stage_layers.is_some() => {
                Self::Ends { first: p.first_stage_layers, last: p.last_stage_layers }
            }
            None if embedding || loss => Self::Counted { embedding, loss },
            None => Self::Even,
        }
    }

    /// Layers of each slice of a model of `layers`, in model order; they add up to `layers` where [`Self::violations`] finds
    /// nothing.
    #[must_use]
    pub fn slices(&self, strategy: &Strategy, layers: u32) -> Vec<u32> {
        let slices = strategy.schedule.slices(strategy.pp, strategy.vp).max(1);
        match self {
            Self::Even => strategy.slice_layers(layers),
            Self::Ends { .. } => {
                let (pp, vp) = (strategy.pp.max(1), strategy.vp.max(1));
                (0..slices).map(|slice| self.of_stage(slice % pp, pp, layers) / vp).collect()
            }
            Self::Counted { embedding, loss } => {
                let each = (layers + u32::from(*embedding) + u32::from(*loss)) / slices;
                let beside = |slice| u32::from(*embedding && slice == 0) + u32::from(*loss && slice + 1 == slices);
                (0..slices).map(|slice| each.saturating_sub(beside(slice))).collect()
            }
            Self::Given(given) => (0..slices as usize).map(|slice| given.get(slice).copied().unwrap_or(0)).collect(),
        }
    }

    /// Layers of a stage when its ends are given.
    fn of_stage(&self, stage: u32, stages: u32, layers: u32) -> u32 {
        let Self::Ends { first, last } = *self else { return layers / stages };
        let between = stages.saturating_sub(u32::from(first.is_some()) + u32::from(last.is_some()));
        match stage {
            0 if first.is_some() => first.unwrap_or(0),
            _ if stage + 1 == stages && last.is_some() => last.unwrap_or(0),
            _ => layers.saturating_sub(first.unwrap_or(0) + last.unwrap_or(0)) / between.max(1),
        }
    }

    /// Why the layers cannot be dealt out like this.
    #[must_use]
    pub fn violations(&self, strategy: &Strategy, layers: u32) -> Vec<Violation> {
        let (pp, vp) = (strategy.pp, strategy.vp);
        let slices = strategy.schedule.slices(pp, vp);
        let refuse = |field, message, help| vec![Violation { field, code: Code::LayerDivisibility, message, help }];
        match self {
            Self::Even => Vec::new(),
            Self::Given(given) => {
                if given.len() != slices as usize {
                    let message = format!("{} numbers of layers for {slices} slices of the model", given.len());
                    return refuse("parallelism.layers", message, format!("write {slices} numbers, in the order of the model"));
                }
                let sum: u64 = given.iter().map(|layers| u64::from(*layers)).sum();
                if sum != u64::from(layers) {
                    let message = format!("the numbers of layers add up to {sum}, the model has {layers}");
                    return refuse("parallelism.layers", message, format!("write numbers that add up to {layers}"));
                }
                Vec::new()
            }
            Self::Ends { first, last } => {
                let field = if first.is_some() { "parallelism.first-stage-layers" } else { "parallelism.last-stage-layers" };
                let given = u64::from(first.unwrap_or(0)) + u64::from(last.unwrap_or(0));
                let ends = u32::from(first.is_some()) + u32::from(last.is_some());
                if slices != pp * vp {
                    let message =
                        format!("the {} schedule has both ends of the model on its first stage", strategy.schedule.as_str());
                    return refuse(field, message, "use `layers`, with a number for every slice of the model".into());
                }
                if pp < ends.max(2) {
                    return refuse(field, format!("pp {pp} has no first and last stage"), "use pp of 2 or more".into());
                }
                let (rest, between) = (u64::from(layers).checked_sub(given), u64::from(pp - ends));
                let Some(rest) = rest.filter(|rest| if between == 0 { *rest == 0 } else { rest % between == 0 }) else {
                    let message = format!("{layers} layers less {given} do not divide over the {between} other stages");
                    return refuse(field, message, "change the numbers, or list every stage under `layers`".into());
                };
                let middle = rest.checked_div(between).map(|each| each as u32);
                let odd = [*first, *last, middle].into_iter().flatten().find(|stage| stage % vp.max(1) != 0);
                odd.map_or(Vec::new(), |odd| {
                    let message = format!("{odd} layers of a stage do not divide over vp {vp}");
                    refuse(field, message, format!("use multiples of {vp}, or list every slice under `layers`"))
                })
            }
            Self::Counted { embedding, loss } => {
                let field = if *embedding { "parallelism.account-for-embedding" } else { "parallelism.account-for-loss" };
                let counted = layers + u32::from(*embedding) + u32::from(*loss);
                if counted % slices.max(1) == 0 && slices > 1 && counted >= slices {
                    return Vec::new();
                }
                let what = match (embedding, loss) {
                    (true, true) => "the embedding and the loss",
                    (true, false) => "the embedding",
                    _ => "the loss",
                };
                let message = format!("{layers} layers and {what} do not divide over {slices} slices of the model");
                refuse(
                    field,
                    message,
                    format!("use a divisor of {counted} above 1 for pp x vp, or list every slice under `layers`"),
                )
            }
        }
    }

    /// Pipeline degrees that may be legal, out of those up to `most`; nothing where even splits are.
    #[must_use]
    pub fn stages(&self, most: u32) -> Option<Vec<u32>> {
        match self {
            Self::Even => None,
            Self::Given(given) => Some((1..=most).filter(|pp| given.len() as u32 % pp == 0).collect()),
            Self::Ends { .. } | Self::Counted { .. } => Some((2..=most.max(2)).collect()),
        }
    }

    /// Numbers of virtual stages that may be legal on `pp` stages, out of those up to `most`; nothing where even splits are.
    #[must_use]
    pub fn virtual_stages(&self, pp: u32, most: u32) -> Option<Vec<u32>> {
        match self {
            Self::Even => None,
            Self::Given(given) => Some(vec![(given.len() as u32 / pp.max(1)).max(1)]),
            Self::Ends { .. } | Self::Counted { .. } => Some((1..=most).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::PLAIN;

    fn slices(split: &LayerSplit, strategy: &Strategy, layers: u32) -> Vec<u32> {
        let found = split.violations(strategy, layers);
        assert!(found.is_empty(), "{found:?}");
        let slices = split.slices(strategy, layers);
        assert_eq!(slices.iter().sum::<u32>(), layers);
        slices
    }

    fn refused(split: &LayerSplit, strategy: &Strategy, layers: u32) -> String {
        let found = split.violations(strategy, layers);
        found.first().map(|violation| format!("{}: {}", violation.field, violation.message)).unwrap_or_default()
    }

    /// Megatron-LM, `get_num_layers_to_build`, by hand: the numbers of a stage are shared by its virtual stages.
    #[test]
    fn ends_are_those_of_a_whole_stage() {
        let ends = LayerSplit::Ends { first: Some(2), last: Some(4) };
        assert_eq!(slices(&ends, &Strategy { pp: 4, ..PLAIN }, 24), [2, 9, 9, 4]);
        let looped = Strategy { pp: 4, vp: 2, schedule: ScheduleKind::Interleaved, ..PLAIN };
        assert_eq!(slices(&ends, &looped, 22), [1, 4, 4, 2, 1, 4, 4, 2]);
        let first = LayerSplit::Ends { first: Some(3), last: None };
        assert_eq!(slices(&first, &Strategy { pp: 3, ..PLAIN }, 11), [3, 4, 4]);
        // Two stages leave none between.
        assert_eq!(slices(&ends, &Strategy { pp: 2, ..PLAIN }, 6), [2, 4]);
    }

    /// Llama 3 405B has 126 layers, two less than 128, so that the embedding and the output layer each take the place of one
    /// (arXiv:2407.21783, section 3.3.2).
    #[test]
    fn what_is_accounted_for_takes_the_place_of_a_layer() {
        let both = LayerSplit::Counted { embedding: true, loss: true };
        let split = slices(&both, &Strategy { pp: 16, ..PLAIN }, 126);
        assert_eq!((split[0], split[1], split[14], split[15]), (7, 8, 8, 7));
        let looped = Strategy { pp: 16, vp: 8, schedule: ScheduleKind::Interleaved, ..PLAIN };
        let split = slices(&both, &looped, 126);
        assert_eq!((split[0], split[1], split[126], split[127]), (0, 1, 1, 0));
        let loss = LayerSplit::Counted { embedding: false, loss: true };
        assert_eq!(slices(&loss, &Strategy { pp: 2, ..PLAIN }, 61), [31, 30]);
        // Both ends of the model are on the first stage.
        let vee = Strategy { pp: 2, schedule: ScheduleKind::ZbV, ..PLAIN };
        assert_eq!(slices(&both, &vee, 30), [7, 8, 8, 7]);
    }

    #[test]
    fn lists_are_taken_as_they_are() {
        let given = LayerSplit::Given(vec![3, 5, 5, 3]);
        assert_eq!(slices(&given, &PLAIN, 16), [3, 5, 5, 3]);
        let looped = Strategy { pp: 2, vp: 2, schedule: ScheduleKind::Interleaved, ..PLAIN };
        assert_eq!(slices(&given, &looped, 16), [3, 5, 5, 3]);
    }

    #[test]
    fn what_does_not_go_up_is_refused() {
        let given = LayerSplit::Given(vec![3, 5, 5, 3]);
        let said = refused(&given, &Strategy { pp: 8, ..PLAIN }, 16);
        assert_eq!(said, "parallelism.layers: 4 numbers of layers for 8 slices of the model");
        assert_eq!(refused(&given, &PLAIN, 17), "parallelism.layers: the numbers of layers add up to 16, the model has 17");
        let ends = LayerSplit::Ends { first: Some(2), last: Some(3) };
        let said = refused(&ends, &PLAIN, 24);
        assert_eq!(said, "parallelism.first-stage-layers: 24 layers less 5 do not divide over the 2 other stages");
        assert!(refused(&ends, &Strategy { pp: 1, ..PLAIN }, 5).contains("no first and last stage"));
        assert!(refused(&ends, &Strategy { schedule: ScheduleKind::ZbV, ..PLAIN }, 25).contains("both ends"));
        let looped = Strategy { vp: 2, schedule: ScheduleKind::Interleaved, ..PLAIN };
        assert!(refused(&ends, &looped, 25).contains("3 layers of a stage do not divide over vp 2"));
        let both = LayerSplit::Counted { embedding: true, loss: true };
        assert!(refused(&both, &PLAIN, 24).contains("24 layers and the embedding and the loss do not divide over 4 slices"));
        assert!(refused(&LayerSplit::Even, &PLAIN, 7).is_empty());
    }
}
