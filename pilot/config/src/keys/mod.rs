//! The one table of keys: what each takes, what it is without, what it means, since when.
//!
//! The reader looks here which keys an object has, which numbers a key takes and where a misplaced key belongs; the JSON
//! Schema, the tables of the manual and their tests are made from it. A new key is a line here and a `get` in its reader.

mod balancer;
mod health;
mod job;
#[cfg(test)]
pub(crate) mod manual;
mod patterns;
mod process;
pub(crate) mod schema;
mod service;
mod supervisor;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use balancer::{BALANCER, DRAIN};
pub(crate) use health::{CHECK_LOGGING, HEALTH, HTTP, MYSQL, NOTIFY};
pub(crate) use job::{JOB, JOB_CONSUL, JOB_LOGGING, RESTARTS, WAIT, WHEN};
pub(crate) use process::{LIMIT, LIMITS, PROCESS_KEYS, VARIABLE};
pub(crate) use service::{
    JOB_ADVERTISE, JOB_WEIGHTS, SERVICE, SERVICE_ADVERTISE, SERVICE_CONSUL, SERVICE_WEIGHTS, TAGGED,
};
pub(crate) use supervisor::{CONSUL, CONSUL_TLS, CONTROL, LOGGING, METRIC, TELEMETRY, TOP};
pub(crate) use watch::WATCH;

/// Who brought a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    V3,
    Pilot,
}

/// The shortest time that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Least {
    /// Negative and zero mean something else than a time.
    Negative,
    Zero,
    Millisecond,
}

/// What a key takes. Where a small language begins (an expression of cron, a URL), the reader knows more than this says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Text; a number or a boolean becomes text.
    Text,
    /// Text that is not empty.
    Filled,
    /// Text that matches this regular expression.
    Match(&'static str),
    /// Text in a language of its own, which at least matches this.
    Language(&'static str),
    /// One of these words in any letter case. Empty text is the default.
    Word(&'static [&'static str]),
    /// One of these words.
    ExactWord(&'static [&'static str]),
    /// The name of an event.
    Event,
    /// A whole number in this range, also as text as Go reads it.
    Integer(i64, i64),
    /// The same, or empty text.
    OptionalInteger(i64, i64),
    /// A number in this range.
    Number(f64, f64),
    /// Numbers between these two, each greater than the one before.
    Growing(f64, f64),
    Flag,
    /// Whole seconds, or text with units.
    Time(Least),
    /// The same, or this word.
    TimeOr(Least, &'static str),
    /// Text with units.
    TimeWithUnit,
    /// v3's whole seconds, at least one; or text with units.
    Seconds,
    /// How often: a number, `"unlimited"` or `"never"`.
    Count,
    /// A resource limit: a number or `"unlimited"`.
    Bound,
    Texts,
    /// Text, or a list of texts that is not empty.
    FilledTexts,
    List(&'static Form),
    Interfaces,
    Command,
    Path,
    Paths,
    FlagOrNames,
    Account,
    Umask,
    Signal,
    /// `host:port`, or a port.
    Tcp,
    /// Codes of HTTP answers.
    Status,
    /// An object of texts whose names and values Consul takes.
    Meta,
    /// An object of texts that are headers of HTTP.
    Headers,
    Object(&'static Object),
    /// A list of objects.
    Objects(&'static Object),
    /// The same at the top of the file, where `null` may stand in the list.
    Parts(&'static Object),
    Consul(&'static Object),
    Restarts(&'static Object),
    Notify(&'static Object),
    /// A list of conditions that is not empty.
    Waits(&'static Object),
    Limit(&'static Object),
    /// An object of variables, each a text or such an object.
    Variables(&'static Object),
    /// Addresses by name.
    Addresses(&'static Object),
    /// A URL that matches this, or an object.
    Probe(&'static str, &'static Object),
    /// Whatever the reader makes of it: no key of this table.
    Any,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub since: Since,
    pub form: Form,
    /// The form in words.
    pub words: &'static str,
    /// What holds without it; `needed` if nothing does.
    pub default: &'static str,
    /// What it means; empty if only its own keys mean something.
    pub says: &'static str,
}

/// An object and its keys.
#[derive(Debug)]
pub(crate) struct Object {
    /// What it is called to who writes one of its keys elsewhere; empty if nobody would mean this object.
    pub home: &'static str,
    /// Its name among the schema's definitions, if it stands in several places.
    pub shared: &'static str,
    /// Its keys, table by table of the manual.
    pub groups: &'static [&'static [Key]],
    /// Keys that v3 takes by accident.
    pub ignored: &'static [&'static str],
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

/// A key that is only the frame of the keys inside of it.
const fn part(name: &'static str, since: Since, object: &'static Object) -> Key {
    key(name, since, Form::Object(object), "", "", "")
}

impl Key {
    /// Whether there is no document without it.
    pub fn is_needed(&self) -> bool {
        self.default == "needed"
    }
}

impl Object {
    /// All keys, in the order of the manual.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().copied().flatten()
    }

    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys().map(|key| key.name)
    }
}

impl Form {
    /// The objects that stand under such a key.
    pub fn object(self) -> Option<&'static Object> {
        match self {
            Form::Object(object)
            | Form::Objects(object)
            | Form::Parts(object)
            | Form::Consul(object)
            | Form::Restarts(object)
            | Form::Notify(object)
            | Form::Waits(object)
            | Form::Limit(object)
            | Form::Variables(object)
            | Form::Addresses(object)
            | Form::Probe(_, object) => Some(object),
            _ => None,
        }
    }
}

/// Where a key belongs that is written where nobody knows it; `None` if nobody does, or several do: then it is not clear
/// what was meant.
pub(crate) fn home_of(key: &str) -> Option<&'static str> {
    let mut homes = Vec::new();
    collect_homes(&TOP, key, &mut homes);
    match homes.as_slice() {
        [home] if !home.is_empty() => Some(home),
        _ => None,
    }
}

fn collect_homes(object: &'static Object, key: &str, homes: &mut Vec<&'static str>) {
    if object.key(key).is_some() && !homes.contains(&object.home) {
        homes.push(object.home);
    }
    for inner in object.keys().filter_map(|key| key.form.object()) {
        collect_homes(inner, key, homes);
    }
}
