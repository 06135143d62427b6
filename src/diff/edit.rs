//! What differs between two files that say something, key by key, and one change at a time put into the older.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::yaml;

/// A step on the way to a value. Items that have a name are found by it, wherever they stand in their list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into the item of that name.
    Item(String),
}

/// One difference: a value that is another, is there no more, or is new.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where it stands.
    pub path: Vec<Step>,
    /// What it was.
    pub old: Option<Value>,
    /// What it is.
    pub new: Option<Value>,
}

impl Edit {
    /// Everything that differs between two values, in the order of their keys.
    #[must_use]
    pub fn all(old: &Value, new: &Value) -> Vec<Self> {
        let mut edits = Vec::new();
        differ(old, new, &mut Vec::new(), &mut edits);
        edits
    }

    /// Puts this change into a value.
    pub fn apply(&self, to: &mut Value) {
        let Some((last, way)) = self.path.split_last() else {
            *to = self.new.clone().unwrap_or_default();
            return;
        };
        let Some(place) = way.iter().try_fold(to, |value, step| inside(value, step)) else { return };
        match (last, place) {
            (Step::Key(key), Value::Object(fields)) => match &self.new {
                Some(new) => drop(fields.insert(key.clone(), new.clone())),
                None => drop(fields.remove(key)),
            },
            (Step::Item(name), Value::Array(items)) => {
                let at = items.iter().position(|item| name_of(item) == Some(name));
                match (at, &self.new) {
                    (Some(at), Some(new)) => items[at] = new.clone(),
                    (Some(at), None) => drop(items.remove(at)),
                    (None, Some(new)) => items.push(new.clone()),
                    (None, None) => {}
                }
            }
            _ => {}
        }
    }

    /// Where the value stands now, for pointing at it.
    #[must_use]
    pub fn place(&self, now: &Value) -> yaml::Path {
        let mut value = Some(now);
        self.path.iter().fold(yaml::Path::root(), |path, step| match step {
            Step::Key(key) => {
                value = value.and_then(|value| value.get(key));
                path.key(key)
            }
            Step::Item(name) => {
                let items = value.and_then(Value::as_array);
                let at = items.and_then(|items| items.iter().position(|item| name_of(item) == Some(name)));
                value = items.zip(at).and_then(|(items, at)| items.get(at));
                at.map_or(path.clone(), |at| path.index(at))
            }
        })
    }

    /// `pools[h100].nodes`.
    #[must_use]
    pub fn key(&self) -> String {
        self.path.iter().fold(String::new(), |mut out, step| {
            match step {
                Step::Key(key) if out.is_empty() => out.push_str(key),
                Step::Key(key) => out.extend([".", key]),
                Step::Item(name) => out.extend(["[", name, "]"]),
            }
            out
        })
    }

    /// `96 → 127`, `2.50 USD/GPU-hour added`.
    #[must_use]
    pub fn told(&self) -> String {
        match (self.old.as_ref().map(brief), self.new.as_ref().map(brief)) {
            (Some(old), Some(new)) => arrow(&old, &new),
            (None, Some(new)) => format!("{new} added"),
            (Some(old), None) => format!("{old} removed"),
            (None, None) => String::new(),
        }
    }
}

impl Serialize for Edit {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = Map::new();
        fields.insert("key".to_owned(), Value::String(self.key()));
        fields.insert("old".to_owned(), self.old.clone().unwrap_or_default());
        fields.insert("new".to_owned(), self.new.clone().unwrap_or_default());
        fields.serialize(to)
    }
}

fn differ(old: &Value, new: &Value, path: &mut Vec<Step>, edits: &mut Vec<Edit>) {
    let mut both = |step: Step, old: Option<&Value>, new: Option<&Value>| {
        path.push(step);
        match (old, new) {
            (Some(old), Some(new)) => differ(old, new, path, edits),
            (old, new) => edits.push(Edit { path: path.clone(), old: old.cloned(), new: new.cloned() }),
        }
        path.pop();
    };
    match (old, new) {
        _ if old == new => {}
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                both(Step::Key(key.clone()), Some(value), b.get(key));
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                both(Step::Key(key.clone()), None, Some(value));
            }
        }
        (Value::Array(a), Value::Array(b)) if is_named(a) && is_named(b) && a != b && !moved(a, b) => {
            let find = |items: &'_ [Value], item: &Value| items.iter().position(|other| name_of(other) == name_of(item));
            let step = |item: &Value| Step::Item(name_of(item).unwrap_or_default().to_owned());
            for item in a {
                both(step(item), Some(item), find(b, item).map(|at| &b[at]));
            }
            for item in b.iter().filter(|item| find(a, item).is_none()) {
                both(step(item), None, Some(item));
            }
        }
        _ => edits.push(Edit { path: path.clone(), old: Some(old.clone()), new: Some(new.clone()) }),
    }
}

/// Whether all items have names, and each its own.
fn is_named(items: &[Value]) -> bool {
    let mut names: Vec<_> = items.iter().filter_map(name_of).collect();
    names.sort_unstable();
    names.dedup();
    !items.is_empty() && names.len() == items.len()
}

/// Whether items that both lists have stand in another order.
fn moved(a: &[Value], b: &[Value]) -> bool {
    let common = |of: &[Value], other: &[Value]| -> Vec<String> {
        let names = of.iter().filter_map(name_of);
        names.filter(|name| other.iter().any(|item| name_of(item) == Some(name))).map(str::to_owned).collect()
    };
    common(a, b) != common(b, a)
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

fn inside<'a>(value: &'a mut Value, step: &Step) -> Option<&'a mut Value> {
    match (value, step) {
        (Value::Object(fields), Step::Key(key)) => fields.get_mut(key),
        (Value::Array(items), Step::Item(name)) => items.iter_mut().find(|item| name_of(item) == Some(name)),
        _ => None,
    }
}

/// `2.20 → 2.60 USD`: a unit that both have is said once.
#[must_use]
pub fn arrow(old: &str, new: &str) -> String {
    match (old.split_once(' '), new.split_once(' ')) {
        (Some((value, unit)), Some((_, other))) if unit == other => format!("{value} → {new}"),
        _ => format!("{old} → {new}"),
    }
}

/// A value on a line, cut where it is long.
fn brief(value: &Value) -> String {
    const MOST: usize = 48;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_none() { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(old: &Value, new: &Value) -> Vec<String> {
        Edit::all(old, new).iter().map(|edit| format!("{} {}", edit.key(), edit.told())).collect()
    }

    #[test]
    fn named_items_are_found_wherever_they_stand() {
        let old = json!({"pools": [{"name": "a", "nodes": 4}, {"name": "b", "nodes": 2}], "pue": 1.2, "name": "x"});
        let new =
            json!({"pools": [{"name": "c", "nodes": 1}, {"name": "b", "nodes": 3}], "name": "x", "tariff": "0.1 USD/kWh"});
        assert_eq!(
            told(&old, &new),
            [
                r#"pools[a] {"name":"a","nodes":4} removed"#,
                "pools[b].nodes 2 → 3",
                r#"pools[c] {"name":"c","nodes":1} added"#,
                "pue 1.2 removed",
                "tariff 0.1 USD/kWh added"
            ]
        );
        let nodes = &Edit::all(&old, &new)[1];
        assert_eq!(nodes.place(&new), yaml::path!["pools", 1, "nodes"]);
    }

    #[test]
    fn all_changes_together_make_the_new_file() {
        let old = json!({"a": {"b": [1, 2], "c": null}, "d": [{"name": "x", "e": 1}]});
        let new = json!({"a": {"b": [1], "f": true}, "d": [{"name": "x", "e": 2}, {"name": "y"}]});
        let mut value = old.clone();
        for edit in Edit::all(&old, &new) {
            edit.apply(&mut value);
        }
        assert_eq!(value, new);
    }

    #[test]
    fn another_order_is_one_change_of_the_list() {
        let old = json!([{"name": "a"}, {"name": "b"}]);
        let new = json!([{"name": "b"}, {"name": "a"}]);
        assert_eq!(Edit::all(&old, &new).len(), 1);
    }
}
