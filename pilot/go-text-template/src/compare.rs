//! `eq ne lt le gt ge` as in Go 1.9: only basic types compare, and only with their own kind.

use super::error::Cause;
use super::value::Value;
use std::cmp::Ordering;

#[derive(Clone, Copy)]
pub(super) enum Order {
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `eq A B…`: A equals one of the others. Stops at the first that does, as Go does.
pub(super) fn equals_any(value: &Value<'_>, others: &[Value<'_>]) -> Result<bool, Cause> {
    check_basic(value)?;
    if others.is_empty() {
        return Err(Cause::new("`eq` has nothing to compare with"));
    }
    for other in others {
        if equal(value, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn holds(order: Order, a: &Value<'_>, b: &Value<'_>) -> Result<bool, Cause> {
    // Go makes `le` of `lt` and `eq`, and `gt` and `ge` of their negations; so NaN is greater than everything.
    Ok(match order {
        Order::NotEqual => !equal(a, b)?,
        Order::Less => less(a, b)?,
        Order::LessOrEqual => less(a, b)? || equal(a, b)?,
        Order::Greater => !(less(a, b)? || equal(a, b)?),
        Order::GreaterOrEqual => !less(a, b)?,
    })
}

fn equal(a: &Value<'_>, b: &Value<'_>) -> Result<bool, Cause> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        _ => Ok(compare(a, b)? == Some(Ordering::Equal)),
    }
}

fn less(a: &Value<'_>, b: &Value<'_>) -> Result<bool, Cause> {
    Ok(compare(a, b)? == Some(Ordering::Less))
}

fn compare(a: &Value<'_>, b: &Value<'_>) -> Result<Option<Ordering>, Cause> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        (Value::Bool(_), Value::Bool(_)) => Err(Cause::new("bools have no order")),
        _ => {
            check_basic(a)?;
            check_basic(b)?;
            let cause = Cause::new(format!("cannot compare a {} with a {}", a.type_name(), b.type_name()));
            Err(match (a, b) {
                (Value::Text(_), _) | (_, Value::Text(_)) => {
                    cause.hint("environment variables are strings: compare with \"1\", not 1")
                }
                _ => cause,
            })
        }
    }
}

fn check_basic(value: &Value<'_>) -> Result<(), Cause> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => Ok(()),
        Value::Nil | Value::Unset(_) | Value::Texts(_) | Value::Ints(_) | Value::Env(_) => {
            Err(Cause::new(format!("a {} cannot be compared", value.type_name())))
        }
    }
}
