use std::cmp::Reverse;

/// The candidate that was probably meant by `word`, for "did you mean".
///
/// Case, `-`, `_` and spaces do not count. Otherwise about a third of the letters may be wrong or swapped, or the
/// word may be the beginning of a single candidate. Equally near candidates are told apart by their shared
/// beginning and then by the alphabet, so the answer never depends on the order they come in.
#[must_use]
pub fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(word);
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    let mut beginnings = Vec::new();
    let mut best: Option<(usize, Reverse<usize>, &str)> = None;
    for candidate in among {
        let known = letters(candidate);
        if known.is_empty() || known.len() > LONGEST {
            continue;
        }
        if wanted.chars().count() >= 3 && known.starts_with(&wanted) {
            beginnings.push(candidate);
        }
        let wrong = strsim::osa_distance(&wanted, &known);
        let length = wanted.chars().count().max(known.chars().count());
        if wrong > length.div_ceil(3).min(length - 1) {
            continue;
        }
        let shared = wanted.chars().zip(known.chars()).take_while(|(a, b)| a == b).count();
        let rank = (wrong, Reverse(shared), candidate);
        if best.is_none_or(|known| rank < known) {
            best = Some(rank);
        }
    }
    let only = beginnings.pop().filter(|_| beginnings.is_empty());
    best.map(|(_, _, candidate)| candidate).or(only)
}

/// Longer words are no misspelt names, and comparing them would cost their product.
const LONGEST: usize = 100;

fn letters(word: &str) -> String {
    // The length is bounded first: a word may be the whole of a large file.
    let start = word.chars().take(LONGEST + 1);
    start.filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KEYS: [&str; 6] = ["name", "nodes", "server", "scalable-unit", "site-limit", "rack-limit"];

    #[test]
    fn finds_what_was_meant() {
        for (word, meant) in [
            ("node", Some("nodes")),
            ("sevrer", Some("server")),
            ("scalable_unit", Some("scalable-unit")),
            ("ScalableUnit", Some("scalable-unit")),
            ("scalable", Some("scalable-unit")),
            ("rack-limt", Some("rack-limit")),
            ("gpus", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(nearest(word, KEYS), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), KEYS), None);
    }

    #[test]
    fn ties_do_not_depend_on_order() {
        assert_eq!(nearest("h10", ["h100", "h200"]), nearest("h10", ["h200", "h100"]));
        assert_eq!(nearest("ab", ["xb", "ax"]), Some("ax"));
    }
}
