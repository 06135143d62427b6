//! The failure process against the trace that it is fitted to: every constant found again from the trace's rows, then what no constant was
//! fitted to, in 400 simulated fleets.

use std::collections::BTreeMap;

use planner::fleet::failure::{Clustering, Fault, Outages, Process};

/// Nodes of the trace, and its days.
const NODES: usize = 400;
const DAYS: f64 = 348.9798;
const HOUR: f64 = 1.0 / 24.0;

/// A time that a node was down for, in days.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Down {
    node: usize,
    from: f64,
    until: f64,
}

/// The trace: faults of one node that overlap make one time that it is down.
fn trace() -> Vec<Down> {
    let text = include_str!("../data/node_faults.csv");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let mut faults: Vec<Down> = reader
        .records()
        .map(|row| {
            let row = row.expect("a row");
            let number = |column: usize| row[column].parse::<f64>().expect("a number");
            Down { node: number(0) as usize, from: number(1), until: number(2) }
        })
        .collect();
    assert_eq!(faults.len(), 584);
    faults.sort_by(|a, b| (a.node, a.from).partial_cmp(&(b.node, b.from)).expect("numbers"));
    let mut all: Vec<Down> = Vec::new();
    for fault in faults {
        match all.last_mut().filter(|last| last.node == fault.node && fault.from <= last.until) {
            Some(last) => last.until = last.until.max(fault.until),
            None => all.push(fault),
        }
    }
    all.sort_by(|a, b| a.from.total_cmp(&b.from));
    all
}

/// Times that have one cause: nodes that went down within an hour of one another and came back within five minutes of one another, and so on
/// from each of them.
fn causes(all: &[Down]) -> Vec<Vec<Down>> {
    let mut cause: Vec<usize> = (0..all.len()).collect();
    for (i, one) in all.iter().enumerate() {
        for (j, other) in all.iter().enumerate().skip(i + 1).take_while(|(_, other)| other.from - one.from <= HOUR) {
            if (other.until - one.until).abs() <= 5.0 / 1440.0 {
                let (old, new) = (cause[j], cause[i]);
                cause.iter_mut().filter(|own| **own == old).for_each(|own| *own = new);
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<Down>> = BTreeMap::new();
    for (down, cause) in all.iter().zip(cause) {
        groups.entry(cause).or_default().push(*down);
    }
    groups.into_values().collect()
}

fn mean_and_variance(numbers: &[f64]) -> (f64, f64) {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    (mean, numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (numbers.len() - 1) as f64)
}

#[test]
fn constants_are_those_of_the_trace() {
    let all = trace();
    let causes = causes(&all);
    assert_eq!((all.len(), causes.len()), (582, 497));
    let fitted = Clustering::MEASURED;

    let mut sizes: BTreeMap<u32, u32> = BTreeMap::new();
    for cause in &causes {
        *sizes.entry(cause.len() as u32).or_default() += 1;
    }
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), fitted.together);

    let mut faults = vec![0.0; NODES];
    for down in &all {
        faults[down.node] += 1.0;
    }
    let (mean, variance) = mean_and_variance(&faults);
    let nodes = (causes.len() as f64 / NODES as f64).powi(2) / (variance - mean);
    assert!((nodes - fitted.nodes).abs() < 0.005, "{nodes}");

    // How much more causes vary than independent ones would, as a share of their mean squared.
    let beyond = |days: f64| {
        let mut counts = vec![0.0; (DAYS / days) as usize];
        for cause in &causes {
            if let Some(count) = counts.get_mut((cause[0].from / days) as usize) {
                *count += 1.0;
            }
        }
        let (mean, variance) = mean_and_variance(&counts);
        (variance - mean) / (mean * mean)
    };
    let months = beyond(30.0);
    assert!((1.0 / months - fitted.months).abs() < 0.05, "{months}");
    let days = (1.0 + beyond(1.0)) / (1.0 + months) - 1.0;
    assert!((1.0 / days - fitted.days).abs() < 0.05, "{days}");
}

/// Of a normal distribution that is cut off above, the likelihood is greatest where its mean and its variance are those of the data: with
/// `a` the cut in standard deviations and `r = φ(a) / Φ(a)`, they are `m - s r` and `s² (1 - a r - r²)`.
#[test]
fn outages_have_the_greatest_likelihood() {
    // The trace counts in 0.0001 days: what took none took half of that.
    let hours = |cause: &Vec<Down>| cause.iter().map(|down| (down.until - down.from) * 24.0).fold(0.0012, f64::max);
    let outages: Vec<f64> = causes(&trace()).iter().map(hours).collect();
    let longest = outages.iter().copied().fold(0.0, f64::max);
    let logarithms: Vec<f64> = outages.iter().map(|hours| hours.ln()).collect();
    let (mean, variance) = mean_and_variance(&logarithms);
    let (s, a) = (Outages::SIGMA, Outages::LONGEST.ln() / Outages::SIGMA);
    let m = longest.ln() - s * a;
    // Φ(a) by Simpson's rule from far below.
    let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let step = (a + 10.0) / 2000.0;
    let weight = |i: i32| {
        if i == 0 || i == 2000 {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    let below = (0..=2000).map(|i| weight(i) * density(-10.0 + f64::from(i) * step)).sum::<f64>() * step / 3.0;
    let r = density(a) / below;
    assert!((m - s * r - mean).abs() < 0.01, "mean {} of {mean}", m - s * r);
    assert!(
        (s * s * (1.0 - a * r - r * r) - variance).abs() < 0.03,
        "variance {} of {variance}",
        s * s * (1.0 - a * r - r * r)
    );
}

/// What a fleet's time was like.
#[derive(Debug)]
struct Course {
    faults: f64,
    /// Standard deviation of the time between faults over its mean.
    gaps: f64,
    /// Share of the faults that the worst tenth of the nodes has.
    worst: f64,
    /// Nodes that failed at all.
    hit: f64,
    /// Nodes down in the mean, and for a hundredth of the time.
    down: f64,
    p99: f64,
}

/// Of what happened between two days.
fn course(all: &[Down], from: f64, until: f64) -> Course {
    let mut counts: Vec<f64> = vec![0.0; NODES];
    let mut starts: Vec<f64> = Vec::new();
    let mut changes: Vec<(f64, isize)> = Vec::new();
    for down in all {
        if (from..until).contains(&down.from) {
            counts[down.node] += 1.0;
            starts.push(down.from);
        }
        let (begin, end) = (down.from.max(from), down.until.min(until));
        if begin < end {
            changes.extend([(begin, 1), (end, -1)]);
        }
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut times = vec![0.0; NODES + 1];
    let (mut down, mut since) = (0usize, from);
    for (at, change) in changes {
        times[down] += at - since;
        (down, since) = (down.saturating_add_signed(change), at);
    }
    times[down] += until - since;
    let mut sum = 0.0;
    let p99 = times.iter().position(|time| {
        sum += time;
        sum >= 0.99 * (until - from)
    });
    starts.sort_by(f64::total_cmp);
    let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (gap, variance) = mean_and_variance(&gaps);
    let hit = counts.iter().filter(|count| **count > 0.0).count() as f64;
    counts.sort_by(|a, b| b.total_cmp(a));
    Course {
        faults: starts.len() as f64,
        gaps: variance.sqrt() / gap,
        worst: counts[..NODES / 10].iter().sum::<f64>() / starts.len() as f64,
        hit,
        down: times.iter().enumerate().map(|(down, time)| down as f64 * time).sum::<f64>() / (until - from),
        p99: p99.expect("all of the time") as f64,
    }
}

/// As long as the trace, after a year in which long outages come about.
fn simulated(process: &Process, seed: u64) -> Course {
    let days = |fault: &Fault| fault.at.secs() / 86_400.0;
    let faults = process.faults(seed).take_while(|fault| days(fault) < 365.0 + DAYS);
    let mut all: Vec<Down> = Vec::new();
    let mut back = vec![0.0; NODES];
    for fault in faults {
        let (node, from) = (fault.node as usize, days(&fault));
        if from < back[node] {
            continue;
        }
        back[node] = from + fault.outage.secs() / 86_400.0;
        all.push(Down { node, from, until: back[node] });
    }
    course(&all, 365.0, 365.0 + DAYS)
}

/// The 5th, 50th and 95th of a hundred fleets.
fn range(courses: &[Course], of: impl Fn(&Course) -> f64) -> [f64; 3] {
    let mut numbers: Vec<f64> = courses.iter().map(of).collect();
    numbers.sort_by(f64::total_cmp);
    [0.05, 0.5, 0.95].map(|share| numbers[(share * (numbers.len() - 1) as f64) as usize])
}

/// A number of a course, its name, and whether independent failures get it wrong.
type Statistic = (&'static str, fn(&Course) -> f64, bool);

/// What the trace was lies in nine of ten simulated fleets; in those of independent failures it does not.
#[test]
fn fleets_fail_as_the_trace_does() {
    let wanted = course(&trace(), 0.0, DAYS);
    let rates = vec![wanted.faults / DAYS / NODES as f64 / 86_400.0; NODES];
    let outage = wanted.down * DAYS / wanted.faults * 86_400.0;
    let courses = |process: &Process| -> Vec<Course> { (0..400).map(|seed| simulated(process, seed)).collect() };
    let clustered = courses(&Process::clustered(rates.clone(), outage));
    let independent = courses(&Process::independent(rates, outage));
    let statistics: [Statistic; 6] = [
        ("faults", |course| course.faults, false),
        ("variation of gaps", |course| course.gaps, true),
        ("share of the worst tenth", |course| course.worst, true),
        ("nodes hit", |course| course.hit, true),
        ("nodes down in the mean", |course| course.down, false),
        ("nodes down for a hundredth of the time", |course| course.p99, true),
    ];
    for (name, of, shown_wrong) in statistics {
        let (trace, [low, middle, high], alone) = (of(&wanted), range(&clustered, of), range(&independent, of));
        println!("{name}: {trace:.3}; {middle:.3}, {low:.3} to {high:.3}; independent {alone:.3?}");
        assert!((low..=high).contains(&trace), "{name}: {trace} is not in {low} to {high}");
        assert_eq!(
            (alone[0]..=alone[2]).contains(&trace),
            !shown_wrong,
            "{name}: {trace} in {alone:?} of independent failures"
        );
    }
}
