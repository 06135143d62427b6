//! A launch script, evaluated as far as it can be without running it: variables, arrays, defaults, sums, and `if` where the
//! condition compares what is known. Every character of a result knows where it was written.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::sums;
use super::words::{Command, Joint, Piece, Token, Unclosed, Word, commands};
use crate::diagnostic::{Code, Diagnostic, Source};

/// Characters that variables may grow to: a script whose variables double each other ends here.
const LONGEST: usize = 1 << 20;

/// Conditions that are named where they could not be decided.
const MOST_UNDECIDED: usize = 8;

/// A character and where it was written.
#[derive(Debug, Clone, Copy)]
struct Char {
    c: char,
    at: usize,
    quoted: bool,
    /// Whether it stands for something that is not known, as `$TP` without a value.
    unknown: bool,
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evaluated {
    /// The text.
    pub text: String,
    /// Where it was written; of a variable's value, where that was.
    pub place: Range<usize>,
    /// Whether a part of it is not known.
    pub unknown: bool,
}

/// What a script does.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// The words of every command.
    pub commands: Vec<Vec<Evaluated>>,
    /// The words of every variable, in the order of their first assignment.
    pub variables: Vec<Vec<Evaluated>>,
    /// Conditions that could not be decided: what they guard was not read.
    pub undecided: Vec<Range<usize>>,
}

/// A variable: words, one unless it is an array.
type Value = Vec<Vec<Char>>;

/// Evaluates a script, with variables from outside.
pub(super) fn evaluate(source: &Arc<Source>, given: &[(String, String)]) -> Result<Script, Diagnostic> {
    let commands = commands(source.text()).map_err(|Unclosed { what, at }| {
        Diagnostic::error(Code::LaunchSyntax, format!("a {what} is not closed"))
            .at(source, at..at + 1, "opens here")
            .help(format!("close the {what}"))
    })?;
    let mut shell = Shell { source, variables: BTreeMap::new(), order: Vec::new(), size: 0, script: Script::default() };
    let fixed: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
    for (name, value) in given {
        let chars = value.chars().map(|c| Char { c, at: 0, quoted: false, unknown: false }).collect();
        shell.variables.insert(name.clone(), vec![chars]);
    }
    shell.run(&commands, &fixed);
    if shell.size > LONGEST {
        return Err(Diagnostic::error(Code::LaunchSyntax, "the variables of the script grow beyond 1 MiB")
            .at(source, 0..1, "")
            .help("import the launch line alone"));
    }
    for name in std::mem::take(&mut shell.order) {
        let value = shell.variables.get(&name).cloned().unwrap_or_default();
        let words = value.iter().flat_map(|word| split(word)).collect();
        shell.script.variables.push(words);
    }
    Ok(shell.script)
}

struct Shell<'a> {
    source: &'a Arc<Source>,
    variables: BTreeMap<String, Value>,
    order: Vec<String>,
    size: usize,
    script: Script,
}

/// An `if` on the way.
struct Branch {
    /// Whether commands of the branch at hand count.
    active: bool,
    /// Whether a branch was taken, or could not be decided on.
    settled: bool,
    /// Whether the whole `if` counts.
    outer: bool,
    /// The place of a condition that could not be decided on.
    open: Option<usize>,
}

impl Shell<'_> {
    fn run(&mut self, commands: &[Command], fixed: &[&str]) {
        let mut branches: Vec<Branch> = Vec::new();
        let mut cases = 0_usize;
        let mut condition: Option<(Vec<&Command>, usize)> = None;
        for command in commands {
            if self.size > LONGEST {
                return;
            }
            let word = keyword(command);
            if cases > 0 || word == "case" {
                cases += usize::from(word == "case");
                self.skip(command, command.at);
                let last = command.tokens.iter().any(|token| matches!(token, Token::Word(word) if literal(word) == "esac"));
                cases -= usize::from(last);
                continue;
            }
            let rest = || Command { tokens: command.tokens.iter().skip(1).cloned().collect(), ..command.clone() };
            let active = branches.last().is_none_or(|branch| branch.active);
            match word {
                "if" | "elif" => {
                    if word == "if" {
                        branches.push(Branch { active: false, settled: false, outer: active, open: None });
                    }
                    condition = Some((vec![command], command.at));
                }
                "then" => {
                    if let (Some((conditions, at)), Some(branch)) = (condition.take(), branches.last_mut()) {
                        let open = branch.outer && !branch.settled;
                        let decided = if open { self.decide(&conditions) } else { Some(false) };
                        if decided.is_none() {
                            branch.open = Some(at);
                        }
                        branch.active = open && decided == Some(true);
                        branch.settled |= decided != Some(false);
                    }
                    self.within(branches.last(), &rest(), fixed);
                }
                "else" => {
                    if let Some(branch) = branches.last_mut() {
                        branch.active = branch.outer && !branch.settled;
                        branch.settled = true;
                    }
                    self.within(branches.last(), &rest(), fixed);
                }
                "fi" => drop(branches.pop()),
                _ => match &mut condition {
                    Some((conditions, _)) => conditions.push(command),
                    None => self.within(branches.last(), command, fixed),
                },
            }
        }
    }

    /// A command, if the branch that it stands in counts.
    fn within(&mut self, branch: Option<&Branch>, command: &Command, fixed: &[&str]) {
        match branch {
            None => self.command(command, fixed),
            Some(branch) if branch.active => self.command(command, fixed),
            Some(branch) => branch.open.iter().for_each(|at| self.skip(command, *at)),
        }
    }

    /// Notes that a command was left out, where it could have mattered.
    fn skip(&mut self, command: &Command, condition: usize) {
        let matters = command.tokens.iter().any(|token| match token {
            Token::Array { .. } => true,
            Token::Word(word) => assignment(word).is_some() || literal(word).starts_with("--"),
        });
        let place = condition..condition + 2;
        if matters && self.script.undecided.len() < MOST_UNDECIDED && !self.script.undecided.contains(&place) {
            self.script.undecided.push(place);
        }
    }

    /// Assignments, or a command with its words.
    fn command(&mut self, command: &Command, fixed: &[&str]) {
        let mut words = Vec::new();
        let mut leading = true;
        for token in &command.tokens {
            match token {
                Token::Array { name, append, items } => {
                    let value: Value = items.iter().flat_map(|item| self.fields(item)).collect();
                    self.assign(name, value, *append, fixed);
                }
                Token::Word(word) => {
                    if let Some((name, append, value)) = assignment(word).filter(|_| leading) {
                        let value = vec![self.expand(&value)];
                        self.assign(&name, value, append, fixed);
                        continue;
                    }
                    leading = leading
                        && matches!(
                            literal(word).as_str(),
                            "export" | "local" | "declare" | "readonly" | "-a" | "-x" | "then" | "do"
                        );
                    words.extend(self.fields(word).iter().filter_map(|field| whole(field)));
                }
            }
        }
        if !words.is_empty() && !leading {
            self.script.commands.push(words);
        }
    }

    fn assign(&mut self, name: &str, value: Value, append: bool, fixed: &[&str]) {
        // What is given from outside wins over the script.
        if fixed.contains(&name) {
            return;
        }
        if !self.variables.contains_key(name) {
            self.order.push(name.to_owned());
        }
        self.size += value.iter().map(|word| word.len() + 1).sum::<usize>();
        if self.size > LONGEST {
            return;
        }
        let there = self.variables.entry(name.to_owned()).or_default();
        match (append, value.len()) {
            (false, _) => *there = value,
            // A text grows at its end, an array by an item.
            (true, 1) if there.len() == 1 => there[0].extend(value.into_iter().flatten()),
            (true, _) => there.extend(value),
        }
    }

    /// The words that a word becomes: variables without quotes are split at blanks, arrays are words already.
    fn fields(&mut self, word: &Word) -> Vec<Vec<Char>> {
        if let [Piece::Text { text, .. }, Piece::Variable { name, quoted: true, .. }] = word.as_slice()
            && text.is_empty()
            && let Some(value) = self.variables.get(name).filter(|value| value.len() != 1).cloned()
        {
            self.size += value.iter().map(Vec::len).sum::<usize>();
            return value.into_iter().map(|word| word.into_iter().map(|c| Char { quoted: true, ..c }).collect()).collect();
        }
        let chars = self.expand(word);
        let mut fields: Vec<Vec<Char>> = Vec::new();
        let mut open = false;
        for c in chars {
            if c.c.is_whitespace() && !c.quoted {
                open = false;
            } else {
                if !open {
                    fields.push(Vec::new());
                }
                open = true;
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
        fields
    }

    /// The characters that a word becomes.
    fn expand(&mut self, word: &[Piece]) -> Vec<Char> {
        let mut chars = Vec::new();
        for piece in word {
            if self.size > LONGEST {
                return chars;
            }
            match piece {
                Piece::Text { text, at, quoted } => {
                    chars.extend(text.char_indices().map(|(i, c)| Char { c, at: at + i, quoted: *quoted, unknown: false }));
                }
                Piece::Variable { name, default, span, quoted } => {
                    let value = self.variables.get(name).filter(|value| !value.is_empty());
                    match (value, default) {
                        (Some(value), _) => {
                            let blank = Char { c: ' ', at: span.start, quoted: *quoted, unknown: false };
                            let mut joined = Vec::new();
                            for (i, word) in value.iter().enumerate() {
                                joined.extend((i > 0).then_some(blank));
                                joined.extend(word.iter().map(|c| Char { quoted: *quoted, ..*c }));
                            }
                            self.size += joined.len();
                            chars.extend(joined);
                        }
                        (None, Some(default)) => {
                            let default = self.expand(default);
                            chars.extend(default.into_iter().map(|c| Char { quoted: c.quoted || *quoted, ..c }));
                        }
                        (None, None) => chars.extend(self.unknown(span)),
                    }
                }
                Piece::Arithmetic { text, span, quoted } => match self.sum(text) {
                    Some(value) => {
                        let at = span.start;
                        chars.extend(value.to_string().chars().map(|c| Char { c, at, quoted: *quoted, unknown: false }));
                    }
                    None => chars.extend(self.unknown(span)),
                },
                Piece::Unknown { span } => chars.extend(self.unknown(span)),
            }
        }
        chars
    }

    /// A piece that is not known, as it stands in the script.
    fn unknown(&self, span: &Range<usize>) -> Vec<Char> {
        let text = self.source.text().get(span.clone()).unwrap_or_default();
        text.char_indices().map(|(i, c)| Char { c, at: span.start + i, quoted: true, unknown: true }).collect()
    }

    fn sum(&self, text: &str) -> Option<i64> {
        let number = |name: &str| -> Option<i64> {
            let value = self.variables.get(name)?.first()?;
            value.iter().map(|c| c.c).collect::<String>().trim().parse().ok()
        };
        sums::sum(text, &number)
    }

    /// Whether a condition holds; nothing where only running the script would tell.
    fn decide(&mut self, conditions: &[&Command]) -> Option<bool> {
        let mut result = None;
        for (index, command) in conditions.iter().enumerate() {
            let tokens = command.tokens.iter().skip(usize::from(index == 0));
            let mut words = Vec::new();
            for token in tokens {
                let Token::Word(word) = token else { return None };
                let chars = self.expand(word);
                if chars.iter().any(|c| c.unknown) {
                    return None;
                }
                words.push(chars.iter().map(|c| c.c).collect::<String>());
            }
            let holds = sums::test(&words);
            result = match (index, command.after) {
                (0, _) => holds,
                (_, Some(Joint::And)) => result.zip(holds).map(|(a, b)| a && b),
                (_, Some(Joint::Or)) => result.zip(holds).map(|(a, b)| a || b),
                _ => return None,
            };
        }
        result
    }
}

/// The first word of a command, where it is plain text.
fn keyword(command: &Command) -> &str {
    match command.tokens.first() {
        Some(Token::Word(word)) => match word.as_slice() {
            [Piece::Text { text, quoted: false, .. }] => text,
            _ => "",
        },
        _ => "",
    }
}

fn literal(word: &Word) -> String {
    match word.as_slice() {
        [Piece::Text { text, .. }] => text.clone(),
        _ => String::new(),
    }
}

/// `NAME=value` or `NAME+=value`: the name, whether it is added to, and the value.
fn assignment(word: &Word) -> Option<(String, bool, Word)> {
    let (Piece::Text { text, at, quoted: false }, rest) = word.split_first()? else { return None };
    let (name, value) = text.split_once('=')?;
    let (bare, append) = name.strip_suffix('+').map_or((name, false), |bare| (bare, true));
    let named = bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !named || !bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let first = Piece::Text { text: value.to_owned(), at: at + name.len() + 1, quoted: false };
    Some((bare.to_owned(), append, std::iter::once(first).chain(rest.iter().cloned()).collect()))
}

/// A field as a word with its place.
fn whole(field: &[Char]) -> Option<Evaluated> {
    let first = field.first()?;
    let joined = field.windows(2).all(|pair| pair[1].at == pair[0].at + pair[0].c.len_utf8());
    let end = if joined { field.last().map_or(first.at + 1, |last| last.at + last.c.len_utf8()) } else { first.at + 1 };
    Some(Evaluated {
        text: field.iter().map(|c| c.c).collect(),
        place: first.at..end,
        unknown: field.iter().any(|c| c.unknown),
    })
}

/// A variable's text as words.
fn split(chars: &[Char]) -> Vec<Evaluated> {
    chars.split(|c| c.c.is_whitespace()).filter_map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let script = evaluate(&Source::new("run.sh", text), &[]).unwrap();
        script.commands.last().cloned().unwrap_or_default().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn variables_arrays_and_defaults() {
        assert_eq!(words("TP=8\nrun --tp $TP --cp ${CP:-2} --pp ${PP}"), ["run", "--tp", "8", "--cp", "2", "--pp", "${PP}"]);
        let arrays = "A=(--x 1)\nA+=(\"--y 2\")\nB=(\"${A[@]}\" --z)\nrun ${B[@]}";
        assert_eq!(words(arrays), ["run", "--x", "1", "--y", "2", "--z"]);
        assert_eq!(words("A=\"--x 1 \\\n --y 2\"\nA+=\" --z\"\nrun $A \"$A\"").len(), 7);
        assert_eq!(words("G=8; N=16; W=$(($G*N)); run $W $((W/(2+2)))"), ["run", "128", "32"]);
        assert_eq!(words("export A=1 B=2\nC=x run $A$B"), ["run", "12"]);
    }

    #[test]
    fn conditions_are_decided_where_they_can_be() {
        let script = "D=fp8\nif [[ \"$D\" == \"fp8\" ]]; then\n A=1\nelif [ $D = bf16 ]; then A=2; else A=3; fi\nrun $A";
        assert_eq!(words(script), ["run", "1"]);
        let nested = "N=4\nif [ $N -gt 8 ]; then\n if [ -f x ]; then A=1; fi\nelse\n A=2\nfi\nrun $A";
        assert_eq!(words(nested), ["run", "2"]);
        let source = Source::new("run.sh", "A=0\nif [ -f x ]; then A=1; else A=2; fi\nrun $A");
        let script = evaluate(&source, &[]).unwrap();
        assert_eq!(script.undecided.first(), Some(&(4..6)));
        assert_eq!(script.commands[0][1].text, "0");
        assert_eq!(words("case $X in a) A=1;; *) A=2;; esac\nrun x"), ["run", "x"]);
    }

    #[test]
    fn places_lead_to_where_a_value_was_written() {
        let text = "TP=8\nrun --tp $TP $PP";
        let source = Source::new("run.sh", text);
        let script = evaluate(&source, &[]).unwrap();
        let last = &script.commands[0];
        assert_eq!(&text[last[2].place.clone()], "8");
        assert_eq!((last[2].place.start, last[3].unknown), (3, true));
        assert_eq!(&text[last[3].place.clone()], "$PP");
        let given = evaluate(&source, &[("PP".into(), "4".into()), ("TP".into(), "2".into())]).unwrap();
        assert_eq!((given.commands[0][2].text.as_str(), given.commands[0][3].text.as_str()), ("2", "4"));
    }

    #[test]
    fn what_grows_without_end_is_refused() {
        let doubling: Vec<String> = (1..60).map(|i| format!("A{i}=$A{}$A{}", i - 1, i - 1)).collect();
        let error = evaluate(&Source::new("run.sh", format!("A0=xx\n{}", doubling.join("\n"))), &[]).unwrap_err();
        assert_eq!(error.code, Code::LaunchSyntax);
        let fi = "fi\n".repeat(1000) + &"if x; then\n".repeat(1000) + "else\nesac\ncase";
        assert!(evaluate(&Source::new("run.sh", fi), &[]).is_ok());
    }
}
