//! `planner bom`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::told::{Form, Telling};
use super::{Failure, Global, Outcome, input, output};
use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::economics::bill::{BILL_SCHEMA_VERSION, Bill};
use crate::report;
use crate::spec::{Cluster, ClusterFile, examples};
use crate::topology::Topology;
use crate::yaml::{self, Path};

/// Arguments of `planner bom`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  planner bom h100-superpod-127\n  planner bom h100-superpod-127 --rules\n  \
                        planner bom clusters/mine.yaml --require-prices --format csv -o order.csv\n\n\
                        Exit codes: 0 done; 1 a limit is exceeded; 2 bad input, or a price is missing under --require-prices")]
pub struct BomArguments {
    /// Cluster files, or names of embedded examples
    #[arg(value_name = "CLUSTER", required = true)]
    clusters: Vec<String>,
    /// Say for every line which rule it follows (Markdown, CSV and JSON always do)
    #[arg(long)]
    rules: bool,
    /// Refuse a bill with an item that no price is known of
    #[arg(long)]
    require_prices: bool,
    /// Write a workbook as well: prices that may be changed, and sums that follow
    #[arg(long, value_name = "FILE.xlsx", value_parser = output::workbook)]
    xlsx: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &BomArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let mut errors = Vec::new();
    let mut bills = Vec::new();
    for name in &arguments.clusters {
        match examples::read(name).map_err(|error| vec![error]).and_then(|(source, _)| bill(&source, &catalog)) {
            Ok((bill, missing)) => {
                bills.push(bill);
                errors.extend(missing.into_iter().filter(|_| arguments.require_prices));
            }
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let telling = Telling {
        key: "bills",
        schema_version: BILL_SCHEMA_VERSION,
        text: &|bill| report::bill_text(bill, arguments.rules),
        markdown: &report::bill_markdown,
        csv: &report::bill_csv,
    };
    arguments.form.tell(&bills, &telling, None)?;
    if let Some(path) = &arguments.xlsx {
        output::save(path, &report::bills_xlsx(&bills).map_err(anyhow::Error::from)?)?;
    }
    Ok(if bills.iter().all(Bill::holds) { Outcome::Done } else { Outcome::No })
}

/// The bill of a file, and an error for each item in it that no price is known of.
fn bill(source: &Arc<Source>, catalog: &Catalog) -> Result<(Bill, Vec<Diagnostic>), Vec<Diagnostic>> {
    let file = yaml::load::<ClusterFile>(Arc::clone(source))?;
    let cluster = Cluster::load(Arc::clone(source), catalog)?;
    let bill = Bill::new(&cluster, &Topology::new(&cluster), catalog);
    let missing = bill.unpriced().into_iter().map(|(item, count)| {
        let message = format!("no price of `{item}` is known, and {count} are bought");
        let error = file.error(Code::UnknownPrice, &Path::root().key("price").key("items"), message);
        error.help(format!(
            "add its price to this file, `price: {{items: {{{item}: 100 USD}}}}`, or a `price` to its entry in a file for --catalog"
        ))
    });
    Ok((bill.clone(), missing.collect()))
}
