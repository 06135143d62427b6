//! From a log of nccl-tests to alpha and beta of a link.

use super::read::CollectiveLog;
use super::{About, LinkProfile, fit};
use crate::units::{BitsPerSecond, BytesPerSecond, Seconds};

/// The line through the times of a log: time = alpha + wire / beta.
pub(super) fn fitted(about: About<'_>, log: &CollectiveLog) -> Result<LinkProfile, String> {
    let (ranks, domains) = (log.ranks, log.domains.max(1));
    if ranks < 2 {
        return Err("the log is of fewer than two ranks".to_owned());
    }
    let bus = bus_factor(&log.operation, ranks)?;
    let points: Vec<(f64, f64)> = log.times.iter().map(|(bytes, seconds)| (bytes * bus, *seconds)).collect();
    let line = fit::line(&points)
        .ok_or_else(|| "no line goes through the times: sizes have to rise by large steps, and times with them".to_owned())?;
    let accelerator = about.accelerator;
    let per_domain = f64::from((ranks / domains).max(1));
    let (link, bandwidth) = if domains == 1 {
        (accelerator.scale_up.link.clone(), accelerator.scale_up.bandwidth.get())
    } else {
        let link = about.link.ok_or("the log is of several nodes: name their link with --link")?;
        let port = link.bandwidth.or_else(|| link.rate.map(BitsPerSecond::to_bytes));
        let port = port.ok_or_else(|| format!("the catalogue has no rate for {}", link.title))?;
        // One port an accelerator; a transfer between two uses one.
        let ports = if log.operation == "point-to-point" { 1.0 } else { per_domain };
        (link.name.clone(), port.get() * ports)
    };
    let counted = wire_factor(&log.operation, f64::from(ranks), f64::from(domains), per_domain);
    Ok(LinkProfile {
        link,
        operation: log.operation.clone(),
        ranks,
        domains,
        alpha: Seconds::new(line.alpha),
        beta: BytesPerSecond::new(line.beta),
        efficiency: line.beta / bandwidth * counted / bus,
        spread: line.error,
        origin: log.origin.clone(),
    })
}

/// Bytes on the bus per byte of the buffer, as nccl-tests counts them (PERFORMANCE.md of nccl-tests).
fn bus_factor(operation: &str, ranks: u32) -> Result<f64, String> {
    let n = f64::from(ranks);
    match operation {
        "all-reduce" => Ok(2.0 * (n - 1.0) / n),
        "all-gather" | "reduce-scatter" | "all-to-all" => Ok((n - 1.0) / n),
        "point-to-point" => Ok(1.0),
        other => Err(format!("the planner has no collective `{other}`")),
    }
}

/// Bytes on the wire per byte of the buffer, as `step::collective` counts them: docs/model.md, collectives.
fn wire_factor(operation: &str, n: f64, domains: f64, per_domain: f64) -> f64 {
    match operation {
        "all-reduce" if domains == 2.0 => 1.0,
        "all-reduce" => 2.0 * (n - 1.0) / n,
        "all-to-all" if domains > 1.0 => per_domain * (n - per_domain) / n,
        "point-to-point" => 1.0,
        _ => (n - 1.0) / n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn log(operation: &str, ranks: u32, domains: u32, alpha: f64, beta: f64) -> CollectiveLog {
        let bus = bus_factor(operation, ranks).unwrap();
        let times = (16..34).map(|i| 2f64.powi(i)).map(|size| (size, alpha + size * bus / beta)).collect();
        CollectiveLog { operation: operation.into(), ranks, domains, times, device: None, origin: "a test".into() }
    }

    #[test]
    fn alpha_and_beta_come_out_as_a_share_of_the_link() {
        let catalog = Catalog::embedded();
        let about = About { accelerator: catalog.accelerator("h100").unwrap(), link: catalog.link("infiniband-ndr") };
        let inside = fitted(about, &log("all-reduce", 8, 1, 30e-6, 360e9)).unwrap();
        assert_eq!(inside.link, "nvlink4");
        assert!((inside.alpha.get() / 30e-6 - 1.0).abs() < 1e-6 && (inside.efficiency - 0.8).abs() < 1e-6);
        // Eight ports of 50 GB/s.
        let across = fitted(about, &log("all-gather", 32, 4, 90e-6, 380e9)).unwrap();
        assert_eq!(across.link, "infiniband-ndr");
        assert!((across.efficiency - 0.95).abs() < 1e-6, "{}", across.efficiency);
        assert!(fitted(About { link: None, ..about }, &log("all-gather", 32, 4, 90e-6, 380e9)).is_err());
    }
}
