//! From tokens to nodes. Every mistake that Go finds before rendering is found here: unknown functions, undeclared
//! variables, blocks that are never closed.

use super::bounds::NESTING;
use super::error::{Fault, place};
use super::funcs::Function;
use super::lex::{Keyword, Kind, Token, lex};
use super::literal;
use super::node::{Block, Node, Operand, Pipe, Templates, Term};
use std::rc::Rc;

/// Parses the file and the templates it defines.
pub(super) fn parse(text: &str) -> Result<Templates<'_>, Fault> {
    let (tokens, lex_fault) = lex(text);
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        variables: vec!["$"],
        depth: 0,
        ranges: 0,
        templates: Templates::new(),
        lex_fault,
    };
    let (nodes, _) = parser.list(None)?;
    parser.define(String::new(), nodes, 0)?;
    Ok(parser.templates)
}

/// The keyword of a block and where it stands.
type Opener = (Keyword, usize);

/// What ended a list of nodes.
#[derive(PartialEq, Eq)]
enum Stop {
    Eof,
    End,
    Else,
    /// The `if` of `else if` is not yet consumed.
    ElseIf,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    /// The variables in scope, with their `$`.
    variables: Vec<&'t str>,
    depth: usize,
    /// `range`s around what is read.
    ranges: usize,
    templates: Templates<'t>,
    /// What stopped the lexer, to be reported on reaching the end of its tokens.
    lex_fault: Option<Fault>,
}

impl<'t> Parser<'t> {
    fn nth(&self, ahead: usize) -> Token<'t> {
        let end = Token { kind: Kind::End, at: self.text.len(), spaced: false };
        self.tokens.get(self.next + ahead).copied().unwrap_or(end)
    }

    fn peek(&self) -> Token<'t> {
        self.nth(0)
    }

    fn advance(&mut self) -> Token<'t> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn expect_close(&mut self, context: &str) -> Result<(), Fault> {
        match self.advance() {
            Token { kind: Kind::Close, .. } => Ok(()),
            token => Err(self.unexpected(token, context, "")),
        }
    }

    /// `hint` may be empty; some tokens bring a better one.
    fn unexpected(&mut self, token: Token<'t>, context: &str, hint: &str) -> Fault {
        let what = match token.kind {
            Kind::End => match self.lex_fault.take() {
                Some(fault) => return fault,
                None => "end of the template".to_owned(),
            },
            Kind::Text(_) | Kind::Open => "text".to_owned(),
            Kind::Close => "}}".to_owned(),
            Kind::Keyword(keyword) => format!("`{}`", keyword.name()),
            Kind::Function(name) | Kind::Variable(name) | Kind::Number(name) => format!("`{name}`"),
            Kind::Field(name) => format!("`.{name}`"),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Dot => "`.`".to_owned(),
            Kind::Char(_) => "character".to_owned(),
            Kind::Quoted(_) | Kind::Raw(_) => "quoted text".to_owned(),
            Kind::LeftParen => "`(`".to_owned(),
            Kind::RightParen => "`)`".to_owned(),
            Kind::Pipe => "`|`".to_owned(),
            Kind::Declare => "`:=`".to_owned(),
            Kind::Comma => "`,`".to_owned(),
            Kind::Other(c) => format!("{c:?}"),
        };
        let fault = Fault::new(token.at, format!("unexpected {what} in {context}"));
        match token.kind {
            Kind::Other('=') => fault.hint("a variable is declared with :=, values are compared with eq"),
            Kind::Other('/') => fault.hint("a comment starts directly after the braces: {{/* … */}}"),
            Kind::Other('&') => fault.hint("write: and A B"),
            Kind::Keyword(Keyword::Define) => fault.hint("define templates outside of blocks"),
            _ if hint.is_empty() => fault,
            _ => fault.hint(hint),
        }
    }

    fn deeper(&mut self, at: usize) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > NESTING {
            return Err(Fault::new(at, format!("more than {NESTING} blocks or parentheses inside each other")));
        }
        Ok(())
    }

    /// Nodes up to the `end`, `else` or end of file that ends them, which is consumed.
    fn list(&mut self, opener: Option<Opener>) -> Result<(Vec<Node<'t>>, Stop), Fault> {
        let mut nodes = Vec::new();
        loop {
            let token = self.advance();
            match token.kind {
                Kind::Text(text) => nodes.push(Node::Text { at: token.at, text }),
                Kind::Open => match (self.peek().kind, opener) {
                    (Kind::Keyword(Keyword::End), Some(_)) => {
                        self.advance();
                        self.expect_close("end")?;
                        return Ok((nodes, Stop::End));
                    }
                    (Kind::Keyword(Keyword::Else), Some(_)) => {
                        self.advance();
                        if self.peek().kind == Kind::Keyword(Keyword::If) {
                            return Ok((nodes, Stop::ElseIf));
                        }
                        self.expect_close("else")?;
                        return Ok((nodes, Stop::Else));
                    }
                    (Kind::Keyword(keyword @ (Keyword::End | Keyword::Else)), None) => {
                        let message = format!("`{}` without a block to belong to", keyword.name());
                        return Err(Fault::new(token.at, message).hint("was an earlier block closed too soon?"));
                    }
                    (Kind::Keyword(Keyword::Define), None) => self.definition()?,
                    _ => nodes.push(self.action()?),
                },
                // The lexer makes nothing else outside of actions.
                _ => {
                    return match (self.lex_fault.take(), opener) {
                        (Some(fault), _) => Err(fault),
                        (None, None) => Ok((nodes, Stop::Eof)),
                        (None, Some((keyword, at))) => {
                            let (line, _) = place(self.text, at);
                            let message = format!("the `{}` opened on line {line} is never closed", keyword.name());
                            Err(Fault::new(at, message).hint("each block needs its {{ end }}"))
                        }
                    };
                }
            }
        }
    }

    fn action(&mut self) -> Result<Node<'t>, Fault> {
        let Token { kind, at, .. } = self.peek();
        let Kind::Keyword(keyword) = kind else { return Ok(Node::Action(self.pipeline("action")?)) };
        let scope = self.variables.len();
        self.deeper(at)?;
        let node = match keyword {
            Keyword::If => {
                let node = self.conditional(at)?;
                self.variables.truncate(scope);
                node
            }
            Keyword::With => {
                let block = self.block(keyword, at)?;
                self.variables.truncate(scope);
                Node::With(block)
            }
            Keyword::Break | Keyword::Continue => {
                self.advance();
                self.expect_close(keyword.name())?;
                if self.ranges == 0 {
                    return Err(Fault::new(at, format!("`{}` outside of a range", keyword.name())));
                }
                if keyword == Keyword::Break { Node::Break } else { Node::Continue }
            }
            Keyword::Range => {
                let block = self.block(keyword, at)?;
                self.variables.truncate(scope);
                Node::Range(block)
            }
            Keyword::Template => {
                self.advance();
                let name = self.template_name("template")?;
                let argument = match self.peek().kind {
                    Kind::Close => {
                        self.advance();
                        None
                    }
                    _ => Some(self.pipeline("template")?),
                };
                Node::Template { at, name, argument }
            }
            Keyword::Block => {
                self.advance();
                let name = self.template_name("block")?;
                let argument = Some(self.pipeline("block")?);
                self.body(name.clone(), (keyword, at))?;
                Node::Template { at, name, argument }
            }
            Keyword::Nil => Node::Action(self.pipeline("action")?),
            Keyword::Define | Keyword::Else | Keyword::End => {
                let token = self.advance();
                return Err(self.unexpected(token, "a block", ""));
            }
        };
        self.depth -= 1;
        Ok(node)
    }

    /// `if … else if … else … end`.
    fn conditional(&mut self, at: usize) -> Result<Node<'t>, Fault> {
        let mut branches = Vec::new();
        loop {
            self.advance();
            let pipe = self.pipeline("if")?;
            let (body, stop) = self.list(Some((Keyword::If, at)))?;
            branches.push((pipe, body));
            match stop {
                Stop::ElseIf => {}
                Stop::Else => {
                    let otherwise = self.otherwise((Keyword::If, at))?;
                    return Ok(Node::If { branches, otherwise });
                }
                Stop::End | Stop::Eof => return Ok(Node::If { branches, otherwise: Vec::new() }),
            }
        }
    }

    /// `range` or `with`.
    fn block(&mut self, keyword: Keyword, at: usize) -> Result<Block<'t>, Fault> {
        self.advance();
        let pipe = self.pipeline(keyword.name())?;
        let in_range = usize::from(keyword == Keyword::Range);
        self.ranges += in_range;
        let (body, stop) = self.list(Some((keyword, at)))?;
        self.ranges -= in_range;
        let otherwise = match stop {
            Stop::Else => self.otherwise((keyword, at))?,
            Stop::End | Stop::Eof => Vec::new(),
            Stop::ElseIf => {
                let message = format!("`{}` has no `else if`", keyword.name());
                return Err(Fault::new(self.peek().at, message).hint("write {{ else }}{{ if … }} … {{ end }}"));
            }
        };
        Ok(Block { pipe, body, otherwise })
    }

    fn otherwise(&mut self, opener: Opener) -> Result<Vec<Node<'t>>, Fault> {
        match self.list(Some(opener))? {
            (nodes, Stop::End | Stop::Eof) => Ok(nodes),
            (_, Stop::Else | Stop::ElseIf) => {
                let message = format!("a second `else` for the same `{}`", opener.0.name());
                Err(Fault::new(self.peek().at, message))
            }
        }
    }

    /// `define "name"` at the top level.
    fn definition(&mut self) -> Result<(), Fault> {
        let at = self.advance().at;
        let name = self.template_name("define")?;
        self.expect_close("define")?;
        self.body(name, (Keyword::Define, at))
    }

    /// The body of a `define` or `block`: a template of its own, which sees no outer variable.
    fn body(&mut self, name: String, opener: Opener) -> Result<(), Fault> {
        let outside = std::mem::replace(&mut self.variables, vec!["$"]);
        let ranges = std::mem::take(&mut self.ranges);
        let (nodes, stop) = self.list(Some(opener))?;
        self.variables = outside;
        self.ranges = ranges;
        match stop {
            Stop::End | Stop::Eof => self.define(name, nodes, opener.1),
            Stop::Else | Stop::ElseIf => {
                Err(Fault::new(self.peek().at, format!("`{}` has no `else`", opener.0.name())))
            }
        }
    }

    /// As in Go, an empty definition never replaces one and may be replaced.
    fn define(&mut self, name: String, nodes: Vec<Node<'t>>, at: usize) -> Result<(), Fault> {
        let is_empty = |nodes: &[Node<'_>]| {
            nodes.iter().all(|node| match node {
                Node::Text { text, .. } => text.trim().is_empty(),
                Node::Action(_)
                | Node::Break
                | Node::Continue
                | Node::If { .. }
                | Node::With(_)
                | Node::Range(_)
                | Node::Template { .. } => false,
            })
        };
        if self.templates.get(&name).is_none_or(|existing| is_empty(existing)) {
            self.templates.insert(name, nodes);
        } else if !is_empty(&nodes) {
            return Err(Fault::new(at, format!("the template {name:?} is defined twice")));
        }
        Ok(())
    }

    fn template_name(&mut self, context: &str) -> Result<String, Fault> {
        let token = self.advance();
        match token.kind {
            Kind::Quoted(quoted) => literal::text(quoted).map_err(|cause| cause.at(token.at)),
            Kind::Raw(raw) => Ok(raw.to_owned()),
            _ => Err(self.unexpected(token, context, "the template's name is a \"quoted text\"")),
        }
    }

    /// A pipeline and the `}}` after it.
    fn pipeline(&mut self, context: &str) -> Result<Pipe<'t>, Fault> {
        let pipe = self.commands(context)?;
        self.expect_close(context)?;
        Ok(pipe)
    }

    /// A pipeline up to, not including, the `}}` or `)` after it.
    fn commands(&mut self, context: &str) -> Result<Pipe<'t>, Fault> {
        let at = self.peek().at;
        let declares = self.declarations(context)?;
        let mut commands = Vec::new();
        while !matches!(self.peek().kind, Kind::Close | Kind::RightParen) {
            let command = self.command(context)?;
            if let (Some(first), false) = (command.first(), commands.is_empty())
                && first.term.is_plain()
                && first.fields.is_empty()
            {
                return Err(Fault::new(first.at, "only a function can stand after `|`"));
            }
            commands.push(command);
        }
        if commands.is_empty() {
            return Err(Fault::new(at, format!("missing value in {context}")));
        }
        Ok(Pipe { at, declares, commands })
    }

    /// `$a :=`, or in a range also `$a, $b :=`.
    fn declarations(&mut self, context: &str) -> Result<Vec<&'t str>, Fault> {
        let mut declares = Vec::new();
        while let (Kind::Variable(name), link @ (Kind::Declare | Kind::Comma)) = (self.peek().kind, self.nth(1).kind) {
            self.next += 2;
            declares.push(name);
            self.variables.push(name);
            if link == Kind::Declare {
                break;
            }
            if context != Keyword::Range.name() || declares.len() > 1 {
                return Err(Fault::new(self.peek().at, format!("too many variables declared in {context}")));
            }
        }
        Ok(declares)
    }

    /// Operands up to a `|`, which is consumed, or the end of the pipeline.
    fn command(&mut self, context: &str) -> Result<Vec<Operand<'t>>, Fault> {
        let mut operands = vec![self.operand(context)?];
        loop {
            let token = self.peek();
            match token.kind {
                Kind::Close | Kind::RightParen => return Ok(operands),
                Kind::Pipe => {
                    self.advance();
                    return Ok(operands);
                }
                _ if token.spaced => operands.push(self.operand(context)?),
                _ => {
                    self.advance();
                    return Err(self.unexpected(token, context, "operands are separated by spaces"));
                }
            }
        }
    }

    fn operand(&mut self, context: &str) -> Result<Operand<'t>, Fault> {
        let token = self.advance();
        let at = token.at;
        let mut fields = Vec::new();
        let term = match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field(name) => {
                fields.push(name);
                Term::Dot
            }
            Kind::Keyword(Keyword::Nil) => Term::Nil,
            Kind::Bool(value) => Term::Bool(value),
            Kind::Number(number) => literal::number(number).map_err(|cause| cause.at(at))?,
            Kind::Char(quoted) => Term::Int(literal::character(quoted).map_err(|cause| cause.at(at))?),
            Kind::Quoted(quoted) => Term::Text(Rc::from(literal::text(quoted).map_err(|cause| cause.at(at))?)),
            Kind::Raw(raw) => Term::Text(Rc::from(raw.replace('\r', ""))),
            Kind::Variable(name) if self.variables.contains(&name) => Term::Variable(name),
            Kind::Variable(name) => {
                let fault = Fault::new(at, format!("undefined variable `{name}`"));
                return Err(fault.hint(format!("an environment variable is written .{}", name.trim_start_matches('$'))));
            }
            Kind::Function(name) => Term::Function(Function::named(name).map_err(|cause| cause.at(at))?),
            Kind::LeftParen => {
                self.deeper(at)?;
                let pipe = self.commands("parentheses")?;
                let closing = self.advance();
                if closing.kind != Kind::RightParen {
                    return Err(Fault::new(at, "the parenthesis is never closed"));
                }
                self.depth -= 1;
                Term::Group(pipe)
            }
            Kind::Text(_)
            | Kind::Open
            | Kind::Close
            | Kind::Keyword(_)
            | Kind::RightParen
            | Kind::Pipe
            | Kind::Declare
            | Kind::Comma
            | Kind::Other(_)
            | Kind::End => return Err(self.unexpected(token, context, "")),
        };
        while let Token { kind: Kind::Field(name), spaced: false, at: dot } = self.peek() {
            if term.is_plain() && fields.is_empty() {
                return Err(Fault::new(dot, "unexpected `.` after a constant"));
            }
            self.advance();
            fields.push(name);
        }
        Ok(Operand { at, term, fields })
    }
}
