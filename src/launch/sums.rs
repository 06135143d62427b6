//! What a shell computes: sums, and conditions that compare words or numbers.

/// Brackets within brackets of a sum.
const DEEPEST: usize = 32;

/// The value of `$((text))`, with the numbers of variables; nothing where one of them has none.
pub(super) fn sum(text: &str, number: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
    let mut sum = Sum { text, at: 0, number };
    let value = sum.terms(0)?;
    sum.peek().is_none().then_some(value)
}

/// `[ a = b ]` and its kin.
pub(super) fn test(words: &[String]) -> Option<bool> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let inside = match words.as_slice() {
        ["[", inside @ .., "]"] | ["[[", inside @ .., "]]"] | ["test", inside @ ..] => inside,
        ["true"] => return Some(true),
        ["false"] => return Some(false),
        _ => return None,
    };
    let numbers = |a: &str, b: &str| a.parse::<i64>().ok().zip(b.parse::<i64>().ok());
    match *inside {
        ["!", ref rest @ ..] => {
            let mut again = vec!["[".to_owned()];
            again.extend(rest.iter().map(|word| (*word).to_owned()));
            again.push("]".into());
            // One negation is enough for a launch script.
            if rest.first() == Some(&"!") { None } else { test(&again).map(|holds| !holds) }
        }
        ["-z", text] => Some(text.is_empty()),
        ["-n", text] => Some(!text.is_empty()),
        [a, "=" | "==", b] => Some(a == b),
        [a, "!=", b] => Some(a != b),
        [a, "-eq", b] => numbers(a, b).map(|(a, b)| a == b),
        [a, "-ne", b] => numbers(a, b).map(|(a, b)| a != b),
        [a, "-gt", b] => numbers(a, b).map(|(a, b)| a > b),
        [a, "-ge", b] => numbers(a, b).map(|(a, b)| a >= b),
        [a, "-lt", b] => numbers(a, b).map(|(a, b)| a < b),
        [a, "-le", b] => numbers(a, b).map(|(a, b)| a <= b),
        _ => None,
    }
}

/// Whole numbers, variables and `+ - * / %`.
struct Sum<'a> {
    text: &'a str,
    at: usize,
    number: &'a dyn Fn(&str) -> Option<i64>,
}

impl Sum<'_> {
    fn peek(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_start().len();
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self, any: &str) -> Option<char> {
        let c = self.peek().filter(|c| any.contains(*c))?;
        self.at += 1;
        Some(c)
    }

    fn terms(&mut self, depth: usize) -> Option<i64> {
        let mut value = self.factors(depth)?;
        while let Some(sign) = self.take("+-") {
            let next = self.factors(depth)?;
            value = if sign == '+' { value.checked_add(next)? } else { value.checked_sub(next)? };
        }
        Some(value)
    }

    fn factors(&mut self, depth: usize) -> Option<i64> {
        let mut value = self.atom(depth)?;
        while let Some(sign) = self.take("*/%") {
            let next = self.atom(depth)?;
            value = match sign {
                '*' => value.checked_mul(next)?,
                '/' => value.checked_div(next)?,
                _ => value.checked_rem(next)?,
            };
        }
        Some(value)
    }

    fn atom(&mut self, depth: usize) -> Option<i64> {
        if depth < DEEPEST && self.take("(").is_some() {
            let value = self.terms(depth + 1)?;
            return self.take(")").map(|_| value);
        }
        let braced = self.take("$").is_some() && self.take("{").is_some();
        self.peek()?;
        let word: String = self.text[self.at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        self.at += word.len();
        if braced {
            self.take("}")?;
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) { word.parse().ok() } else { (self.number)(&word) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_bind_as_in_a_shell() {
        let of = |text: &str| sum(text, &|name| (name == "N").then_some(8));
        assert_eq!(of("2 + 3 * $N - ${N}/3"), Some(24));
        assert_eq!(of("(2+3)*(N%3)"), Some(10));
        for wrong in ["", "1/0", "1 +", "X", "9223372036854775807 + 1", "é", "1 2", &"(".repeat(100_000)] {
            assert_eq!(of(wrong), None, "{}", &wrong[..wrong.len().min(20)]);
        }
    }

    #[test]
    fn conditions_compare_words_and_numbers() {
        let holds = |text: &str| test(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(holds("[ a = a ]"), Some(true));
        assert_eq!(holds("[[ a != a ]]"), Some(false));
        assert_eq!(holds("test 16 -gt 8"), Some(true));
        assert_eq!(holds("[ ! 16 -le 8 ]"), Some(true));
        assert_eq!(holds("[ -f x ]"), None);
        assert_eq!(holds("grep -q x"), None);
    }
}
