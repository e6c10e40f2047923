//! Another user and group for a child that is about to become its program. Only that child's are ever changed.
//!
//! Accounts are looked up here, in the child, at each start; a number needs no entry anywhere.

use std::ffi::{CString, OsStr};

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, getgrouplist, setgroups, setresgid, setresuid};

use super::exec_shim::{Environment, put};
use super::sys;
use pilot_core::plan::{Account, Identity, WithoutRights};

/// The bit of the capability in `/proc/<pid>/status` (capabilities(7)).
const CAP_KILL: u32 = 5;

/// An identity in numbers.
pub(super) struct Resolved {
    user: Option<UserNumbers>,
    group: Option<Gid>,
}

struct UserNumbers {
    id: Uid,
    /// Its entry in `/etc/passwd`, if it has one.
    entry: Option<User>,
}

/// Whether it is asked for in a way that only counts with rights, and pilot has none.
pub fn is_ignored(identity: &Identity) -> bool {
    match identity.without_rights {
        WithoutRights::Fail => false,
        WithoutRights::RunAsPilot => !geteuid().is_root(),
    }
}

/// Whether pilot, as it was started, may not signal processes of this identity: they are another user's, and it has no
/// CAP_KILL. False where the kernel does not tell.
pub fn is_beyond_signals(identity: &Identity) -> bool {
    let another = match &identity.user {
        Some(Account::Name(name)) => name != "root",
        Some(Account::Number(number)) => *number != geteuid().as_raw(),
        None => false,
    };
    another && !is_ignored(identity) && may_kill() == Some(false)
}

/// Whether this process has CAP_KILL.
fn may_kill() -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let capabilities = u64::from_str_radix(capabilities.trim(), 16).ok()?;
    Some(capabilities & (1 << CAP_KILL) != 0)
}

/// Looks the accounts up. `None`: there is nothing to change.
pub(super) fn resolve(identity: &Identity) -> Result<Option<Resolved>, String> {
    let Identity { user, group, .. } = identity;
    if is_ignored(identity) || (user.is_none() && group.is_none()) {
        return Ok(None);
    }
    let user = user.as_ref().map(find_user).transpose()?;
    let group = match (group, &user) {
        (Some(group), _) => Some(find_group(group)?),
        (None, Some(UserNumbers { entry: Some(entry), .. })) => Some(entry.gid),
        // Never pilot's own group, which is root's as a rule.
        (None, Some(UserNumbers { id, entry: None })) => Some(Gid::from_raw(id.as_raw())),
        (None, None) => None,
    };
    Ok(Some(Resolved { user, group }))
}

fn find_user(account: &Account) -> Result<UserNumbers, String> {
    match account {
        Account::Name(name) => match User::from_name(name) {
            Ok(Some(entry)) => Ok(UserNumbers { id: entry.uid, entry: Some(entry) }),
            Ok(None) => Err(format!("user {name:?} is not in /etc/passwd; add it to the image, or write its number")),
            Err(errno) => Err(format!("user {name:?} cannot be looked up in /etc/passwd: {}", errno.desc())),
        },
        // Without a readable /etc/passwd a number is a number.
        Account::Number(number) => {
            let id = Uid::from_raw(*number);
            Ok(UserNumbers { id, entry: User::from_uid(id).ok().flatten() })
        }
    }
}

fn find_group(account: &Account) -> Result<Gid, String> {
    match account {
        Account::Name(name) => match Group::from_name(name) {
            Ok(Some(entry)) => Ok(entry.gid),
            Ok(None) => Err(format!("group {name:?} is not in /etc/group; add it to the image, or write its number")),
            Err(errno) => Err(format!("group {name:?} cannot be looked up in /etc/group: {}", errno.desc())),
        },
        Account::Number(number) => Ok(Gid::from_raw(*number)),
    }
}

impl Resolved {
    /// HOME, USER and LOGNAME of the new user, except where the job settles them itself.
    pub(super) fn describe(&self, env: &mut Environment, settled: &[String]) {
        let Some(user) = &self.user else { return };
        let entry = user.entry.as_ref();
        let name = entry.map(|entry| entry.name.clone());
        let home = entry.map_or_else(|| "/".into(), |entry| entry.dir.clone().into_os_string());
        for (variable, value) in
            [("HOME", Some(home)), ("USER", name.clone().map(Into::into)), ("LOGNAME", name.map(Into::into))]
        {
            if settled.iter().any(|name| name == variable) {
                continue;
            }
            match value {
                Some(value) => put(env, OsStr::new(variable), value),
                None => env.retain(|(other, _)| other != variable),
            }
        }
    }

    /// Lets it open what is its output once more by its name (`/dev/stdout`, `/proc/self/fd/2`): a pipe is its maker's alone. Best
    /// effort, for writing to what is open needs nothing.
    pub(super) fn own_output(&self) {
        let (user, group) = (self.user.as_ref().map(|user| user.id.as_raw()), self.group.map(Gid::as_raw));
        let _ = std::os::unix::fs::fchown(std::io::stdout(), user, group);
        let _ = std::os::unix::fs::fchown(std::io::stderr(), user, group);
    }

    /// Changes to it, for good: groups first, while there is still the right to.
    pub(super) fn assume(&self) -> Result<(), String> {
        let Resolved { user, group } = self;
        let is_it = user.as_ref().is_none_or(|user| user.id == geteuid()) && group.is_none_or(|id| id == getegid());
        if is_it && !geteuid().is_root() {
            return Ok(());
        }
        let changed = self.change();
        changed.map_err(|errno| self.refused(errno))
    }

    fn change(&self) -> Result<(), Errno> {
        if let Some(groups) = self.supplementary() {
            setgroups(&groups)?;
        }
        if let Some(id) = self.group {
            setresgid(id, id, id)?;
        }
        if let Some(UserNumbers { id, .. }) = self.user {
            setresuid(id, id, id)?;
            if !id.is_root() {
                // Without being root pilot may change users by an ambient capability, and the kernel would leave it to the job.
                sys::drop_inherited_capabilities()?;
            }
        }
        Ok(())
    }

    /// With a user those that `/etc/group` names for it; without one pilot's stay.
    fn supplementary(&self) -> Option<Vec<Gid>> {
        let user = self.user.as_ref()?;
        let own: Vec<Gid> = self.group.into_iter().collect();
        let listed = user.entry.as_ref().and_then(|entry| {
            let name = CString::new(entry.name.as_str()).ok()?;
            getgrouplist(&name, *own.first()?).ok()
        });
        Some(listed.unwrap_or(own))
    }

    fn refused(&self, errno: Errno) -> String {
        let user = self.user.as_ref().map(|user| match &user.entry {
            Some(entry) => format!("user {:?} ({})", entry.name, user.id),
            None => format!("user {}", user.id),
        });
        let group = self.group.map(|id| format!("group {id}"));
        let wanted: Vec<String> = user.into_iter().chain(group).collect();
        let who = geteuid();
        format!(
            "pilot runs as user {who} and may not change to {}: {}; run the container as root (with the capabilities SETUID \
             and SETGID) or as that user, or remove `user` and `group`",
            wanted.join(", "),
            errno.desc().to_lowercase()
        )
    }
}
