//! `planner phases`.

use clap::Args;

use super::input::{self, Format};
use super::told::Form;
use super::{Failure, Global, Outcome, output};
use crate::catalog::Catalog;
use crate::economics::drawn::{Contract, Meter};
use crate::economics::growth::Growth;
use crate::economics::phases::{Demand, Phases, Supply};
use crate::economics::{Exchange, OwnedCost, Priced, Supplier};
use crate::report;
use crate::spec::{Cluster, PricePath, examples};
use crate::topology::size_fabric;
use crate::units::{Seconds, Share, Watts, YearlyRate};

/// Arguments of `planner phases`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner phases h100-superpod-127 --demand 1000 --doubling '9.9 months' --years 3 --lead-time '9 months'\n  \
                        planner phases cluster.yaml --demand 400 --was 150 --ago '18 months' --decline '20 %/year' --format markdown\n  \
                        planner phases cluster.yaml --demand 400 --doubling '12 months' --contract '1 MW' --contract '4 MW from 12 months'"
)]
pub struct PhasesArguments {
    /// Cluster file, or the name of an embedded example: its scalable unit is what is bought, its owned nodes are there already
    #[arg(value_name = "CLUSTER")]
    cluster: String,
    /// GPUs that are needed now
    #[arg(long, value_name = "GPUS", value_parser = clap::value_parser!(u32).range(1..))]
    demand: u32,
    /// Time in which that doubles, such as `9.9 months`; `--was` and `--ago` say it too
    #[arg(long, value_name = "TIME", value_parser = time, required_unless_present = "was", conflicts_with = "was")]
    doubling: Option<Seconds>,
    /// GPUs that were needed `--ago`: demand goes on growing as it did since
    #[arg(long, value_name = "GPUS", requires = "ago", value_parser = clap::value_parser!(u32).range(1..))]
    was: Option<u32>,
    /// How long ago that was
    #[arg(long, value_name = "TIME", requires = "was", value_parser = time)]
    ago: Option<Seconds>,
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
    /// Power that is contracted with the supplier, such as `2 MW`, or from a later time on, `4 MW from 12 months`
    /// [default: `cost.electricity.contract` of the cluster file]
    #[arg(long, value_name = "POWER", value_parser = contract)]
    contract: Vec<Contract>,
    #[command(flatten)]
    form: Form,
}

/// Contracted power, and from when.
fn contract(text: &str) -> Result<Contract, String> {
    let (power, from) = text.split_once(" from ").map_or((text, Ok(Seconds::ZERO)), |(power, from)| (power, time(from)));
    Ok(Contract { from: from?, power: power.trim().parse::<Watts>().map_err(|error| error.to_string())? })
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
    let growth = growth(arguments)?;
    if growth.doubling.get() <= 0.0 || arguments.every.get() <= 0.0 || horizon / arguments.every > MOST_ORDERS {
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
    if !arguments.contract.is_empty() && cluster.cost.electricity.demand.is_none() {
        return Err(anyhow::anyhow!(
            "`--contract` costs nothing where demand has no price: add `cost: {{electricity: {{demand: 15 USD/kW-month}}}}` to {}",
            arguments.cluster
        )
        .into());
    }
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
        site_limit: cluster.power.site_limit,
        meter: meter(&cluster, &catalog, owned.site_power, &arguments.contract)
            .map_err(|missing| super::cost::placed(&missing, &arguments.cluster))?,
        life: owned.life.or_else(|| cluster.cost.life.as_ref().map(|life| life.value)).map_or(horizon, |life| life.value),
        rate: owned.wacc.map(|rate| rate.value).unwrap_or_default(),
    };
    let demand = Demand { growth, headroom: arguments.headroom, lead: arguments.lead_time, every: arguments.every, horizon };
    let phases = Phases::new(&demand, &supply);
    if phases.phases.iter().any(|phase| !phase.capital.amount().is_finite() || phase.gpus > 1e9) {
        let doubling = growth.doubling;
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

/// How fast demand grows: as it is said, or as it did.
fn growth(arguments: &PhasesArguments) -> Result<Growth, anyhow::Error> {
    let now = f64::from(arguments.demand);
    let (Some(was), Some(ago)) = (arguments.was, arguments.ago) else {
        return Ok(Growth { now, doubling: arguments.doubling.unwrap_or_default() });
    };
    let since = Growth::implied(f64::from(was), now, ago);
    let since = since
        .ok_or_else(|| anyhow::anyhow!("demand that was {was} GPUs and is {now} does not grow: nothing is bought in phases"))?;
    Ok(Growth { now, ..since })
}

/// What the GPUs of a cluster draw from, by its file.
fn meter(cluster: &Cluster, catalog: &Catalog, each: Watts, contracts: &[Contract]) -> Priced<Meter> {
    let (Supplier { mut tariff, .. }, _) = Supplier::of(Exchange { cluster, catalog })?;
    let of_the_file = cluster.cost.electricity.contract.map(|power| Contract { from: Seconds::ZERO, power });
    if of_the_file.is_none() && !contracts.is_empty() {
        // As in a file: of a contract all is billed where nothing else is said.
        tariff.floor = Share::new(1.0);
    }
    let contracts = if contracts.is_empty() { of_the_file.into_iter().collect() } else { contracts.to_vec() };
    Ok(Meter { each, tariff, contracts })
}
