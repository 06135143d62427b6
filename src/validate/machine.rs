//! The cluster that a published run ran on, from the names in its row.

use crate::catalog::{Catalog, Entry, ScaleUpKind};
use crate::diagnostic::Source;
use crate::spec::Cluster;

use super::PublishedRun;

/// What a row says about its machine, in the catalogue's terms: the same for all rows on the same cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Accelerator of the catalogue.
    pub accelerator: String,
    /// Accelerators that share a scale-up domain, or a node.
    domain: u32,
    nodes: u32,
    /// Ports of such a domain and their rate.
    ports: (u32, u32),
    link: &'static str,
}

impl Machine {
    /// The machine of a row.
    ///
    /// # Errors
    /// What the row lacks, or that the catalogue does not know the accelerator.
    pub fn of(row: &PublishedRun, catalog: &Catalog) -> Result<Self, String> {
        let name = known(&row.accelerator, catalog)
            .ok_or_else(|| format!("the catalogue has no accelerator `{}`", row.accelerator))?;
        let accelerator = catalog.accelerator(&name).ok_or_else(|| format!("the catalogue has no accelerator `{name}`"))?;
        let gpus = row.n_gpus.filter(|gpus| *gpus > 0).ok_or("the number of accelerators is not known")?;
        let per_node = row.gpus_per_node.unwrap_or(8).max(1);
        let domain = match accelerator.scale_up.kind {
            // A slice of a torus is one domain; several slices talk over the data-centre network.
            ScaleUpKind::Torus => gpus.div_ceil(slices(&row.inter_interconnect)),
            _ if accelerator.scale_up.domain > 16 => rack(gpus, accelerator.scale_up.domain),
            _ => per_node.min(gpus),
        };
        let (link, rate, ports) = network(row, &name, per_node);
        // The row's ports are those of a node; a rack-sized domain has as many for each of its nodes.
        let ports = (ports * domain).div_ceil(per_node).max(1);
        Ok(Self { accelerator: name, domain, nodes: gpus.div_ceil(domain), ports: (ports, rate), link })
    }

    /// The machine as a cluster.
    ///
    /// # Errors
    /// What the planner cannot make of it.
    pub fn cluster(&self, catalog: &Catalog) -> Result<Cluster, String> {
        let Self { accelerator, domain, nodes, ports: (ports, rate), link } = self;
        let text = format!(
            "name: published\npools:\n- {{name: pool, nodes: {nodes}, server: dgx-h100, accelerator: {accelerator}, \
             gpus: {domain}, nics: {{count: {ports}, rate: {rate} Gb/s}}}}\n\
             fabric: {{kind: fat-tree, switch: q3400, link: {link}}}\n"
        );
        Cluster::load(Source::new("published run", text), catalog)
            .map_err(|errors| errors.first().map_or_else(String::new, |error| error.message.clone()))
    }
}

/// Accelerators of a rack that a job of `gpus` gets: all of a job that fits one, else 64 of 72, or the whole, whichever divides.
fn rack(gpus: u32, most: u32) -> u32 {
    let even = most / 16 * 16;
    match gpus {
        _ if gpus <= most => gpus,
        _ if gpus % even == 0 || gpus % most != 0 => even,
        _ => most,
    }
}

/// The catalogue's name for what a source calls an accelerator: the entry with the longest name that the text starts with once
/// both are stripped to letters and digits, or an alias that is the whole text.
fn known(text: &str, catalog: &Catalog) -> Option<String> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let wanted = plain(text);
    let special = [
        ("h10096gbhbm2e", "h100-sxm-96gb-500w"),
        ("a100sxmmemory", "a100-sxm-80gb"),
        ("b300sxm270gb", "b300-sxm-288gb"),
        ("blackwell184", "b200-sxm-180gb"),
    ];
    if let Some((_, name)) = special.iter().find(|(start, _)| wanted.starts_with(start)) {
        return Some((*name).to_owned());
    }
    catalog
        .accelerators
        .iter()
        .filter_map(|entry| {
            let names = std::iter::once(entry.name()).chain(entry.aliases().iter().map(String::as_str));
            let longest = names.map(plain).filter(|name| wanted.starts_with(name.as_str())).map(|name| name.len()).max()?;
            Some((longest, entry.name().to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, name)| name)
}

/// Slices of `2 slices over DCN`; 1 for anything else.
fn slices(text: &str) -> u32 {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [count, what, ..] if what.starts_with("slice") || what.starts_with("pod") => count.parse().unwrap_or(1).max(1),
        _ => 1,
    }
}

/// Link of the catalogue, rate of a port in Gb/s, and ports of a node.
fn network(row: &PublishedRun, accelerator: &str, per_node: u32) -> (&'static str, u32, u32) {
    let text = row.inter_interconnect.to_lowercase();
    let has = |part: &str| text.contains(part);
    if has("omni-path") {
        return ("omni-path-100", 100, 4);
    }
    if has("800 gb/s per node") || has("4x hdr") {
        return ("infiniband-hdr", 200, 4);
    }
    if has("roce 1600") || has("8x200") {
        return (if has("roce") { "ethernet-200g" } else { "infiniband-hdr" }, 200, 8);
    }
    if has("4x100gb/s") {
        return ("ethernet-100g", 100, 4);
    }
    if has("tcpx") {
        return ("tcpx", 200, 4);
    }
    if has("660 gb/s") {
        return ("infiniband-edr", 100, 7);
    }
    if has("connectx-5") {
        return ("ethernet-100g", 100, 2);
    }
    if has("400 gb/s (per node") {
        return ("ethernet-200g", 200, 2);
    }
    if has("over dcn") {
        return ("ethernet-100g", 100, 2);
    }
    if has("xdr") || accelerator.starts_with("gb300") || accelerator.starts_with("b300") {
        return ("infiniband-xdr", 800, per_node);
    }
    match accelerator {
        name if name.starts_with("v100") || name.starts_with("p100") => ("infiniband-edr", 100, 4),
        name if name.starts_with("a100") || name.starts_with("a800") => ("infiniband-hdr", 200, 8),
        name if name.starts_with("tpu") => ("ethernet-100g", 100, 2),
        name if name.starts_with("gaudi2") => ("ethernet-100g", 100, 2),
        name if name.starts_with("mi3") => ("ethernet-400g", 400, 8),
        _ if has("roce") || has("rdma") => ("ethernet-400g", 400, per_node),
        _ => ("infiniband-ndr", 400, per_node),
    }
}
