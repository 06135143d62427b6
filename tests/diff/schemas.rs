//! What is written for machines, held against the schemas of those who read it.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::case::{Case, Ran, base, planner, temporary, write};

/// Runs of all cases whose input is accepted.
fn runs() -> Vec<(String, Ran)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    let cases = paths.iter().map(|path| (path.display().to_string(), Case::read(path)));
    cases.filter(|(_, case)| case.exit < 2).map(|(name, case)| (name, case.run())).collect()
}

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schemas").join(name);
    std::fs::read_to_string(path).expect("it is there")
}

fn valid(schema: &Value, text: &str, name: &str) {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}");
}

#[test]
fn sarif_and_junit_are_as_their_schemas_say() {
    let sarif: Value = serde_json::from_str(&data("sarif-schema-2.1.0.json")).expect("JSON");
    let xmllint = has_xmllint();
    let folder = temporary("junit");
    write(&folder.join("junit.xsd"), &data("junit-10.xsd"));
    let runs = runs();
    for (i, (name, ran)) in runs.iter().enumerate() {
        valid(&sarif, &ran.exported["sarif"], name);
        write(&folder.join(format!("{i}.xml")), &ran.exported["junit"]);
        quick_junit::Report::deserialize_from_str(&ran.exported["junit"]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    if xmllint {
        let files = (0..runs.len()).map(|i| format!("{i}.xml"));
        let lint = |files: &mut dyn Iterator<Item = String>| {
            let output =
                Command::new("xmllint").args(["--noout", "--schema", "junit.xsd"]).args(files).current_dir(&folder).output();
            output.expect("xmllint starts")
        };
        let output = lint(&mut files.into_iter());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // The schema sees what is wrong.
        write(&folder.join("wrong.xml"), "<testsuites><testsuite name=\"x\" disabled=\"0\"/></testsuites>");
        assert!(!lint(&mut std::iter::once("wrong.xml".to_owned())).status.success());
    }
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

/// Whether there is an xmllint; where one is required, there is.
fn has_xmllint() -> bool {
    let found = Command::new("xmllint").arg("--version").output().is_ok();
    if !found {
        assert!(
            std::env::var_os("PLANNER_REQUIRE_XMLLINT").is_none(),
            "PLANNER_REQUIRE_XMLLINT is set, and xmllint is not in PATH"
        );
        // The harness keeps what macros print; this is seen.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: no xmllint in PATH, so JUnit was read, and not held against its schema");
    }
    found
}

/// The SARIF schema sees what is wrong.
#[test]
fn broken_sarif_is_seen() {
    let sarif: Value = serde_json::from_str(&data("sarif-schema-2.1.0.json")).expect("JSON");
    let validator = jsonschema::validator_for(&sarif).expect("a schema");
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })));
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{ "tool": {} }] })));
}

/// What the planner writes is what its own schemas say.
#[test]
fn estimates_and_baselines_are_as_the_published_schemas_say() {
    let folder = temporary("schemas");
    base(&folder.join("fleet"));
    let schema = |of: &str| serde_json::from_str::<Value>(&planner(&folder, &["schema", of]).stdout).expect("JSON");
    assert_eq!(planner(&folder, &["baseline", "fleet", "-o", "baseline.json"]).code, Some(0));
    let export = ["plan", "fleet/h100.yaml", "--workload", "fleet/jobs/small.yaml", "--export", "estimate.json"];
    assert_eq!(planner(&folder, &export).code, Some(0));
    for of in ["baseline", "estimate"] {
        let text = std::fs::read_to_string(folder.join(format!("{of}.json"))).expect("it was written");
        valid(&schema(of), &text, of);
    }
    std::fs::remove_dir_all(folder).expect("it can be removed");
}
