//! The figures of an estimate that are compared, each with its name, its unit and the way that is better.

use serde::Serialize;

use crate::estimate::{BreakdownFigures, Estimate};
use crate::units::{Bytes, Carbon, Currency, Energy, Money, Seconds, TokensPerSecond, Watts, grouped, significant};

/// A figure that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Cost of the run, in its currency, or in US dollars where two are compared.
    Cost,
    /// Time of the run by the calendar.
    RunTime,
    /// Time of a step.
    StepTime,
    /// Model FLOPs utilisation.
    Mfu,
    /// Tokens per second of the whole job.
    TokensPerSecond,
    /// Time of all steps over time by the calendar.
    Goodput,
    /// Energy at the site's meter.
    Energy,
    /// Power at the site's meter.
    SitePower,
    /// CO2 equivalent of electricity, by location.
    Carbon,
    /// Memory of the fullest accelerator.
    Memory,
    /// Accelerators.
    Gpus,
    /// Electricity alone.
    Electricity,
    /// Kernels of a step.
    Compute,
    /// Recomputation.
    Recompute,
    /// Exposed tensor-parallel communication.
    TensorParallel,
    /// Exposed context-parallel communication.
    ContextParallel,
    /// Exposed expert-parallel communication.
    ExpertParallel,
    /// Exposed data-parallel communication.
    DataParallel,
    /// Exposed transfers between stages.
    PipelineTransfers,
    /// Waiting for other stages.
    PipelineBubble,
    /// Optimizer.
    Optimizer,
}

impl Figure {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 21] = [
        Self::Cost,
        Self::RunTime,
        Self::StepTime,
        Self::Mfu,
        Self::TokensPerSecond,
        Self::Goodput,
        Self::Energy,
        Self::SitePower,
        Self::Carbon,
        Self::Memory,
        Self::Gpus,
        Self::Electricity,
        Self::Compute,
        Self::Recompute,
        Self::TensorParallel,
        Self::ContextParallel,
        Self::ExpertParallel,
        Self::DataParallel,
        Self::PipelineTransfers,
        Self::PipelineBubble,
        Self::Optimizer,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::RunTime => "run time",
            Self::StepTime => "step time",
            Self::Mfu => "MFU",
            Self::TokensPerSecond => "throughput",
            Self::Goodput => "goodput",
            Self::Energy => "energy",
            Self::SitePower => "site power",
            Self::Carbon => "carbon",
            Self::Memory => "memory",
            Self::Gpus => "GPUs",
            Self::Electricity => "electricity",
            Self::Compute => "compute",
            Self::Recompute => "recompute",
            Self::TensorParallel => "tensor-parallel",
            Self::ContextParallel => "context-parallel",
            Self::ExpertParallel => "expert-parallel",
            Self::DataParallel => "data-parallel",
            Self::PipelineTransfers => "pipeline transfers",
            Self::PipelineBubble => "pipeline bubble",
            Self::Optimizer => "optimizer",
        }
    }

    /// Whether it is a part of the step time.
    #[must_use]
    pub fn is_part(self) -> bool {
        self >= Self::Compute
    }

    /// Its value in base units; money in `currency`.
    #[must_use]
    pub fn of(self, estimate: &Estimate, currency: Currency) -> Option<f64> {
        let (step, run) = (&estimate.step, estimate.run.as_ref());
        let part = |of: fn(&BreakdownFigures) -> f64| Some(of(&step.breakdown));
        match self {
            Self::Cost => {
                let cost = estimate.cost.as_ref()?;
                let own = cost.total.as_ref().filter(|total| total.currency == currency.code()).map(|total| total.amount);
                own.or(cost.total_usd.filter(|_| currency == Currency::USD))
            }
            Self::Electricity => {
                let price = estimate.cost.as_ref()?.electricity.as_ref()?;
                (price.currency == currency.code()).then_some(price.amount)
            }
            Self::RunTime => Some(run?.time_s),
            Self::StepTime => Some(step.step_time_s),
            Self::Mfu => Some(step.mfu),
            Self::TokensPerSecond => Some(step.tokens_per_s),
            Self::Goodput => Some(run?.goodput),
            Self::Energy => Some(run?.energy_j),
            Self::SitePower => Some(run?.site_power_w),
            Self::Carbon => run?.carbon_location_g,
            Self::Memory => Some(step.memory.total_bytes),
            Self::Gpus => Some(step.gpus as f64),
            Self::Compute => part(|b| b.compute_s),
            Self::Recompute => part(|b| b.recompute_s),
            Self::TensorParallel => part(|b| b.tensor_parallel_s),
            Self::ContextParallel => part(|b| b.context_parallel_s),
            Self::ExpertParallel => part(|b| b.expert_parallel_s),
            Self::DataParallel => part(|b| b.data_parallel_s),
            Self::PipelineTransfers => part(|b| b.pipeline_parallel_s),
            Self::PipelineBubble => part(|b| b.bubble_s),
            Self::Optimizer => part(|b| b.optimizer_s),
        }
    }

    /// A value with its unit, to so many significant digits.
    #[must_use]
    pub fn shown(self, value: f64, currency: Currency, digits: usize) -> String {
        match self {
            Self::Cost | Self::Electricity => money(Money::new(value, currency), digits),
            Self::Mfu | Self::Goodput => format!("{} %", significant(value * 100.0, digits as u32)),
            Self::TokensPerSecond => format!("{:.digits$}", TokensPerSecond::new(value)),
            Self::Energy => format!("{:.digits$}", Energy::new(value)),
            Self::SitePower => format!("{:.digits$}", Watts::new(value)),
            Self::Carbon => format!("{:.digits$}", Carbon::new(value)),
            Self::Memory => format!("{:#.digits$}", Bytes::new(value)),
            Self::Gpus => grouped(value, 0),
            _ => format!("{:.digits$}", Seconds::new(value)),
        }
    }
}

/// Whole units of a currency where they are enough digits.
fn money(money: Money, digits: usize) -> String {
    let whole = grouped(money.amount(), 0);
    let enough = whole.chars().filter(char::is_ascii_digit).count() > digits;
    let number = if enough { whole } else { significant(money.amount(), digits as u32) };
    format!("{number} {}", money.currency())
}
