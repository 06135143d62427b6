//! `planner size`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::input::{self, Format};
use super::told::Form;
use super::{Failure, Global, Outcome, output};
use crate::calibration::Calibration;
use crate::diagnostic::{Code, Source};
use crate::report;
use crate::size::{Answer, Design, Limits, Network, Objective, Offer, Question, Site, Wiring};
use crate::spec::{Workload, examples};
use crate::units::{Currency, Money, Seconds, Watts};

/// Arguments of `planner size`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner size -w llama3-70b --deadline '90 days' --site-limit '5 MW'\n  planner size -w jobs.yaml --site site.yaml --budget '60000000 USD' \
                        --server dgx-h200,dgx-b200 --write cluster.yaml\n  \
                        planner size -w jobs.yaml --objective runs --network ethernet --wiring full,rail-only"
)]
pub struct SizeArguments {
    /// Workload file, or the name of an embedded example
    #[arg(long, short, value_name = "FILE", default_value = examples::DEFAULT_WORKLOAD)]
    workload: String,
    /// Deadline of every job, in place of its own, such as `90 days`
    #[arg(long, value_name = "TIME")]
    deadline: Option<Seconds>,
    /// Time from the order until the cluster is in service; deadlines count from the order
    #[arg(long, value_name = "TIME")]
    lead_time: Option<Seconds>,
    /// Most that may be spent on hardware, such as `60000000 USD`
    #[arg(long, value_name = "MONEY")]
    budget: Option<Money>,
    /// Most power of the site, cooling included, such as `5 MW` [default: the site's]
    #[arg(long, value_name = "POWER")]
    site_limit: Option<Watts>,
    /// Most power of a rack, such as `40 kW` [default: the site's]
    #[arg(long, value_name = "POWER")]
    rack_limit: Option<Watts>,
    /// Racks that there is space for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    racks: Option<u32>,
    /// Servers that may be bought [default: those with a price and an accelerator since 2022]
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    server: Vec<String>,
    /// What is made as small as it can be
    #[arg(long, value_enum, default_value_t = Least::Capital)]
    objective: Least,
    /// How leaves may be joined
    #[arg(long, value_enum, value_name = "WIRING", value_delimiter = ',', default_values_t = [Joined::Full, Joined::Oversubscribed])]
    wiring: Vec<Joined>,
    /// Networks that may be bought [default: all]
    #[arg(long, value_enum, value_name = "NETWORK", value_delimiter = ',')]
    network: Vec<Kind>,
    /// Power, prices and reliability of the site: a cluster file without `name`, `pools` and `fabric`
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Write the cluster file of the answer
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Least {
    /// What is bought
    Capital,
    /// Owning the cluster over the life of its hardware: capital, site, electricity, people
    Ownership,
    /// The jobs, at what a used GPU-hour costs the owner
    Runs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Joined {
    /// As much bandwidth out of a leaf as into it
    Full,
    /// Twice as much into a leaf as out of it
    Oversubscribed,
    /// Leaves of one rail alone, without spines
    RailOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// InfiniBand
    Infiniband,
    /// Ethernet
    Ethernet,
}

impl SizeArguments {
    fn objective(&self) -> Objective {
        match self.objective {
            Least::Capital => Objective::Capital,
            Least::Ownership => Objective::Ownership,
            Least::Runs => Objective::Runs,
        }
    }

    fn offer(&self) -> Offer {
        let wiring = |joined: &Joined| match joined {
            Joined::Full => Wiring::Full,
            Joined::Oversubscribed => Wiring::Oversubscribed,
            Joined::RailOnly => Wiring::RailOnly,
        };
        let network = |kind: &Kind| match kind {
            Kind::Infiniband => Network::Infiniband,
            Kind::Ethernet => Network::Ethernet,
        };
        Offer { wirings: self.wiring.iter().map(wiring).collect(), networks: self.network.iter().map(network).collect() }
    }
}

pub(super) fn run(arguments: &SizeArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    if arguments.deadline.is_some_and(|deadline| deadline <= Seconds::ZERO) {
        return Err(anyhow::anyhow!("`--deadline` is a time from the order on, such as `90 days`").into());
    }
    let site = match &arguments.site {
        Some(path) => Site::read(&Source::read(path)?)?,
        None => Site::default(),
    };
    let designs = Design::offered(&arguments.server, &arguments.offer(), &catalog)?;
    let Some(first) = designs.first() else { return Err(anyhow::anyhow!("the catalogue has no server to buy").into()) };
    let (source, _) = examples::read(&arguments.workload)?;
    let workload = Workload::load(source, &catalog)?;
    for job in &workload.jobs {
        if job.tokens.is_none() {
            let error = workload.error(job, "name", Code::MissingKey, format!("job `{}` says not how many tokens", job.name));
            return Err(error.help("a cluster is sized for a run: add `tokens: 1T tokens`").into());
        }
        if job.deadline.or(arguments.deadline).is_none() {
            let error = workload.error(job, "name", Code::MissingKey, format!("job `{}` has no deadline", job.name));
            return Err(error.help("add `deadline: 90 days`, or `--deadline '90 days'` for all jobs").into());
        }
        if let Some(key) = job.pool.as_ref().map(|_| "pool").or(job.pools.as_ref().map(|_| "pools")) {
            let message = format!("job `{}` asks for pools by name, and a cluster that is sized has one of its own", job.name);
            let error = workload.error(job, key, Code::UnknownPool, message);
            return Err(error.help(format!("leave `{key}` out")).into());
        }
    }
    // What the site says of power and racks holds where the command line says nothing else.
    let power = site.check(first, &catalog)?.power;
    let calibration = input::calibration(arguments.calibration.as_deref(), &catalog)?;
    let answer = Answer::new(&Question {
        workload: &workload,
        deadline: arguments.deadline,
        limits: Limits {
            budget: arguments.budget.map(|money| usd(money, &catalog)).transpose()?,
            site_power: arguments.site_limit.or(power.site_limit),
            rack_power: arguments.rack_limit.or(power.rack_limit),
            racks: arguments.racks,
            lead_time: arguments.lead_time,
        },
        objective: arguments.objective(),
        site: &site,
        designs: &designs,
        catalog: &catalog,
        calibration: calibration.as_ref().map_or_else(|| Calibration::defaults(), |(calibration, _)| calibration),
    });
    let text = match arguments.form.format {
        Format::Text => report::size_text(&answer, &workload),
        Format::Markdown => report::size_markdown(&answer, &workload),
        Format::Csv => report::size_csv(&answer),
        Format::Json => report::json(&answer).map_err(anyhow::Error::from)?,
    };
    output::write(arguments.form.destination.output.as_deref(), &text)?;
    if let Some((path, best)) = arguments.write.as_deref().zip(answer.best.as_ref()) {
        output::write(Some(path), &best.design.file(&site, best.nodes))?;
    }
    Ok(if answer.best.is_some() { Outcome::Done } else { Outcome::No })
}

/// Money in US dollars, which purchase prices are compared in.
fn usd(money: Money, catalog: &crate::catalog::Catalog) -> anyhow::Result<Money> {
    let rate = catalog.usd_rate(money.currency());
    let rate = rate.ok_or_else(|| anyhow::anyhow!("no exchange rate of {} is known", money.currency()))?;
    Ok(money.convert(Currency::USD, rate.value))
}
