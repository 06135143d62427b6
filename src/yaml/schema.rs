//! A JSON Schema as the checker reads it: references followed, alternatives laid flat.

use serde_json::{Map, Value};

use super::Kind;
use crate::diagnostic::quoted;

/// References that lead to references are followed this far, so that a circle ends.
const MOST_HOPS: usize = 16;

/// A place in a schema. What is written beside a `$ref` counts before what it refers to.
#[derive(Clone, Debug)]
pub(super) struct Schema<'a> {
    root: &'a Value,
    layers: Vec<&'a Map<String, Value>>,
}

impl<'a> Schema<'a> {
    /// The schema of a whole file.
    pub(super) fn root(root: &'a Value) -> Self {
        Self::of(root, root)
    }

    fn of(root: &'a Value, here: &'a Value) -> Self {
        let mut layers = Vec::with_capacity(2);
        let mut next = here.as_object();
        while let Some(layer) = next.filter(|_| layers.len() < MOST_HOPS) {
            layers.push(layer);
            let reference = layer.get("$ref").and_then(Value::as_str);
            let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
            next = pointer.and_then(|pointer| root.pointer(pointer)).and_then(Value::as_object);
        }
        Self { root, layers }
    }

    /// The value of a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&'a Value> {
        self.layers.iter().find_map(|layer| layer.get(keyword))
    }

    fn get_str(&self, keyword: &str) -> Option<&'a str> {
        self.get(keyword).and_then(Value::as_str)
    }

    /// The schema under a keyword such as `items`, unless it is missing or a mere `true` or `false`.
    pub(super) fn inner(&self, keyword: &str) -> Option<Self> {
        let here = self.get(keyword).filter(|here| here.is_object())?;
        Some(Self::of(self.root, here))
    }

    /// The schema of a known key.
    pub(super) fn property(&self, key: &str) -> Option<Self> {
        let here = self.get("properties")?.as_object()?.get(key)?;
        Some(Self::of(self.root, here))
    }

    /// The known keys, in alphabetical order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let properties = self.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }

    /// The keys that must be there.
    pub(super) fn required(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let required = self.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether keys that are not known are mistakes.
    pub(super) fn is_closed(&self) -> bool {
        self.get("additionalProperties") == Some(&Value::Bool(false))
    }

    /// The kind of quantity that a text must be.
    pub(super) fn quantity(&self) -> Option<&'a str> {
        self.get_str("x-quantity")
    }

    /// Whether one of the types is `name`; a schema without types takes everything.
    pub(super) fn takes(&self, name: &str) -> bool {
        match self.get("type") {
            Some(Value::String(only)) => only == name,
            Some(Value::Array(types)) => types.iter().any(|one| one == name),
            _ => true,
        }
    }

    /// Whether only text is wanted, and not a quantity.
    pub(super) fn is_plain_text(&self) -> bool {
        self.get_str("type") == Some("string") && self.quantity().is_none() && self.words().is_none()
    }

    /// Whether a value of this kind can be of one of the types.
    pub(super) fn fits(&self, kind: &Kind) -> bool {
        let words = self.words().is_some();
        match kind {
            Kind::Scalar { .. } => words || ["string", "integer", "number", "boolean"].iter().any(|name| self.takes(name)),
            Kind::Sequence(_) => !words && self.takes("array"),
            Kind::Mapping(_) => !words && self.takes("object"),
        }
    }

    /// The alternatives, laid flat; a schema without any is its own only one. "Nothing" is not among them.
    pub(super) fn alternatives(&self) -> Vec<Self> {
        let mut flat = Vec::new();
        self.flatten(MOST_HOPS, &mut flat);
        flat.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
        flat
    }

    fn flatten(&self, hops: usize, flat: &mut Vec<Self>) {
        let choice = self.get("oneOf").or_else(|| self.get("anyOf")).and_then(Value::as_array);
        match choice.filter(|_| hops > 0) {
            Some(choice) => choice.iter().for_each(|one| Self::of(self.root, one).flatten(hops - 1, flat)),
            None => flat.push(self.clone()),
        }
    }

    /// Whether nothing at all is a value.
    pub(super) fn takes_null(&self) -> bool {
        let choice = self.get("oneOf").or_else(|| self.get("anyOf")).and_then(Value::as_array);
        match choice {
            Some(choice) => choice.iter().any(|one| Self::of(self.root, one).takes_null()),
            None => self.takes("null") && self.words().is_none(),
        }
    }

    /// The words that are values, when only those are.
    pub(super) fn words(&self) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Some(word) = self.get("const") {
            return Some(vec![text(word)]);
        }
        let words = self.get("enum")?.as_array()?;
        Some(words.iter().filter(|word| !word.is_null()).map(text).collect())
    }

    /// A value to show, from the schema's `examples` or its default.
    pub(super) fn example(&self) -> Option<String> {
        let example = self.get("examples").and_then(|examples| examples.get(0));
        let own = example.or_else(|| self.get("default")).filter(|value| !value.is_null());
        match own {
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
            None => None,
        }
    }

    /// What the value is for, in one line.
    pub(super) fn description(&self) -> Option<&'a str> {
        self.get_str("description")?.lines().next().map(|line| line.trim_end_matches('.'))
    }

    /// Words for what is wanted.
    pub(super) fn wanted(&self) -> String {
        let mut words = Vec::new();
        let mut kinds: Vec<&str> = Vec::new();
        for one in self.alternatives() {
            if let Some(more) = one.words() {
                words.extend(more);
                continue;
            }
            let text = if one.quantity().is_some() { "a quantity with its unit" } else { "text" };
            let named = [
                ("integer", "a whole number"),
                ("number", "a number"),
                ("boolean", "`true` or `false`"),
                ("string", text),
                ("array", "a list"),
                ("object", "a mapping"),
            ];
            kinds.extend(named.into_iter().filter(|(name, _)| one.takes(name)).map(|(_, kind)| kind));
        }
        kinds.dedup();
        let words = (!words.is_empty()).then(|| list(words.iter().map(String::as_str)));
        let parts: Vec<String> = words.into_iter().chain(kinds.into_iter().map(str::to_owned)).collect();
        parts.join(" or ")
    }
}

/// Words in backticks with commas between them, the first dozen of them.
pub(super) fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let mut quoted: Vec<String> = words.take(MOST + 1).map(quoted).collect();
    if quoted.len() > MOST {
        quoted.truncate(MOST);
        quoted.push("…".to_owned());
    }
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Schema;

    #[test]
    fn references_and_alternatives_are_followed() {
        let root = json!({
            "$defs": {
                "Auto": {"oneOf": [{"const": "auto"}, {"$ref": "#/$defs/Count"}]},
                "Count": {"type": "integer", "minimum": 1, "description": "How many.\nMore."},
                "Circle": {"$ref": "#/$defs/Circle", "anyOf": [{"$ref": "#/$defs/Circle"}]}
            },
            "properties": {
                "tp": {"anyOf": [{"$ref": "#/$defs/Auto"}, {"type": "null"}], "description": "Degree."},
                "n": {"$ref": "#/$defs/Count", "minimum": 2},
                "c": {"$ref": "#/$defs/Circle"}
            }
        });
        let schema = Schema::root(&root);
        let tp = schema.property("tp").unwrap();
        assert_eq!(tp.wanted(), "`auto` or a whole number");
        assert!(tp.takes_null() && !schema.property("n").unwrap().takes_null());
        let n = schema.property("n").unwrap();
        assert_eq!((n.get("minimum"), n.description()), (Some(&json!(2)), Some("How many")));
        assert_eq!(schema.keys().collect::<Vec<_>>(), ["c", "n", "tp"]);
        assert!(!schema.property("c").unwrap().alternatives().is_empty());
    }
}
