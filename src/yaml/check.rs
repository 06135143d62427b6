use std::sync::Arc;

use serde_json::Value;

use super::number;
use super::range::Number;
use super::schema::Schema;
use super::spot::{Spot, Trail};
use super::{Entry, Kind, Node};
use crate::diagnostic::{Batch, Code, Diagnostic, Source, nearest};
use crate::units;

/// Holds a tree against a JSON Schema and reports everything that does not fit, in the order of the file.
///
/// This reads the part of JSON Schema that schemars derives from structs, enums, maps and options, and one
/// extension: a string with `"x-quantity": "<kind>"` must be a quantity of that kind to [`units::check`]. What it
/// accepts serde accepts too, but for the checks that a type makes in a `Deserialize` of its own.
#[must_use]
pub fn check(source: &Arc<Source>, tree: &Node, schema: &Value) -> Vec<Diagnostic> {
    let mut checker = Checker { source, batch: Batch::new() };
    checker.value(tree, &Schema::root(schema), Trail::Root);
    checker.batch.into_vec()
}

struct Checker<'a> {
    source: &'a Arc<Source>,
    batch: Batch,
}

impl Checker<'_> {
    fn value(&mut self, node: &Node, schema: &Schema<'_>, at: Trail<'_>) {
        let spot = Spot { source: self.source, node, schema, at };
        if node.is_null() {
            if !schema.takes_null() {
                self.batch.add(|| spot.missing_value());
            }
            return;
        }
        match schema.alternatives().as_slice() {
            [only] => self.single(&Spot { schema: only, ..spot }),
            several => self.choice(&spot, several),
        }
    }

    /// Takes the alternative that fits, or complains about the one that nearly does.
    fn choice(&mut self, spot: &Spot<'_>, alternatives: &[Schema<'_>]) {
        let words: Vec<String> = alternatives.iter().filter_map(Schema::words).flatten().collect();
        let text = spot.node.scalar().map(|(text, _)| text);
        if text.is_some_and(|text| words.iter().any(|word| word == text)) {
            return;
        }
        // A type that reads several kinds of value sees a plain `8` as a number, never as text.
        let not_text = matches!(spot.node.scalar(), Some((text, true)) if number::is_not_text(text));
        let mut best: Option<Batch> = None;
        for one in alternatives {
            let possible = one.words().is_none() && one.fits(&spot.node.kind);
            if !possible || (not_text && one.is_plain_text()) {
                continue;
            }
            let mut trial = Checker { source: self.source, batch: Batch::new() };
            trial.single(&Spot { schema: one, ..*spot });
            if best.as_ref().is_none_or(|best| trial.batch.len() < best.len()) {
                best = Some(trial.batch);
            }
        }
        let only_words = best.is_none() && !words.is_empty();
        let misspelt = |text: &&str| only_words || nearest(text, words.iter().map(String::as_str)).is_some();
        match (best, text.filter(misspelt)) {
            (Some(best), _) if best.is_empty() => {}
            (_, Some(text)) => self.batch.add(|| spot.unknown_value(text, &words)),
            (Some(best), _) if !best.has(Code::WrongType) || text.is_none() => self.batch.append(best),
            _ => self.batch.add(|| spot.wrong_type()),
        }
    }

    fn single(&mut self, spot: &Spot<'_>) {
        if !spot.schema.fits(&spot.node.kind) {
            return self.batch.add(|| spot.wrong_type());
        }
        match &spot.node.kind {
            Kind::Scalar { text, plain } => self.scalar(spot, text, *plain),
            Kind::Sequence(items) => self.sequence(spot, items),
            Kind::Mapping(entries) => self.mapping(spot, entries),
        }
    }

    fn scalar(&mut self, spot: &Spot<'_>, text: &str, plain: bool) {
        let schema = spot.schema;
        if let Some(words) = schema.words() {
            if !words.iter().any(|word| word == text) {
                self.batch.add(|| spot.unknown_value(text, &words));
            }
        } else if let Some(kind) = schema.quantity() {
            if let Err(error) = units::check(kind, text) {
                self.batch.add(|| spot.bad_quantity(&error));
            }
        } else if schema.takes("string") {
            self.count(spot, text.chars().count(), "character", ("minLength", "maxLength"));
        } else if let Some(number) = Number::read(text, schema).filter(|_| plain) {
            if let Some(limit) = number.outside(schema) {
                self.batch.add(|| spot.out_of_range(text, &limit));
            }
        } else if !(plain && schema.takes("boolean") && matches!(text, "true" | "false")) {
            self.batch.add(|| spot.wrong_type());
        }
    }

    fn sequence(&mut self, spot: &Spot<'_>, items: &[Node]) {
        self.count(spot, items.len(), "item", ("minItems", "maxItems"));
        if let Some(inner) = spot.schema.inner("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(item, &inner, Trail::Item(&spot.at, index));
            }
        }
    }

    fn mapping(&mut self, spot: &Spot<'_>, entries: &[Entry]) {
        let mut meant = Vec::new();
        let others = spot.schema.inner("additionalProperties");
        for entry in entries {
            if let Some(known) = spot.schema.property(&entry.key) {
                self.value(&entry.value, &known, Trail::Key(&spot.at, entry));
            } else if let Some(others) = &others {
                self.value(&entry.value, others, Trail::Key(&spot.at, entry));
            } else if spot.schema.is_closed() {
                self.batch.add(|| {
                    let near = spot.meant_key(entry);
                    meant.extend(near);
                    spot.unknown_key(entry, near)
                });
            }
        }
        for key in spot.schema.required() {
            // A key that is there under a wrong name is not also reported as missing.
            if spot.node.entry(key).is_none() && !meant.contains(&key) {
                self.batch.add(|| spot.missing_key(key));
            }
        }
    }

    /// Holds a number of items or characters against the limits under two keywords.
    fn count(&mut self, spot: &Spot<'_>, found: usize, unit: &str, (least, most): (&str, &str)) {
        let limit = |keyword| spot.schema.get(keyword).and_then(Value::as_u64);
        let (least, most) = (limit(least).unwrap_or(0), limit(most).unwrap_or(u64::MAX));
        if !(least..=most).contains(&(found as u64)) {
            self.batch.add(|| spot.wrong_count(found, unit, least, most));
        }
    }
}
