//! Users, groups and owners. They are recorded only: the tests run as whoever runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::{getgid, getuid};

use crate::supervisor::Supervisor;
use crate::wire::Answer;

#[derive(Default)]
pub(crate) struct Accounts {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    owners: BTreeMap<PathBuf, String>,
}

impl Accounts {
    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        self.users.iter().map(String::as_str)
    }

    pub(crate) fn owner(&self, path: &Path) -> Option<String> {
        self.owners.get(path).cloned()
    }

    /// Makes a user with a group of the same name.
    pub(crate) fn add_user(&mut self, name: &str) {
        self.users.insert(name.to_owned());
        self.groups.insert(name.to_owned());
    }

    fn has_user(&self, name: &str) -> bool {
        name == "root" || self.users.contains(name)
    }

    fn has_group(&self, name: &str) -> bool {
        name == "root" || self.groups.contains(name)
    }
}

pub(super) fn useradd(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut state = supervisor.lock();
    match name_in(arguments) {
        Some(name) if state.accounts.has_user(name) => {
            Answer::error(9, format!("useradd: user '{name}' already exists"))
        }
        Some(name) => {
            state.accounts.add_user(name);
            Answer::silence()
        }
        None => Answer::error(2, "Usage: useradd [options] LOGIN"),
    }
}

pub(super) fn groupadd(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut state = supervisor.lock();
    match name_in(arguments) {
        Some(name) if state.accounts.has_group(name) => {
            Answer::error(9, format!("groupadd: group '{name}' already exists"))
        }
        Some(name) => {
            state.accounts.groups.insert(name.to_owned());
            Answer::silence()
        }
        None => Answer::error(2, "Usage: groupadd [options] GROUP"),
    }
}

pub(super) fn usermod(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    match name_in(arguments) {
        Some(name) if supervisor.lock().accounts.has_user(name) => Answer::silence(),
        Some(name) => Answer::error(6, format!("usermod: user '{name}' does not exist")),
        None => Answer::error(2, "Usage: usermod [options] LOGIN"),
    }
}

/// The numbers are those of the test itself, so that a charm that really changes an owner to them succeeds.
pub(super) fn id(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let name = name_in(arguments);
    if let Some(name) = name.filter(|name| !supervisor.lock().accounts.has_user(name)) {
        return Answer::error(1, format!("id: ‘{name}’: no such user"));
    }
    // Without a name it is asked who calls, and a charm's hooks are run by root.
    let shown = name.unwrap_or("root");
    let (user, group) = if name.is_some_and(|name| name != "root") {
        (getuid().as_raw(), getgid().as_raw())
    } else {
        (0, 0)
    };
    let flags: String = arguments
        .iter()
        .filter(|a| a.starts_with('-'))
        .map(|a| a.trim_start_matches('-'))
        .collect();
    let by_name = flags.contains('n');
    match (flags.contains('u'), flags.contains('g')) {
        (true, _) | (_, true) if by_name => Answer::line(shown),
        (true, _) => Answer::line(user.to_string()),
        (_, true) => Answer::line(group.to_string()),
        _ => Answer::line(format!(
            "uid={user}({shown}) gid={group}({shown}) groups={group}({shown})"
        )),
    }
}

pub(super) fn getent(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let accounts = &supervisor.lock().accounts;
    let (user, group) = match arguments {
        [_, "root"] => (0, 0),
        _ => (getuid().as_raw(), getgid().as_raw()),
    };
    match arguments {
        ["passwd", name] if accounts.has_user(name) => Answer::line(format!(
            "{name}:x:{user}:{group}::/var/lib/{name}:/usr/sbin/nologin"
        )),
        ["group", name] if accounts.has_group(name) => Answer::line(format!("{name}:x:{group}:")),
        ["passwd" | "group", _] => Answer::silence().with_code(2),
        _ => Answer::error(
            1,
            "getent: the simulated machine knows passwd and group with one name",
        ),
    }
}

pub(super) fn chown(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut words = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'));
    let Some(owner) = words.next() else {
        return Answer::error(1, "chown: missing operand");
    };
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    let is_number = |name: &str| name.chars().all(|character| character.is_ascii_digit());
    let mut state = supervisor.lock();
    if !is_number(user) && !state.accounts.has_user(user) {
        return Answer::error(1, format!("chown: invalid user: ‘{owner}’"));
    }
    if !is_number(group) && !state.accounts.has_group(group) {
        return Answer::error(1, format!("chown: invalid group: ‘{owner}’"));
    }
    let mut answer = Answer::silence();
    for path in words {
        if Path::new(path).symlink_metadata().is_ok() {
            state
                .accounts
                .owners
                .insert(PathBuf::from(path), (*owner).to_owned());
        } else {
            answer = answer.and(&Answer::error(
                1,
                format!("chown: cannot access '{path}': No such file or directory"),
            ));
        }
    }
    answer
}

/// The name stands last in the commands of this kind; options come before it.
fn name_in<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    arguments
        .last()
        .copied()
        .filter(|name| !name.starts_with('-'))
}
