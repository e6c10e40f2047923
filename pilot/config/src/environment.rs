//! The environment of one job: `env`, `envFile`, `inheritEnv`. Additions to v3. No message repeats a value.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pilot_core::number::plain;
use pilot_core::plan::{Inherit, Secret, Variable};

use super::keys;
use super::loose::Field;
use super::process::path;
use super::value::Kind;

/// `env`: names with a text, `null` (removed) or `{ file: path }`.
pub(super) fn variables(field: &Field<'_>) -> BTreeMap<String, Variable> {
    let Kind::Object(members) = &field.value.kind else {
        field.error(format!("must be an object of texts, not {}", shape(field)), "write { NAME: \"value\" }");
        return BTreeMap::new();
    };
    let mut variables = BTreeMap::new();
    for member in members {
        let field = field.member(&member.key, &member.value);
        if let Some(variable) = check_name(&field, &member.key).and_then(|()| variable(&field)) {
            variables.insert(member.key.clone(), variable);
        }
    }
    variables
}

fn variable(field: &Field<'_>) -> Option<Variable> {
    let text = match &field.value.kind {
        Kind::Null => return Some(Variable::Removed),
        Kind::Object(_) => return from_file(field),
        Kind::Text(text) => text.clone(),
        Kind::Number(number) => plain(*number),
        Kind::Bool(value) => value.to_string(),
        Kind::List(_) => {
            field.error("must be text, not a list", "write it in quotes");
            return None;
        }
    };
    if text.contains('\0') {
        field.error("contains a NUL byte, which no process can be given", "remove it");
        return None;
    }
    Some(Variable::Value(Secret::new(text)))
}

fn from_file(field: &Field<'_>) -> Option<Variable> {
    let block = field.block(&keys::VARIABLE)?;
    let Some(file) = block.get("file") else {
        block.missing("file", "is needed", "write { file: \"/run/secrets/name\" }, or the value in quotes");
        return None;
    };
    path(&file).map(Variable::File)
}

/// `envFile`: a path or a list of them.
pub(super) fn files(field: &Field<'_>) -> Vec<PathBuf> {
    match &field.value.kind {
        Kind::List(_) => field.items().unwrap_or_default().iter().filter_map(path).collect(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Object(_) => {
            path(field).into_iter().collect()
        }
    }
}

/// `inheritEnv`: true, false or the names of those that are inherited.
pub(super) fn inherit(field: &Field<'_>) -> Option<Inherit> {
    if !matches!(field.value.kind, Kind::List(_)) {
        let all = field.flag()?;
        return Some(if all { Inherit::All } else { Inherit::Only(Vec::new()) });
    }
    let names = field.items()?.into_iter().filter_map(|item| {
        let name = item.text()?;
        check_name(&item, &name).map(|()| name)
    });
    Some(Inherit::Only(names.collect()))
}

fn check_name(field: &Field<'_>, name: &str) -> Option<()> {
    if name.is_empty() || name.contains(['=', '\0']) {
        field.error("is not the name of a variable", "use letters, digits and `_`");
        return None;
    }
    Some(())
}

/// What a value is, without the value.
fn shape(field: &Field<'_>) -> &'static str {
    match field.value.kind {
        Kind::Null => "null",
        Kind::Bool(_) => "true or false",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "text",
        Kind::List(_) => "a list",
        Kind::Object(_) => "an object",
    }
}
