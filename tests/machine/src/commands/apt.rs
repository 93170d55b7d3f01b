//! `apt-get` and `dpkg-query`, for the distribution's etcd.

use std::sync::Arc;

use super::package::{configure, remove};
use crate::options::Apt;
use crate::supervisor::Supervisor;
use crate::wire::Answer;

const PACKAGES: [&str; 3] = ["etcd", "etcd-client", "etcd-server"];

pub(super) fn apt_get(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "-o" | "-c" | "-t" => drop(rest.next()),
            option if option.starts_with('-') => {}
            word => words.push(word),
        }
    }
    let boot = supervisor.lock().boot;
    let (state, _) = supervisor.wait_until(supervisor.lock(), None, |state| {
        state.apt != Apt::Frozen || state.boot != boot
    });
    let (apt, interrupted) = (state.apt, state.boot != boot);
    drop(state);
    if interrupted {
        return Answer::error(1, "the simulated machine was switched off");
    }
    let Some((&verb, names)) = words.split_first() else {
        return Answer::error(1, "apt-get: a command is needed");
    };
    if apt == Apt::Locked {
        let (lock, holder) = match verb {
            "update" => (
                "/var/lib/apt/lists/lock",
                "E: Unable to lock directory /var/lib/apt/lists/",
            ),
            _ => (
                "/var/lib/dpkg/lock-frontend",
                "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
            ),
        };
        let held =
            format!("E: Could not get lock {lock}. It is held by process 1234 (unattended-upgr)");
        return Answer::error(100, format!("{held}\n{holder}"));
    }
    match verb {
        "update" => update(supervisor, apt),
        "install" => install(supervisor, names, apt),
        "remove" | "purge" => remove(supervisor, names),
        "autoremove" | "clean" => Answer::silence(),
        other => Answer::error(100, format!("E: Invalid operation {other}")),
    }
}

fn update(supervisor: &Arc<Supervisor>, apt: Apt) -> Answer {
    // Without a network apt keeps the lists it has, warns, and exits 0.
    if apt == Apt::NoNetwork {
        return Answer::error(
            0,
            "W: Failed to fetch http://archive.test/dists/stable/InRelease  Temporary failure resolving 'archive.test'\n\
             W: Some index files failed to download. They have been ignored, or old ones used instead.",
        );
    }
    let mut state = supervisor.lock();
    if state.apt == Apt::NoLists {
        state.apt = Apt::Works;
    }
    Answer::line("Reading package lists...")
}

fn install(supervisor: &Arc<Supervisor>, names: &[&str], apt: Apt) -> Answer {
    let said =
        "Reading package lists...\nBuilding dependency tree...\nReading state information...\n";
    let mut answer = Answer {
        stdout: said.to_owned(),
        ..Answer::default()
    };
    let names: Vec<&str> = names
        .iter()
        .map(|name| name.split_once('=').map_or(*name, |(name, _)| name))
        .collect();
    for name in &names {
        if apt == Apt::NoLists || !PACKAGES.contains(name) {
            answer = answer.and(&Answer::error(
                100,
                format!("E: Unable to locate package {name}"),
            ));
        }
    }
    if answer.code != 0 {
        return answer;
    }
    let installed = supervisor.lock().packages.clone();
    let wanted: Vec<&str> = names
        .into_iter()
        .filter(|&name| !installed.contains(name))
        .collect();
    for name in &wanted {
        if apt == Apt::NoNetwork {
            let version = &supervisor.options.package_version;
            answer = answer.and(&Answer::error(
                100,
                format!(
                    "E: Failed to fetch http://archive.test/pool/main/e/etcd/{name}_{version}_amd64.deb  \
                     Temporary failure resolving 'archive.test'"
                ),
            ));
        }
    }
    if answer.code != 0 {
        let advice =
            "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?";
        return answer.and(&Answer::error(100, advice));
    }
    for name in wanted {
        match configure(supervisor, name) {
            Ok(()) => {
                supervisor.lock().packages.insert(name.to_owned());
                answer = answer.and(&Answer::line(format!(
                    "Setting up {name} ({}) ...",
                    supervisor.options.package_version
                )));
            }
            Err(error) => {
                let text =
                    format!("{error}\nE: Sub-process /usr/bin/dpkg returned an error code (1)");
                return answer.and(&Answer::error(100, text));
            }
        }
    }
    answer
}

pub(super) fn dpkg_query(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut format = "${Package}\t${Version}\n";
    let mut answer = Answer::silence();
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        if let Some(given) = argument
            .strip_prefix("-f=")
            .or_else(|| argument.strip_prefix("--showformat="))
        {
            format = given;
        } else if argument == "-f" {
            format = rest.next().unwrap_or(format);
        } else if !argument.starts_with('-') {
            let installed = supervisor.lock().packages.contains(argument);
            let text = format
                .replace("\\n", "\n")
                .replace("${Package}", argument)
                .replace("${Version}", &supervisor.options.package_version)
                .replace("${db:Status-Status}", "installed")
                .replace("${Status}", "install ok installed");
            answer = answer.and(&if installed {
                Answer {
                    stdout: text,
                    ..Answer::default()
                }
            } else {
                Answer::error(
                    1,
                    format!("dpkg-query: no packages found matching {argument}"),
                )
            });
        }
    }
    answer
}
