//! Hashes of what an answer follows from.

use std::fmt::{Display, Write as _};

use sha2::{Digest, Sha256};

/// SHA-256 over named values with their lengths, so that no two lists of values are the same bytes.
#[derive(Debug, Default)]
pub struct Hash(Sha256);

impl Hash {
    /// Adds a value.
    pub fn line(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        self.0.update(format!("{name} {}\n", value.len()));
        self.0.update(value);
        self.0.update("\n");
    }

    /// The same with one value more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.line(name, value);
        self
    }

    /// The hash in hexadecimal digits.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }

    /// The hash, with the name of its function.
    #[must_use]
    pub fn named(self) -> String {
        format!("sha256:{}", self.digits())
    }
}
