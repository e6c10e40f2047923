//! The functions a template can call: their names, how many arguments they take, and the general ones among them.

use super::bounds::{Budget, Output};
use super::compare::{self, Order};
use super::error::Cause;
use super::escape;
use super::printf;
use super::strings;
use super::value::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Go's builtins, the seven that v3 adds, and `required`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Call,
    Default,
    Env,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Join,
    Js,
    Le,
    Len,
    Loop,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    RegexReplaceAll,
    ReplaceAll,
    Required,
    Slice,
    Split,
    Urlquery,
}

/// Name, function, fewest and most arguments.
const TABLE: [(&str, Function, usize, usize); 27] = [
    ("and", Function::And, 1, usize::MAX),
    ("call", Function::Call, 1, usize::MAX),
    ("default", Function::Default, 2, 2),
    ("env", Function::Env, 1, 1),
    ("eq", Function::Eq, 1, usize::MAX),
    ("ge", Function::Ge, 2, 2),
    ("gt", Function::Gt, 2, 2),
    ("html", Function::Html, 0, usize::MAX),
    ("index", Function::Index, 1, usize::MAX),
    ("join", Function::Join, 2, 2),
    ("js", Function::Js, 0, usize::MAX),
    ("le", Function::Le, 2, 2),
    ("len", Function::Len, 1, 1),
    ("loop", Function::Loop, 1, 2),
    ("lt", Function::Lt, 2, 2),
    ("ne", Function::Ne, 2, 2),
    ("not", Function::Not, 1, 1),
    ("or", Function::Or, 1, usize::MAX),
    ("print", Function::Print, 0, usize::MAX),
    ("printf", Function::Printf, 1, usize::MAX),
    ("println", Function::Println, 0, usize::MAX),
    ("regexReplaceAll", Function::RegexReplaceAll, 3, 3),
    ("replaceAll", Function::ReplaceAll, 3, 3),
    ("required", Function::Required, 2, 2),
    ("slice", Function::Slice, 1, 3),
    ("split", Function::Split, 2, 2),
    ("urlquery", Function::Urlquery, 0, usize::MAX),
];

impl Function {
    /// The function of that name, or a cause that names the nearest one.
    pub(super) fn named(name: &str) -> Result<Self, Cause> {
        if let Some((_, function, ..)) = TABLE.iter().find(|(known, ..)| *known == name) {
            return Ok(*function);
        }
        let cause = Cause::new(format!("unknown function `{name}`"));
        // A short name is near to everything, and no name of ours is as long as the longest that is compared.
        let near = if name.len() < 5 { 1 } else { 2 };
        let lower = name.to_lowercase();
        let distance = |known: &str| match name.len() {
            ..=32 => strsim::osa_distance(&lower, &known.to_lowercase()),
            far => far,
        };
        Err(match TABLE.iter().map(|(known, ..)| (distance(known), *known)).min() {
            Some((distance, nearest)) if distance <= near => cause.hint(format!("did you mean `{nearest}`?")),
            Some(_) | None => cause.hint(format!("an environment variable is written .{name}")),
        })
    }

    /// Whether it hands on a variable that is not set, or answers for it.
    pub(super) fn passes_on(self) -> bool {
        matches!(self, Function::And | Function::Or | Function::Not | Function::Default | Function::Required)
    }

    /// Whether it asks what a value is, and writes none of it.
    pub(super) fn compares(self) -> bool {
        use Function::{Env, Eq, Ge, Gt, Le, Len, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge | Len | Env)
    }

    fn name(self) -> &'static str {
        TABLE.iter().find(|(_, function, ..)| *function == self).map_or("", |(name, ..)| name)
    }

    fn check_count(self, count: usize) -> Result<(), Cause> {
        let Some((name, _, least, most)) = TABLE.iter().find(|(_, function, ..)| *function == self) else {
            return Ok(());
        };
        let takes = match (*least, *most) {
            (least, most) if (least..=most).contains(&count) => return Ok(()),
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        Err(Cause::new(format!("`{name}` takes {takes} arguments, not {count}")))
    }
}

/// The arguments of one call, checked as they are taken.
pub(super) struct Arguments<'a, 'e> {
    function: Function,
    values: &'a [Value<'e>],
}

impl<'a, 'e> Arguments<'a, 'e> {
    pub(super) fn all(&self) -> &'a [Value<'e>] {
        self.values
    }

    pub(super) fn get(&self, index: usize) -> Result<&'a Value<'e>, Cause> {
        self.values.get(index).ok_or_else(|| Cause::new(format!("`{}` lacks an argument", self.function.name())))
    }

    pub(super) fn rest(&self) -> &'a [Value<'e>] {
        self.values.get(1..).unwrap_or(&[])
    }

    pub(super) fn text(&self, index: usize) -> Result<&'a str, Cause> {
        match self.get(index)? {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong(index, "string", other)),
        }
    }

    pub(super) fn wrong(&self, index: usize, wanted: &str, got: &Value<'_>) -> Cause {
        let (number, name, got) = (index + 1, self.function.name(), got.type_name());
        Cause::new(format!("argument {number} of `{name}` must be {wanted}, not {got}"))
    }
}

/// Calls `function`. What it reads and returns is charged to the budget by the caller; what it does beyond that, here.
pub(super) fn apply<'e>(
    function: Function,
    values: &[Value<'e>],
    env: &'e BTreeMap<String, String>,
    budget: &mut Budget,
) -> Result<Value<'e>, Cause> {
    function.check_count(values.len())?;
    let args = Arguments { function, values };
    let order = |order| Ok(Value::Bool(compare::holds(order, args.get(0)?, args.get(1)?)?));
    match function {
        Function::And => {
            Ok(args.all().iter().find(|v| !v.is_true()).or(args.all().last()).cloned().unwrap_or(Value::Nil))
        }
        Function::Or => {
            Ok(args.all().iter().find(|v| v.is_true()).or(args.all().last()).cloned().unwrap_or(Value::Nil))
        }
        Function::Not => Ok(Value::Bool(!args.get(0)?.is_true())),
        Function::Call => {
            Err(args.wrong(0, "a function", args.get(0)?).hint("variables never are; there is no use for call"))
        }
        Function::Eq => Ok(Value::Bool(compare::equals_any(args.get(0)?, args.rest())?)),
        Function::Ne => order(Order::NotEqual),
        Function::Lt => order(Order::Less),
        Function::Le => order(Order::LessOrEqual),
        Function::Gt => order(Order::Greater),
        Function::Ge => order(Order::GreaterOrEqual),
        Function::Len => len(&args),
        Function::Index => args.rest().iter().try_fold(args.get(0)?.clone(), |value, key| index(&value, key)),
        Function::Print => written(|out| printf::print(out, args.all())),
        Function::Println => written(|out| printf::println(out, args.all())),
        Function::Printf => written(|out| printf::printf(out, args.text(0)?, args.rest())),
        Function::Html => written(|out| escape::html(out, &printf::joined(args.all())?)),
        Function::Js => written(|out| escape::js(out, &printf::joined(args.all())?)),
        Function::Urlquery => written(|out| escape::urlquery(out, &printf::joined(args.all())?)),
        Function::Default => match args.get(1)? {
            text @ Value::Text(given) if !given.is_empty() => Ok(text.clone()),
            _ => written(|out| printf::value(out, args.get(0)?)),
        },
        Function::Env => Ok(Value::of_variable(env, args.text(0)?)),
        Function::Required => match args.get(1)? {
            Value::Unset(_) | Value::Nil => Err(missing(&args)),
            Value::Text(text) if text.is_empty() => Err(missing(&args)),
            given => Ok(given.clone()),
        },
        Function::Slice => slice(&args),
        Function::Split => strings::split(&args),
        Function::Join => written(|out| strings::join(out, &args)),
        Function::ReplaceAll => written(|out| strings::replace_all(out, &args)),
        Function::RegexReplaceAll => written(|out| strings::regex_replace_all(out, &args, budget)),
        Function::Loop => strings::count(&args),
    }
}

/// The text that `write` writes.
fn written<'e>(write: impl FnOnce(&mut Output) -> Result<(), Cause>) -> Result<Value<'e>, Cause> {
    let mut out = Output::default();
    write(&mut out)?;
    Ok(Value::Text(Rc::from(out.into_string())))
}

/// `required MESSAGE VALUE` without a value. The message is the template's own, if it is written there.
fn missing(args: &Arguments<'_, '_>) -> Cause {
    match (args.text(0), args.get(1)) {
        (Ok(message), _) if !message.is_empty() => Cause::new(message),
        (_, Ok(Value::Unset(name))) => Cause::new(format!("the variable {name} is required")),
        _ => Cause::new("a value is required here, and there is none"),
    }
}

/// `slice VALUE FROM TO`: a part of a text (counted in bytes, as in Go) or of a list.
fn slice<'e>(args: &Arguments<'_, 'e>) -> Result<Value<'e>, Cause> {
    let mut bounds = [None, None];
    for (at, bound) in args.rest().iter().enumerate() {
        let Value::Int(number) = bound else { return Err(args.wrong(at + 1, "a number", bound)) };
        let number = usize::try_from(*number).map_err(|_| Cause::new("`slice` is out of range"))?;
        if let Some(place) = bounds.get_mut(at) {
            *place = Some(number);
        }
    }
    let [from, to] = bounds;
    let range = |len: usize| from.unwrap_or(0)..to.unwrap_or(len);
    let part = match args.get(0)? {
        Value::Text(text) => text.get(range(text.len())).map(Value::text),
        Value::Texts(list) => list.get(range(list.len())).map(|part| Value::Texts(Rc::from(part))),
        Value::Ints(list) => list.get(range(list.len())).map(|part| Value::Ints(Rc::from(part))),
        other => return Err(args.wrong(0, "a string or a list", other)),
    };
    part.ok_or_else(|| Cause::new("`slice` is out of range, or within a character"))
}

/// Bytes of a text (as in Go), elements of a list, entries of a map.
fn len<'e>(args: &Arguments<'_, 'e>) -> Result<Value<'e>, Cause> {
    let len = match args.get(0)? {
        Value::Text(text) => text.len(),
        Value::Texts(list) => list.len(),
        Value::Ints(list) => list.len(),
        Value::Env(env) => env.len(),
        other @ (Value::Nil | Value::Unset(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
            return Err(args.wrong(0, "a string, a list or a map", other));
        }
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}

/// One step of `index`: a variable by its name, an element by its number, a byte of a text.
fn index<'e>(value: &Value<'e>, key: &Value<'e>) -> Result<Value<'e>, Cause> {
    let found = match (value, key) {
        (Value::Env(env), Value::Text(name)) => Some(Value::of_variable(env, name)),
        (Value::Text(text), Value::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at)).map(|byte| Value::Int(i64::from(*byte)))
        }
        (Value::Texts(list), Value::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| list.get(at)).map(|text| Value::Text(text.clone()))
        }
        (Value::Ints(list), Value::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| list.get(at)).map(|int| Value::Int(*int))
        }
        (Value::Env(_) | Value::Text(_) | Value::Texts(_) | Value::Ints(_), _) => {
            return Err(Cause::new(format!("`index` cannot look up a {} in a {}", key.type_name(), value.type_name())));
        }
        (Value::Nil | Value::Unset(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_), _) => {
            return Err(Cause::new(format!("`index` cannot look into a {}", value.type_name())));
        }
    };
    found.ok_or_else(|| Cause::new("`index` is out of range").hint("the first element has the index 0"))
}
