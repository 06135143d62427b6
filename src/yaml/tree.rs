use std::ops::Range;

use super::{Path, Step};

/// A value of a YAML file and where it stands. Trees come from [`super::scan()`] and are at most
/// [`super::MAX_DEPTH`] deep, so walking or dropping one by recursion is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The bytes of the value; of a mapping or list, from its first key or item to the end of its last.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a value is. Whether a scalar is a number or text is for whoever knows what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A single value.
    Scalar {
        /// The text, unquoted and with escapes resolved.
        text: String,
        /// Whether it stands without quotes, so that `8` may be a number and `null` nothing.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values, in the order of the file; no key is there twice.
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// The bytes of the key, quotes included.
    pub key_span: Range<usize>,
    /// The value; a missing one is an empty plain scalar.
    pub value: Node,
}

impl Node {
    /// The scalar's text and whether it stands without quotes.
    #[must_use]
    pub fn scalar(&self) -> Option<(&str, bool)> {
        match &self.kind {
            Kind::Scalar { text, plain } => Some((text, *plain)),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The items of a list; of anything else, none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence(items) => items,
            Kind::Scalar { .. } | Kind::Mapping(_) => &[],
        }
    }

    /// The entries of a mapping; of anything else, none.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar { .. } | Kind::Sequence(_) => &[],
        }
    }

    /// The entry of a mapping under `key`.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Whether nothing is written, or `null` or `~`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(("" | "~" | "null" | "Null" | "NULL", true)))
    }

    /// The value at a path.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| node.step(step))
    }

    /// The bytes of the last key of a path; none when it is not there, or the path ends in an item.
    #[must_use]
    pub fn key_span(&self, path: &Path) -> Option<Range<usize>> {
        let Some(Step::Key(key)) = path.steps().last() else {
            return None;
        };
        let entry = self.at(&path.parent()?)?.entry(key)?;
        Some(entry.key_span.clone())
    }

    /// Where to point for a path that may not exist: a short piece of its deepest part that does.
    #[must_use]
    pub fn nearest_span(&self, path: &Path) -> Range<usize> {
        let mut node = self;
        let mut span = self.head();
        for step in path.steps() {
            let Some(next) = node.step(step) else {
                break;
            };
            span = match step {
                Step::Key(key) => node.entry(key).map_or(span, |entry| entry.key_span.clone()),
                Step::Index(_) => next.head(),
            };
            node = next;
        }
        // A value that is there and short is a better place than its key.
        if node.kind.is_scalar() && !node.span.is_empty() { node.span.clone() } else { span }
    }

    /// The first thing written in here: a scalar itself, the first key of a mapping, the first item of a list.
    #[must_use]
    pub fn head(&self) -> Range<usize> {
        match &self.kind {
            Kind::Scalar { .. } => self.span.clone(),
            Kind::Mapping(entries) => entries.first().map_or(self.span.clone(), |entry| entry.key_span.clone()),
            Kind::Sequence(items) => items.first().map_or(self.span.clone(), Self::head),
        }
    }

    /// The path of the deepest value whose key or text covers a byte.
    #[must_use]
    pub fn path_at(&self, byte: usize) -> Path {
        let mut path = Path::root();
        let mut node = self;
        loop {
            let next = match &node.kind {
                Kind::Scalar { .. } => None,
                Kind::Sequence(items) => {
                    let index = items.iter().position(|item| (item.span.start..=item.span.end).contains(&byte));
                    index.and_then(|index| Some((Step::Index(index), items.get(index)?)))
                }
                Kind::Mapping(entries) => {
                    let covers = |e: &&Entry| (e.key_span.start..=e.value.span.end).contains(&byte);
                    entries.iter().find(covers).map(|entry| (Step::from(entry.key.as_str()), &entry.value))
                }
            };
            let Some((step, child)) = next else {
                return path;
            };
            path = path.then(step);
            node = child;
        }
    }

    fn step(&self, step: &Step) -> Option<&Self> {
        match step {
            Step::Key(key) => self.entry(key).map(|entry| &entry.value),
            Step::Index(index) => self.items().get(*index),
        }
    }
}

impl Kind {
    /// Whether it is a single value.
    #[must_use]
    pub const fn is_scalar(&self) -> bool {
        matches!(self, Self::Scalar { .. })
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Source;
    use crate::yaml::{Node, path, scan};

    const TEXT: &str = "name: é\npools:\n  - name: a\n    nodes: 4\n    empty:\n  - {nodes: 5}\n";

    #[test]
    fn paths_lead_to_values_keys_and_the_nearest_thing_there_is() {
        let tree = scan(&Source::new("f", TEXT)).unwrap();
        let text = |span: std::ops::Range<usize>| &TEXT[span];
        let nodes = path!["pools", 1, "nodes"];
        assert_eq!(tree.at(&nodes).and_then(|node| node.scalar()), Some(("5", true)));
        assert_eq!(tree.key_span(&nodes).map(text), Some("nodes"));
        assert_eq!(tree.key_span(&path!["pools", 1]), None);
        assert_eq!(text(tree.nearest_span(&nodes)), "5");
        assert_eq!(text(tree.nearest_span(&path!["pools", 0, "empty"])), "empty");
        assert_eq!(text(tree.nearest_span(&path!["pools", 0, "gpus", 3])), "name");
        assert_eq!(text(tree.nearest_span(&path!["pools", 9])), "pools");
        assert_eq!(text(tree.nearest_span(&path!["fabric", "kind"])), "name");
        assert!(tree.at(&path!["pools", 0, "empty"]).is_some_and(Node::is_null));
    }

    #[test]
    fn bytes_lead_back_to_paths() {
        let tree = scan(&Source::new("f", TEXT)).unwrap();
        let at = |word: &str| tree.path_at(TEXT.find(word).unwrap()).to_string();
        assert_eq!(at("nodes: 4"), "pools[0].nodes");
        assert_eq!(at("4"), "pools[0].nodes");
        assert_eq!(at("5"), "pools[1].nodes");
        assert_eq!(at("é"), "name");
    }
}
