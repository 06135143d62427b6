use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into an item of a list, counted from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Step {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Where a value stands in a file, such as `pools[0].nodes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The whole file.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// One step further.
    #[must_use]
    pub fn then(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }

    /// The value of `key` in here.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(key)
    }

    /// The item `index` in here, counted from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(index)
    }

    /// What this is a part of; the root has no parent.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, init) = self.0.split_last()?;
        Some(Self(init.to_vec()))
    }

    /// The steps from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path in backticks, or words for the root, as messages have it.
    #[must_use]
    pub fn quoted(&self) -> String {
        if self.0.is_empty() { "the file".to_owned() } else { format!("`{self}`") }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_word(key) => {
                    let dot = if at == 0 { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a key can stand in a path as it is.
fn is_word(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '+'))
}

/// Builds a [`Path`]: `path!["pools", 0, "nodes"]`.
#[macro_export]
#[doc(hidden)]
macro_rules! __yaml_path {
    ($($step:expr),* $(,)?) => {
        $crate::yaml::Path::root()$(.then($step))*
    };
}

pub use crate::__yaml_path as path;

#[cfg(test)]
mod tests {
    use super::{Path, path};

    #[test]
    fn paths_read_like_the_file() {
        let name = String::from("h100");
        let nodes = path!["pools", 0, name, "nodes"];
        assert_eq!(nodes.to_string(), "pools[0].h100.nodes");
        assert_eq!(nodes, Path::root().key("pools").index(0).key("h100").key("nodes"));
        assert_eq!(nodes.parent(), Some(path!["pools", 0, "h100"]));
        assert_eq!(path!["gpt 3.5", "x"].to_string(), "[\"gpt 3.5\"].x");
        assert_eq!(path![].quoted(), "the file");
    }
}
