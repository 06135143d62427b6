//! What is broken as SARIF 2.1.0, for code scanning.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diagnostic::{Code, Diagnostic, Label, Severity};
use crate::diff::Diff;

/// Results that code scanning of GitHub shows; the rest of a file it refuses.
const MOST: usize = 5_000;

/// The rules that a comparison can break.
const RULES: [Code; 4] = [Code::PlanLost, Code::Increase, Code::BudgetCrossed, Code::BeyondLimit];

/// What is broken as SARIF.
#[must_use]
pub fn diff_sarif(diff: &Diff) -> Value {
    let broken = diff.verdicts.iter().filter_map(|verdict| Some((verdict, verdict.broken.as_ref()?)));
    let results: Vec<Value> =
        broken.take(MOST).map(|(verdict, error)| result(error, &verdict.policy, &verdict.pair.to_string())).collect();
    let rules = RULES.map(|code| {
        json!({
            "id": code.as_str(),
            "shortDescription": { "text": code.title() },
            "fullDescription": { "text": code.explanation() },
            "defaultConfiguration": { "level": "error" },
        })
    });
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "planner", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(error: &Diagnostic, policy: &str, pair: &str) -> Value {
    let text = error.notes.iter().chain(&error.help).fold(error.message.clone(), |text, line| format!("{text}\n{line}"));
    let mut result = json!({
        "ruleId": error.code.as_str(),
        "level": if error.severity == Severity::Error { "error" } else { "warning" },
        "message": { "text": text },
        // The same finding of the next run is known by what it is about, not by its line.
        "partialFingerprints": { "policyOnPair/v1": format!("{policy} | {pair}") },
        "properties": { "policy": policy, "pair": pair },
    });
    if let Some(index) = RULES.iter().position(|code| *code == error.code) {
        result["ruleIndex"] = json!(index);
    }
    let primary: Vec<Value> = error.place().into_iter().map(location).collect();
    let others: Vec<Value> = error
        .labels
        .iter()
        .filter(|label| !label.primary)
        .map(|label| {
            let mut other = location(label);
            other["message"] = json!({ "text": label.text });
            other
        })
        .collect();
    if !primary.is_empty() {
        result["locations"] = json!(primary);
    }
    if !others.is_empty() {
        result["relatedLocations"] = json!(others);
    }
    result
}

fn location(label: &Label) -> Value {
    let (line, column) = label.source.line_column(label.span.start);
    let (end_line, end_column) = label.source.line_column(label.span.end);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(label.source.name()) },
            "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
        }
    })
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.trim_start_matches("./").bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_references() {
        assert_eq!(super::uri("./my clusters/é:1.yaml"), "my%20clusters/%C3%A9%3A1.yaml");
    }
}
