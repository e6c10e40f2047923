//! Walks the nodes and writes the text, with Go's rules of scope: a variable lives until the end of the block that
//! declares it, a called template sees only its `$`.

use super::bounds::{Budget, DEPTH, Output};
use super::error::{Cause, Fault};
use super::funcs;
use super::node::{Block, Node, Operand, Pipe, Templates, Term};
use super::printf;
use super::value::Value;
use super::{Rendered, Unset};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How it goes on after a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// Renders the template with the empty name.
pub(super) fn execute(templates: &Templates<'_>, env: &BTreeMap<String, String>) -> Result<Rendered, Fault> {
    let dot = Value::Env(env);
    let mut executor = Executor {
        env,
        templates,
        variables: vec![("$", dot.clone())],
        output: Output::default(),
        values: Vec::new(),
        unset: Vec::new(),
        missed: BTreeSet::new(),
        budget: Budget::new(),
        depth: 0,
    };
    if let Some(nodes) = templates.get("") {
        executor.walk(nodes, &dot)?;
    }
    Ok(Rendered { text: executor.output.into_string(), values: executor.values, unset: executor.unset })
}

struct Executor<'e, 'n> {
    env: &'e BTreeMap<String, String>,
    templates: &'n Templates<'n>,
    variables: Vec<(&'n str, Value<'e>)>,
    output: Output,
    values: Vec<Range<usize>>,
    unset: Vec<Unset>,
    /// Their names.
    missed: BTreeSet<String>,
    budget: Budget,
    depth: usize,
}

impl<'e, 'n> Executor<'e, 'n> {
    fn spend(&mut self, work: usize, at: usize) -> Result<(), Fault> {
        self.budget.spend(work).map_err(|cause| cause.at(at))
    }

    fn deeper(&mut self, at: usize) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            let fault = Fault::new(at, format!("more than {DEPTH} blocks and template calls inside each other"));
            return Err(fault.hint("does a template call itself without end?"));
        }
        Ok(())
    }

    fn walk(&mut self, nodes: &'n [Node<'n>], dot: &Value<'e>) -> Result<Flow, Fault> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &'n Node<'n>, dot: &Value<'e>) -> Result<Flow, Fault> {
        match node {
            Node::Text { at, text } => {
                self.spend(text.len(), *at)?;
                self.output.push(text).map_err(|cause| cause.at(*at))?;
                Ok(Flow::Next)
            }
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.declares.is_empty() {
                    self.print(&value, pipe)?;
                }
                Ok(Flow::Next)
            }
            Node::Break => Ok(Flow::Break),
            Node::Continue => Ok(Flow::Continue),
            Node::If { branches, otherwise } => self.scoped(|executor| executor.branch(branches, otherwise, dot)),
            Node::With(block) => self.scoped(|executor| executor.with(block, dot)),
            Node::Range(block) => self.scoped(|executor| executor.range(block, dot)),
            Node::Template { at, name, argument } => self.call(*at, name, argument.as_ref(), dot),
        }
    }

    /// Runs a block and forgets the variables it declared.
    fn scoped(&mut self, block: impl FnOnce(&mut Self) -> Result<Flow, Fault>) -> Result<Flow, Fault> {
        let mark = self.variables.len();
        let flow = block(self)?;
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// The body of a block, one level deeper.
    fn body(&mut self, at: usize, nodes: &'n [Node<'n>], dot: &Value<'e>) -> Result<Flow, Fault> {
        self.deeper(at)?;
        let flow = self.walk(nodes, dot)?;
        self.depth -= 1;
        Ok(flow)
    }

    fn print(&mut self, value: &Value<'e>, pipe: &Pipe<'n>) -> Result<(), Fault> {
        let before = self.output.len();
        match value {
            Value::Nil => self.output.push("<no value>"),
            Value::Unset(name) => {
                self.misses(name);
                Ok(())
            }
            _ => printf::value(&mut self.output, value),
        }
        .map_err(|cause| cause.at(pipe.at))?;
        let written = before..self.output.len();
        let of_variables = matches!(value, Value::Text(_) | Value::Texts(_) | Value::Env(_)) && !pipe.is_constant();
        if of_variables && !written.is_empty() {
            self.values.push(written.clone());
        }
        self.spend(written.len(), pipe.at)
    }

    /// Remembers that a variable is used and not set.
    fn misses(&mut self, name: &str) {
        if self.missed.insert(name.to_owned()) {
            self.unset.push(Unset { name: name.to_owned(), at: self.output.len() });
        }
    }

    fn branch(
        &mut self,
        branches: &'n [(Pipe<'n>, Vec<Node<'n>>)],
        otherwise: &'n [Node<'n>],
        dot: &Value<'e>,
    ) -> Result<Flow, Fault> {
        for (pipe, nodes) in branches {
            if self.pipe(pipe, dot)?.is_true() {
                return self.body(pipe.at, nodes, dot);
            }
        }
        self.walk(otherwise, dot)
    }

    fn with(&mut self, block: &'n Block<'n>, dot: &Value<'e>) -> Result<Flow, Fault> {
        let value = self.pipe(&block.pipe, dot)?;
        if value.is_true() { self.body(block.pipe.at, &block.body, &value) } else { self.walk(&block.otherwise, dot) }
    }

    fn range(&mut self, block: &'n Block<'n>, dot: &Value<'e>) -> Result<Flow, Fault> {
        let at = block.pipe.at;
        let index = |index: usize| Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
        let list = self.pipe(&block.pipe, dot)?;
        let elements: Box<dyn Iterator<Item = (Value<'e>, Value<'e>)> + '_> = match &list {
            Value::Ints(ints) => Box::new(ints.iter().enumerate().map(|(i, int)| (index(i), Value::Int(*int)))),
            Value::Texts(texts) => {
                Box::new(texts.iter().enumerate().map(|(i, text)| (index(i), Value::Text(text.clone()))))
            }
            Value::Env(env) => Box::new(env.iter().map(|(name, value)| (Value::text(name), Value::text(value)))),
            Value::Nil => Box::new(std::iter::empty()),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Unset(_) => {
                let fault = Fault::new(at, format!("range needs a list or a map, not {}", list.type_name()));
                return Err(fault.hint("`split \",\" .LIST` and `loop 3` make lists"));
            }
        };
        let mark = self.variables.len();
        let mut is_empty = true;
        for (index, element) in elements {
            is_empty = false;
            self.spend(1 + element.weight(), at)?;
            // The pipeline has just declared them: with two variables the first is the index, the last the element.
            let mut declared = self.variables.iter_mut().rev().take(block.pipe.declares.len());
            if let Some((_, last)) = declared.next() {
                *last = element.clone();
            }
            if let Some((_, first)) = declared.next() {
                *first = index;
            }
            let flow = self.body(at, &block.body, &element)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        if is_empty { self.walk(&block.otherwise, dot) } else { Ok(Flow::Next) }
    }

    fn call(&mut self, at: usize, name: &str, argument: Option<&'n Pipe<'n>>, dot: &Value<'e>) -> Result<Flow, Fault> {
        let templates = self.templates;
        let Some(nodes) = templates.get(name) else {
            return Err(Fault::new(at, format!("template {name:?} is not defined")));
        };
        self.spend(1, at)?;
        let mark = self.variables.len();
        let dot = argument.map_or(Ok(Value::Nil), |pipe| self.pipe(pipe, dot))?;
        self.variables.truncate(mark);
        let outside = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        self.body(at, nodes, &dot)?;
        self.variables = outside;
        Ok(Flow::Next)
    }

    fn pipe(&mut self, pipe: &'n Pipe<'n>, dot: &Value<'e>) -> Result<Value<'e>, Fault> {
        let mut piped = None;
        for command in &pipe.commands {
            piped = Some(self.command(command, piped, pipe.at, dot)?);
        }
        let value = piped.unwrap_or(Value::Nil);
        self.variables.extend(pipe.declares.iter().map(|name| (*name, value.clone())));
        Ok(value)
    }

    fn command(
        &mut self,
        command: &'n [Operand<'n>],
        piped: Option<Value<'e>>,
        at: usize,
        dot: &Value<'e>,
    ) -> Result<Value<'e>, Fault> {
        let Some((first, rest)) = command.split_first() else { return Err(Fault::new(at, "missing value")) };
        if first.fields.is_empty() {
            match &first.term {
                Term::Function(function) => return self.apply(*function, first.at, rest, piped, dot),
                // Go 1.9 ignores what follows a parenthesised pipeline.
                Term::Group(_) => return self.operand(first, dot),
                Term::Nil => return Err(Fault::new(first.at, "nil is not a value")),
                Term::Dot | Term::Bool(_) | Term::Int(_) | Term::Float(_) | Term::Text(_) | Term::Variable(_) => {}
            }
        }
        if !rest.is_empty() || piped.is_some() {
            let fault = Fault::new(first.at, "this is not a function and takes no arguments");
            return Err(fault.hint("the function comes first: default 8080 .PORT, or .PORT | default 8080"));
        }
        self.operand(first, dot)
    }

    fn operand(&mut self, operand: &'n Operand<'n>, dot: &Value<'e>) -> Result<Value<'e>, Fault> {
        self.spend(1, operand.at)?;
        let mut value = match &operand.term {
            Term::Dot => dot.clone(),
            Term::Nil => Value::Nil,
            Term::Bool(value) => Value::Bool(*value),
            Term::Int(value) => Value::Int(*value),
            Term::Float(value) => Value::Float(*value),
            Term::Text(text) => Value::Text(text.clone()),
            Term::Variable(name) => match self.variables.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => value.clone(),
                // The parser has seen a declaration, but it was in a branch that was not taken.
                None => return Err(Fault::new(operand.at, format!("undefined variable `{name}`"))),
            },
            Term::Function(function) => self.apply(*function, operand.at, &[], None, dot)?,
            Term::Group(pipe) => {
                self.deeper(operand.at)?;
                let value = self.pipe(pipe, dot)?;
                self.depth -= 1;
                value
            }
        };
        for name in &operand.fields {
            value = self.field(&value, name, operand.at)?;
        }
        Ok(value)
    }

    fn field(&mut self, value: &Value<'e>, name: &str, at: usize) -> Result<Value<'e>, Fault> {
        match value {
            Value::Env(env) => {
                let value = Value::of_variable(env, name);
                self.spend(value.weight() / 16, at)?;
                Ok(value)
            }
            Value::Nil => Ok(Value::Nil),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Unset(_)
            | Value::Texts(_)
            | Value::Ints(_) => {
                let fault = Fault::new(at, format!("no field `{name}` in a {}", value.type_name()));
                Err(fault.hint(format!("inside range and with the dot is the element: write $.{name}")))
            }
        }
    }

    /// What is made of a variable that is not set is made of empty text, and that is a use of it; comparing is none.
    fn settle(&mut self, function: funcs::Function, argument: &mut Value<'e>) {
        if let (Value::Unset(name), false) = (&*argument, function.passes_on()) {
            if !function.compares() {
                self.misses(&name.clone());
            }
            *argument = Value::text("");
        }
    }

    /// Calls a function with its operands and, last, the piped value. All of them are evaluated, as in Go 1.9.
    fn apply(
        &mut self,
        function: funcs::Function,
        at: usize,
        operands: &'n [Operand<'n>],
        piped: Option<Value<'e>>,
        dot: &Value<'e>,
    ) -> Result<Value<'e>, Fault> {
        let mut arguments = operands.iter().map(|op| self.operand(op, dot)).collect::<Result<Vec<_>, Fault>>()?;
        arguments.extend(piped);
        for argument in &mut arguments {
            self.settle(function, argument);
        }
        self.spend(1 + arguments.iter().map(Value::weight).sum::<usize>(), at)?;
        let result = funcs::apply(function, &arguments, self.env, &mut self.budget);
        let value = result.map_err(|cause: Cause| cause.at(at))?;
        self.spend(value.weight(), at)?;
        Ok(value)
    }
}
