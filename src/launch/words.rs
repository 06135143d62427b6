//! A shell script cut into commands and words, each piece with its place. Nothing is evaluated here.

use std::ops::Range;

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it stands, from this byte on; quoted text is not split.
    Text { text: String, at: usize, quoted: bool },
    /// `$NAME`, `${NAME}`, `${NAME[@]}`, and `${NAME:-default}` with the words of its default.
    Variable { name: String, default: Option<Vec<Piece>>, span: Range<usize>, quoted: bool },
    /// `$(( ... ))`: the text within.
    Arithmetic { text: String, span: Range<usize>, quoted: bool },
    /// What only running the script would tell: `$(command)`, `${NAME//x/y}`.
    Unknown { span: Range<usize> },
}

/// A word: pieces without blanks between them.
pub(super) type Word = Vec<Piece>;

/// A piece of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// `NAME=( ... )`, or `NAME+=( ... )`.
    Array { name: String, append: bool, items: Vec<Word> },
}

/// A command, and what stands before it: nothing, `&&` or `||`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub tokens: Vec<Token>,
    pub after: Option<Joint>,
    pub at: usize,
}

/// What joins a command to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

/// Why a script cannot be cut up: a quote or bracket that is not closed, and where it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclosed {
    pub what: &'static str,
    pub at: usize,
}

/// `${A:-${B:-...}}` deeper than this is not followed.
const DEEPEST: usize = 8;

/// Cuts a script into its commands.
pub(super) fn commands(text: &str) -> Result<Vec<Command>, Unclosed> {
    let mut lexer = Lexer { text, at: 0, ends: Vec::new() };
    let mut commands = Vec::new();
    let mut command = Command::default();
    let mut joint = None;
    while let Some(c) = lexer.blank() {
        let start = lexer.at;
        let separator = match c {
            '\n' | ';' | '&' | '|' => true,
            '(' | ')' | '<' | '>' => {
                lexer.operator();
                continue;
            }
            '#' => {
                lexer.skip_line();
                continue;
            }
            _ => false,
        };
        if !separator {
            if command.tokens.is_empty() {
                command.at = start;
            }
            let token = lexer.token()?;
            command.tokens.extend(token);
            continue;
        }
        let next = match lexer.rest().as_bytes() {
            [b'&', b'&', ..] => Some(Joint::And),
            [b'|', b'|', ..] => Some(Joint::Or),
            _ => None,
        };
        lexer.at += if next.is_some() { 2 } else { 1 };
        if !command.tokens.is_empty() {
            commands.push(Command { after: joint, ..std::mem::take(&mut command) });
            joint = next;
        }
        if c == '\n' {
            lexer.skip_documents();
        }
    }
    if !command.tokens.is_empty() {
        commands.push(Command { after: joint, ..command });
    }
    Ok(commands)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Words that end the documents (`<<EOF`) that begin on the next line.
    ends: Vec<String>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// The next character that is no blank; lines that go on are one.
    fn blank(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            if let Some(skip) = ["\\\n", "\\\r\n"].iter().find(|end| rest.starts_with(**end)) {
                self.at += skip.len();
            } else {
                match self.peek()? {
                    '\n' => return Some('\n'),
                    c if c.is_whitespace() => self.at += c.len_utf8(),
                    c => return Some(c),
                }
            }
        }
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// Brackets and redirections; where a document follows, its end is noted.
    fn operator(&mut self) {
        let rest = self.rest();
        if rest.starts_with("<<") && !rest.starts_with("<<<") {
            self.at += 2;
            let skip = usize::from(self.rest().starts_with('-'));
            self.at += skip;
            let word: String = self.rest().trim_start_matches([' ', '\t']).chars().take_while(|c| !c.is_whitespace()).collect();
            self.ends.push(word.trim_matches(['"', '\'']).trim_start_matches('\\').to_owned());
            let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
            self.at += blanks + word.len();
        } else {
            self.next();
        }
    }

    /// Documents that begin on this line are no commands.
    fn skip_documents(&mut self) {
        for end in std::mem::take(&mut self.ends) {
            while !self.rest().is_empty() {
                let line = self.rest().lines().next().unwrap_or_default().trim().to_owned();
                self.skip_line();
                self.next();
                if line == end {
                    break;
                }
            }
        }
    }

    /// A word, or an assignment of an array.
    fn token(&mut self) -> Result<Option<Token>, Unclosed> {
        let start = self.at;
        let name: String = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !name.is_empty() {
            let behind = &self.rest()[name.len()..];
            let operator = ["+=(", "=("].into_iter().find(|operator| behind.starts_with(operator));
            if let Some(operator) = operator {
                self.at += name.len() + operator.len();
                let items = self.items(start)?;
                return Ok(Some(Token::Array { name, append: operator.starts_with('+'), items }));
            }
        }
        let word = self.word(false)?;
        if self.at == start {
            // No character is left unread.
            self.next();
        }
        Ok((!word.is_empty()).then_some(Token::Word(word)))
    }

    /// The words of an array, over lines.
    fn items(&mut self, start: usize) -> Result<Vec<Word>, Unclosed> {
        let mut items = Vec::new();
        loop {
            match self.blank() {
                None => return Err(Unclosed { what: "bracket", at: start }),
                Some(')') => {
                    self.next();
                    return Ok(items);
                }
                Some('#') => self.skip_line(),
                Some('\n' | ';' | '&' | '|' | '(' | '<' | '>') => drop(self.next()),
                Some(_) => {
                    let before = self.at;
                    items.push(self.word(false)?);
                    if self.at == before {
                        self.next();
                    }
                }
            }
        }
    }

    /// One word. In the default of a variable (`inner`) a closing brace ends it, and blanks do not.
    fn word(&mut self, inner: bool) -> Result<Word, Unclosed> {
        self.word_at(inner, 0)
    }

    fn word_at(&mut self, inner: bool, depth: usize) -> Result<Word, Unclosed> {
        let mut word = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '}' if inner => break,
                c if !inner && (c.is_whitespace() || ";&|()<>".contains(c)) => break,
                '\\' => {
                    let rest = self.rest();
                    if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") {
                        break;
                    }
                    self.next();
                    let at = self.at;
                    if let Some(c) = self.next() {
                        push(&mut word, c, at, true);
                    }
                }
                '\'' => {
                    let open = self.at;
                    self.next();
                    let end = self.rest().find('\'').ok_or(Unclosed { what: "quote", at: open })?;
                    word.push(Piece::Text { text: self.rest()[..end].to_owned(), at: self.at, quoted: true });
                    self.at += end + 1;
                }
                '"' => self.double(&mut word, depth)?,
                '$' => word.push(self.dollar(false, depth)?),
                '`' => {
                    let open = self.at;
                    self.next();
                    let end = self.rest().find('`').ok_or(Unclosed { what: "quote", at: open })?;
                    self.at += end + 1;
                    word.push(Piece::Unknown { span: open..self.at });
                }
                c => {
                    push(&mut word, c, self.at, false);
                    self.next();
                }
            }
        }
        Ok(word)
    }

    /// Text in double quotes: variables count, blanks do not.
    fn double(&mut self, word: &mut Word, depth: usize) -> Result<(), Unclosed> {
        let open = self.at;
        self.next();
        // An empty text is a word too.
        word.push(Piece::Text { text: String::new(), at: self.at, quoted: true });
        loop {
            match self.peek() {
                None => return Err(Unclosed { what: "quote", at: open }),
                Some('"') => {
                    self.next();
                    return Ok(());
                }
                Some('\\') => {
                    self.next();
                    let at = self.at;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c) => {
                            if !"\"\\$`".contains(c) {
                                push(word, '\\', at - 1, true);
                            }
                            push(word, c, at, true);
                        }
                    }
                }
                Some('$') => {
                    let piece = self.dollar(true, depth)?;
                    word.push(piece);
                }
                Some(c) => {
                    push(word, c, self.at, true);
                    self.next();
                }
            }
        }
    }

    /// What a dollar sign begins.
    fn dollar(&mut self, quoted: bool, depth: usize) -> Result<Piece, Unclosed> {
        let open = self.at;
        self.next();
        let rest = self.rest();
        if rest.starts_with("((") {
            self.close('(', ')', open)?;
            let text = self.text.get(open + 3..self.at.saturating_sub(2)).unwrap_or_default().to_owned();
            return Ok(Piece::Arithmetic { text, span: open..self.at, quoted });
        }
        match self.peek() {
            Some('(') => {
                self.close('(', ')', open)?;
                Ok(Piece::Unknown { span: open..self.at })
            }
            Some('{') => self.braces(open, quoted, depth),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                Ok(Piece::Variable { name, default: None, span: open..self.at, quoted })
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.next();
                Ok(Piece::Unknown { span: open..self.at })
            }
            _ => Ok(Piece::Text { text: "$".into(), at: open, quoted }),
        }
    }

    fn name(&mut self) -> String {
        let name: String = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        self.at += name.len();
        name
    }

    /// `${...}`.
    fn braces(&mut self, open: usize, quoted: bool, depth: usize) -> Result<Piece, Unclosed> {
        let unclosed = Unclosed { what: "bracket", at: open };
        let brace = self.at;
        self.next();
        let name = self.name();
        for all in ["[@]", "[*]"] {
            if self.rest().starts_with(all) {
                self.at += all.len();
            }
        }
        let colon = usize::from(self.rest().starts_with(':'));
        let mut default = None;
        if matches!(self.rest()[colon..].chars().next(), Some('-' | '=')) && depth < DEEPEST {
            self.at += colon + 1;
            default = Some(self.word_at(true, depth + 1)?);
        }
        if self.peek() == Some('}') && !name.is_empty() {
            self.next();
            return Ok(Piece::Variable { name, default, span: open..self.at, quoted });
        }
        self.at = brace;
        self.close('{', '}', open).map_err(|_| unclosed)?;
        // `${NAME:?message}` is the variable; the rest only a shell can say.
        let inside = self.text.get(brace + 1..self.at.saturating_sub(1)).unwrap_or_default();
        match inside.split_once(":?").or_else(|| inside.split_once('?')) {
            Some((name, _)) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                Ok(Piece::Variable { name: name.to_owned(), default: None, span: open..self.at, quoted })
            }
            _ => Ok(Piece::Unknown { span: open..self.at }),
        }
    }

    /// Goes behind the bracket that closes the one here.
    fn close(&mut self, opening: char, closing: char, open: usize) -> Result<(), Unclosed> {
        let mut depth = 0_usize;
        while let Some(c) = self.next() {
            if c == opening {
                depth += 1;
            } else if c == closing {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            }
        }
        Err(Unclosed { what: "bracket", at: open })
    }
}

/// Adds a character to the text that ends a word, where it goes on without a gap.
fn push(word: &mut Word, c: char, place: usize, is_quoted: bool) {
    if let Some(Piece::Text { text, at, quoted }) = word.last_mut()
        && *quoted == is_quoted
        && (*at + text.len() == place || text.is_empty())
    {
        if text.is_empty() {
            *at = place;
        }
        text.push(c);
        return;
    }
    word.push(Piece::Text { text: c.to_string(), at: place, quoted: is_quoted });
}

#[cfg(test)]
mod tests;
