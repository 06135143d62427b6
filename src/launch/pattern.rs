//! The two small languages of Megatron-LM's options: which layers have experts, `([0]*3+[1]*58)`, and which slice of the
//! pipeline holds what, `Et*3|(tt|)*29,m|L`.

use std::fmt::Write;

use crate::catalog::Experts;

/// Layers at most: a file that asks for more is wrong.
const MOST: usize = 10_000;
/// Brackets within brackets at most.
const DEEPEST: usize = 16;

/// Which layers have experts: the number of `--moe-layer-freq` that says the same, or the list.
pub(super) fn expert_layers(moe: &Experts, layers: u32) -> String {
    if moe.first_dense == 0 && moe.every == 1 {
        return "1".into();
    }
    let mut terms = Vec::new();
    if moe.first_dense > 0 {
        terms.push(format!("[0]*{}", moe.first_dense));
    }
    let behind = layers - moe.first_dense.min(layers);
    let (whole, rest) = (behind / moe.every, behind % moe.every);
    match moe.every {
        1 => terms.push(format!("[1]*{whole}")),
        every => terms.push(format!("([0]*{}+[1])*{whole}", every - 1)),
    }
    if rest > 0 {
        terms.push(format!("[0]*{rest}"));
    }
    format!("({})", terms.join("+"))
}

/// Reads `--moe-layer-freq`: the first layer without experts before the others, every so many behind it with them, and whether
/// that says exactly the same.
pub(super) fn read_expert_layers(text: &str, layers: u32) -> Option<(u32, u32, bool)> {
    let pattern = match text.trim().parse::<usize>() {
        Ok(0) => return None,
        // Megatron-LM counts from the first layer on.
        Ok(every) => (0..layers as usize).map(|layer| layer % every == 0).collect(),
        Err(_) => list(text)?,
    };
    if pattern.len() != layers as usize || !pattern.contains(&true) {
        return None;
    }
    let same = |first: u32, every: u32| {
        (0..layers).zip(&pattern).all(|(layer, expert)| (layer >= first && (layer - first) % every == every - 1) == *expert)
    };
    let leading = pattern.iter().take_while(|expert| !**expert).count() as u32;
    let count = pattern.iter().filter(|expert| **expert).count() as u32;
    let candidates = (1..=layers.min(64)).flat_map(|every| (0..=leading).rev().map(move |first| (first, every)));
    let exact = candidates.clone().find(|(first, every)| same(*first, *every));
    let near = || candidates.clone().find(|(first, every)| (layers - first) / every == count);
    exact.map(|(first, every)| (first, every, true)).or_else(|| near().map(|(first, every)| (first, every, false)))
}

/// The list that an expression stands for, layer by layer.
pub(super) fn list(text: &str) -> Option<Vec<bool>> {
    Reader { text: text.as_bytes(), at: 0 }.whole()
}

/// Reads sums and products of lists of 0 and 1, and nothing else of Python.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn whole(mut self) -> Option<Vec<bool>> {
        let all = self.sum(0)?;
        (self.peek().is_none() && all.len() <= MOST).then_some(all)
    }

    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn number(&mut self) -> Option<usize> {
        self.peek()?;
        let digits: String = self.text[self.at..].iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
        self.at += digits.len();
        digits.parse().ok()
    }

    fn sum(&mut self, depth: usize) -> Option<Vec<bool>> {
        let mut all = self.product(depth)?;
        while self.take(b'+') {
            all.extend(self.product(depth)?);
            if all.len() > MOST {
                return None;
            }
        }
        Some(all)
    }

    fn product(&mut self, depth: usize) -> Option<Vec<bool>> {
        let mut list = self.list(depth)?;
        while self.take(b'*') {
            let times = self.number()?;
            if list.len().checked_mul(times)? > MOST {
                return None;
            }
            list = list.repeat(times);
        }
        Some(list)
    }

    fn list(&mut self, depth: usize) -> Option<Vec<bool>> {
        if depth < DEEPEST && self.take(b'(') {
            let inner = self.sum(depth + 1)?;
            return self.take(b')').then_some(inner);
        }
        if !self.take(b'[') {
            return None;
        }
        let mut items = Vec::new();
        while !self.take(b']') {
            match self.number()? {
                layer @ (0 | 1) => items.push(layer == 1),
                _ => return None,
            }
            if items.len() > MOST || !self.take(b',') && self.peek() != Some(b']') {
                return None;
            }
        }
        Some(items)
    }
}

/// Layers of every slice as `--pipeline-model-parallel-layout` writes them, the embedding first and the loss last.
pub(super) fn pipeline(slices: &[u32], mtp: u32) -> String {
    let mut text = String::from("E");
    for (index, layers) in slices.iter().enumerate() {
        if index > 0 {
            text.push('|');
        }
        match layers {
            0 => {}
            1 => text.push('t'),
            // A string takes what it is given.
            many => drop(write!(text, "t*{many}")),
        }
    }
    text.push_str(&"m".repeat(mtp as usize));
    text.push('L');
    text
}

/// Reads `--pipeline-model-parallel-layout`: layers of every slice.
pub(super) fn read_pipeline(text: &str) -> Option<Vec<u32>> {
    let mut stages = vec![0_u32];
    let chars: Vec<char> = text.chars().filter(|c| *c != ',' && !c.is_whitespace()).collect();
    let mut at = 0;
    while at < chars.len() {
        let group: Vec<char> = if chars[at] == '(' {
            let end = chars[at..].iter().position(|c| *c == ')')? + at;
            let inner = chars[at + 1..end].to_vec();
            at = end + 1;
            inner
        } else {
            at += 1;
            vec![chars[at - 1]]
        };
        let mut times = 1;
        if chars.get(at) == Some(&'*') {
            let digits: String = chars[at + 1..].iter().take_while(|c| c.is_ascii_digit()).collect();
            at += 1 + digits.len();
            times = digits.parse::<usize>().ok().filter(|times| *times <= MOST)?;
        }
        if group.len().checked_mul(times)? > 10 * MOST {
            return None;
        }
        for _ in 0..times {
            // Products stand inside of brackets too, `(t*2|)*3`.
            let mut inside = 0;
            while inside < group.len() {
                let digits: String = if group.get(inside + 1) == Some(&'*') {
                    group[inside + 2..].iter().take_while(|c| c.is_ascii_digit()).collect()
                } else {
                    String::new()
                };
                let count = if digits.is_empty() { 1 } else { digits.parse::<u32>().ok().filter(|n| *n as usize <= MOST)? };
                match group[inside] {
                    't' | 'T' => *stages.last_mut()? += count,
                    '|' => stages.extend(std::iter::repeat_n(0, count as usize)),
                    'E' | 'e' | 'L' | 'l' | 'm' | 'M' => {}
                    _ => return None,
                }
                if stages.len() > MOST {
                    return None;
                }
                inside += if digits.is_empty() { 1 } else { 2 + digits.len() };
            }
        }
    }
    Some(stages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moe(first_dense: u32, every: u32) -> Experts {
        Experts { experts: 8, top_k: 2, ffn: 1, shared_ffn: 0, first_dense, every }
    }

    #[test]
    fn expert_layers_are_read_as_they_are_written() {
        for (first, every, layers) in [(0, 1, 32), (3, 1, 61), (0, 2, 24), (1, 2, 25), (1, 3, 12), (0, 4, 26)] {
            let text = expert_layers(&moe(first, every), layers);
            let (f, e, exact) = read_expert_layers(&text, layers).unwrap();
            let said = |first: u32, every: u32| -> Vec<bool> {
                (0..layers).map(|l| l >= first && (l - first) % every == every - 1).collect()
            };
            assert!(exact, "{text}");
            assert_eq!(said(f, e), said(first, every), "{text}");
        }
        assert_eq!(expert_layers(&moe(3, 1), 61), "([0]*3+[1]*58)");
        assert_eq!(read_expert_layers("([0]+[1]*23)", 24), Some((1, 1, true)));
        // The first layer has experts: the planner puts them on every second.
        assert_eq!(read_expert_layers("2", 24), Some((0, 2, false)));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let deep = "(".repeat(100_000);
        for text in ["", "0", "[2]", "[1]*99999999999999999999", "([1]*3", "[1]*100000000*100000", "import os", deep.as_str()] {
            assert_eq!(read_expert_layers(text, 3), None, "{text}");
        }
    }

    #[test]
    fn pipelines_are_read_as_they_are_written() {
        for slices in [vec![3, 5, 5, 3], vec![0, 1, 1, 0], vec![7]] {
            assert_eq!(read_pipeline(&pipeline(&slices, 1)).unwrap(), slices);
        }
        assert_eq!(pipeline(&[3, 1, 0], 0), "Et*3|t|L");
        assert_eq!(read_pipeline("Ettt|(tt|)*2,m|L").unwrap(), [3, 2, 2, 0, 0]);
        assert_eq!(read_pipeline("E|(t|)*3,m|m||L").unwrap(), [0, 1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(read_pipeline("E(t*2|)*2L").unwrap(), [2, 2, 0]);
        for text in ["(t", "x", "t*99999999", "(|)*9999999"] {
            assert_eq!(read_pipeline(text), None, "{text}");
        }
    }
}
