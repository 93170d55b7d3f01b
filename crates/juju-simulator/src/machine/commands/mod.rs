//! What the stand-ins do, each as the command it stands for.

mod accounts;
mod apt;
mod files;
mod job;
mod systemctl;

use std::sync::Arc;

use crate::machine::answer::Answer;
use crate::machine::supervisor::Supervisor;

/// Records a command and carries it out.
pub(crate) fn run(supervisor: &Arc<Supervisor>, argv: Vec<String>) -> Answer {
    let mut state = supervisor.lock();
    if state.off {
        return Answer::error(1, "the simulated machine is switched off");
    }
    state.calls.push(argv.clone());
    drop(state);
    let Some((command, arguments)) = argv.split_first() else {
        return Answer::error(1, "no command");
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match command.as_str() {
        "systemctl" => systemctl::run(supervisor, &arguments),
        "apt-get" => apt::apt_get(supervisor, &arguments),
        "chown" => accounts::chown(supervisor, &arguments),
        "id" => accounts::id(supervisor, &arguments),
        "useradd" => accounts::useradd(supervisor, &arguments),
        other => Answer::error(127, format!("{other}: command not found")),
    }
}
