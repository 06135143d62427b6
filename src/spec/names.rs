//! Names that users give: printed in every report, so they are short and print as they read.

use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::yaml::{Document, Path};

/// Characters in a name at most.
const LONGEST: usize = 100;

/// Names for a message, the first dozen of them.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let mut shown: Vec<String> = names.take(MOST + 1).map(quoted).collect();
    if shown.len() > MOST {
        shown.truncate(MOST);
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

/// What is wrong with a name, if anything.
pub(super) fn check<T>(file: &Document<T>, at: &Path, name: &str) -> Option<Diagnostic> {
    let invisible =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let (message, help) = if name.trim().is_empty() {
        ("the name is empty".to_owned(), "give it a name")
    } else if name.chars().any(invisible) {
        (format!("the name {} has characters that do not print", quoted(name)), "use letters, digits, blanks, `-`, `_` and `.`")
    } else if name.chars().nth(LONGEST).is_some() {
        (format!("the name {} is longer than {LONGEST} characters", quoted(name)), "use a shorter one")
    } else {
        return None;
    };
    Some(file.error(Code::InvalidValue, at, message).help(help))
}
