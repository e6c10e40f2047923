//! An object whose keys are known: in any letter case, the unknown ones reported with the nearest known one, the ones
//! that v3 took by accident taken with a warning (v3 spec 2.3).

use super::diagnostic::{Rule, Severity};
use super::homes::home_of;
use super::v2;
use super::value::{Kind, Member};
use super::weak::Field;
use pilot_core::nearest::nearest;

/// An object whose keys are known.
pub(super) struct Block<'a> {
    /// The object itself.
    pub field: Field<'a>,
    members: Vec<(&'static str, Field<'a>)>,
}

impl<'a> Block<'a> {
    /// The value of a key; absent and `null` are the same.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        self.members
            .iter()
            .find(|(name, _)| *name == key)
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

    /// Keeps the last of several values; a key written in the exact letter case goes first, as in v3.
    fn put(&mut self, key: &'static str, at: usize, field: Field<'a>, exact: bool) {
        let Some((_, old)) = self.members.iter_mut().find(|(name, _)| *name == key) else {
            return self.members.push((key, field));
        };
        let complaint = "is given twice, and only one of them counts";
        self.field.at_key(Severity::Warning, at, key, complaint, "remove one of them".into());
        if exact || !old.path.ends_with(key) {
            *old = field;
        }
    }
}

impl<'a> Field<'a> {
    /// An object with these keys, in any letter case. Unknown keys are mistakes, except those that v3 ignores.
    pub fn block(&self, known: &[&'static str], ignored: &[&str]) -> Option<Block<'a>> {
        self.open(known, ignored, str::eq_ignore_ascii_case)
    }

    /// The same, but letter case matters (the top level).
    pub fn strict_block(&self, known: &[&'static str]) -> Option<Block<'a>> {
        self.open(known, &[], str::eq)
    }

    fn open(&self, known: &[&'static str], ignored: &[&str], same: fn(&str, &str) -> bool) -> Option<Block<'a>> {
        #[cfg(test)]
        assert!(super::reference::describes(known), "{known:?} are not the keys of an object in config/reference");
        let Kind::Object(members) = &self.value.kind else {
            self.wrong_type("an object", "write it in braces: { key: value }");
            return None;
        };
        let mut block = Block { field: self.clone(), members: Vec::new() };
        for member in members {
            if let Some(key) = known.iter().find(|key| same(key, &member.key)) {
                let field = self.member(&member.key, &member.value);
                block.put(key, member.at, field, member.key == *key);
            } else if ignored.iter().any(|key| key.eq_ignore_ascii_case(&member.key)) {
                let complaint = "is ignored here, as ContainerPilot 3 ignored it";
                self.at_key(Severity::Warning, member.at, &member.key, complaint, "remove it".into());
            } else {
                self.unknown_key(member, known);
            }
        }
        Some(block)
    }

    fn unknown_key(&self, member: &Member, known: &[&'static str]) {
        let (at, key) = (member.at, member.key.as_str());
        if let Some(remedy) = v2::remedy(key, &member.value) {
            let complaint = "is a key of ContainerPilot 2, which ContainerPilot 3 and pilot do not know";
            return self.at_key_of(Rule::Version2, Severity::Error, at, key, complaint, remedy);
        }
        let known_here = known.join(", ");
        let remedy = match (nearest(key, known.iter().copied()), home_of(key)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(home)) => format!("it belongs to {home}; known here: {known_here}"),
            (None, None) => format!("known here: {known_here}"),
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
