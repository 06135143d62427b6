//! Policies as JUnit XML: a suite a policy, a case a job on a cluster. Without any, one case that passes, so that a CI system that
//! expects results has some.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{headline, place};
use crate::diff::policy::Level;
use crate::diff::{Diff, Verdict};

/// What became of policies as JUnit XML.
///
/// # Errors
/// Never: what is written is text.
pub fn diff_junit(diff: &Diff) -> Result<String, quick_junit::SerializeError> {
    let mut suites: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for verdict in &diff.verdicts {
        suites.entry(&verdict.policy).or_default().push(verdict);
    }
    let mut report = bare(Report::new("planner diff"));
    for (policy, mut verdicts) in suites {
        verdicts.sort_by(|a, b| a.pair.cmp(&b.pair));
        let mut suite = suite(policy);
        suite.add_test_cases(verdicts.into_iter().map(case));
        report.add_test_suite(suite);
    }
    if report.test_suites.is_empty() {
        let mut suite = suite("planner diff");
        suite.add_test_case(TestCase::new(headline(diff), TestCaseStatus::success()));
        report.add_test_suite(suite);
    }
    // Nothing is skipped, and the schema of Jenkins has no place for saying so at the root, which is written first.
    report.to_string().map(|text| text.replacen(" skipped=\"0\"", "", 1))
}

/// Schemas know no `disabled`, and a test of nothing else than input has no time.
fn bare(mut report: Report) -> Report {
    report.disabled = None;
    report
}

fn suite(name: &str) -> TestSuite {
    let mut suite = TestSuite::new(name.to_owned());
    suite.disabled = None;
    suite
}

fn case(verdict: &Verdict) -> TestCase {
    let status = match &verdict.broken {
        Some(error) if verdict.level == Level::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let at = error.place().map(place);
            let lines: Vec<String> = at.into_iter().chain(error.notes.iter().cloned()).chain(error.help.clone()).collect();
            status.set_message(error.message.clone()).set_type(error.code.as_str()).set_description(lines.join("\n"));
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(verdict.pair.to_string(), status);
    case.set_classname(verdict.policy.clone());
    if let (Level::Warn, Some(error)) = (verdict.level, &verdict.broken) {
        let at = error.place().map(|label| place(label) + ": ").unwrap_or_default();
        case.set_system_out(format!("warning: {at}{}", error.message));
    }
    case
}
