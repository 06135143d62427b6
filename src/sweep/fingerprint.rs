//! The hash of a space: equal where two machines plan the same items from the same input.

use std::fmt::{Display, Write as _};

use sha2::{Digest, Sha256};

use super::{SCHEMA_VERSION, Space};
use crate::units::{EnergyPrice, HourlyPrice, Money};

impl Space {
    /// SHA-256 over the planner's version, the content of every file, and the list of items; in hexadecimal digits.
    ///
    /// Names of folders are not in it, so that machines may keep the files in different places.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Lines(Sha256::new());
        hash.line("planner", env!("CARGO_PKG_VERSION"));
        hash.line("schema", SCHEMA_VERSION);
        hash.line("catalog", self.catalog_file.as_ref().map_or("", |file| file.text()));
        hash.line("calibration", self.calibration.as_ref().map_or("", |(_, file)| file.text()));
        for input in &self.clusters {
            hash.line("cluster", input.source.text());
        }
        for input in &self.workloads {
            hash.line("workload", &input.name);
            hash.line("text", input.source.text());
            for job in &input.workload.jobs {
                // A model or an order may stand in a file of its own, which the workload's text only names.
                hash.line("model", format!("{:?}", job.model));
                hash.line("order", job.order.as_ref().map_or("", |order| order.text()));
            }
        }
        hash.line("items", self.len());
        for item in (0..self.len()).filter_map(|index| self.item(index)) {
            let money = |money: Option<Money>| money.map(|money| format!("{:?} {}", money.amount(), money.currency()));
            hash.line(
                "item",
                format!(
                    "{} {:?} {} {} {:?} {:?}",
                    item.cluster,
                    item.nodes,
                    item.workload,
                    item.job,
                    money(item.gpu_hour.map(HourlyPrice::per_unit)),
                    money(item.tariff.map(EnergyPrice::per_unit)),
                ),
            );
        }
        hash.0.finalize().iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }
}

/// Named values with their lengths, so that no two lists of values are the same bytes.
struct Lines(Sha256);

impl Lines {
    fn line(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        self.0.update(format!("{name} {}\n", value.len()));
        self.0.update(value);
        self.0.update("\n");
    }
}
