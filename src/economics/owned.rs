//! What a GPU-hour costs its owner: every line, their sum, and what a used and a good hour cost.

use serde::Serialize;

use super::bill::Bill;
use super::electricity::price_for_share;
use super::exchange::{Exchange, Priced};
use super::hardware::Terms;
use super::ledger::{CostFigure, CostLine, Ledger};
use super::operations::total;
use super::rent;
use super::sheet::Sheet;
use crate::catalog::{Catalog, Provenance};
use crate::spec::{Cluster, Component, Method, Pool};
use crate::units::{EnergyPrice, GpuPrice, HourlyPrice, Money, Range, Seconds, Share, Watts, YearlyRate};

/// What a GPU-hour costs its owner; all money in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnedCost {
    /// How capital becomes a cost per hour.
    pub method: Method,
    /// Years over which the hardware is paid for.
    #[serde(rename = "life_s")]
    pub life: Option<Range<Seconds>>,
    /// Cost of capital, as a part each year.
    #[serde(rename = "wacc_per_year")]
    pub wacc: Option<Range<YearlyRate>>,
    /// Price of a GPU with its share of what is bought once.
    pub capital_per_gpu: Option<Range<GpuPrice>>,
    /// Power of a GPU at the site's meter, with its share of what is around it.
    #[serde(rename = "site_power_per_gpu_w")]
    pub site_power: Watts,
    /// The most that it draws there.
    #[serde(rename = "site_power_max_per_gpu_w")]
    pub largest_power: Watts,
    /// The lines.
    pub lines: Vec<CostLine>,
    /// Every hour, used or not: the sum of the lines.
    pub owned_gpu_hour: Range<HourlyPrice>,
    /// The part of it that only used hours cost: energy of the nodes, with its taxes.
    pub running_gpu_hour: Range<HourlyPrice>,
    /// Hours used, of those that are paid.
    #[serde(rename = "used_share_of_paid_hours")]
    pub utilisation: Range<Share>,
    /// A used hour: the owned cost over the used hours.
    pub utilised_gpu_hour: Range<HourlyPrice>,
    /// Part of a run's time that trains and is not lost again, where it is known.
    #[serde(rename = "good_share_of_used_hours")]
    pub goodput: Option<f64>,
    /// An hour that trains: the used hour over the good part of it. Without failures a used hour.
    pub good_gpu_hour: Range<HourlyPrice>,
    /// Electricity over the sum of all lines.
    pub electricity_share_of_owned_cost: f64,
    /// Electricity over all lines but hardware and site.
    pub electricity_share_of_operating_cost: f64,
    /// Electricity over site and electricity, hardware left out.
    pub electricity_share_of_site_cost: f64,
    /// Price of electricity at which it would be half of the owned cost; none without electricity.
    pub electricity_is_half_of_owned_cost_at: Option<EnergyPrice>,
    /// What is not counted because the file does not say it.
    pub not_counted: Vec<&'static str>,
    /// Items of the bill of materials that are not counted because they have no price.
    pub without_a_price: Vec<String>,
    /// What it rests on.
    pub figures: Vec<CostFigure>,
    /// The same for spreadsheets.
    #[serde(skip)]
    pub sheet: Sheet,
}

impl OwnedCost {
    /// The cost of a GPU-hour of a pool; of a good one where the goodput of a run is known.
    ///
    /// # Errors
    /// Which price is not known, and where to put it.
    pub fn new(cluster: &Cluster, pool: &Pool, catalog: &Catalog, goodput: Option<f64>) -> Priced<Self> {
        let exchange = Exchange { cluster, catalog };
        let bill = Bill::of(cluster, catalog);
        let mut ledger = Ledger::new(exchange, pool, &bill);
        let mut terms = Terms::default();
        let mut running = Range::exact(HourlyPrice::new(Money::usd(0.0)));
        let rented = cluster.cost.method == Method::Rent;
        if rented {
            let price = rent::over_the_life(exchange, pool)?;
            ledger.enter("rent", Range::exact(price.value), &price);
            let formula = "price of a rented GPU-hour, everything included";
            ledger.line(Component::Rent, Range::exact(price.value), (formula, "{rent}"));
        } else {
            terms = ledger.hardware()?;
            let site = ledger.site()?;
            running = ledger.electricity()?;
            ledger.staff()?;
            ledger.upkeep(terms.price, site)?;
            ledger.licences()?;
        }
        ledger.subsidies(&terms)?;
        let utilisation = ledger.need("utilisation", cluster.cost.utilisation.as_ref(), "utilisation: 80 %")?;
        let (site_power, largest_power) = (ledger.metered(), ledger.housed() * cluster.power.pue.value);
        let Ledger { mut lines, figures, without_a_price, sheet, .. } = ledger;
        let owned = total(lines.iter().map(|line| line.gpu_hour));
        let amount = |price: HourlyPrice| price.per_unit().amount();
        let all = amount(owned.value);
        let part = |of: &dyn Fn(Component) -> bool| {
            amount(total(lines.iter().filter(|line| of(line.component)).map(|line| line.gpu_hour)).value)
        };
        let electricity = part(&|c| c == Component::Electricity);
        let site = part(&|c| matches!(c, Component::Facility | Component::Electricity));
        let operating = part(&|c| !matches!(c, Component::Capital | Component::Facility | Component::Rent));
        let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
        for line in &mut lines {
            line.share_of_owned_cost = share(amount(line.gpu_hour.value), all);
        }
        let utilised = owned.with(utilisation.turned(), |hour, used| hour * (1.0 / used.get()));
        let missing = [(cluster.cost.software.is_none(), "software"), (cluster.cost.data.is_none(), "data")];
        Ok(Self {
            method: cluster.cost.method,
            life: terms.life,
            wacc: terms.wacc,
            capital_per_gpu: terms.price,
            site_power,
            largest_power,
            owned_gpu_hour: owned,
            running_gpu_hour: running,
            utilisation,
            utilised_gpu_hour: utilised,
            goodput,
            good_gpu_hour: utilised.map(|hour| hour * (1.0 / goodput.unwrap_or(1.0))),
            electricity_share_of_owned_cost: share(electricity, all),
            electricity_share_of_operating_cost: share(electricity, operating),
            electricity_share_of_site_cost: share(electricity, site),
            electricity_is_half_of_owned_cost_at: (electricity > 0.0)
                .then(|| price_for_share(Share::new(0.5), HourlyPrice::new(Money::usd(all - electricity)), site_power)),
            not_counted: missing.into_iter().filter(|(left_out, _)| *left_out && !rented).map(|(_, what)| what).collect(),
            without_a_price,
            lines,
            figures,
            sheet,
        })
    }

    /// The figures that nobody gave.
    pub fn assumed(&self) -> impl Iterator<Item = &CostFigure> {
        self.figures.iter().filter(|figure| figure.provenance == Provenance::Assumed)
    }

    /// On what terms, in words: `annuity over 5.00 years at 10.0 %/year`.
    #[must_use]
    pub fn terms(&self) -> String {
        let life = self.life.map(|life| format!(" over {}", life.value)).unwrap_or_default();
        let rate = self.wacc.map(|rate| format!(" at {}", rate.value)).unwrap_or_default();
        format!("{}{life}{rate}", self.method.as_str())
    }
}
