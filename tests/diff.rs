//! What changed in a tree of estimates: the cases of `tests/diff/cases/` in every form, as snapshots; forms held against their
//! public schemas; causes that add up; a baseline that an interrupted run leaves as it was.
//!
//! A case is a file of changes to the tree in `tests/diff/base/`; `cargo insta review` shows what is said about them.

#[path = "diff/attribution.rs"]
mod attribution;
#[path = "diff/case.rs"]
mod case;
#[path = "diff/files.rs"]
mod files;
#[path = "diff/schemas.rs"]
mod schemas;

use std::fmt::Write as _;

use case::{Case, FORMS, Ran};

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("diff/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter("sha256:[0-9a-f]{64}", "sha256:…");
    settings.add_filter(r"\([0-9a-f]{12}\)", "(commit)");
    settings.add_filter(r#""(semanticVersion|version)": "0\.1\.0""#, r#""$1": "[version]""#);
    settings.add_filter(r"0\.0\.9 → 0\.1\.0", "0.0.9 → [version]");
    settings
}

#[test]
fn every_case_in_every_form() {
    let mut cases = 0;
    settings().bind(|| {
        insta::glob!("diff/cases/*.yaml", |path| {
            let case = Case::read(path);
            let ran = case.run();
            let mut settings = insta::Settings::clone_current();
            settings.set_description(format!("{}, exit code {}", case.about, case.exit));
            settings.bind(|| insta::assert_snapshot!("told", told(&ran)));
            assert_eq!(ran.code, Some(case.exit), "{}: {}{}", case.about, ran.stdout, ran.stderr);
            cases += 1;
        });
    });
    assert!(cases >= 25, "only {cases} cases were found");
}

/// All that a run said, one form after the other.
fn told(ran: &Ran) -> String {
    let mut out = format!("== standard output\n{}", ran.stdout);
    if !ran.stderr.is_empty() {
        let _ = write!(out, "== standard error\n{}", ran.stderr);
    }
    for form in FORMS {
        if let Some(text) = ran.exported.get(form) {
            let _ = write!(out, "== {form}\n{text}");
        }
    }
    out
}
