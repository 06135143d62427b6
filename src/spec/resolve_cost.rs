//! From a `cost` block to what it means: defaults of the catalogue filled in, keys that do not go together noted.

use super::cluster_file::ClusterFile;
use super::cost::{Cost, Electricity, Facility, Known, PricePath, SubsidyTerms};
use super::cost_file::{CostFile, Method, SubsidyFile};
use super::names;
use crate::catalog::{Catalog, Economics, Figure, Provenance, Sourced, named};
use crate::diagnostic::{Code, Diagnostic, nearest, quoted};
use crate::units::{Currency, EnergyPrice, Money, Range, Share, YearlyRate};
use crate::yaml::{Document, Path, path};

/// Hours of a week.
const WEEK: f64 = 168.0;

/// Shortest and longest time over which something is paid for, in years.
const LIVES: [f64; 2] = [0.1, 100.0];

/// Reads one block; collects what is wrong with it.
pub(super) struct CostResolver<'a> {
    file: &'a Document<ClusterFile>,
    cost: &'a CostFile,
    economics: &'a Economics,
    errors: Vec<Diagnostic>,
}

fn exact<T: Copy>(value: T, key: &str) -> Sourced<Range<T>> {
    given(Range::exact(value), key)
}

fn given<T>(value: T, key: &str) -> Sourced<T> {
    Sourced::new(value, Provenance::Given, format!("cluster file, cost.{key}"))
}

/// As given, else the catalogue's figure of that name.
fn or<T: Copy>(value: Option<T>, key: &str, figures: &[Figure<T>], name: &str) -> Known<T> {
    value.map(|value| exact(value, key)).or_else(|| named(figures, name).map(Figure::assumption))
}

impl<'a> CostResolver<'a> {
    pub(super) fn new(file: &'a Document<ClusterFile>, none: &'a CostFile, catalog: &'a Catalog) -> Self {
        let cost = file.value.cost.as_ref().unwrap_or(none);
        Self { file, cost, economics: &catalog.economics, errors: Vec::new() }
    }

    pub(super) fn cost(mut self) -> (Cost, Vec<Diagnostic>) {
        let (cost, e) = (self.cost, self.economics);
        self.lives();
        let facility = self.facility();
        let electricity = self.electricity();
        let subsidies = (0..cost.subsidies.len()).map(|i| self.subsidy(i)).collect();
        let rent_path = self.rent_path();
        let wacc = self.wacc();
        if cost.method == Some(Method::Lease) && cost.lease.is_none() {
            self.wrong(
                Code::MissingKey,
                &path!["cost", "method"],
                "a lease has a price",
                "add `lease: 1.20 USD/GPU-hour` to `cost`",
            );
        }
        let resolved = Cost {
            stated: self.file.value.cost.is_some(),
            method: cost.method.unwrap_or_default(),
            start: cost.start,
            capital: cost.capital.map(|price| given(price, "capital")),
            interconnect: named(&e.shares, "interconnect").map(Figure::assumption),
            life: or(cost.life, "life", &e.lives, "server"),
            wacc,
            financing: cost.financing,
            residual: or(cost.residual, "residual", &e.shares, "residual"),
            progress: or(cost.progress, "progress", &e.rates, "price-performance"),
            lease: cost.lease.map(|price| given(price, "lease")),
            utilisation: or(cost.utilisation, "utilisation", &e.shares, "utilisation"),
            power_per_gpu: cost.power_per_gpu.map(|power| given(power, "power-per-gpu")),
            facility,
            electricity,
            gpus_per_person: or(cost.staff.gpus_per_person, "staff.gpus-per-person", &e.ratios, "gpus-per-person"),
            pay: or(cost.staff.pay, "staff.pay", &e.pay, "administrator"),
            maintenance: or(cost.maintenance, "maintenance", &e.rates, "maintenance"),
            insurance: or(cost.insurance, "insurance", &e.rates, "insurance"),
            software: cost.software,
            data: cost.data,
            subsidies,
            rent: cost.rent.price,
            rent_path,
        };
        (resolved, self.errors)
    }

    fn wrong(&mut self, code: Code, at: &Path, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(self.file.error(code, at, message).help(help));
    }

    fn lives(&mut self) {
        let (cost, [least, most]) = (self.cost, LIVES);
        for (life, at) in [(cost.life, path!["cost", "life"]), (cost.facility.life, path!["cost", "facility", "life"])] {
            if let Some(life) = life.filter(|life| !(least..=most).contains(&life.years())) {
                self.wrong(Code::OutOfRange, &at, format!("nothing is paid for over {life}"), "write it as in `5 years`");
            }
        }
        let used = cost.utilisation.is_some_and(|share| share.get() == 0.0);
        if used {
            let message = "hours that are never used have no cost per used hour";
            self.wrong(Code::OutOfRange, &path!["cost", "utilisation"], message, "write it as in `80 %`");
        }
    }

    fn wacc(&mut self) -> Known<YearlyRate> {
        let cost = self.cost;
        match &cost.financing {
            Some(_) if cost.wacc.is_some() => {
                let message = "`financing` and `wacc` both say what capital costs";
                self.wrong(Code::ConflictingKeys, &path!["cost", "wacc"], message, "leave one of them out");
                None
            }
            // What follows from it, economics knows.
            Some(_) => None,
            None => or(cost.wacc, "wacc", &self.economics.rates, "wacc"),
        }
    }

    fn facility(&mut self) -> Facility {
        let (f, e) = (&self.cost.facility, self.economics);
        let built = f.build.is_some() || f.market.is_some() || f.life.is_some() || f.rate.is_some() || f.maintenance.is_some();
        if let Some(price) = f.colocation {
            if built {
                let message = "a site is rented by `colocation` or built, not both";
                self.wrong(
                    Code::ConflictingKeys,
                    &path!["cost", "facility", "colocation"],
                    message,
                    "keep `colocation` alone, or leave it out",
                );
            }
            return Facility::Rented(given(price, "facility.colocation"));
        }
        let price = match &f.market {
            Some(name) if f.build.is_none() => {
                self.catalogued(&e.build, name, &path!["cost", "facility", "market"], "build cost")
            }
            Some(_) => {
                let message = "`market` and `build` both say what a site costs";
                self.wrong(Code::ConflictingKeys, &path!["cost", "facility", "market"], message, "leave one of them out");
                None
            }
            None => or(f.build, "facility.build", &e.build, "us"),
        };
        Facility::Built {
            price,
            life: or(f.life, "facility.life", &e.lives, "plant"),
            rate: or(f.rate, "facility.rate", &e.rates, "facility"),
            maintenance: or(f.maintenance, "facility.maintenance", &e.rates, "facility-maintenance"),
        }
    }

    /// A figure that the file names.
    fn catalogued<T: Copy>(&mut self, figures: &[Figure<T>], name: &str, at: &Path, what: &str) -> Known<T> {
        if let Some(figure) = named(figures, name) {
            return Some(figure.assumption());
        }
        let help = match nearest(name, figures.iter().map(|figure| figure.name.as_str())) {
            Some(near) => format!("did you mean `{near}`? `planner catalog economics` lists all"),
            None => "`planner catalog economics` lists all; `--catalog FILE` adds your own".to_owned(),
        };
        self.wrong(Code::UnknownPrice, at, format!("no {what} is called {}", quoted(name)), help);
        None
    }

    fn electricity(&mut self) -> Electricity {
        let e = &self.cost.electricity;
        let flat = self.file.value.power.tariff;
        let other = [(flat.is_some(), "`power.tariff`"), (!e.periods.is_empty(), "`periods`")];
        let tariff = match &e.region {
            Some(name) => {
                if let Some((_, other)) = other.iter().find(|(there, _)| *there) {
                    let message = format!("`region` and {other} both say what electricity costs");
                    self.wrong(
                        Code::ConflictingKeys,
                        &path!["cost", "electricity", "region"],
                        message,
                        "leave one of them out",
                    );
                }
                self.catalogued(&self.economics.tariffs, name, &path!["cost", "electricity", "region"], "tariff")
            }
            None => named(&self.economics.tariffs, "us").map(Figure::assumption),
        };
        if flat.is_some() && !e.periods.is_empty() {
            let message = "`periods` and `power.tariff` both say what electricity costs";
            self.wrong(Code::ConflictingKeys, &path!["cost", "electricity", "periods"], message, "leave one of them out");
        }
        for (needs, key, without) in [
            (e.ratchet.is_some() && e.demand.is_none(), "ratchet", "demand"),
            (e.floor.is_some() && e.contract.is_none(), "floor", "contract"),
            (e.contract.is_some() && e.demand.is_none(), "contract", "demand"),
        ] {
            if needs {
                let message = format!("`{key}` without `{without}` changes nothing");
                let example = if without == "demand" { "15 USD/kW-month" } else { "2 MW" };
                self.wrong(
                    Code::MissingKey,
                    &path!["cost", "electricity", key],
                    message,
                    format!("add `{without}: {example}`"),
                );
            }
        }
        Electricity {
            tariff,
            periods: self.periods(),
            demand: e.demand,
            ratchet: e.ratchet.unwrap_or_default(),
            contract: e.contract,
            floor: e.floor.unwrap_or(if e.contract.is_some() { Share::new(1.0) } else { Share::ZERO }),
            taxes: e.taxes.unwrap_or_default(),
            fee: e.fee,
        }
    }

    /// The hours of the week, shared out; one period may take the rest.
    fn periods(&mut self) -> Vec<(String, EnergyPrice, Share)> {
        let periods = &self.cost.electricity.periods;
        if periods.is_empty() {
            return Vec::new();
        }
        let stated: f64 = periods.iter().filter_map(|period| period.hours_per_week).sum();
        let open = periods.iter().filter(|period| period.hours_per_week.is_none()).count();
        let whole = (stated - WEEK).abs() < 1e-6;
        let place = path!["cost", "electricity", "periods"];
        if stated > WEEK + 1e-6 {
            self.wrong(
                Code::OutOfRange,
                &place,
                format!("the periods have {stated} hours of the week's 168"),
                "make them fewer",
            );
        } else if open > 1 {
            let message = format!("{open} periods do not say how many hours they have");
            self.wrong(Code::MissingKey, &place, message, "only one may be left the rest of the week; add `hours-per-week`");
        } else if open == 0 && !whole {
            let message = format!("the periods have {stated} hours of the week's 168");
            self.wrong(Code::ItemCount, &place, message, "leave `hours-per-week` of one period out: it gets the rest");
        }
        for (i, period) in periods.iter().enumerate() {
            self.errors.extend(names::check(self.file, &place.index(i).key("name"), &period.name));
        }
        let share = |hours: Option<f64>| Share::new(hours.unwrap_or((WEEK - stated).max(0.0)) / WEEK);
        periods.iter().map(|period| (period.name.clone(), period.price, share(period.hours_per_week))).collect()
    }

    fn subsidy(&mut self, i: usize) -> SubsidyTerms {
        let SubsidyFile { name, on, percent, amount, cap, until } = &self.cost.subsidies[i];
        let place = path!["cost", "subsidies", i];
        self.errors.extend(names::check(self.file, &place.key("name"), name));
        if percent.is_none() && amount.is_none() {
            let help = "add `percent: 50 %` or `amount: 100000 USD/year`";
            self.wrong(Code::MissingKey, &place, format!("subsidy {} pays nothing", quoted(name)), help);
        }
        if until.is_some() && self.cost.start.is_none() {
            let message = "when a subsidy ends says nothing without when the cluster starts";
            self.wrong(Code::MissingKey, &place.key("until"), message, "add `start: 2027-01-01` to `cost`");
        }
        SubsidyTerms {
            name: name.clone(),
            on: *on,
            percent: percent.unwrap_or_default(),
            amount: *amount,
            cap: *cap,
            until: *until,
        }
    }

    fn rent_path(&mut self) -> PricePath {
        let Some(path) = &self.cost.rent.path else { return PricePath::Constant };
        let place = path!["cost", "rent", "path"];
        let kinds = [path.decline.is_some(), path.progress.is_some(), path.learning.is_some(), !path.prices.is_empty()];
        if kinds.into_iter().filter(|kind| *kind).count() != 1 {
            let help = "write one of `decline`, `progress`, `learning` with `growth`, or `prices`";
            self.wrong(Code::ConflictingKeys, &place, "a price moves in one way", help);
            return PricePath::Constant;
        }
        if path.learning.is_some() != path.growth.is_some() {
            let message = "Wright's law needs `learning` and `growth`";
            self.wrong(Code::MissingKey, &place, message, "write `{learning: 15 %, growth: 40 %/year}`");
        }
        if let Some(rate) = path.decline.filter(|rate| rate.get() >= 1.0) {
            self.wrong(
                Code::OutOfRange,
                &place.key("decline"),
                format!("a price that falls by {rate} is nothing"),
                "write less than 100 %",
            );
        }
        if path.learning.is_some_and(|share| share.get() >= 1.0) {
            self.wrong(
                Code::OutOfRange,
                &place.key("learning"),
                "a price that falls by all of it is nothing",
                "write less than 100 %",
            );
        }
        if !path.prices.is_empty() {
            self.dated(&place.key("prices"));
        }
        let dated = || path.prices.iter().map(|dated| (dated.date, dated.price)).collect();
        match (path.decline, path.progress, path.learning) {
            (Some(rate), _, _) => PricePath::Decline(rate),
            (_, Some(rate), _) => PricePath::Progress(rate),
            (_, _, Some(learning)) => PricePath::Wright { learning, growth: path.growth.unwrap_or_default() },
            _ => PricePath::Dated(dated()),
        }
    }

    fn dated(&mut self, place: &Path) {
        let prices = self.cost.rent.path.as_ref().map(|path| path.prices.as_slice()).unwrap_or_default();
        if self.cost.start.is_none() {
            let message = "prices by date say nothing without when the cluster starts";
            self.wrong(Code::MissingKey, place, message, "add `start: 2027-01-01` to `cost`");
        }
        let currency = |i: usize| prices[i].price.per_unit().currency();
        for i in 1..prices.len() {
            if prices[i].date <= prices[i - 1].date {
                let message = format!("{} is not later than {}", prices[i].date, prices[i - 1].date);
                self.wrong(Code::InvalidValue, &place.index(i).key("date"), message, "write the earliest first");
            }
            if currency(i) != currency(0) {
                let message = "prices on a line between dates have one currency";
                self.wrong(Code::InvalidValue, &place.index(i).key("price"), message, format!("write it in {}", currency(0)));
            }
        }
    }
}

/// Every currency of a `cost` block, with its place.
pub(super) fn currencies(cost: &CostFile) -> Vec<(Option<Currency>, Path)> {
    let mut all = vec![
        (cost.capital.map(|p| p.per_unit().currency()), path!["cost", "capital"]),
        (cost.lease.map(|p| p.per_unit().currency()), path!["cost", "lease"]),
        (cost.facility.build.map(|p| p.per_unit().currency()), path!["cost", "facility", "build"]),
        (cost.facility.colocation.map(|p| p.per_unit().currency()), path!["cost", "facility", "colocation"]),
        (cost.electricity.demand.map(|p| p.per_unit().currency()), path!["cost", "electricity", "demand"]),
        (cost.electricity.fee.map(|p| p.per_unit().currency()), path!["cost", "electricity", "fee"]),
        (cost.staff.pay.map(|p| p.per_unit().currency()), path!["cost", "staff", "pay"]),
        (cost.software.map(|p| p.per_unit().currency()), path!["cost", "software"]),
        (cost.data.map(|p| p.per_unit().currency()), path!["cost", "data"]),
        (cost.rent.price.map(|p| p.per_unit().currency()), path!["cost", "rent", "price"]),
    ];
    for (i, period) in cost.electricity.periods.iter().enumerate() {
        all.push((Some(period.price.per_unit().currency()), path!["cost", "electricity", "periods"].index(i).key("price")));
    }
    for (i, subsidy) in cost.subsidies.iter().enumerate() {
        let place = path!["cost", "subsidies"].index(i);
        all.push((subsidy.amount.map(|p| p.per_unit().currency()), place.key("amount")));
        all.push((subsidy.cap.map(Money::currency), place.key("cap")));
    }
    for (i, dated) in cost.rent.path.iter().flat_map(|path| path.prices.iter()).enumerate() {
        all.push((Some(dated.price.per_unit().currency()), path!["cost", "rent", "path", "prices"].index(i).key("price")));
    }
    all
}
