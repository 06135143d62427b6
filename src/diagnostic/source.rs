use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use super::{Code, Diagnostic, quoted};

/// The largest file that is read.
pub const MAX_BYTES: usize = 1 << 20;

/// The largest table that is read: logs of schedulers are written by machines.
pub const MAX_TABLE_BYTES: usize = 1 << 28;

/// A file's name and text, shared by everything that points into it.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    /// Byte offset at which each line starts.
    lines: Vec<usize>,
}

impl Source {
    /// Text that is already at hand. A byte order mark at its start is dropped.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Arc::new(Self { name: name.into(), text, lines })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it does not exist, is a folder or a named pipe, may not be read, is too large or is not UTF-8 text.
    pub fn read(path: &Path) -> Result<Arc<Self>, Diagnostic> {
        Self::read_up_to(path, MAX_BYTES)
    }

    /// Reads a table, which may be larger than what people write.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_table(path: &Path) -> Result<Arc<Self>, Diagnostic> {
        Self::read_up_to(path, MAX_TABLE_BYTES)
    }

    fn read_up_to(path: &Path, most: usize) -> Result<Arc<Self>, Diagnostic> {
        let name = path.display().to_string();
        let size = fs::metadata(path).map_err(|error| unreadable(&name, path, &error))?;
        if size.is_dir() {
            return Err(unreadable(&name, path, &io::ErrorKind::IsADirectory.into()));
        }
        if is_named_pipe(size.file_type(), path) {
            let message = format!("{} is a pipe, not a file", quoted(&name));
            return Err(Diagnostic::error(Code::Unreadable, message).help("name a file, or `/dev/stdin` and pipe into it"));
        }
        if size.len() > most as u64 {
            return Err(too_large(&name, Some(size.len()), most));
        }
        // Devices and pipes have no size, and a file may grow while it is read.
        let mut bytes = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
        read.map_err(|error| unreadable(&name, path, &error))?;
        if bytes.len() > most {
            return Err(too_large(&name, None, most));
        }
        Self::text_of(name, &bytes)
    }

    /// Text from the bytes of a file.
    ///
    /// # Errors
    /// When there are more than [`MAX_BYTES`], or they are not UTF-8 text; other Unicode encodings are named.
    pub fn decode(name: impl Into<String>, bytes: &[u8]) -> Result<Arc<Self>, Diagnostic> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            return Err(too_large(&name, Some(bytes.len() as u64), MAX_BYTES));
        }
        Self::text_of(name, bytes)
    }

    fn text_of(name: String, bytes: &[u8]) -> Result<Arc<Self>, Diagnostic> {
        if let Some((encoding, code)) = foreign_encoding(bytes) {
            let message = format!("{} is {encoding} text, not UTF-8", quoted(&name));
            return Err(Diagnostic::error(Code::Encoding, message)
                .help(format!("save the file as UTF-8; `iconv -f {code} -t UTF-8` converts one")));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains('\0') => Err(binary(&name)),
            Ok(text) => Ok(Self::new(name, text)),
            Err(_) if bytes.contains(&0) => Err(binary(&name)),
            Err(error) => Err(invalid_utf8(name, bytes, error.valid_up_to())),
        }
    }

    /// The name shown to users.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, without byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = self.boundary(byte);
        let line = self.lines.partition_point(|&start| start <= byte);
        let before = self.text.get(self.line_start(line)..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The byte at a line and column, or the nearest one that exists.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let line = line.clamp(1, self.lines.len());
        let span = self.line(line);
        let text = self.text.get(span.clone()).unwrap_or_default();
        let along = text.char_indices().nth(column.saturating_sub(1));
        along.map_or(span.end, |(at, _)| span.start + at)
    }

    /// The bytes of a line, counted from 1, without its line ending.
    #[must_use]
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = self.line_start(line);
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches(['\r', '\n']).len()
    }

    /// `span` moved inside the text and onto character boundaries.
    #[must_use]
    pub fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let start = self.boundary(span.start);
        let mut end = span.end.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end.max(start)
    }

    /// The last character boundary at or before a byte.
    fn boundary(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }

    fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }
}

fn unreadable(name: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let file = quoted(name);
    let (message, help) = match error.kind() {
        io::ErrorKind::NotFound => (format!("no file {file}"), missing_file_help(path)),
        io::ErrorKind::IsADirectory => (format!("{file} is a folder"), "name a file inside it".to_owned()),
        io::ErrorKind::PermissionDenied => {
            (format!("no permission to read {file}"), "check who owns the file and its mode".to_owned())
        }
        _ => (format!("cannot read {file}: {error}"), "check the path".to_owned()),
    };
    Diagnostic::error(Code::Unreadable, message).help(help)
}

/// Points at a file of nearly that name, or at the first folder of the path that is not there.
fn missing_file_help(path: &Path) -> String {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return format!("there is no folder {}", quoted(&folder.display().to_string()));
    };
    let mut names: Vec<String> =
        entries.take(10_000).flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match super::nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", quoted(&path.with_file_name(near).display().to_string())),
        None => "paths are relative to the folder the command is run in".to_owned(),
    }
}

/// Whether it is a pipe by name, which would be waited for until somebody writes to it. Those of the shell
/// (`/dev/stdin`, `/dev/fd/63`) are read, so that `planner check <(generate)` works.
#[cfg(unix)]
fn is_named_pipe(kind: fs::FileType, path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_fifo() && !path.starts_with("/dev") && !path.starts_with("/proc")
}

#[cfg(not(unix))]
fn is_named_pipe(_: fs::FileType, _: &Path) -> bool {
    false
}

fn too_large(name: &str, bytes: Option<u64>, most: usize) -> Diagnostic {
    let size = bytes.map(|bytes| format!(" ({bytes} bytes)")).unwrap_or_default();
    let error = Diagnostic::error(Code::TooLarge, format!("{} is larger than {} MiB{size}", quoted(name), most >> 20));
    if most > MAX_BYTES {
        return error.help("cut the table into parts");
    }
    error.help("cluster and workload files are a few kilobytes; is this the right file?")
}

fn binary(name: &str) -> Diagnostic {
    Diagnostic::error(Code::Encoding, format!("{} is a binary file", quoted(name))).help("name a YAML text file")
}

fn invalid_utf8(name: String, bytes: &[u8], valid: usize) -> Diagnostic {
    let bad = bytes.get(valid).copied().unwrap_or_default();
    let message = format!("{} is not valid UTF-8", quoted(&name));
    let source = Source::new(name, String::from_utf8_lossy(bytes));
    // The byte order mark, if any, is no longer in the stored text.
    let shift = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let start = valid.saturating_sub(shift);
    let end = start + '\u{fffd}'.len_utf8();
    Diagnostic::error(Code::Encoding, message)
        .at(&source, start..end, format!("byte 0x{bad:02x} cannot stand here"))
        .help("save the file as UTF-8; `iconv -f WINDOWS-1252 -t UTF-8` converts one")
}

/// The name of a wide Unicode encoding and what `iconv` calls it, told by its byte order mark or by where the zero bytes are.
fn foreign_encoding(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let zeros: Vec<bool> = bytes.iter().take(4).map(|&byte| byte == 0).collect();
    match (bytes, zeros.as_slice()) {
        ([0xff, 0xfe, 0, 0, ..], _) | (_, [false, true, true, true]) => Some(("UTF-32 (little-endian)", "UTF-32LE")),
        ([0, 0, 0xfe, 0xff, ..], _) | (_, [true, true, true, false]) => Some(("UTF-32 (big-endian)", "UTF-32BE")),
        ([0xff, 0xfe, ..], _) | (_, [false, true, false, true]) => Some(("UTF-16 (little-endian)", "UTF-16LE")),
        ([0xfe, 0xff, ..], _) | (_, [true, false, true, false]) => Some(("UTF-16 (big-endian)", "UTF-16BE")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        Source::decode("f.yaml", bytes).map_or_else(|d| d.message, |s| format!("accepted {:?}", s.text()))
    }

    #[test]
    fn columns_count_characters_and_offsets_come_back() {
        let source = Source::new("f", "a: é\r\nb: 日本 x\n");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(5), (1, 5));
        let x = source.text().find('x').unwrap();
        assert_eq!(source.line_column(x), (2, 7));
        assert_eq!(source.offset(2, 7), x);
        assert_eq!(source.line_column(10_000), (3, 1));
        assert_eq!(&source.text()[source.line(1)], "a: é");
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_other_encodings_are_named() {
        assert_eq!(refusal(b"\xef\xbb\xbfa: 1"), "accepted \"a: 1\"");
        assert_eq!(refusal(b"\xff\xfea\0:\0"), "`f.yaml` is UTF-16 (little-endian) text, not UTF-8");
        assert_eq!(refusal(b"\0a\0:\0 "), "`f.yaml` is UTF-16 (big-endian) text, not UTF-8");
        assert_eq!(refusal(b"a\0\0\0:\0\0\0"), "`f.yaml` is UTF-32 (little-endian) text, not UTF-8");
        assert_eq!(refusal(b"name: \0\0 zero"), "`f.yaml` is a binary file");
        assert_eq!(refusal(b"\x7fELF\x02\x01\x01\0\0\0\xff"), "`f.yaml` is a binary file");
        assert_eq!(refusal(b""), "accepted \"\"");
    }

    #[test]
    fn the_first_bad_byte_is_pointed_at() {
        let diagnostic = Source::decode("f", b"\xef\xbb\xbfa: 1\nb: caf\xe9\n").unwrap_err();
        let label = diagnostic.place().unwrap();
        assert_eq!(label.source.line_column(label.span.start), (2, 7));
        assert_eq!(label.text, "byte 0xe9 cannot stand here");
    }

    #[test]
    fn a_missing_file_is_named() {
        let diagnostic = Source::read(Path::new("no-such-folder/a.yaml")).unwrap_err();
        assert_eq!(diagnostic.message, "no file `no-such-folder/a.yaml`");
        assert_eq!(diagnostic.help.as_deref(), Some("there is no folder `no-such-folder`"));
        let near = Source::read(Path::new("cargo-toml")).unwrap_err();
        assert_eq!(near.help.as_deref(), Some("did you mean `Cargo.toml`?"));
        assert_eq!(Source::read(Path::new("src")).unwrap_err().message, "`src` is a folder");
    }

    #[test]
    fn devices_are_read_up_to_the_limit() {
        for device in ["/dev/zero", "/dev/urandom"].map(Path::new).into_iter().filter(|device| device.exists()) {
            assert_eq!(Source::read(device).unwrap_err().code, Code::TooLarge);
        }
    }
}
