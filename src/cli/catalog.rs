//! `planner catalog`.

use clap::{Args, ValueEnum};

use super::{Failure, Global, Outcome, input, output};
use crate::catalog::{Catalog, Entry, written};
use crate::diagnostic::{Source, nearest};
use crate::report::{self, Table};

/// Arguments of `planner catalog`.
#[derive(Debug, Args)]
pub struct CatalogArguments {
    /// What to list
    #[arg(value_enum)]
    section: Section,
    /// Show this entry in full, with its sources
    name: Option<String>,
    /// Form of the list
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A part of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// GPUs and other accelerators
    Accelerators,
    /// Servers and racks
    Servers,
    /// Network switches
    Switches,
    /// Scale-up and scale-out links
    Links,
    /// Model architectures
    Models,
    /// Purchase prices of servers, switches and parts; what accelerators rent for
    Prices,
    /// Tariffs, build costs, rents of space, lives, rates and ratios that costs are computed from
    Economics,
}

/// Form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people; `*` marks what was not seen in a source
    Text,
    /// For documents
    Markdown,
    /// For spreadsheets
    Csv,
}

pub(super) fn run(arguments: &CatalogArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let own = global.catalog.as_deref().map(Source::read).transpose()?;
    let own = own.as_ref().map_or("", |source| source.text());
    let show = |table: Table| match arguments.format {
        Format::Text => table.text(0),
        Format::Markdown => table.markdown(),
        Format::Csv => table.csv(),
    };
    let name = arguments.name.as_deref();
    let text = match (arguments.section, name) {
        (Section::Accelerators, None) => show(report::accelerators(&catalog.accelerators)),
        (Section::Servers, None) => show(report::servers(&catalog.servers)),
        (Section::Switches, None) => show(report::switches(&catalog.switches)),
        (Section::Links, None) => show(report::links(&catalog.links)),
        (Section::Models, None) => show(report::models(&catalog.models)),
        (Section::Prices, None) => show(report::prices(&catalog)),
        (Section::Prices, Some(name)) => priced(&catalog, own, name)?,
        (Section::Economics, None) => show(report::economics(&catalog.economics)),
        (Section::Economics, Some(name)) => {
            // Figures have their sources beside them: one is told as its line.
            let table = report::economics(&catalog.economics).only(1, name);
            if table.is_empty() {
                return Err(anyhow::anyhow!("no figure is called `{name}`; `planner catalog economics` lists all").into());
            }
            show(table)
        }
        (Section::Accelerators, Some(name)) => one(&catalog, own, catalog.accelerator(name), name, &catalog.accelerators)?,
        (Section::Servers, Some(name)) => one(&catalog, own, catalog.server(name), name, &catalog.servers)?,
        (Section::Switches, Some(name)) => one(&catalog, own, catalog.switch(name), name, &catalog.switches)?,
        (Section::Links, Some(name)) => one(&catalog, own, catalog.link(name), name, &catalog.links)?,
        (Section::Models, Some(name)) => {
            let model = catalog.model(name);
            one(&catalog, own, model, name, &catalog.models)? + &model.map(report::generated).unwrap_or_default()
        }
    };
    output::print(&text)?;
    Ok(Outcome::Done)
}

fn one<E: Entry>(catalog: &Catalog, own: &str, entry: Option<&E>, name: &str, among: &[E]) -> anyhow::Result<String> {
    let Some(entry) = entry else {
        let near =
            nearest(name, among.iter().map(Entry::name)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        anyhow::bail!("no {} is called `{name}`{near}", E::WHAT);
    };
    Ok(report::entry(entry, &written(own, entry.name()), catalog))
}

/// An entry that has a price, whatever it is.
fn priced(catalog: &Catalog, own: &str, name: &str) -> anyhow::Result<String> {
    if let Some(switch) = catalog.switch(name) {
        return one(catalog, own, Some(switch), name, &catalog.switches);
    }
    if let Some(server) = catalog.server(name) {
        return one(catalog, own, Some(server), name, &catalog.servers);
    }
    if let Some(accelerator) = catalog.accelerator(name) {
        return one(catalog, own, Some(accelerator), name, &catalog.accelerators);
    }
    one(catalog, own, catalog.part(name), name, &catalog.parts)
}
