//! What can be wrong with a quantity that somebody wrote.

/// Why a text is not the quantity that is wanted, with what to write instead.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct QuantityError {
    message: String,
    hint: Option<String>,
    needs_unit: bool,
}

impl QuantityError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, needs_unit: false }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A bare number where a unit is needed.
    pub(super) fn without_unit(number: &str, name: &str, units: &str, example: &str) -> Self {
        Self {
            message: format!("`{number}` has no unit: {name} needs one"),
            hint: Some(format!("write it as in `{example}` (units: {units})")),
            needs_unit: true,
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    /// Whether the text was a bare number.
    #[must_use]
    pub fn needs_unit(&self) -> bool {
        self.needs_unit
    }
}
