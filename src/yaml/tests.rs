//! The room as a whole: what a user sees for a wrong file, and that no file breaks or stalls it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use super::*;
use crate::diagnostic::{Diagnostic, Source, Style, render};

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Cluster {
    name: String,
    /// Groups of identical nodes.
    #[schemars(length(min = 1))]
    pools: Vec<Pool>,
    fabric: Option<Fabric>,
    #[serde(default)]
    power: Power,
    #[serde(default)]
    labels: BTreeMap<String, u8>,
    torus: Option<[u32; 3]>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Pool {
    name: String,
    /// How many identical nodes the pool has.
    #[schemars(range(min = 1), example = 127)]
    nodes: u32,
    #[schemars(example = &"dgx-h100")]
    server: Option<String>,
    parallelism: Option<Parallelism>,
    #[serde(default)]
    spare: bool,
    bandwidth: Option<Bandwidth>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Fabric {
    kind: FabricKind,
    #[schemars(range(min = 1.0, max = 64.0))]
    oversubscription: Option<f64>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum FabricKind {
    /// Two or three levels.
    FatTree,
    /// A ring in each dimension.
    Torus,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Power {
    pue: Option<f64>,
}

#[derive(Debug)]
struct Bandwidth(#[expect(dead_code)] String);

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with("13") { Err(D::Error::custom("thirteen is unlucky")) } else { Ok(Self(text)) }
    }
}

impl JsonSchema for Bandwidth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bandwidth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-quantity": "bytes-per-second", "examples": ["900 GB/s"]})
    }
}

/// `auto`, or degrees spelled out.
#[derive(Debug)]
enum Parallelism {
    Auto,
    Fixed(#[expect(dead_code)] Degrees),
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Degrees {
    #[expect(dead_code)]
    tp: Option<u32>,
    #[expect(dead_code)]
    pp: Option<u32>,
}

impl<'de> Deserialize<'de> for Parallelism {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Parallelism;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`auto` or a mapping")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Parallelism, E> {
                if word == "auto" { Ok(Parallelism::Auto) } else { Err(E::custom("not `auto`")) }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parallelism, A::Error> {
                Degrees::deserialize(MapAccessDeserializer::new(map)).map(Parallelism::Fixed)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Parallelism {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Parallelism".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let degrees = generator.subschema_for::<Degrees>();
        json_schema!({"oneOf": [{"const": "auto"}, degrees]})
    }
}

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
        let nodes = document.error(crate::diagnostic::Code::GpuCount, &path!["pools", 1, "nodes"], "x");
        let label = nodes.place().unwrap();
        assert_eq!(label.source.text()[..label.span.start].matches('\n').count(), 8 + usize::from(text.contains("---")));
    }
}

#[test]
fn explore() {
    let text = "\
nmae: x
pools:
  - name: h100
    node: 127
    gpus: 8
  - nodes: 1e3
    name: ok
    server: 8
    spare: yes
    bandwidth: 900
    parallelism: atuo
  - name:
    nodes: 0
    parallelism: {tp: '8', xx: 4}
    bandwidth: 13 TB/s
    spare: \"true\"
  - name: [a]
    nodes: 8 GPUs
    bandwidth: 13 W
    parallelism: 8
fabric:
  kind: fat-tre
  oversubscription: .nan
labels: {x: 256, y: -1}
torus: [1, 2]
power:
";
    println!("{}", read(text).map_or_else(|all| render(&all, Style::Full{color:false}), |_| String::new()));
    println!("{}", complaints(text));
    println!("{}", complaints(&GOOD.replace("3.35", "13")));
    println!("{}", complaints("8"));
    println!("{}", complaints("[]"));
    println!("{}", complaints("{}"));
    println!("{}", complaints("name: a\npools: []\n"));
    println!("{}", complaints("name: a\npools: x\n"));
    for bad in ["", "# x\n", "a: 1\na: 2\n", "a: &x 1\nb: *x\n", "a: *y", "<<: {a: b}\n", "a: !!int 8\nb: !foo x\nc: ! y", "? [a]\n: b\n", "8: x\n~: y\n: z\n", "---\na: 1\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "a: b: c\n", "a:\n\tb: 1\n", "a: \"x\n", "a: [1, 2\n", "a: 1\n b\nc", "a\nb: 1\n", "{a: 1}}\n", "a: @x", "a: `x`", "%YAML 1.2\n---\na: 1\n", "a: 1\n  b: 2\n","- a\nb: c","a: \u{7}x","a: b\u{2028}c: d\n"] {
        println!("{bad:?}\n{}", complaints(bad));
    }
}
#[test]
fn timing() {
    let n = 1 << 20;
    let rep = |s: &str| s.repeat(n / s.len());
    let mut deep = String::new();
    for i in 0..1400 { deep.push_str(&" ".repeat(i)); deep.push_str("a:\n"); }
    let mut keys = String::new();
    for i in 0.. { if keys.len() > n { break } keys.push_str(&format!("k{i}: v\n")); }
    let pools = format!("name: x\npools:\n{}", "  - {name: a, nodes: 4}\n".repeat(40_000));
    let pools2 = format!("name: x\npools:\n{}", "  - {name: a, node: x}\n".repeat(40_000));
    let pools3 = format!("name: x\npools: [{}]\n", "{name: a, nodes: 4},".repeat(40_000));
    for (name, text) in [
        ("[", rep("[")), ("{", rep("{")), ("- ", rep("- ")), ("a: ", rep("a: ")), ("a: \\n", rep("a:\n ")), ("spaces", rep(" ")), ("newlines", rep("\n")),
        ("tabs", rep("\t")), ("? ", rep("? ")), ("words", rep("word ")), ("lines", rep("word\n")), ("quote", format!("\"{}", rep("x"))), ("quoteesc", format!("\"{}", rep("\\n"))), ("comment", rep("# x\n")),
        ("hash", format!("a: {}", rep("#"))), ("{a: ", rep("{a: ")), ("&a ", rep("&a ")), ("*a", rep("*a ")), ("!", rep("! ")), ("!!", rep("!")), ("---", rep("---\n")), ("...", rep("...\n")), ("literal", format!("a: |\n{}", rep("  x\n"))), ("literal1", format!("a: |\n  {}", rep("x"))),
        ("folded", format!("a: >\n{}", rep("  x\n\n"))), ("[],", format!("[{}]", rep("[],"))), ("a,", format!("[{}]", rep("a,"))), ("'a',", format!("[{}]", rep("'a',"))), ("[long]", format!("[{}]", rep("x y "))), ("deep", deep.clone()), ("deepflow", "[".repeat(100_000)), ("keys", keys), ("dup", rep("a: 1\n")),
        ("%", rep("%")), ("%TAG", rep("%TAG ! !a\n")), ("é", rep("é")), ("é: ", rep("é: é\n")), (": ", rep(": ")), ("::", rep(":")), ("'", rep("'")), ("''", format!("a: '{}'", rep("''"))), ("|", rep("|")), ("-", rep("-")), ("-\n", rep("-\n")), ("- a\n", rep("- a\n")), ("pools", pools), ("pools2", pools2), ("pools3", pools3), ("crlf", rep("\r\n")), ("\r", rep("\r")), (",", rep(",")), ("[a:", rep("[a: ")), ("[?", rep("[? ")), ("key1", format!("{}: x", rep("k"))), ("a b:", format!("a: {}", rep("b\n c"))), ("\"\" ", rep("\"\" ")), ("a: |-\\n", rep("a: |-\n b\n")), ("anchors", (0..80000).map(|i| format!("- &a{i} x\n")).collect()), ("indent", format!("a: |\n{}x", rep(" \n"))), ("bigindent", format!("{}a: 1\n{}b: 2", " ".repeat(n/2), " ".repeat(n/2))), ("a:b", rep("a:b")), ("{a,", format!("{{{}}}", rep("a,")))
    ] {
        let t = Instant::now();
        let source = Source::new("f", text.clone());
        let t1 = t.elapsed();
        let t = Instant::now();
        let r = scan(&source);
        let t2 = t.elapsed();
        let t = Instant::now();
        let r2 = load::<Cluster>(Arc::clone(&source));
        let t3 = t.elapsed();
        let t = Instant::now();
        let drawn = r2.map_or_else(|e| render(&e, Style::Full{color: false}), |_| "ok".into());
        println!("{name:10} src {t1:?} scan {t2:?} {} load {t3:?} render {:?} {}", r.is_ok(), t.elapsed(), drawn.lines().next().unwrap());
        let _ = Duration::ZERO;
    }
}

struct Random(u64);
impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13; self.0 ^= self.0 >> 7; self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}
const BITS: [&str; 40] = ["\n", " ", "  ", ": ", "- ", "[", "]", "{", "}", ",", "\"", "'", "#", "&a ", "*a", "!", "!!int ", "|", ">", "%", "@", "`", "?", "\t", "\r\n", "<<: ", "~", "null", "1e9", "0x1", "\u{e9}", "\u{1F600}", "---\n", "...\n", "8", "-", "name", "nodes", "\u{2028}", "a: b\n"];
fn mutate(r: &mut Random) -> String {
    let mut text: Vec<char> = GOOD.chars().collect();
    for _ in 0..1 + r.below(4) {
        let at = r.below(text.len());
        match r.below(4) {
            0 => { text.remove(at); }
            1 => { let bit = BITS[r.below(BITS.len())]; text.splice(at..at, bit.chars()); }
            2 => { let end = (at + r.below(12)).min(text.len()); text.drain(at..end); }
            _ => { let end = (at + r.below(30)).min(text.len()); let piece: Vec<char> = text[at..end].to_vec(); let to = r.below(text.len()); text.splice(to..to, piece); }
        }
        if text.is_empty() { text.push('a'); }
    }
    text.into_iter().collect()
}
fn same(node: &Node, v: &serde_yaml::Value) -> bool {
    use serde_yaml::Value as V;
    match (&node.kind, v) {
        (Kind::Sequence(a), V::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Kind::Mapping(a), V::Mapping(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, (k, b))| k.as_str() == Some(&a.key) && same(&a.value, b)),
        (Kind::Scalar { text, .. }, V::String(s)) => text == s,
        (Kind::Scalar { text, plain }, V::Null) => *plain && node.is_null() || text.is_empty(),
        (Kind::Scalar { text, plain }, V::Bool(_) | V::Number(_)) => *plain && number::is_not_text(text),
        _ => false,
    }
}
#[test]
fn fuzz() {
    let mut r = Random(88172645463325252);
    let (mut scanned, mut checked, mut ok) = (0, 0, 0);
    let mut shown = 0;
    for i in 0..100000 {
        let text = mutate(&mut r);
        let source = Source::new("f", text.as_str());
        let result = load::<Cluster>(Arc::clone(&source));
        if let Ok(tree) = scan(&source) {
            scanned += 1;
            match serde_yaml::from_str::<serde_yaml::Value>(&text) {
                Ok(v) => if !same(&tree, &v) && shown < 20 { shown += 1; println!("DIFF {i}\n{text}\n{v:?}"); },
                Err(e) => if false { shown += 1; println!("SERDE REFUSES {i} {e}\n{text}"); }
            }
        }
        match result {
            Ok(_) => { checked += 1; ok += 1 }
            Err(all) => {
                if all.iter().any(|d| d.code == crate::diagnostic::Code::InvalidValue) { checked += 1; println!("LEFT {}", render(&all, Style::Full{color:false})); }
                for style in [Style::Full{color:true}, Style::Concise, Style::Json, Style::Github] { let _ = render(&all, style); }
            }
        }
    }
    println!("{scanned} {checked} {ok}");
}
