//! The hash of a space: equal where two machines plan the same items from the same input.

use super::{SCHEMA_VERSION, Space};
use crate::estimate::Hash;
use crate::units::{EnergyPrice, HourlyPrice, Money};

impl Space {
    /// SHA-256 over the planner's version, the content of every file, and the list of items; in hexadecimal digits.
    ///
    /// Names of folders are not in it, so that machines may keep the files in different places.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Hash::default();
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
        hash.digits()
    }
}
