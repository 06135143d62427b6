//! How cells look: what may be changed is blue on yellow, as in financial models.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

/// Looks of cells.
pub(super) struct Style {
    pub title: Format,
    pub note: Format,
    pub head: Format,
    pub section: Format,
    pub text: Format,
    pub number_head: Format,
    pub total: Format,
}

impl Style {
    pub(super) fn new() -> Self {
        let head = Format::new().set_bold().set_font_color(Color::White).set_background_color(Color::RGB(0x1F_3A5F));
        let section = Format::new().set_bold().set_background_color(Color::RGB(0xE8_EDF3));
        Self {
            title: Format::new().set_bold().set_font_size(14),
            note: Format::new().set_italic().set_font_color(Color::RGB(0x55_5555)),
            number_head: head.clone().set_align(FormatAlign::Right),
            head: head.set_align(FormatAlign::Left).set_indent(1),
            section,
            text: Format::new().set_align(FormatAlign::Left).set_indent(1),
            total: Format::new().set_bold().set_border_top(FormatBorder::Thin),
        }
    }

    /// The first row: headings over numbers are to the right, as numbers are.
    pub(super) fn heading(&self, sheet: &mut Worksheet, row: u32, columns: &[(&str, f64, bool)]) -> Result<(), XlsxError> {
        for (column, (heading, width, number)) in (0..).zip(columns) {
            let look = if *number { &self.number_head } else { &self.head };
            sheet.write_with_format(row, column, *heading, look)?;
            sheet.set_column_width(column, *width)?;
        }
        sheet.set_freeze_panes(row + 1, 1)?;
        sheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(row, row)?;
        Ok(())
    }

    /// A row that parts others.
    pub(super) fn part(&self, sheet: &mut Worksheet, row: u32, title: &str, columns: usize) -> Result<(), XlsxError> {
        for column in 1..columns as u16 {
            sheet.write_blank(row, column, &self.section)?;
        }
        sheet.write_with_format(row, 0, title, &self.section)?;
        Ok(())
    }

    /// Of a number that follows from others.
    pub(super) fn number(unit: &str, about: f64) -> Format {
        Format::new().set_num_format(pattern(unit, about))
    }

    /// Of a sum.
    pub(super) fn sum(&self, unit: &str, about: f64) -> Format {
        self.total.clone().set_num_format(pattern(unit, about))
    }

    /// Of a number that may be changed.
    pub(super) fn input(unit: &str, about: f64) -> Format {
        let changed = Self::number(unit, about).set_font_color(Color::RGB(0x00_00C0));
        changed.set_background_color(Color::RGB(0xFF_F9DB))
    }
}

/// How a number is shown: shares in percent, others with about four digits.
fn pattern(unit: &str, about: f64) -> &'static str {
    match (unit, about.abs()) {
        ("%" | "%/year", _) => "0.0%",
        ("date", _) => "yyyy-mm-dd",
        (_, 0.0) => "#,##0;-#,##0;\"-\"",
        (_, large) if large >= 1e12 => "0.00E+00",
        (_, large) if large >= 1e3 => "#,##0",
        (_, some) if some.fract() == 0.0 => "#,##0.###",
        (_, some) if some >= 100.0 => "#,##0.0",
        (_, some) if some >= 10.0 => "0.00",
        (_, some) if some >= 0.01 => "0.000",
        _ => "0.00E+00",
    }
}
