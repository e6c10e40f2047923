//! An object whose keys are known: in any letter case, the unknown ones reported with the nearest known one, the ones
//! that v3 took by accident taken with a warning (v3 spec 2.3).

use super::diagnostic::{Rule, Severity};
use super::foreign;
use super::keys::{JOB, Key, Object, Since, home_of};
use super::loose::Field;
use super::v2;
use super::value::{Kind, Member};
use pilot_core::nearest::nearest;

/// An object whose keys are known.
pub(super) struct Block<'a> {
    /// The object itself.
    pub field: Field<'a>,
    object: &'static Object,
    members: Vec<(&'static Key, Field<'a>)>,
}

impl<'a> Block<'a> {
    /// The value of a key; absent and `null` are the same.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        debug_assert!(self.object.key(key).is_some(), "{key} is not in the table of keys");
        self.members
            .iter()
            .find(|(known, _)| known.name == key)
            .map(|(_, field)| field.clone())
            .filter(|field| !field.is_null())
    }

    /// The same, and empty text is absent too.
    pub fn filled(&self, key: &str) -> Option<Field<'a>> {
        self.get(key).filter(|field| !field.is_empty_text())
    }

    /// Reports that a key is needed and not there.
    pub fn missing(&self, key: &str, complaint: &str, remedy: impl Into<String>) {
        self.field.at_key(Severity::Error, self.field.value.at, key, complaint, remedy.into());
    }

    /// Reports a finding of a kind about a key that is not there.
    pub fn find(&self, severity: Severity, rule: Rule, key: &str, complaint: &str, remedy: &str) {
        self.field.at_key_of(rule, severity, self.field.value.at, key, complaint, remedy.to_owned());
    }

    /// Keeps the last of several values; a key written in the exact letter case goes first, as in v3.
    fn put(&mut self, key: &'static Key, at: usize, field: Field<'a>, exact: bool) {
        let Some((_, old)) = self.members.iter_mut().find(|(known, _)| known.name == key.name) else {
            return self.members.push((key, field));
        };
        let complaint = "is given twice, and only one of them counts";
        self.field.at_key(Severity::Warning, at, key.name, complaint, "remove one of them".into());
        if exact || !old.path.ends_with(key.name) {
            *old = field;
        }
    }
}

impl<'a> Field<'a> {
    /// An object with these keys, in any letter case. Unknown keys are mistakes, except those that v3 ignores.
    pub fn block(&self, object: &'static Object) -> Option<Block<'a>> {
        self.open(object, str::eq_ignore_ascii_case)
    }

    /// The same, but letter case matters (the top level).
    pub fn strict_block(&self, object: &'static Object) -> Option<Block<'a>> {
        self.open(object, str::eq)
    }

    fn open(&self, object: &'static Object, same: fn(&str, &str) -> bool) -> Option<Block<'a>> {
        let Kind::Object(members) = &self.value.kind else {
            self.wrong_type("an object", "write it in braces: { key: value }");
            return None;
        };
        let mut block = Block { field: self.clone(), object, members: Vec::new() };
        for member in members {
            if let Some(key) = object.keys().find(|key| same(key.name, &member.key)) {
                if key.since == Since::Pilot {
                    self.issues.has_additions.set(true);
                }
                let field = Field { form: key.form, ..self.member(&member.key, &member.value) };
                block.put(key, member.at, field, member.key == key.name);
            } else if object.ignored.iter().any(|key| key.eq_ignore_ascii_case(&member.key)) {
                let complaint = "is ignored here, as ContainerPilot 3 ignored it";
                self.at_key(Severity::Warning, member.at, &member.key, complaint, "remove it".into());
            } else {
                self.unknown_key(member, object);
            }
        }
        Some(block)
    }

    fn unknown_key(&self, member: &Member, object: &'static Object) {
        let (at, key) = (member.at, member.key.as_str());
        if let Some(remedy) = v2::remedy(key, &member.value) {
            let complaint = "is a key of ContainerPilot 2, which ContainerPilot 3 and pilot do not know";
            return self.at_key_of(Rule::Version2, Severity::Error, at, key, complaint, remedy);
        }
        let foreign = if std::ptr::eq(object, &JOB) { foreign::remedy(key) } else { None };
        let known_here = || object.names().collect::<Vec<_>>().join(", ");
        let remedy = match (foreign, nearest(key, object.names()), home_of(key)) {
            (Some(remedy), ..) => remedy.to_owned(),
            (None, Some(near), _) => format!("did you mean `{near}`?"),
            (None, None, Some(home)) => format!("it belongs to {home}; known here: {}", known_here()),
            (None, None, None) => format!("known here: {}", known_here()),
        };
        self.at_key(Severity::Error, at, key, "is not a known key", remedy);
    }

    /// Reports about a key instead of its value.
    fn at_key(&self, severity: Severity, at: usize, key: &str, complaint: &str, remedy: String) {
        self.at_key_of(Rule::Configuration, severity, at, key, complaint, remedy);
    }

    fn at_key_of(&self, rule: Rule, severity: Severity, at: usize, key: &str, complaint: &str, remedy: String) {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let message = format!("{}{name} {complaint}", self.who);
        self.issues.add(severity, rule, at, &path, message, Some(remedy));
    }
}
