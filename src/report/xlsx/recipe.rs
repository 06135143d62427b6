//! Recipes of [`crate::economics::sheet`] as formulas: every name in braces becomes a cell.

use std::collections::BTreeMap;

/// Which of the three numbers of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The value.
    Value,
    /// The low end.
    Low,
    /// The high end.
    High,
}

impl End {
    /// In the order of the columns.
    pub(super) const ALL: [Self; 3] = [Self::Value, Self::Low, Self::High];

    fn opposite(self) -> Self {
        match self {
            Self::Value => Self::Value,
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// The value, the low and the high end of something, as formulas write them.
pub(super) type Trio = [String; 3];

/// What names of recipes stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells(BTreeMap<String, Trio>);

impl Cells {
    pub(super) fn set(&mut self, name: impl Into<String>, cells: Trio) {
        self.0.insert(name.into(), cells);
    }

    pub(super) fn get(&self, name: &str, end: End) -> Option<&str> {
        let at = End::ALL.iter().position(|other| *other == end)?;
        self.0.get(name).map(|cells| cells[at].as_str())
    }

    /// The formula of a recipe at an end; a name that nothing stands for becomes an error that spreadsheets show.
    pub(super) fn formula(&self, recipe: &str, end: End) -> String {
        let mut out = "=".to_owned();
        for (i, part) in recipe.split(['{', '}']).enumerate() {
            if i % 2 == 0 {
                out += part;
                continue;
            }
            let (name, end) = match part.strip_prefix('~') {
                Some(name) => (name, end.opposite()),
                None => part.strip_prefix('=').map_or((part, end), |name| (name, End::Value)),
            };
            out += self.get(name, end).unwrap_or("#NAME?");
        }
        out
    }
}

/// A recipe for people: its names as words.
pub(super) fn words(recipe: &str) -> String {
    let named = |(i, part): (usize, &str)| match i % 2 {
        0 => part.replace('*', " x ").replace('/', " / ").replace('+', " + ").replace('-', " - ").replace(',', ", "),
        _ => part.trim_start_matches(['~', '=']).replace('_', " "),
    };
    let told = recipe.split(['{', '}']).enumerate().map(named).collect::<String>();
    // A sign is no subtraction.
    told.trim().replace("x  - ", "x -").replace("( - ", "(-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_cells_at_their_end() {
        let mut cells = Cells::default();
        cells.set("price", ["price".to_owned(), "A!$D$1".to_owned(), "A!$E$1".to_owned()]);
        cells.set("life", ["life".to_owned(), "A!$D$2".to_owned(), "A!$E$2".to_owned()]);
        let recipe = "{price}*(1+{=price})/{~life}";
        assert_eq!(cells.formula(recipe, End::Value), "=price*(1+price)/life");
        assert_eq!(cells.formula(recipe, End::Low), "=A!$D$1*(1+price)/A!$E$2");
        assert_eq!(cells.formula(recipe, End::High), "=A!$E$1*(1+price)/A!$D$2");
        assert_eq!(cells.formula("{who}", End::Value), "=#NAME?");
        assert_eq!(words("{price_of_a_gpu}*(1+{=tax})"), "price of a gpu x (1 + tax)");
    }
}
