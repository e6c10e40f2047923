//! From template text to tokens, trim markers and comments already applied. Never fails as a whole: the tokens up to
//! a mistake come with it, so that the parser can report an earlier mistake of its own first.

use super::error::Fault;

#[derive(Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) at: usize,
    /// White space stands before it: `.A.B` is one operand, `.A .B` are two.
    pub(super) spaced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    Text(&'t str),
    /// `{{`
    Open,
    /// `}}`
    Close,
    Keyword(Keyword),
    Function(&'t str),
    Bool(bool),
    Dot,
    /// Without its dot.
    Field(&'t str),
    /// With its `$`.
    Variable(&'t str),
    Number(&'t str),
    /// With its quotes.
    Char(&'t str),
    /// With its quotes, escapes not yet resolved.
    Quoted(&'t str),
    /// Without its back quotes.
    Raw(&'t str),
    LeftParen,
    RightParen,
    Pipe,
    /// `:=`
    Declare,
    Comma,
    Other(char),
    /// The end of the template, or the place where lexing stopped.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Keyword {
    const ALL: [Keyword; 11] = [
        Keyword::Block,
        Keyword::Break,
        Keyword::Continue,
        Keyword::Define,
        Keyword::Else,
        Keyword::End,
        Keyword::If,
        Keyword::Nil,
        Keyword::Range,
        Keyword::Template,
        Keyword::With,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Keyword::Block => "block",
            Keyword::Break => "break",
            Keyword::Continue => "continue",
            Keyword::Define => "define",
            Keyword::Else => "else",
            Keyword::End => "end",
            Keyword::If => "if",
            Keyword::Nil => "nil",
            Keyword::Range => "range",
            Keyword::Template => "template",
            Keyword::With => "with",
        }
    }
}

/// What trim markers trim.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// The tokens, and the mistake that ended them early, if any.
pub(super) fn lex(text: &str) -> (Vec<Token<'_>>, Option<Fault>) {
    let mut lexer = Lexer { len: text.len(), rest: text, tokens: Vec::new() };
    let fault = lexer.text().err();
    (lexer.tokens, fault)
}

struct Lexer<'t> {
    len: usize,
    rest: &'t str,
    tokens: Vec<Token<'t>>,
}

impl<'t> Lexer<'t> {
    fn at(&self) -> usize {
        self.len - self.rest.len()
    }

    fn take(&mut self, len: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Text and actions until the end.
    fn text(&mut self) -> Result<(), Fault> {
        let mut trim_start = false;
        loop {
            let (at, open) = (self.at(), self.rest.find("{{"));
            let mut text = self.take(open.unwrap_or(self.rest.len()));
            let trim_end = self.rest.strip_prefix("{{-").is_some_and(|rest| rest.starts_with(SPACES));
            if trim_start {
                text = text.trim_start_matches(SPACES);
            }
            if trim_end {
                text = text.trim_end_matches(SPACES);
            }
            if !text.is_empty() {
                self.tokens.push(Token { kind: Kind::Text(text), at, spaced: false });
            }
            if open.is_none() {
                return Ok(());
            }
            let at = self.at();
            self.take(if trim_end { 3 } else { 2 });
            let inside = if trim_end { self.rest.trim_start_matches(SPACES) } else { self.rest };
            trim_start = match inside.strip_prefix("/*") {
                Some(comment) => {
                    self.rest = comment;
                    self.comment(at)?
                }
                None => {
                    self.tokens.push(Token { kind: Kind::Open, at, spaced: false });
                    self.action(at)?
                }
            };
        }
    }

    /// The rest of a comment and its action. Returns whether the text after it is trimmed.
    fn comment(&mut self, opened: usize) -> Result<bool, Fault> {
        let Some(end) = self.rest.find("*/") else {
            return Err(Fault::new(opened, "the comment is never closed").hint("a comment ends with */}}"));
        };
        self.take(end + 2);
        self.close().ok_or_else(|| {
            Fault::new(self.at(), "a comment must fill its whole action").hint("}} must follow the */ directly")
        })
    }

    /// `}}` (false) or ` -}}` (true), if that is next.
    fn close(&mut self) -> Option<bool> {
        if let Some(rest) = self.rest.strip_prefix("}}") {
            self.rest = rest;
            return Some(false);
        }
        let trimmed = self.rest.trim_start_matches(SPACES);
        if trimmed.len() < self.rest.len()
            && let Some(rest) = trimmed.strip_prefix("-}}")
        {
            self.rest = rest;
            return Some(true);
        }
        None
    }

    /// The tokens up to `}}`. Returns whether the text after it is trimmed.
    fn action(&mut self, opened: usize) -> Result<bool, Fault> {
        let mut closes = None;
        loop {
            let at = self.at();
            if let Some(trim) = self.close() {
                self.tokens.push(Token { kind: Kind::Close, at, spaced: false });
                return Ok(trim);
            }
            let unspaced = self.rest.trim_start_matches(SPACES);
            let space = self.rest.get(..self.rest.len() - unspaced.len()).unwrap_or("");
            let spaced = !space.is_empty();
            let unclosed = || Fault::new(opened, "the action is not closed").hint("it needs a }} after it");
            // A later line may close it, if no other action begins before; looked for once, for it is the rest of the file.
            if space.contains('\n') && !*closes.get_or_insert_with(|| closes_first(unspaced)) {
                return Err(unclosed());
            }
            if spaced {
                self.rest = unspaced;
                if self.rest.starts_with("}}") {
                    continue;
                }
            }
            let at = self.at();
            let Some(first) = self.rest.chars().next() else { return Err(unclosed()) };
            let kind = self.token(first, at)?;
            self.tokens.push(Token { kind, at, spaced });
        }
    }

    fn token(&mut self, first: char, at: usize) -> Result<Kind<'t>, Fault> {
        let second = self.rest.chars().nth(1);
        Ok(match first {
            ':' if second == Some('=') => {
                self.take(2);
                Kind::Declare
            }
            ':' => return Err(Fault::new(at, "unexpected `:`").hint("a variable is declared with :=")),
            '|' => self.single(Kind::Pipe),
            '(' => self.single(Kind::LeftParen),
            ')' => self.single(Kind::RightParen),
            ',' => self.single(Kind::Comma),
            '"' => Kind::Quoted(self.quoted('"', at)?),
            '\'' => Kind::Char(self.quoted('\'', at)?),
            '`' => {
                self.take(1);
                let Some(end) = self.rest.find('`') else {
                    return Err(Fault::new(at, "the back quote is never closed"));
                };
                let raw = self.take(end);
                self.take(1);
                Kind::Raw(raw)
            }
            '$' => {
                let name = self.word(1);
                self.must_end(Kind::Variable(name))?
            }
            '.' if !second.is_some_and(|c| c.is_ascii_digit()) => {
                let name = self.word(1).trim_start_matches('.');
                self.must_end(if name.is_empty() { Kind::Dot } else { Kind::Field(name) })?
            }
            '.' | '+' | '-' | '0'..='9' => Kind::Number(self.number()),
            c if is_word(c) => {
                let word = self.word(0);
                let keyword = Keyword::ALL.into_iter().find(|keyword| keyword.name() == word);
                let kind = match (keyword, word) {
                    (Some(keyword), _) => Kind::Keyword(keyword),
                    (None, "true") => Kind::Bool(true),
                    (None, "false") => Kind::Bool(false),
                    (None, name) => Kind::Function(name),
                };
                self.must_end(kind)?
            }
            c => {
                self.take(c.len_utf8());
                Kind::Other(c)
            }
        })
    }

    fn single(&mut self, kind: Kind<'t>) -> Kind<'t> {
        self.take(1);
        kind
    }

    /// `prefix` bytes and the letters, digits and underscores after them.
    fn word(&mut self, prefix: usize) -> &'t str {
        let name = self.rest.get(prefix..).unwrap_or("");
        self.take(prefix + name.find(|c| !is_word(c)).unwrap_or(name.len()))
    }

    /// A word must be followed by something that ends it.
    fn must_end(&self, kind: Kind<'t>) -> Result<Kind<'t>, Fault> {
        let Some(next) = self.rest.chars().next() else { return Ok(kind) };
        if matches!(next, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(' | '}') {
            return Ok(kind);
        }
        let fault = Fault::new(self.at(), format!("unexpected {next:?} in a name"));
        Err(match (kind, next) {
            (Kind::Field(_), '-') => fault.hint("such names need index: {{ index . \"my-name\" }}"),
            (Kind::Variable(_), '=') => fault.hint("a variable is declared with :="),
            _ => fault,
        })
    }

    /// A quoted text with its quotes; it may not span lines.
    fn quoted(&mut self, quote: char, at: usize) -> Result<&'t str, Fault> {
        let mut escaped = false;
        for (offset, c) in self.rest.char_indices().skip(1) {
            match c {
                '\n' => break,
                c if c == quote && !escaped => return Ok(self.take(offset + 1)),
                c => escaped = c == '\\' && !escaped,
            }
        }
        Err(Fault::new(at, format!("the {quote} is never closed")))
    }

    /// Everything that can belong to a number; `literal` decides whether it is one.
    fn number(&mut self) -> &'t str {
        let mut previous = ' ';
        let end = self.rest.char_indices().find(|&(offset, c)| {
            let sign = matches!(c, '+' | '-') && (offset == 0 || matches!(previous, 'e' | 'E'));
            previous = c;
            !(sign || c == '.' || is_word(c))
        });
        self.take(end.map_or(self.rest.len(), |(offset, _)| offset))
    }
}

/// Whether an action ends before the next one begins.
fn closes_first(text: &str) -> bool {
    let close = text.find("}}");
    close.is_some_and(|close| text.find("{{").is_none_or(|open| close < open))
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
