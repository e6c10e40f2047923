//! The reference: one table of all keys. The manual's tables and the JSON Schema are made from it, and a block that is read
//! anywhere without being described here fails the tests.

pub(super) mod manual;
mod more;
mod schema;
mod tables;

use more::MORE;
use tables::TABLES;

/// Who brought a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    V3,
    Pilot,
}

/// What a key takes, as far as a schema can say it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Text; a number or a boolean becomes text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The name of an event.
    Event,
    Integer(i64, i64),
    Number(f64, f64),
    Bool,
    /// Whole seconds, or text with units.
    Duration,
    Seconds,
    /// A number, or a word such as `"unlimited"`.
    Count,
    TextOrNumber,
    Texts,
    TextOrTexts,
    BoolOrTexts,
    List(&'static Form),
    /// An object of texts.
    Map,
    /// An object whose keys are in this reference.
    Object,
    /// A list of such objects.
    Objects,
    /// An object of a name, or text in its place.
    Ref(&'static str),
    Consul,
    Restarts,
    Notify,
    Tcp,
    Status,
    Waits,
    Limit,
    Variables,
    /// Addresses by name.
    Addresses,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// From the table's object on, as `logging.raw`.
    pub name: &'static str,
    pub since: Since,
    pub form: Form,
    /// The form in words.
    pub words: &'static str,
    pub default: &'static str,
    pub says: &'static str,
}

/// The keys of one object. Several tables may share an object.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Where it stands: `jobs[].health`; of what stands in several places a name: `#http`.
    pub object: &'static str,
    pub keys: &'static [Key],
}

const fn key(
    name: &'static str,
    since: Since,
    form: Form,
    words: &'static str,
    default: &'static str,
    says: &'static str,
) -> Key {
    Key { name, since, form, words, default, says }
}

/// All keys with their whole paths.
fn keys() -> impl Iterator<Item = (String, Key)> {
    TABLES.into_iter().chain(MORE).flat_map(|table| {
        let whole = move |key: &Key| {
            if table.object.is_empty() { key.name.to_owned() } else { format!("{}.{}", table.object, key.name) }
        };
        table.keys.iter().map(move |key| (whole(key), *key))
    })
}

/// The keys that an object has, each once, in the order of the tables.
fn children(object: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (path, _) in keys() {
        let rest = if object.is_empty() {
            Some(path.as_str()).filter(|path| !path.starts_with('#'))
        } else {
            path.strip_prefix(object).and_then(|rest| rest.strip_prefix('.'))
        };
        let Some(child) = rest.and_then(|rest| rest.split(['.', '[']).next()) else { continue };
        if !found.iter().any(|known| known == child) {
            found.push(child.to_owned());
        }
    }
    found
}

/// Every object that has keys.
fn objects() -> Vec<String> {
    let mut found = vec![String::new()];
    for (path, _) in keys() {
        for (at, _) in path.match_indices('.') {
            if !found.iter().any(|known| known == &path[..at]) {
                found.push(path[..at].to_owned());
            }
        }
    }
    found
}

/// How many objects have a key of this name.
pub(super) fn knowers_of(key: &str) -> usize {
    objects().iter().filter(|object| children(object).iter().any(|child| child == key)).count()
}

/// Whether an object with exactly these keys is in the reference. Asked at every block that a test reads.
pub(super) fn describes(known: &[&str]) -> bool {
    let mut wanted: Vec<&str> = known.to_vec();
    wanted.sort_unstable();
    objects().iter().any(|object| {
        let mut children = children(object);
        children.sort_unstable();
        children == wanted
    })
}
