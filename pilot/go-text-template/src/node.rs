//! The parsed template. Names and text are slices of the source; `at` is a byte offset into it.

use super::funcs::Function;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Every template by its name; the file itself is the one with the empty name, as in v3.
pub(super) type Templates<'t> = BTreeMap<String, Vec<Node<'t>>>;

pub(super) enum Node<'t> {
    Text {
        at: usize,
        text: &'t str,
    },
    Action(Pipe<'t>),
    /// Out of the innermost `range`.
    Break,
    /// On to the next element of the innermost `range`.
    Continue,
    /// `if` and its `else if`s in order, then `else`. One scope, as in Go: a later branch sees the earlier variables.
    If {
        branches: Vec<(Pipe<'t>, Vec<Node<'t>>)>,
        otherwise: Vec<Node<'t>>,
    },
    With(Block<'t>),
    Range(Block<'t>),
    Template {
        at: usize,
        name: String,
        argument: Option<Pipe<'t>>,
    },
}

pub(super) struct Block<'t> {
    pub(super) pipe: Pipe<'t>,
    pub(super) body: Vec<Node<'t>>,
    pub(super) otherwise: Vec<Node<'t>>,
}

/// `$a, $b := command | command`. A command is its operands; the first may be a function.
pub(super) struct Pipe<'t> {
    pub(super) at: usize,
    pub(super) declares: Vec<&'t str>,
    pub(super) commands: Vec<Vec<Operand<'t>>>,
}

/// A term and the fields taken of it: `.A.B` is the dot with two fields.
pub(super) struct Operand<'t> {
    pub(super) at: usize,
    pub(super) term: Term<'t>,
    pub(super) fields: Vec<&'t str>,
}

pub(super) enum Term<'t> {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// With its `$`.
    Variable(&'t str),
    Function(Function),
    Group(Pipe<'t>),
}

impl Pipe<'_> {
    /// Whether it writes the same whatever the variables are.
    pub(super) fn is_constant(&self) -> bool {
        let constant = |operand: &Operand<'_>| matches!(operand.term, Term::Text(_)) && operand.fields.is_empty();
        matches!(self.commands.as_slice(), [command] if command.len() == 1 && command.iter().all(constant))
    }
}

impl Term<'_> {
    /// Constants and the dot: they have no fields of their own and cannot be piped into.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Term::Dot | Term::Nil | Term::Bool(_) | Term::Int(_) | Term::Float(_) | Term::Text(_) => true,
            Term::Variable(_) | Term::Function(_) | Term::Group(_) => false,
        }
    }
}
