//! The data that the binary carries.

use std::sync::OnceLock;

use super::Catalog;
use crate::yaml;

const FILES: [(&str, &str); 9] = [
    ("accelerators", include_str!("data/accelerators.yaml")),
    ("servers", include_str!("data/servers.yaml")),
    ("links", include_str!("data/links.yaml")),
    ("switches", include_str!("data/switches.yaml")),
    ("parts", include_str!("data/parts.yaml")),
    ("models", include_str!("data/models.yaml")),
    ("sources", include_str!("data/sources.yaml")),
    ("currencies", include_str!("data/currencies.yaml")),
    ("economics", include_str!("data/economics.yaml")),
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

/// The texts of the embedded catalogue, which a hash of it is taken over.
pub fn texts() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(_, text)| *text)
}

/// The entry called `name` as it is written: in `own` (the text of a user's file) or in the embedded data.
#[must_use]
pub fn written(own: &str, name: &str) -> String {
    std::iter::once(own).chain(FILES.iter().map(|(_, text)| *text)).find_map(|text| block(text, name)).unwrap_or_default()
}

/// The list item of a YAML text whose `name` is `name`, without its indentation.
fn block(text: &str, name: &str) -> Option<String> {
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let named = |line: &str| {
        let item = line.trim_start().trim_start_matches("- ").trim_start_matches('{');
        let value = item.strip_prefix("name:").map(|rest| rest.split([',', '#']).next().unwrap_or_default());
        is_item(line) && value.is_some_and(|value| value.trim().trim_matches(['"', '\'']) == name)
    };
    let mut lines = text.lines().skip_while(|line| !named(line));
    let first = lines.next()?;
    let indent = first.len() - first.trim_start().len();
    let rest = lines.take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() > indent);
    let item: Vec<&str> = std::iter::once(first).chain(rest).map(|line| line.get(indent..).unwrap_or_default()).collect();
    Some(item.join("\n").trim_end().to_owned())
}
