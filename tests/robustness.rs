//! Whatever stands in a file, planning it ends without a panic, and every number that comes out is finite.
//!
//! `PROPTEST_CASES=5000 cargo test --release --test robustness` searches further, with other random numbers every time.

use std::fmt::{Display, Write as _};
use std::str::FromStr;

use planner::catalog::Catalog;
use planner::diagnostic::{Diagnostic, Source, Style, render};
use planner::plan::{Plan, Refusal, check_job, explain, setup};
use planner::report;
use planner::spec::examples::EXAMPLES;
use planner::spec::{Cluster, Workload};
use planner::topology::Topology;
use planner::units;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestRunner};

/// The same cases in every run, unless more are asked for.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(64),
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

/// Keys under which the JSON of a plan may hold nothing, because the answer has no such part.
const MAY_BE_NULL: [&str; 28] = [
    "course",
    "run",
    "cost",
    "fabric",
    "deadline_s",
    "carbon_g",
    "meets_deadline",
    "job_mtti_s",
    "mtti_s",
    "interval_s",
    "intensity_g_per_j",
    "location_g",
    "market_g",
    "parts",
    "gpu_hour",
    "total",
    "per_million_tokens",
    "electricity",
    "electricity_share_of_total",
    "life_s",
    "wacc_per_year",
    "capital_per_gpu",
    "good_share_of_used_hours",
    "electricity_is_half_of_owned_cost_at",
    "break_even_hours_per_year",
    "break_even_share_of_hours",
    // Another pool on which no layout fits.
    "strategy",
    "slower_by",
];

/// Where a number is missing: JSON has no infinity, so one is written as nothing.
fn missing_number(value: &serde_json::Value, key: &str) -> Option<String> {
    match value {
        serde_json::Value::Null if !MAY_BE_NULL.contains(&key) => Some(key.to_owned()),
        serde_json::Value::Array(items) => items.iter().find_map(|item| missing_number(item, key)),
        serde_json::Value::Object(fields) => fields.iter().find_map(|(key, value)| missing_number(value, key)),
        _ => None,
    }
}

/// Words that stand for a number that is none.
fn no_number(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '|' | '"' | '(' | ')')).find(|word| {
        let word = word.trim_start_matches(['-', '+', '~']).trim_end_matches(['.', ':', ';', '%']);
        matches!(word, "NaN" | "nan" | "inf" | "Inf" | "infinity" | "null")
    })
}

/// Says the mistakes in every style: nothing that a file holds may break them either.
fn shown(errors: &[Diagnostic]) -> Result<(), TestCaseError> {
    prop_assert!(!errors.is_empty(), "refused without a reason");
    for style in [Style::Full { color: false }, Style::Concise, Style::Json, Style::Github] {
        let said = render(errors, style);
        prop_assert!(!said.contains('\u{1b}'), "an escape sequence reaches the terminal: {said:?}");
        prop_assert!(said.len() < 200_000, "{} bytes are said", said.len());
    }
    Ok(())
}

/// What a plan says, in every form.
fn sound(plan: &Plan) -> Result<(), TestCaseError> {
    let json = report::json(plan).expect("a plan can be written");
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    prop_assert_eq!(missing_number(&value, ""), None, "{}", json);
    let share = plan.cost.as_ref().and_then(|cost| cost.electricity_share_of_total);
    prop_assert!(share.is_none_or(f64::is_finite), "{share:?} is the share of electricity");
    for text in [report::plan_text(plan), report::plan_markdown(plan), report::plan_csv(plan)] {
        prop_assert_eq!(no_number(&text), None, "{}", text);
    }
    prop_assert!(plan.step.step_time.get() > 0.0 && plan.step.mfu >= 0.0, "{json}");
    Ok(())
}

/// Does everything that the program does with two files. Returns whether there was a plan.
fn planned(cluster: &str, workload: &str) -> Result<bool, TestCaseError> {
    let catalog = Catalog::embedded();
    let cluster = Cluster::load(Source::new("cluster.yaml", cluster), catalog);
    let workload = Workload::load(Source::new("workload.yaml", workload), catalog);
    if let Err(errors) = &cluster {
        shown(errors)?;
    }
    if let Err(errors) = &workload {
        shown(errors)?;
    }
    let (Ok(cluster), Ok(workload)) = (cluster, workload) else { return Ok(false) };
    let topology = Topology::new(&cluster);
    let mut any = false;
    for job in &workload.jobs {
        let checked = check_job(&cluster, &topology, &workload, job);
        match Plan::new(&cluster, &topology, &workload, job, catalog) {
            Ok(plan) => {
                prop_assert!(checked.is_ok(), "checked as wrong, and planned");
                sound(&plan)?;
                let setup = setup(&cluster, &topology, &workload, job).map_err(|_| TestCaseError::fail("no setup"))?;
                let derivations = explain(&plan, &cluster, &setup);
                let text = report::explanation(&derivations, &plan.assumptions, 2);
                prop_assert_eq!(no_number(&text), None, "{}", text);
                let json: serde_json::Value =
                    serde_json::from_str(&report::json(&derivations).expect("it can be written")).expect("it is JSON");
                prop_assert!(json.as_array().is_some_and(|all| !all.is_empty()));
                any = true;
            }
            Err(Refusal::Input(errors)) => shown(&errors)?,
            Err(Refusal::No(error)) => shown(&[*error])?,
        }
    }
    Ok(any)
}

/// A change that a slip of the hand, or a fuzzer, makes to a file.
#[derive(Debug, Clone)]
enum Slip {
    Delete(usize),
    Duplicate(usize),
    Swap(usize),
    Indent(usize),
    Number(usize, &'static str),
    Insert(usize, String),
    Remove(usize),
    Truncate(usize),
}

/// Numbers at and beyond the ends. None makes a cluster of more than some ten thousand accelerators, which takes long to plan
/// without optimisation.
const ENDS: [&str; 26] = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "64",
    "127",
    "1000",
    "0.5",
    "1.5",
    "1e-9",
    "1e9",
    "1e18",
    "1e30",
    "1e31",
    "1e-31",
    "1e308",
    "1e400",
    "nan",
    ".inf",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "0x10",
    "1_000",
];

fn slip() -> impl Strategy<Value = Slip> {
    let at = 0..2_000_usize;
    let odd = prop_oneof![
        "\\PC{1,6}",
        select(vec![
            "\t",
            "\u{0}",
            "\u{feff}",
            "\u{2028}",
            "\u{202e}",
            "\u{1b}[31m",
            "*a",
            "&a",
            "!x",
            "<<: ",
            "- ",
            "{",
            "]",
            "\""
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        1 => at.clone().prop_map(Slip::Delete),
        1 => at.clone().prop_map(Slip::Duplicate),
        1 => at.clone().prop_map(Slip::Swap),
        1 => at.clone().prop_map(Slip::Indent),
        6 => (at.clone(), select(ENDS.to_vec())).prop_map(|(at, end)| Slip::Number(at, end)),
        2 => (at.clone(), odd).prop_map(|(at, text)| Slip::Insert(at, text)),
        1 => at.clone().prop_map(Slip::Remove),
        1 => at.prop_map(Slip::Truncate),
    ]
}

fn slipped(text: &str, slips: &[Slip]) -> String {
    slips.iter().fold(text.to_owned(), |text, slip| {
        let mut lines: Vec<&str> = text.lines().collect();
        let line = |at: usize| at % lines.len().max(1);
        let place = |at: usize| text.char_indices().nth(at % text.chars().count().max(1)).map_or(0, |(place, _)| place);
        match slip {
            _ if text.is_empty() => text,
            Slip::Delete(at) => {
                lines.remove(line(*at));
                lines.join("\n")
            }
            Slip::Duplicate(at) => {
                lines.insert(line(*at), lines[line(*at)]);
                lines.join("\n")
            }
            Slip::Swap(at) => {
                let (a, b) = (line(*at), line(at + 1));
                lines.swap(a, b);
                lines.join("\n")
            }
            Slip::Indent(at) => {
                let indented = format!("  {}", lines[line(*at)]);
                let at = line(*at);
                lines[at] = &indented;
                lines.join("\n")
            }
            Slip::Number(at, end) => numbered(&text, *at, end),
            Slip::Insert(at, odd) => {
                let place = place(*at);
                format!("{}{odd}{}", &text[..place], &text[place..])
            }
            Slip::Remove(at) => {
                let place = place(*at);
                text[..place].chars().chain(text[place..].chars().skip(1)).collect()
            }
            Slip::Truncate(at) => text[..place(*at)].to_owned(),
        }
    })
}

/// The text with one of the numbers behind a `: ` replaced.
fn numbered(text: &str, at: usize, end: &str) -> String {
    let starts: Vec<usize> =
        text.match_indices(": ").map(|(i, _)| i + 2).filter(|i| text[*i..].starts_with(|c: char| c.is_ascii_digit())).collect();
    let Some(start) = starts.get(at % starts.len().max(1)) else { return text.to_owned() };
    let digits = text[*start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len() - start);
    format!("{}{end}{}", &text[..*start], &text[start + digits..])
}

fn examples(workloads: bool) -> Vec<&'static str> {
    // Sixteen thousand accelerators take long without optimisation.
    let wanted = |name: &str| name.starts_with("workloads/") == workloads && !name.contains("16384");
    EXAMPLES.iter().filter(|(name, _)| wanted(name)).map(|(_, text)| *text).collect()
}

/// One of `keys: value` lines, or none of it.
fn maybe<T: Display + Clone + std::fmt::Debug + 'static>(
    key: &'static str,
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<String> {
    // Boxed, or the many parts of a file do not fit on a test's stack without optimisation.
    prop::option::of(value).prop_map(move |value| value.map(|value| format!("{key}: {value}")).unwrap_or_default()).boxed()
}

fn joined(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

/// A number of any size with a unit.
fn quantity(unit: &'static str) -> BoxedStrategy<String> {
    let number = prop_oneof![
        4 => (1.0..1000.0_f64).prop_map(|number| format!("{number:.3}")),
        1 => select(vec!["0", "1e-9", "1e-17", "1e9", "1e17", "1e-29", "1e29"]).prop_map(str::to_owned),
    ];
    number.prop_map(move |number| format!("{number} {unit}")).boxed()
}

/// A number that is small, or as large as it may be.
fn count(most: u32) -> BoxedStrategy<u32> {
    prop_oneof![4 => 1..=most.min(16), 2 => 1..=most, 2 => select(vec![1, 2, 4, 8, 64, 128]).prop_map(move |n: u32| n.min(most)), 1 => Just(most)].boxed()
}

/// A part of a whole, in percent.
fn share() -> BoxedStrategy<String> {
    select(vec!["0 %", "1e-9 %", "10 %", "80 %", "100 %"]).prop_map(str::to_owned).boxed()
}

/// Nothing, or a `cost` block in which every key may stand with a value from one end to the other.
fn cost_block() -> BoxedStrategy<String> {
    let capital = (
        maybe("method", select(vec!["annuity", "straight-line", "replacement", "lease", "rent"])),
        maybe("capital", quantity("USD/GPU")),
        maybe("life", select(vec!["0.1 years", "5 years", "100 years"])),
        maybe("wacc", quantity("%/year")),
        maybe("residual", share()),
        maybe("progress", quantity("%/year")),
        maybe("utilisation", share()),
        Just("lease: 1 USD/GPU-hour".to_owned()),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| joined(&[a, b, c, d, e, f, g, h]));
    let facility = (
        maybe("build", quantity("USD/W")),
        maybe("rate", quantity("%/year")),
        maybe("life", select(vec!["0.1 years", "15 years", "100 years"])),
    )
        .prop_map(|(a, b, c)| format!("facility: {{{}}}", joined(&[a, b, c])));
    let bill = (quantity("USD/kW-month"), share(), quantity("kW"), share(), share(), maybe("fee", quantity("USD/month")))
        .prop_map(|(demand, ratchet, contract, floor, taxes, fee)| {
            let all = format!("demand: {demand}, ratchet: {ratchet}, contract: {contract}, floor: {floor}, taxes: {taxes}");
            format!("electricity: {{{}}}", joined(&[all, fee]))
        });
    let others = (
        maybe("power-per-gpu", quantity("W")),
        maybe("maintenance", quantity("%/year")),
        maybe("software", quantity("USD/GPU-year")),
        maybe("data", quantity("USD/year")),
        (share(), quantity("USD")).prop_map(|(percent, cap)| {
            format!("subsidies: [{{name: s, on: electricity, percent: {percent}, cap: {cap}, until: 2028}}]")
        }),
        maybe("rent", quantity("USD/GPU-h").prop_map(|price| format!("{{price: {price}, path: {{progress: 1e9 %/year}}}}"))),
    )
        .prop_map(|(a, b, c, d, e, f)| joined(&[a, b, c, d, e, f, "start: 2026-11".to_owned()]));
    let block = (capital, facility, bill, others).prop_map(|(a, b, c, d)| format!("cost: {{{}}}\n", joined(&[a, b, c, d])));
    prop::option::of(block).prop_map(Option::unwrap_or_default).boxed()
}

/// Cluster files in which every key may stand with a value from one end to the other.
fn any_cluster() -> impl Strategy<Value = String> {
    let servers =
        vec!["dgx-h100", "dgx-a100", "gb200-nvl72", "mi300x-8x", "workstation-2x-rtx-4090", "gaudi3-8x", "dgx-1-v100"];
    let nics = (count(16), quantity("Gb/s")).prop_map(|(count, rate)| format!("{{count: {count}, rate: {rate}}}"));
    let overrides = (
        maybe("memory", quantity("GB")),
        maybe("memory-bandwidth", quantity("GB/s")),
        maybe("peak", quantity("TFLOP/s").prop_map(|rate| format!("{{bf16: {rate}, fp8: {rate}}}"))),
        maybe("tdp", quantity("W")),
        maybe("compute-units", count(u32::MAX)),
        maybe("scale-up-bandwidth", quantity("GB/s")),
        maybe("scale-up-domain", count(u32::MAX)),
    )
        .prop_map(|(a, b, c, d, e, f, g)| joined(&[a, b, c, d, e, f, g]));
    let pool = (
        count(128),
        select(servers),
        maybe("gpus", count(64)),
        maybe("nics", nics),
        maybe("max-power", quantity("kW")),
        maybe("nodes-per-rack", count(1000)),
        maybe("price", quantity("USD")),
        overrides,
    )
        .prop_map(|(nodes, server, a, b, c, d, e, overrides)| {
            let rest = joined(&[a, b, c, d, e]);
            let rest = if rest.is_empty() { rest } else { format!(", {rest}") };
            format!("nodes: {nodes}, server: {server}{rest}, overrides: {{{overrides}}}")
        });
    let fabric = (
        select(vec!["rail-optimized-fat-tree", "fat-tree", "rail-only", "single-switch"]),
        select(vec!["qm9700", "q3400", "sn5600"]),
        maybe("scalable-unit", count(100_000).prop_map(|nodes| format!("{nodes} nodes"))),
        maybe("oversubscription", 1.0..64.0_f64),
        maybe("core-oversubscription", 1.0..64.0_f64),
        maybe("pod", count(100_000).prop_map(|nodes| format!("{nodes} nodes"))),
        maybe("planes", 1..=8_u32),
    )
        .prop_map(|(kind, switch, a, b, c, d, e)| {
            joined(&[format!("kind: {kind}"), format!("switch: {switch}"), a, b, c, d, e])
        });
    let power = (
        maybe("feed-limit", quantity("kW")),
        maybe("pue", 1.0..10.0_f64),
        maybe("load-factor", 0.01..1.0_f64),
        maybe("tariff", quantity("USD/kWh")),
        maybe("carbon", quantity("g/kWh")),
        maybe("gpu-cap", quantity("W")),
        maybe("contracted", quantity("GWh")),
        maybe("residual-carbon", quantity("g/kWh")),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| joined(&[a, b, c, d, e, f, g, h]));
    let price = maybe("gpu-hour", quantity("CNY/GPU-hour"));
    let reliability = (
        maybe("failures", quantity("/1000 node-days")),
        maybe("job-mtti", quantity("h")),
        maybe("restart", quantity("min")),
        maybe("checkpoint-interval", quantity("min")),
        maybe("checkpoint-blocking", quantity("s")),
        maybe("repair", quantity("days")),
        maybe("outage-correlation", 0.0..0.5_f64),
        maybe("full-strength", 0.5..0.99_f64),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| joined(&[a, b, c, d, e, f, g, h]));
    let storage = (
        maybe("write", quantity("GB/s")),
        maybe("read", quantity("GB/s")),
        maybe("write-per-node", quantity("GB/s")),
        maybe("read-per-node", quantity("GB/s")),
    )
        .prop_map(|(a, b, c, d)| joined(&[a, b, c, d]));
    (prop::collection::vec(pool, 1..3), fabric, power, price, reliability, storage, cost_block()).prop_map(
        |(pools, fabric, power, price, reliability, storage, cost)| {
            let mut text = "name: any\npools:\n".to_owned();
            for (i, pool) in pools.iter().enumerate() {
                let _ = writeln!(text, "- {{name: p{i}, {pool}}}");
            }
            let _ = write!(text, "fabric: {{{fabric}}}\npower: {{{power}}}\nprice: {{{price}}}\n");
            let _ = write!(text, "reliability: {{{reliability}}}\nstorage: {{{storage}}}\n{cost}");
            text
        },
    )
}

const SCHEDULES: [&str; 10] =
    ["gpipe", "1f1b", "interleaved", "breadth-first", "zb-h1", "zb-h2", "zb-v", "zb-auto", "dualpipe", "dualpipev"];

/// Jobs whose layouts are nearly always legal, so that schedules are run with odd and even numbers of everything.
fn any_pipeline() -> impl Strategy<Value = String> {
    let model = select(vec!["tinyllama-1.1b", "llama2-7b", "mixtral-8x7b"]);
    let layout = (select(vec![1_u32, 2, 4]), 1..=8_u32, 1..=4_u32, 1..=3_u32, 1..=40_u32, 1..=2_u32);
    let schedule = (select(SCHEDULES.to_vec()), 0..=3_u32, select(vec!["none", "full"]));
    (model, layout, schedule).prop_map(|(model, (tp, pp, vp, dp, microbatches, microbatch), (schedule, zero, recompute))| {
        let vp = if schedule == "interleaved" || schedule == "breadth-first" { format!("vp: {vp}, ") } else { String::new() };
        format!(
            "jobs:\n- {{name: any, model: {model}, sequence: 2048, global-batch: {} sequences, parallelism: {{tp: {tp}, pp: {pp}, \
             {vp}dp: {dp}, microbatch: {microbatch}, schedule: {schedule}, zero: {zero}, recompute: {recompute}}}}}\n",
            microbatches * microbatch * dp
        )
    })
}

/// Workload files in which every key may stand with a value from one end to the other.
fn any_workload() -> impl Strategy<Value = String> {
    let experts =
        (count(512), count(16), count(100_000_000), maybe("shared-ffn", count(100_000_000)), maybe("every", count(4)))
            .prop_map(|(experts, top, ffn, a, b)| {
                format!("{{{}}}", joined(&[format!("experts: {experts}, top-k: {top}, ffn: {ffn}"), a, b]))
            });
    let window = (count(1_000_000_000), maybe("global-every", count(8)))
        .prop_map(|(window, every)| format!("{{{}}}", joined(&[format!("window: {window}"), every])));
    let spelled = (
        (count(10_000), count(100_000), count(1_000), count(100_000_000), count(100_000_000)),
        (maybe("kv-heads", count(8)), maybe("head-dim", count(100_000)), maybe("moe", experts), maybe("sliding-window", window)),
        (maybe("extra-norms", 0..=8_u32), maybe("parallel-block", any::<bool>()), maybe("mtp-layers", 0..=64_u32)),
    )
        .prop_map(|((layers, width, heads, ffn, vocab), (a, b, c, d), (e, f, g))| {
            let hidden = (width.div_ceil(heads) * heads).min(10_000_000);
            let rest = joined(&[a, b, c, d, e, f, g]);
            format!(
                "{{name: own, layers: {layers}, hidden: {hidden}, heads: {heads}, ffn: {ffn}, activation: swiglu, vocab: {vocab}{}{rest}}}",
                if rest.is_empty() { "" } else { ", " }
            )
        });
    let model = prop_oneof![
        3 => select(vec!["tinyllama-1.1b", "llama2-7b", "llama3-70b", "mixtral-8x7b", "deepseek-v3", "gpt3-175b", "gemma2-27b"]).prop_map(str::to_owned),
        1 => spelled,
    ];
    let degrees = (
        (maybe("tp", count(1024)), maybe("sp", any::<bool>()), maybe("cp", count(1024)), maybe("pp", count(1024))),
        (maybe("vp", count(1024)), maybe("ep", count(4096)), maybe("etp", count(1024)), maybe("dp", count(1_000_000))),
        (maybe("microbatch", count(65_536)), maybe("zero", 0..=3_u32), maybe("overlap", any::<bool>())),
        maybe("recompute", select(vec!["none", "selective", "full"])),
        maybe("schedule", select(SCHEDULES.to_vec())),
    )
        .prop_map(|((a, b, c, d), (e, f, g, h), (i, j, k), l, m)| {
            format!("{{{}}}", joined(&[a, b, c, d, e, f, g, h, i, j, k, l, m]))
        });
    let batch = prop_oneof![
        3 => count(4096).prop_map(|n| format!("{n} sequences")),
        1 => count(u32::MAX).prop_map(|n| format!("{n} sequences")),
        1 => quantity("k tokens"),
    ];
    (
        model,
        // Shorter ones make more microbatches than are simulated quickly without optimisation.
        select(vec![256_u32, 512, 1000, 2048, 8190, 8192, 131_072, 99_999_999, 100_000_000]),
        batch,
        prop_oneof![Just("auto".to_owned()), degrees],
        maybe("tokens", quantity("B tokens")),
        maybe("deadline", quantity("days")),
        maybe("precision", select(vec!["tf32", "bf16", "fp16", "fp8"])),
        maybe("attention", select(vec!["flash", "unfused"])),
    )
        .prop_map(|(model, sequence, batch, parallelism, a, b, c, d)| {
            let job = joined(&[
                format!("name: any, model: {model}, sequence: {sequence}, global-batch: {batch}, parallelism: {parallelism}"),
                a,
                b,
                c,
                d,
            ]);
            format!("jobs:\n- {{{job}}}\n")
        })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn examples_with_slips_are_planned_or_refused(
        cluster in select(examples(false)),
        workload in select(examples(true)),
        cluster_slips in prop::collection::vec(slip(), 0..4),
        workload_slips in prop::collection::vec(slip(), 0..3),
    ) {
        planned(&slipped(cluster, &cluster_slips), &slipped(workload, &workload_slips))?;
    }

    #[test]
    fn values_from_one_end_to_the_other_are_planned_or_refused(cluster in any_cluster(), workload in any_workload()) {
        planned(&cluster, &workload)?;
    }

    #[test]
    fn quantities_are_read_back_as_they_are_printed(exponent in -3.0..15.0_f64) {
        let value = 10f64.powf(exponent);
        read_back::<units::Bytes>(units::Bytes::new(value))?;
        read_back::<units::Bits>(units::Bits::new(value))?;
        read_back::<units::BytesPerSecond>(units::BytesPerSecond::new(value))?;
        read_back::<units::BitsPerSecond>(units::BitsPerSecond::new(value))?;
        read_back::<units::Flop>(units::Flop::new(value))?;
        read_back::<units::FlopPerSecond>(units::FlopPerSecond::new(value))?;
        read_back::<units::Seconds>(units::Seconds::new(value))?;
        read_back::<units::Hertz>(units::Hertz::new(value))?;
        read_back::<units::Watts>(units::Watts::new(value))?;
        read_back::<units::Energy>(units::Energy::new(value))?;
        read_back::<units::Carbon>(units::Carbon::new(value))?;
        read_back::<units::CarbonIntensity>(units::CarbonIntensity::new(value))?;
        read_back::<units::Tokens>(units::Tokens::new(value))?;
        read_back::<units::TokensPerSecond>(units::TokensPerSecond::new(value))?;
        read_back::<units::Parameters>(units::Parameters::new(value))?;
        read_back::<units::FailureRate>(units::FailureRate::new(value))?;
        read_back::<units::GpuHours>(units::GpuHours::new(value))?;
        read_back::<units::Nodes>(units::Nodes::new(value.ceil()))?;
        // Money is printed with three digits, and prices are money.
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 6e-3;
        let money = units::Money::usd(value);
        let again: units::Money = plain(&money.to_string()).parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert!(near(again.amount(), value), "{money}");
        let price = units::EnergyPrice::new(money);
        let again: units::EnergyPrice = plain(&price.to_string()).parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert!(near(again.per_unit().amount(), value), "{price}");
        let price = units::HourlyPrice::new(money);
        let again: units::HourlyPrice = plain(&price.to_string()).parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert!(near(again.per_unit().amount(), value), "{price}");
    }

    #[test]
    fn no_text_breaks_a_quantity(text in "\\PC{0,12}", kind in select(vec!["bytes", "power", "money", "energy-price", "global-batch", "currency", "nodes"])) {
        if let Err(error) = units::check(kind, &text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

/// Without the commas between thousands, which people may not write.
fn plain(text: &str) -> String {
    text.replace(',', "")
}

/// Printed with six digits and read, a quantity is the same to a thousandth.
fn read_back<Q: units::Quantity + Display + FromStr<Err = units::QuantityError>>(quantity: Q) -> Result<(), TestCaseError> {
    let printed = format!("{quantity:.6}");
    let again: Q = plain(&printed).parse().map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
    prop_assert!((again.base() / quantity.base() - 1.0).abs() < 1e-3, "{printed} is read as {}", again.base());
    Ok(())
}

/// Plans what a generator makes, and counts the plans: it is worth something only while some are made.
fn some_are_planned(files: impl Strategy<Value = String>, plan: impl Fn(&str) -> Result<bool, TestCaseError>) {
    let plans = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(config());
    let ran = runner.run(&files, |file| {
        plans.set(plans.get() + u32::from(plan(&file)?));
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
    assert!(plans.get() >= 8, "only {} are planned", plans.get());
}

#[test]
fn any_job_is_planned_or_refused_on_an_example() {
    let cluster = EXAMPLES.iter().find(|(name, _)| *name == "dgx-h100.yaml").expect("it is there").1;
    some_are_planned(any_workload(), |workload| planned(cluster, workload));
}

#[test]
fn any_schedule_is_planned_or_refused() {
    let cluster = "name: any\npools: [{name: a, nodes: 16, server: dgx-h100}]\nfabric: {kind: fat-tree, switch: qm9700}\n";
    some_are_planned(any_pipeline(), |workload| planned(cluster, workload));
}

#[test]
fn any_cluster_plans_or_refuses_a_job() {
    let workload = "jobs:\n- {name: any, model: llama2-7b, tokens: 200B tokens, sequence: 4096, global-batch: 4M tokens, \
                    parallelism: {tp: 1, microbatch: 1, recompute: full}, deadline: 90 days}\n";
    some_are_planned(any_cluster(), |cluster| planned(cluster, workload));
}

#[test]
fn a_missing_number_is_seen() {
    assert_eq!(missing_number(&serde_json::json!({"run": null, "step": [{"mfu": null}]}), ""), Some("mfu".to_owned()));
    assert_eq!(missing_number(&serde_json::json!({"run": null, "step": [{"mfu": 0.4}]}), ""), None);
    assert_eq!(no_number("MFU NaN %"), Some("NaN"));
    assert_eq!(no_number("| -inf s |"), Some("-inf"));
    assert_eq!(no_number("nanny, infiniband-ndr: null-link"), None);
}
