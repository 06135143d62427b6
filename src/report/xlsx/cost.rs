//! The sheet of the cost: for each pool what a GPU takes, the lines of a GPU-hour, and what follows from them.

use rust_xlsxwriter::{Formula, Worksheet, XlsxError};

use super::recipe::{Cells, End, Trio, words};
use super::style::Style;
use crate::economics::CostLine;
use crate::economics::sheet::{AROUND_NODES, Step};
use crate::plan::{Costs, PoolCost};
use crate::units::Range;

/// Heading and width of the columns, and whether numbers stand in them.
const HEADINGS: [(&str, f64, bool); 7] = [
    ("what", 38.0, false),
    ("value", 15.0, true),
    ("low", 15.0, true),
    ("high", 15.0, true),
    ("unit", 13.0, false),
    ("of owned cost", 15.0, true),
    ("how", 110.0, false),
];

/// Writes the sheet; `scopes` are the inputs of each pool, beside where the price of everything but nodes stands.
pub(super) fn write(
    sheet: &mut Worksheet,
    costs: &Costs,
    (scopes, around): (&[Cells], Option<Trio>),
    style: &Style,
) -> Result<(), XlsxError> {
    sheet.set_name("Cost")?;
    sheet.write_with_format(0, 0, format!("Cost of {}", costs.cluster), &style.title)?;
    style.heading(sheet, 1, &HEADINGS)?;
    let mut next = 2;
    for (pool, scope) in costs.pools.iter().zip(scopes) {
        let mut cells = scope.clone();
        if let Some(around) = &around {
            cells.set(AROUND_NODES, around.clone());
        }
        next = Block { pool, cells, style }.write(sheet, next)? + 1;
    }
    Ok(())
}

/// The rows of a pool.
struct Block<'a> {
    pool: &'a PoolCost,
    cells: Cells,
    style: &'a Style,
}

/// The cells of a row, as formulas of the same sheet write them.
fn cells_of(row: u32) -> Trio {
    ['B', 'C', 'D'].map(|column| format!("{column}{}", row + 1))
}

impl Block<'_> {
    /// Writes them from a row on; gives the row after the last.
    fn write(mut self, sheet: &mut Worksheet, first: u32) -> Result<u32, XlsxError> {
        let owned = &self.pool.owned;
        let title = format!("{}: {} x {}, {}", self.pool.pool, self.pool.gpus, self.pool.accelerator, owned.terms());
        self.section(sheet, first, &title)?;
        // Steps that the lines need were made with them; the rest follows from the lines.
        let (before, after) = self.pool.sheet.steps.split_at(owned.sheet.steps.len());
        let lines = first + 1 + before.len() as u32 + 1;
        let results = lines + owned.lines.len() as u32 + 1;
        for (row, step) in (first + 1..).zip(before).chain((results..).zip(after)) {
            let mut place = cells_of(row);
            if !step.ends {
                place = [place[0].clone(), place[0].clone(), place[0].clone()];
            }
            self.cells.set(step.name.clone(), place);
        }
        for (i, row) in (0..owned.lines.len()).zip(lines..) {
            self.cells.set(format!("line {i}"), cells_of(row));
        }
        let last = lines + (owned.lines.len() as u32).saturating_sub(1);
        let all = ['B', 'C', 'D'].map(|column| format!("{column}{}:{column}{}", lines + 1, last + 1));
        self.cells.set("lines", all);
        for (row, step) in (first + 1..).zip(before) {
            self.step(sheet, row, step)?;
        }
        self.section(sheet, lines - 1, "A GPU-hour")?;
        for (row, line) in (lines..).zip(&owned.lines) {
            self.line(sheet, row, line)?;
        }
        self.section(sheet, results - 1, "What follows")?;
        for (row, step) in (results..).zip(after) {
            self.step(sheet, row, step)?;
        }
        Ok(results + after.len() as u32)
    }

    fn section(&self, sheet: &mut Worksheet, row: u32, title: &str) -> Result<(), XlsxError> {
        self.style.part(sheet, row, title, HEADINGS.len())
    }

    /// A recipe for people: its names as words.
    fn how(&self, recipe: &str) -> String {
        let lines = self.pool.owned.lines.iter().enumerate();
        words(
            &lines.fold(recipe.to_owned(), |told, (i, line)| {
                told.replace(&format!("{{line {i}}}"), &format!("{{{}}}", line.name()))
            }),
        )
    }

    fn numbers(&self, sheet: &mut Worksheet, row: u32, unit: &str, recipe: (&str, Range<f64>, bool)) -> Result<(), XlsxError> {
        let (recipe, value, ends) = recipe;
        let look = Style::number(unit, value.value);
        for (column, (end, number)) in (1..).zip(End::ALL.into_iter().zip([value.value, value.low, value.high])) {
            if end == End::Value || ends {
                let formula = Formula::new(self.cells.formula(recipe, end)).set_result(number.to_string());
                sheet.write_formula_with_format(row, column, formula, &look)?;
            }
        }
        Ok(())
    }

    fn step(&self, sheet: &mut Worksheet, row: u32, step: &Step) -> Result<(), XlsxError> {
        sheet.write_with_format(row, 0, &step.what, &self.style.text)?;
        self.numbers(sheet, row, step.unit, (&step.recipe, step.value, step.ends))?;
        sheet.write_with_format(row, 4, step.unit, &self.style.text)?;
        sheet.write_with_format(row, 6, self.how(&step.recipe), &self.style.text)?;
        Ok(())
    }

    fn line(&self, sheet: &mut Worksheet, row: u32, line: &CostLine) -> Result<(), XlsxError> {
        sheet.write_with_format(row, 0, line.name(), &self.style.text)?;
        let hour = line.gpu_hour.map(|price| price.per_unit().amount());
        self.numbers(sheet, row, "USD/GPU-h", (&line.recipe, hour, true))?;
        sheet.write_with_format(row, 4, "USD/GPU-h", &self.style.text)?;
        let share = Formula::new(format!("=B{}/{}", row + 1, self.cells.get("owned_gpu_hour", End::Value).unwrap_or("1")));
        let share = share.set_result(line.share_of_owned_cost.to_string());
        sheet.write_formula_with_format(row, 5, share, &Style::number("%", 0.0))?;
        sheet.write_with_format(row, 6, self.how(&line.recipe), &self.style.text)?;
        Ok(())
    }
}
