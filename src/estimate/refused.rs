//! Why there is no estimate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{self, Code, Diagnostic};
use crate::plan::Refusal;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The code of the kind of mistake, as in [`crate::diagnostic::Code`].
    pub code: String,
    /// What is in the way.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Refused {
    /// The first of several mistakes, in the order in which they are read.
    #[must_use]
    pub fn new(mut errors: Vec<Diagnostic>) -> Self {
        diagnostic::sort(&mut errors);
        let others = errors.len().saturating_sub(1);
        let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        match errors.into_iter().next() {
            Some(error) => Self { code: error.code.as_str().to_owned(), message: error.message + &more, help: error.help },
            None => Self { code: Code::NoLayout.as_str().to_owned(), message: "no layout".to_owned(), help: None },
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::new(match refusal {
            Refusal::Input(errors) => errors,
            Refusal::No(error) => vec![*error],
        })
    }
}
