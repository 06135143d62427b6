use std::fmt::Write;

use super::{Diagnostic, Place};
use crate::diagnostic::one_line;

/// One line a diagnostic, in the form that editors and `grep -n` know.
pub(super) fn render(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        if let Some(label) = diagnostic.place() {
            let at = Place::of(label);
            let _ = write!(out, "{}:{}:{}: ", one_line(at.file), at.line, at.column);
        }
        let (severity, code) = (diagnostic.severity.as_str(), diagnostic.code);
        let _ = write!(out, "{severity}[{code}]: {}", one_line(&diagnostic.message));
        if let Some(help) = &diagnostic.help {
            let _ = write!(out, " ({})", one_line(help));
        }
        out.push('\n');
    }
    out
}
