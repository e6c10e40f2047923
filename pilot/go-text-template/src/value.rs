//! The values a template can hold. No `Debug` and no `Display`: values may be secrets and belong in the output only.

use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Clone)]
pub(super) enum Value<'e> {
    /// Go's nil, and the dot of a template that is called without an argument.
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A variable of this name that is not set; in all else empty text.
    Unset(Rc<str>),
    /// What `split` makes.
    Texts(Rc<[Rc<str>]>),
    /// What `loop` makes.
    Ints(Rc<[i64]>),
    /// The environment itself.
    Env(&'e BTreeMap<String, String>),
}

impl Value<'_> {
    pub(super) fn text(text: &str) -> Self {
        Value::Text(Rc::from(text))
    }

    /// The value of a variable.
    pub(super) fn of_variable(env: &BTreeMap<String, String>, name: &str) -> Self {
        env.get(name).map_or_else(|| Value::Unset(Rc::from(name)), |value| Value::text(value))
    }

    /// Go's name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::Text(_) | Value::Unset(_) => "string",
            Value::Texts(_) => "[]string",
            Value::Ints(_) => "[]int",
            Value::Env(_) => "template.Environment",
        }
    }

    /// Whether `if` takes the first branch: not zero and not empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Nil | Value::Unset(_) => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Texts(list) => !list.is_empty(),
            Value::Ints(list) => !list.is_empty(),
            Value::Env(env) => !env.is_empty(),
        }
    }

    /// Roughly its bytes, for the budget. The environment is never copied.
    pub(super) fn weight(&self) -> usize {
        match self {
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Unset(_) | Value::Env(_) => 1,
            Value::Text(text) => text.len(),
            Value::Texts(list) => list.iter().map(|text| text.len() + 32).sum(),
            Value::Ints(list) => list.len() * 8,
        }
    }
}
