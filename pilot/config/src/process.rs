//! How a job's process is set up: user, group, working directory, umask, stop signal. Additions to v3.
//!
//! Accounts and folders are not looked for: a configuration may be checked on another machine than it runs on.

use std::path::PathBuf;

use nix::sys::signal::Signal;

use pilot_core::plan::{Account, Identity, ProcessSettings, SignalNumber, WithoutRights};

use super::block::Block;
use super::keys::PROCESS_KEYS;
use super::loose::Field;
use super::{environment, limits};
use crate::signal_name;
use pilot_core::nearest::nearest;

/// Reads them from a job's block.
pub(super) fn read(block: &Block<'_>) -> ProcessSettings {
    ProcessSettings {
        identity: identity(block),
        cwd: block.get("cwd").and_then(|field| path(&field)),
        inherit: block.get("inheritEnv").and_then(|field| environment::inherit(&field)).unwrap_or_default(),
        env_files: block.get("envFile").map(|field| environment::files(&field)).unwrap_or_default(),
        variables: block.get("env").map(|field| environment::variables(&field)).unwrap_or_default(),
        limits: block.get("limits").map(|field| limits::read(&field)).unwrap_or_default(),
        umask: block.get("umask").and_then(|field| umask(&field)),
        no_new_privileges: block.get("noNewPrivileges").and_then(|field| field.flag()).unwrap_or(false),
        stop_signal: block.filled("stopSignal").and_then(|field| signal(&field)).unwrap_or_default(),
    }
}

/// Without a program nothing of this has a meaning.
pub(super) fn warn_without_program(block: &Block<'_>) {
    for field in PROCESS_KEYS.iter().filter_map(|key| block.get(key.name)) {
        field.warn("has no effect: the job runs no program", "add `exec`, or remove it");
    }
}

fn identity(block: &Block<'_>) -> Identity {
    let ours = |key| block.get(key).and_then(|field| account(&field, key));
    let patched = |key| block.get(key).and_then(|field| patched_id(&field));
    for (patch, own) in [("uid", "user"), ("gid", "group")] {
        if let (Some(field), Some(_)) = (block.get(patch), block.get(own)) {
            field.error(format!("stands beside `{own}`, which says the same"), format!("keep `{own}`"));
        }
    }
    if block.get("user").is_some() || block.get("group").is_some() {
        return Identity { user: ours("user"), group: ours("group"), without_rights: WithoutRights::Fail };
    }
    let (user, group) = (patched("uid"), patched("gid"));
    match (&user, &group) {
        (None, None) => Identity::default(),
        (Some(_), _) | (_, Some(_)) => Identity { user, group, without_rights: WithoutRights::RunAsPilot },
    }
}

/// A name, or a number in digits.
fn account(field: &Field<'_>, key: &str) -> Option<Account> {
    let text = field.unsigned_text()?;
    if text.is_empty() {
        field.error(
            "is empty, and the job would run as who pilot runs as",
            format!("write who it runs as, or leave `{key}` out"),
        );
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return number(field, text.parse().ok()).map(Account::Number);
    }
    let begins_well = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !begins_well || text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/')) {
        let remedy =
            format!("write a name (`{key}: \"nginx\"`) or a number (`{key}: 101`); user and group are two keys");
        field.error(format!("is not the name of a {key}: {}", field.value.shape()), remedy);
        return None;
    }
    Some(Account::Name(text))
}

/// `uid` and `gid` of the community patches: 0 is unset (v3 spec, appendix D).
fn patched_id(field: &Field<'_>) -> Option<Account> {
    let id: Option<u32> = field.integer("a number ", "write the number that `id` shows");
    id.filter(|id| *id != 0).map(Account::Number)
}

/// The highest number means "leave it as it is" to the kernel.
fn number(field: &Field<'_>, id: Option<u32>) -> Option<u32> {
    let id = id.filter(|id| *id != u32::MAX);
    if id.is_none() {
        let complaint = format!("must be a number from 0 to {}, not {}", u32::MAX - 1, field.value.shape());
        field.error(complaint, "write the number that `id` shows");
    }
    id
}

/// A path that is not empty.
pub(super) fn path(field: &Field<'_>) -> Option<PathBuf> {
    let text = field.text()?;
    if text.is_empty() || text.contains('\0') {
        field.error(format!("is not a path: {}", field.value.shape()), "write a path such as \"/srv/app\"");
        return None;
    }
    Some(PathBuf::from(text))
}

/// Octal digits, as typed at a shell: `"027"`, and `27` is the same.
fn umask(field: &Field<'_>) -> Option<u32> {
    let text = field.unsigned_text()?;
    let octal = text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mask = u32::from_str_radix(&text, 8).ok().filter(|mask| octal && *mask <= 0o777);
    if mask.is_none() {
        field
            .error(format!("must be octal digits up to 777, not {}", field.value.shape()), "write for example \"027\"");
    }
    mask
}

/// A signal by its name, with or without `SIG`, or by its number.
pub(super) fn signal(field: &Field<'_>) -> Option<SignalNumber> {
    let text = field.text()?;
    let found = signal_name::signal(&text).map(|signal| SignalNumber(signal as i32));
    if found.is_none() {
        let remedy = match nearest(&text.to_uppercase().replacen("SIG", "", 1), Signal::iterator().map(short)) {
            Some(near) => format!("did you mean \"SIG{near}\"?"),
            None => "write a signal such as \"SIGQUIT\", \"INT\" or 3".to_owned(),
        };
        field.error(format!("does not know the signal {}", field.value.shape()), remedy);
    }
    found
}

fn short(signal: Signal) -> &'static str {
    signal.as_str().trim_start_matches("SIG")
}
