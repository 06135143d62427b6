use super::{Code, Diagnostic};

/// Collects what is wrong with one file, up to a number that a person would still read.
///
/// Past that number problems are counted but not built, so a file with a hundred thousand mistakes costs no
/// more than one with fifty.
#[derive(Debug, Default)]
pub struct Batch {
    found: Vec<Diagnostic>,
    unreported: usize,
}

impl Batch {
    /// How many diagnostics are kept.
    pub const MOST: usize = 50;

    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem, building it only if it will be shown.
    pub fn add(&mut self, build: impl FnOnce() -> Diagnostic) {
        if self.found.len() < Self::MOST {
            self.found.push(build());
        } else {
            self.unreported += 1;
        }
    }

    /// Counts a problem of which enough are shown.
    pub fn count(&mut self) {
        self.unreported += 1;
    }

    /// Takes over what another batch found.
    pub fn append(&mut self, other: Self) {
        self.unreported += other.unreported;
        for diagnostic in other.found {
            self.add(|| diagnostic);
        }
    }

    /// Whether one of the diagnostics kept has this code.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.found.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// How many problems there are, shown or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len() + self.unreported
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The diagnostics in reading order; the last says how many more there are.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Diagnostic> {
        super::sort(&mut self.found);
        if let (Some(last), 1..) = (self.found.last_mut(), self.unreported) {
            let problems = if self.unreported == 1 { "problem" } else { "problems" };
            last.notes.push(format!("{} more {problems} in this file not shown", self.unreported));
        }
        self.found
    }
}

impl FromIterator<Diagnostic> for Batch {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(all: I) -> Self {
        let mut batch = Self::new();
        for diagnostic in all {
            batch.add(|| diagnostic);
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_says_how_many_are_missing() {
        let mut batch = Batch::new();
        for _ in 0..Batch::MOST + 2 {
            batch.add(|| Diagnostic::error(Code::UnknownKey, "x"));
        }
        assert_eq!(batch.len(), 52);
        let all = batch.into_vec();
        assert_eq!(all.len(), 50);
        assert_eq!(all[49].notes, ["2 more problems in this file not shown"]);
    }
}
