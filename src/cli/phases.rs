//! `planner phases`.

use clap::Args;

use super::input::{self, Format};
use super::told::Form;
use super::{Failure, Global, Outcome, output};
use crate::economics::OwnedCost;
use crate::economics::growth::Growth;
use crate::economics::phases::{Demand, Phases, Supply};
use crate::report;
use crate::spec::{Cluster, PricePath, examples};
use crate::topology::size_fabric;
use crate::units::{Seconds, Share, YearlyRate};

/// Arguments of `planner phases`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner phases h100-superpod-127 --demand 1000 --doubling '9.9 months' --years 3 --lead-time '9 months'\n  \
                        planner phases cluster.yaml --demand 400 --doubling '21.3 months' --decline '20 %/year' --format markdown"
)]
pub struct PhasesArguments {
    /// Cluster file, or the name of an embedded example: its scalable unit is what is bought, its owned nodes are there already
    #[arg(value_name = "CLUSTER")]
    cluster: String,
    /// GPUs that are needed now
    #[arg(long, value_name = "GPUS", value_parser = clap::value_parser!(u32).range(1..))]
    demand: u32,
    /// Time in which that doubles, such as `9.9 months`
    #[arg(long, value_name = "TIME", value_parser = time)]
    doubling: Seconds,
    /// Years that are planned
    #[arg(long, value_name = "YEARS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=30))]
    years: u32,
    /// Time from an order to service
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "9 months")]
    lead_time: Seconds,
    /// Time between two orders
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "6 months")]
    every: Seconds,
    /// Capacity beside the demand
    #[arg(long, value_name = "PERCENT", default_value = "0 %")]
    headroom: Share,
    /// What prices fall by each year, such as `20 %/year` [default: they stay]
    #[arg(long, value_name = "RATE", conflicts_with = "learning")]
    decline: Option<YearlyRate>,
    /// What each doubling of all that was ever made takes off prices (Wright's law), such as `15 %`
    #[arg(long, value_name = "PERCENT", requires = "output_growth")]
    learning: Option<Share>,
    /// Growth of all that was ever made, for `--learning`
    #[arg(long, value_name = "RATE", requires = "learning")]
    output_growth: Option<YearlyRate>,
    #[command(flatten)]
    form: Form,
}

/// A time, or months: growth and lead times are told in them, and of a year they are twelfths, whatever their days.
fn time(text: &str) -> Result<Seconds, String> {
    let months = text.trim().strip_suffix("months").or_else(|| text.trim().strip_suffix("month"));
    let Some(number) = months else { return text.parse::<Seconds>().map_err(|error| error.to_string()) };
    let months = number.trim().parse::<f64>().ok().filter(|months| (0.0..1e4).contains(months));
    months
        .map(|months| Seconds::YEAR * (months / 12.0))
        .ok_or_else(|| format!("`{text}` is no number of months, such as `9.9 months`"))
}

/// Orders that are still told.
const MOST_ORDERS: f64 = 500.0;

pub(super) fn run(arguments: &PhasesArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let (source, _) = examples::read(&arguments.cluster)?;
    let cluster = Cluster::load(source, &catalog)?;
    let horizon = Seconds::YEAR * f64::from(arguments.years);
    if arguments.doubling.get() <= 0.0 || arguments.every.get() <= 0.0 || horizon / arguments.every > MOST_ORDERS {
        return Err(anyhow::anyhow!(
            "`--doubling` and `--every` are times such as `12 months`, and {MOST_ORDERS} orders are the most"
        )
        .into());
    }
    let [pool] = cluster.pools.as_slice() else {
        return Err(anyhow::anyhow!("{} has several pools: phases are planned of one kind of node", cluster.name).into());
    };
    let owned =
        OwnedCost::new(&cluster, pool, &catalog, None).map_err(|missing| super::cost::placed(&missing, &arguments.cluster))?;
    let Some(each) = owned.capital_per_gpu else {
        return Err(anyhow::anyhow!("rented and leased hardware is not bought in phases: change `cost.method`").into());
    };
    let nodes = size_fabric(&cluster).map_or(1, |size| size.scalable_unit.max(1));
    let supply = Supply {
        unit: nodes * pool.gpus_per_node,
        installed: pool.owned * pool.gpus_per_node,
        each: each.value,
        path: match (arguments.decline, arguments.learning, arguments.output_growth) {
            (Some(rate), ..) => PricePath::Decline(rate),
            (None, Some(learning), Some(growth)) => PricePath::Wright { learning, growth },
            _ => PricePath::Constant,
        },
        power: owned.largest_power,
        life: owned.life.or_else(|| cluster.cost.life.as_ref().map(|life| life.value)).map_or(horizon, |life| life.value),
        rate: owned.wacc.map(|rate| rate.value).unwrap_or_default(),
    };
    let demand = Demand {
        growth: Growth { now: f64::from(arguments.demand), doubling: arguments.doubling },
        headroom: arguments.headroom,
        lead: arguments.lead_time,
        every: arguments.every,
        horizon,
    };
    let phases = Phases::new(&demand, &supply);
    if phases.phases.iter().any(|phase| !phase.capital.amount().is_finite() || phase.gpus > 1e9) {
        let doubling = arguments.doubling;
        return Err(anyhow::anyhow!("demand that doubles every {doubling} needs more GPUs than are made").into());
    }
    let told = report::PhasesTold { cluster: &cluster, demand: &demand, supply: &supply, phases: &phases };
    let text = match arguments.form.format {
        Format::Text => report::phases_text(&told),
        Format::Markdown => report::phases_markdown(&told),
        Format::Csv => report::phases_csv(&phases),
        Format::Json => report::json(&phases).map_err(anyhow::Error::from)?,
    };
    output::write(arguments.form.destination.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}
