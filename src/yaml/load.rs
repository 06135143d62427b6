use std::any::type_name;
use std::ops::Range;
use std::sync::Arc;

use schemars::{JsonSchema, schema_for};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Node, Path, check, scan};
use crate::diagnostic::{Code, Diagnostic, Source};

/// A file that has been read: its typed value, and where each part of it stands.
#[derive(Clone, Debug)]
pub struct Document<T> {
    /// The file.
    pub source: Arc<Source>,
    /// What is written in it, with places.
    pub tree: Node,
    /// What it means.
    pub value: T,
}

impl<T> Document<T> {
    /// Where to point for a path: its value, or the nearest part of it that exists.
    #[must_use]
    pub fn span(&self, path: &Path) -> Range<usize> {
        self.tree.nearest_span(path)
    }

    /// An error about the value at `path`, pointing there.
    #[must_use]
    pub fn error(&self, code: Code, path: &Path, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(&self.source, self.span(path), "")
    }

    /// A warning about the value at `path`, pointing there.
    #[must_use]
    pub fn warning(&self, code: Code, path: &Path, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, message).at(&self.source, self.span(path), "")
    }
}

/// Reads a file as a `T`.
///
/// # Errors
/// All that is wrong with it, in the order of the file.
pub fn load<T: DeserializeOwned + JsonSchema>(source: Arc<Source>) -> Result<Document<T>, Vec<Diagnostic>> {
    let tree = scan(&source)?;
    let problems = check(&source, &tree, schema_for!(T).as_value());
    if !problems.is_empty() {
        return Err(problems);
    }
    match serde_yaml::from_str(source.text()) {
        Ok(value) => Ok(Document { source, tree, value }),
        Err(error) => Err(vec![refused(&source, &tree, &error)]),
    }
}

/// Reads text that ships with the program, without places and checks.
///
/// # Errors
/// What serde has to say, with the line.
pub fn parse_embedded<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| format!("not a {}: {error}", type_name::<T>()))
}

/// What is left for serde to find: text that its parser reads differently, or a check that a type makes itself.
fn refused(source: &Arc<Source>, tree: &Node, error: &serde_yaml::Error) -> Diagnostic {
    let mut text = error.to_string();
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    if let Some(at) = text.find(&format!(" at line {line} column {column}")) {
        text.truncate(at);
    }
    let byte = source.offset(line, column);
    if serde_yaml::from_str::<IgnoredAny>(source.text()).is_err() {
        return Diagnostic::error(Code::Syntax, format!("not valid YAML: {text}"))
            .at(source, byte..byte + 1, "")
            .help("put the text here in quotes, or a space after the `:` or `,`");
    }
    let mut path = tree.path_at(byte);
    let reason = loop {
        if let Some(reason) = text.strip_prefix(&format!("{path}: ")) {
            break reason;
        }
        match path.parent() {
            Some(parent) => path = parent,
            None => break text.as_str(),
        }
    };
    Diagnostic::error(Code::InvalidValue, format!("{}: {reason}", path.quoted())).at(source, tree.nearest_span(&path), "")
}
