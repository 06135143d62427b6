//! The room as a whole: what is said about a wrong file, and that no file breaks or stalls it.

#[expect(dead_code, reason = "the fields are there to be read, not to be used")]
mod file;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::file::{Cluster, Parallelism};
use super::*;
use crate::diagnostic::{Code, Diagnostic, Source, Style, render};

const GOOD: &str = "\
# a cluster
name: \"é\u{301}: 日本\"
pools:
  - name: a
    nodes: 127
    server: dgx-h100
    parallelism: {tp: 8, pp: 4}
    bandwidth: 3.35 TB/s
  - {name: 'b', nodes: 1, spare: true, parallelism: auto, server: ~}
fabric:
  kind: fat-tree
  oversubscription: 1
power: {}
labels: {x: 255, \"8\": 0}
torus: [4, 4, 8]
";

fn read(text: &str) -> Result<Document<Cluster>, Vec<Diagnostic>> {
    load(Source::new("c.yaml", text))
}

fn complaints(text: &str) -> String {
    read(text).map_or_else(|all| render(&all, Style::Concise), |_| String::new())
}

#[test]
fn a_good_file_is_read_with_places() {
    for text in [GOOD.to_owned(), GOOD.replace('\n', "\r\n"), format!("\u{feff}---\n{GOOD}...\n")] {
        let document = read(&text).map_err(|all| render(&all, Style::Concise)).unwrap();
        assert_eq!(document.value.pools[1].nodes, 1);
        assert!(matches!(document.value.pools[1].parallelism, Some(Parallelism::Auto)));
        let span = document.span(&path!["pools", 0, "parallelism", "pp"]);
        assert_eq!(&document.source.text()[span], "4");
        let nodes = document.error(Code::GpuCount, &path!["pools", 1, "nodes"], "x");
        let label = nodes.place().unwrap();
        assert_eq!(label.source.text()[..label.span.start].matches('\n').count(), 8 + usize::from(text.contains("---")));
    }
}

const WRONG: &str = "\
nmae: x
pools:
  - name: h100
    node: 127
    gpus: 8
  - nodes: 1e3
    name: ok
    server: 8
    spare: yes
    parallelism: atuo
  - name:
    nodes: 0
    parallelism: {tp: '8', xx: 4}
    spare: \"true\"
  - name: [a]
    nodes: 8 GPUs
    parallelism: 8
  - server: x
    nodes: {}
fabric:
  kind: fat-tre
  oversubscription: .nan
labels: {x: 256, y: -1}
torus: [1, 2]
power:
";

const SAID: &str = "\
c.yaml:1:1: error[P0101]: unknown key `nmae` (did you mean `name`?)
c.yaml:4:5: error[P0101]: unknown key `node` in `pools[0]` (did you mean `nodes`?)
c.yaml:5:5: error[P0101]: unknown key `gpus` in `pools[0]` \
(known keys: `bandwidth`, `name`, `nodes`, `parallelism`, `server`, `spare`)
c.yaml:6:12: error[P0104]: expected a whole number for `pools[1].nodes`, found `1e3` (write `nodes: 1000`)
c.yaml:9:12: error[P0104]: expected `true` or `false` for `pools[1].spare`, found `yes` (write `spare: true`)
c.yaml:10:18: error[P0105]: unknown value `atuo` for `pools[1].parallelism` (did you mean `auto`?)
c.yaml:11:5: error[P0103]: missing value for `pools[2].name` (write text after `name:`)
c.yaml:12:12: error[P0108]: `0` is out of range for `pools[2].nodes` (write a number of at least 1)
c.yaml:13:23: error[P0104]: expected a whole number for `pools[2].parallelism.tp`, found `8` in quotes \
(write `tp: 8` without quotes)
c.yaml:13:28: error[P0101]: unknown key `xx` in `pools[2].parallelism` (known keys: `pp`, `tp`)
c.yaml:14:12: error[P0104]: expected `true` or `false` for `pools[2].spare`, found `true` in quotes \
(write `spare: true` without quotes)
c.yaml:15:5: error[P0104]: expected text for `pools[3].name`, found a list (write `name: a`)
c.yaml:16:12: error[P0104]: expected a whole number for `pools[3].nodes`, found `8 GPUs` (write `nodes: 8`)
c.yaml:17:18: error[P0105]: unknown value `8` for `pools[3].parallelism` (write `auto` or a mapping)
c.yaml:18:5: error[P0102]: missing key `name` in `pools[4]` (add `name:` with text)
c.yaml:19:5: error[P0104]: expected a whole number for `pools[4].nodes`, found a mapping (write for example `nodes: 127`)
c.yaml:21:9: error[P0105]: unknown value `fat-tre` for `fabric.kind` (did you mean `fat-tree`?)
c.yaml:22:21: error[P0104]: expected a number for `fabric.oversubscription`, found `.nan` (write a number from 1.0 to 64.0, in digits)
c.yaml:23:13: error[P0108]: `256` is out of range for `labels.x` (write a number of at most 255)
c.yaml:23:21: error[P0108]: `-1` is out of range for `labels.y` (write a number of at least 0)
c.yaml:24:1: error[P0109]: expected exactly 3 items for `torus`, found 2
c.yaml:25:1: error[P0103]: missing value for `power` (write keys below it, indented: `pue`)
";

#[test]
fn every_mistake_is_said_at_once_with_its_place_and_a_way_out() {
    assert_eq!(complaints(WRONG), SAID);
}

#[test]
fn quantities_are_checked_and_a_missing_unit_is_its_own_mistake() {
    let code = |text: &str| read(&GOOD.replace("3.35 TB/s", text)).map_or_else(|all| Some(all[0].code), |_| None);
    assert_eq!(code("900"), Some(Code::NoUnit));
    assert_eq!(code("900 W"), Some(Code::BadQuantity));
    assert_eq!(code("[900 GB/s]"), Some(Code::WrongType));
    assert_eq!(code("'900 GB/s'"), None);
    assert_eq!(code("~"), None);
}

#[test]
fn what_a_type_refuses_by_itself_still_has_a_place() {
    let said = complaints(&GOOD.replace("3.35", "13"));
    assert_eq!(said, "c.yaml:4:5: error[P0111]: `pools[0]`: thirteen is unlucky\n");
    // Accepted by one parser and not by the other.
    let said = complaints(&GOOD.replace("{tp: 8,", "{tp:,"));
    assert!(said.starts_with("c.yaml:7:21: error[P0004]: not valid YAML: "), "{said}");
}

#[test]
fn the_root_has_to_be_a_mapping_with_all_its_keys() {
    let said = complaints("8");
    let help = "write `key: value` lines; the keys are `fabric`, `labels`, `name`, `pools`, `power`, `torus`";
    assert_eq!(said, format!("c.yaml:1:1: error[P0104]: expected a mapping for the file, found `8` ({help})\n"));
    let said = complaints("{}");
    assert!(said.starts_with("c.yaml:1:1: error[P0102]: missing key `name` in the file (add `name:` with text)\n"), "{said}");
    let said = complaints("name: a\npools: []\n");
    let help = "write items below it, each with `- ` and the keys `name`, `nodes`";
    assert_eq!(said, format!("c.yaml:2:1: error[P0109]: expected at least 1 item for `pools`, found 0 ({help})\n"));
}

#[test]
fn embedded_text_is_read_without_places() {
    assert_eq!(parse_embedded::<Vec<u32>>("[1, 2]"), Ok(vec![1, 2]));
    assert!(parse_embedded::<Vec<u32>>("[1, x]").is_err_and(|error| error.contains("line 1")));
}

#[test]
fn no_file_takes_long() {
    let long = |piece: &str| piece.repeat((1 << 20) / piece.len());
    let pools = |pool: &str| format!("name: x\npools:\n{}", format!("  - {pool}\n").repeat(30_000));
    for text in [
        long("["),
        long("- "),
        long("a: \n "),
        long("a: {"),
        long("? "),
        long("word "),
        long("\n"),
        long("é: é\n"),
        long("a: 1\n"),
        long("!!x "),
        long("&a "),
        format!("[{}]", long("a,")),
        format!("a: \"{}", long("\\n")),
        format!("a: |\n{}", long("  x\n\n")),
        pools("{name: a, nodes: 4}"),
        pools("{name: a, node: x}"),
    ] {
        let started = Instant::now();
        if let Err(all) = read(&text) {
            assert!(!render(&all, Style::Full { color: false }).is_empty());
        }
        // Unoptimised and on a busy machine; what is quadratic takes minutes.
        assert!(started.elapsed() < Duration::from_secs(8), "{:?} for {:?}", started.elapsed(), &text[..10]);
    }
}

/// A small generator of random numbers, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or_default()
    }
}

const BITS: [&str; 36] = [
    "\n",
    " ",
    "  ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!",
    "!!int ",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    "\t",
    "\r\n",
    "<<: ",
    "~",
    "null",
    "1e9",
    "é",
    "\u{1F600}",
    "---\n",
    "...\n",
    "nodes",
    "\u{2028}",
    "\\",
];

/// The good file with a few pieces taken out, put in or copied.
fn mutated(random: &mut Random) -> String {
    let mut text: Vec<char> = GOOD.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len());
        let end = (at + random.below(20)).min(text.len());
        match random.below(3) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, BITS[random.below(BITS.len())].chars())),
            _ => {
                let piece = text[at..end].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, piece);
            }
        }
        text.push('\n');
    }
    text.into_iter().collect()
}

/// Whether the tree is what serde's parser sees.
fn agree(node: &Node, value: &Value) -> bool {
    match (&node.kind, value) {
        (Kind::Sequence(items), Value::Array(values)) => {
            items.len() == values.len() && items.iter().zip(values).all(|(item, value)| agree(item, value))
        }
        (Kind::Mapping(entries), Value::Object(values)) => {
            let same = |entry: &Entry| values.get(&entry.key).is_some_and(|value| agree(&entry.value, value));
            entries.len() == values.len() && entries.iter().all(same)
        }
        (Kind::Scalar { text, .. }, Value::String(value)) => text == value,
        (Kind::Scalar { text, plain }, Value::Bool(_) | Value::Number(_)) => *plain && number::is_not_text(text),
        // JSON has no infinity.
        (Kind::Scalar { text, plain }, Value::Null) => *plain && (node.is_null() || number::is_not_text(text)),
        _ => false,
    }
}

#[test]
fn no_mutation_breaks_it_and_both_parsers_see_the_same() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut scanned, mut accepted) = (0, 0);
    for _ in 0..4_000 {
        let text = mutated(&mut random);
        let source = Source::new("f", text.as_str());
        if let Ok(tree) = scan(&source) {
            scanned += 1;
            if let Ok(value) = parse_embedded::<Value>(&text) {
                assert!(agree(&tree, &value), "{text}\n{tree:?}\n{value:?}");
            }
        }
        match load::<Cluster>(Arc::clone(&source)) {
            Ok(_) => accepted += 1,
            Err(all) => {
                assert!(all.iter().all(|problem| problem.code != Code::InvalidValue), "{text}");
                for style in [Style::Full { color: true }, Style::Concise, Style::Json, Style::Github] {
                    assert!(!render(&all, style).is_empty());
                }
            }
        }
    }
    assert!(scanned > 500 && accepted > 100, "{scanned} scanned, {accepted} accepted");
}
