//! The rooms of the library and the arrows between them.

use std::path::Path;

/// The rooms in the order of the document: the list items that start with `src/`, from the top.
pub fn listed(document: &str) -> Vec<String> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("| `src/"))
        .filter_map(|rest| rest.split('`').next())
        .map(|path| path.trim_end_matches('/').trim_end_matches(".rs").to_owned())
        .collect()
}

/// Every `use crate::` of `src`, or path through `crate::`, that leads to a room further up, and rooms that are not listed.
pub fn upward(src: &Path, order: &[String]) -> Vec<String> {
    let place = |room: &str| order.iter().position(|other| other == room);
    let mut broken = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for (file, text) in files(src) {
        let room = file.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
        if room == "lib" || room == "main" {
            continue;
        }
        let Some(own) = place(&room) else {
            broken.push(format!("src/{file}: the room `{room}` is not in docs/architecture.md"));
            continue;
        };
        if !found.contains(&room) {
            found.push(room.clone());
        }
        for target in targets(&text) {
            match place(&target) {
                Some(other) if other < own => broken.push(format!("src/{file}: {room} -> {target}")),
                Some(_) => {}
                None => broken.push(format!("src/{file}: {room} -> {target}, which is no room")),
            }
        }
    }
    broken.extend(
        order.iter().filter(|room| !found.contains(room)).map(|room| format!("docs/architecture.md: no room `{room}`")),
    );
    broken
}

/// The first segments behind `crate::` outside comments, those of a group in braces included.
fn targets(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut out = Vec::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => out.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            out.push(name);
        } else {
            out.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    out.into_iter()
        .map(|name| name.trim().split("::").next().unwrap_or_default().split(' ').next().unwrap_or_default().to_owned())
        // A macro or a type at the root of the crate is no room.
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

fn files(src: &Path) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut folders = vec![src.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(src).expect("inside").to_string_lossy().replace('\\', "/");
                out.push((name, std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    out.sort();
    out
}

#[test]
fn an_upward_arrow_is_seen() {
    assert_eq!(targets("use crate::plan::{A, B};\nlet x = crate::units::C; // crate::cli\n"), ["plan", "units"]);
    assert_eq!(targets("use crate::{yaml::{Path, path}, cli, units};"), ["yaml", "cli", "units"]);
    assert_eq!(listed("| room | knows |\n|---|---|\n| `src/cli/` | x |\n| `src/parallel.rs` | y |\n"), ["cli", "parallel"]);
}
