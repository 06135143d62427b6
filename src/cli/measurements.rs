//! Reading files of measurements, which hold more than people write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use crate::bench::BenchResult;
use crate::calibration::profile::{Measured, read};
use crate::diagnostic::{Code, Diagnostic, Source};

/// Bytes of a file of measurements at most: a thousand GPUs with every sample.
const MOST_BYTES: u64 = 256 << 20;

/// Reads files of measurements.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<Arc<Source>>, Failure> {
    let mut errors = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        match measurement(path) {
            Ok(file) => files.push(file),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(errors.into()) }
}

fn measurement(path: &Path) -> Result<Arc<Source>, Diagnostic> {
    let refuse = |code, message: String| Diagnostic::error(code, format!("{}: {message}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| refuse(Code::Unreadable, error.to_string()))?.len();
    if size > MOST_BYTES {
        return Err(refuse(Code::TooLarge, format!("{size} bytes")).help("give the results of fewer nodes at a time"));
    }
    let bytes = std::fs::read(path).map_err(|error| refuse(Code::Unreadable, error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse(Code::Encoding, "not UTF-8 text".to_owned()))?;
    Ok(Source::new(path.display().to_string(), text))
}

/// Reads results of the bench.
pub(super) fn results(files: &[PathBuf]) -> Result<Vec<BenchResult>, Failure> {
    let mut errors = Vec::new();
    let mut all = Vec::new();
    for source in self::files(files)? {
        match read(&source) {
            Ok(Measured::Bench(results)) => all.extend(results),
            Ok(Measured::Collective(_) | Measured::Products(_)) => errors.push(
                Diagnostic::error(Code::MeasurementUnusable, "no result of `planner bench`")
                    .at(&source, source.line(1), "")
                    .help("give what `planner bench --all --format jsonl` wrote on the nodes"),
            ),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors.into()) }
}
