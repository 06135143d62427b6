//! `planner diff`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::estimates::{Folder, Ready, estimated};
use super::input::Destination;
use super::{Failure, Global, Outcome, output};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};
use crate::diff::{Against, Baseline, Diff, Estimated, Files, Pair, Revision, Tree};
use crate::estimate::{Context, Inputs};
use crate::report;

/// Arguments of `planner diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner diff clusters --compare-to clusters/baseline.json\n  planner diff clusters --compare-to origin/main\n  \
                        planner diff clusters --compare-to clusters/baseline.json --format github --export comment.md --export junit.xml\n\
                        Exit codes: 0 every policy holds; 1 one that is to fail is broken, or a job has no plan any more; 2 bad input"
)]
pub struct DiffArguments {
    #[command(flatten)]
    folder: Folder,
    /// A file that `planner baseline` wrote, or a revision of git
    #[arg(long, value_name = "FILE|GIT-REV")]
    compare_to: String,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    #[command(flatten)]
    destination: Destination,
    /// Write this file as well, its form by its suffix (.txt, .md, .json, .xml, .sarif) or named before it, as in `summary:FILE`
    #[arg(long, value_name = "[FORM:]FILE")]
    export: Vec<Export>,
    /// Exit with 0 where it would be 1: report only
    #[arg(long)]
    exit_zero: bool,
}

/// Form of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For a comment on a pull request: a hidden first line to find it by, details folded, less than 64 KB
    Markdown,
    /// For the summary of a CI job: the same without the hidden line, up to 1 MB
    Summary,
    /// As GitHub annotations, at most ten of each level
    Github,
    /// For CI systems that show tests: a case for each policy on each job
    Junit,
    /// For code scanning
    Sarif,
    /// For machines: every figure in base units, every cause with its parts
    Json,
}

/// A further file.
#[derive(Debug, Clone)]
struct Export {
    form: Form,
    file: PathBuf,
}

impl FromStr for Export {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((form, file)) = text.split_once(':')
            && let Ok(form) = Form::from_str(form, true)
        {
            let file = PathBuf::from(file);
            return if file.as_os_str().is_empty() { Err("no file is named".to_owned()) } else { Ok(Self { form, file }) };
        }
        let file = PathBuf::from(text);
        let form = match file.extension().and_then(|suffix| suffix.to_str()) {
            Some("txt") => Form::Text,
            Some("md") => Form::Markdown,
            Some("json") => Form::Json,
            Some("xml") => Form::Junit,
            Some("sarif") => Form::Sarif,
            _ => return Err("the suffix says no form; write it before the file, as in `junit:FILE`".to_owned()),
        };
        Ok(Self { form, file })
    }
}

impl Form {
    fn written(self, diff: &Diff) -> anyhow::Result<String> {
        Ok(match self {
            Self::Text => report::diff_text(diff),
            Self::Markdown => report::diff_markdown(diff),
            Self::Summary => report::diff_summary(diff),
            Self::Github => report::diff_github(diff),
            Self::Junit => report::diff_junit(diff)?,
            Self::Sarif => report::json(&report::diff_sarif(diff))?,
            Self::Json => report::json(&report::diff_json(diff))?,
        })
    }
}

pub(super) fn run(arguments: &DiffArguments, global: &Global) -> Result<Outcome, Failure> {
    // What it is compared with is looked for before anything is estimated.
    arguments.folder.check()?;
    let reference = Reference::find(&arguments.compare_to, &arguments.folder.path)?;
    let Ready { context, policies, estimated: now } = arguments.folder.estimate(global)?;
    let (against, before) = match reference {
        Reference::Baseline(file, baseline) => {
            (Against::Baseline { file, planner: baseline.planner.clone() }, baseline.estimated())
        }
        Reference::Revision(revision) => {
            let against = Against::Revision(revision.told());
            let old = |path: &Option<PathBuf>| {
                let path = path.as_deref()?;
                revision.read_elsewhere(path).map_or_else(|| Source::read(path).map(Some), |old| Ok(Some(old))).transpose()
            };
            let own = [old(&global.catalog).transpose()?, old(&arguments.folder.calibration).transpose()?];
            let [catalog, profile] = own;
            let context = Context::read(catalog, profile)?;
            let files = Files::Revision(revision);
            let tree = Tree::read(&files, &context)?;
            let known = |pair: &Pair, inputs: &Inputs| {
                let same = |(one, _): &&(Estimated, _)| one.pair == *pair && one.inputs == *inputs;
                now.iter().find(same).map(|(one, _)| one.outcome.clone())
            };
            let before = estimated((&tree, &files), &context, &policies, &known)?;
            (against, before.into_iter().map(|(estimated, _)| estimated).collect())
        }
    };
    let tree = arguments.folder.path.display().to_string();
    let diff = Diff::new((tree, against), before, now, &policies, &context.catalog);
    for Export { form, file } in &arguments.export {
        output::write(Some(file), &form.written(&diff)?)?;
    }
    output::write(arguments.destination.output.as_deref(), &arguments.format.written(&diff)?)?;
    Ok(if diff.holds() || arguments.exit_zero { Outcome::Done } else { Outcome::No })
}

/// What is compared with.
enum Reference {
    Baseline(String, Box<Baseline>),
    Revision(Revision),
}

impl Reference {
    /// What is there as a file, or is called like one, is a baseline; everything else a revision.
    fn find(name: &str, folder: &Path) -> Result<Self, Failure> {
        let path = Path::new(name);
        if path.is_file() || path.extension().is_some_and(|suffix| suffix == "json") {
            if !path.exists() {
                let error = Diagnostic::error(Code::Baseline, format!("there is no baseline {}", quoted(name)));
                let write = format!("planner baseline {} -o {name}", folder.display());
                return Err(error.help(format!("write it as things are before the change, with `{write}`")).into());
            }
            let baseline = Baseline::read(&Source::read_table(path)?)?;
            return Ok(Self::Baseline(name.to_owned(), Box::new(baseline)));
        }
        if path.is_dir() {
            let error = Diagnostic::error(Code::Baseline, format!("{} is a folder, not a baseline", quoted(name)));
            return Err(error
                .help(format!("write its estimates with `planner baseline {name} -o FILE`, and compare with that"))
                .into());
        }
        Ok(Self::Revision(Revision::find(folder, name)?))
    }
}
