//! The data that the binary carries.

use std::sync::OnceLock;

use super::Catalog;
use crate::yaml;

const FILES: [(&str, &str); 7] = [
    ("accelerators", include_str!("data/accelerators.yaml")),
    ("servers", include_str!("data/servers.yaml")),
    ("links", include_str!("data/links.yaml")),
    ("switches", include_str!("data/switches.yaml")),
    ("models", include_str!("data/models.yaml")),
    ("sources", include_str!("data/sources.yaml")),
    ("currencies", include_str!("data/currencies.yaml")),
];

impl Catalog {
    /// The embedded catalogue, read once.
    ///
    /// # Panics
    /// Never in a build whose tests pass: the data are part of the binary, and a test reads every file.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| {
            FILES.iter().fold(Self::default(), |catalog, (name, text)| match yaml::parse_embedded::<Self>(text) {
                Ok(part) => catalog.with(part),
                Err(error) => panic!("the embedded catalogue of {name} does not parse: {error}"),
            })
        })
    }
}
