//! `apt-get`, for the packages that the machine's archive has.

use std::sync::Arc;

use crate::machine::answer::Answer;
use crate::machine::package::Package;
use crate::machine::supervisor::Supervisor;

pub(super) fn apt_get(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "-o" => drop(rest.next()),
            option if option.starts_with('-') => {}
            word => words.push(word),
        }
    }
    match words.split_first() {
        Some((&"update", _)) => Answer::line("Reading package lists..."),
        Some((&"install", names)) => install(supervisor, names),
        Some((other, _)) => Answer::error(100, format!("E: Invalid operation {other}")),
        None => Answer::error(1, "apt-get: a command is needed"),
    }
}

fn install(supervisor: &Arc<Supervisor>, names: &[&str]) -> Answer {
    let archive = &supervisor.archive;
    let find = |name: &&str| archive.iter().find(|package| package.name() == *name);
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        return Answer::error(100, format!("E: Unable to locate package {unknown}"));
    }
    let installed = supervisor.lock().packages.clone();
    let wanted: Vec<&Package> = names
        .iter()
        .filter_map(find)
        .filter(|package| !installed.contains(package.name()))
        .collect();
    let mut answer = Answer::line("Reading package lists...");
    for package in wanted {
        if let Err(error) = package.configure(supervisor) {
            let text = format!("{error}\nE: Sub-process /usr/bin/dpkg returned an error code (1)");
            return answer.and(&Answer::error(100, text));
        }
        supervisor.lock().packages.insert(package.name().to_owned());
        answer = answer.and(&Answer::line(format!(
            "Setting up {} ({}) ...",
            package.name(),
            package.version()
        )));
    }
    answer
}
