//! Users and owners. They are checked and not changed: the tests run as whoever runs them.

use std::path::Path;
use std::sync::Arc;

use rustix::process::{getgid, getuid};

use crate::machine::answer::Answer;
use crate::machine::supervisor::{State, Supervisor};

impl State {
    fn has_user(&self, name: &str) -> bool {
        name == "root" || self.users.contains(name)
    }
}

pub(super) fn useradd(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut state = supervisor.lock();
    match name_in(arguments) {
        Some(name) if state.has_user(name) => {
            Answer::error(9, format!("useradd: user '{name}' already exists"))
        }
        Some(name) => {
            state.users.insert(name.to_owned());
            Answer::silence()
        }
        None => Answer::error(2, "Usage: useradd [options] LOGIN"),
    }
}

/// The numbers are those of the test itself, so that a charm that really changes an owner to them succeeds.
pub(super) fn id(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let name = name_in(arguments);
    if let Some(name) = name.filter(|name| !supervisor.lock().has_user(name)) {
        return Answer::error(1, format!("id: ‘{name}’: no such user"));
    }
    // Without a name it is asked who calls, and a charm's hooks are run by root.
    let (user, group) = match name {
        None | Some("root") => (0, 0),
        Some(_) => (getuid().as_raw(), getgid().as_raw()),
    };
    match arguments.first() {
        Some(&"-u") => Answer::line(user.to_string()),
        Some(&"-g") => Answer::line(group.to_string()),
        _ => Answer::error(1, "id: the simulated machine knows -u and -g"),
    }
}

/// An owner is a name or numbers, with a group of the same kind behind a colon.
pub(super) fn chown(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut words = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'));
    let Some(owner) = words.next() else {
        return Answer::error(1, "chown: missing operand");
    };
    let state = supervisor.lock();
    let is_known = |name: &str| {
        name.chars().all(|character| character.is_ascii_digit()) || state.has_user(name)
    };
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    if !is_known(user) {
        return Answer::error(1, format!("chown: invalid user: ‘{owner}’"));
    }
    if !is_known(group) {
        return Answer::error(1, format!("chown: invalid group: ‘{owner}’"));
    }
    words
        .filter(|path| Path::new(path).symlink_metadata().is_err())
        .fold(Answer::silence(), |answer, path| {
            answer.and(&Answer::error(
                1,
                format!("chown: cannot access '{path}': No such file or directory"),
            ))
        })
}

/// The name stands last in the commands of this kind; options come before it.
fn name_in<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    arguments
        .last()
        .copied()
        .filter(|name| !name.starts_with('-'))
}
