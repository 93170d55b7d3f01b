//! `systemctl`: verbs and options, and the words in which systemd 252 answers.

use std::sync::Arc;

use rustix::process::Signal;

use super::files::change_files;
use super::job::job;
use super::show;
use crate::service::Active;
use crate::supervisor::Supervisor;
use crate::wire::Answer;

/// The options of one call.
#[derive(Default)]
pub(super) struct Options<'a> {
    now: bool,
    quiet: bool,
    pub(super) no_block: bool,
    signal: Option<&'a str>,
    pub(super) value_only: bool,
    pub(super) properties: Vec<&'a str>,
}

pub(super) fn run(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let (name, value) = argument
            .split_once('=')
            .map_or((argument, None), |(name, value)| (name, Some(value)));
        match name {
            "--now" => options.now = true,
            "-q" | "--quiet" => options.quiet = true,
            "--no-block" => options.no_block = true,
            "--value" => options.value_only = true,
            "--system" | "--no-pager" | "--no-ask-password" | "--full" | "-l" | "--no-legend"
            | "--force" | "-f" => {}
            "-p" | "--property" | "-P" => {
                options.value_only |= name == "-P";
                options.properties.extend(
                    value
                        .or_else(|| rest.next())
                        .into_iter()
                        .flat_map(|list| list.split(',')),
                );
            }
            "-s" | "--signal" => options.signal = value.or_else(|| rest.next()),
            "--kill-who" | "--kill-whom" => drop(value.or_else(|| rest.next())),
            option if option.starts_with('-') => {
                return Answer::error(1, format!("systemctl: unrecognized option '{option}'"));
            }
            _ => words.push(argument),
        }
    }
    let Some((&verb, units)) = words.split_first() else {
        return Answer::error(1, "systemctl: the simulated machine lists no units");
    };
    if verb == "daemon-reload" {
        supervisor.daemon_reload();
        return Answer::silence();
    }
    if units.is_empty() {
        return match verb {
            "reset-failed" => reset_failed(supervisor, None),
            _ => Answer::error(1, "Too few arguments."),
        };
    }
    let names = units
        .iter()
        .map(|unit| unit.strip_suffix(".service").unwrap_or(unit));
    let mut answer = Answer::silence();
    // Of several units one that is active is enough for these two, as with the real ones.
    let any = matches!(verb, "is-active" | "is-failed" | "is-enabled");
    let mut one_succeeded = false;
    for name in names {
        let further = run_for(supervisor, verb, name, &options);
        one_succeeded |= further.code == 0;
        answer = answer.and(&further);
    }
    if any && one_succeeded {
        answer.with_code(0)
    } else {
        answer
    }
}

fn run_for(supervisor: &Arc<Supervisor>, verb: &str, name: &str, options: &Options<'_>) -> Answer {
    match verb {
        "start" | "stop" | "restart" | "try-restart" => job(supervisor, verb, name, options),
        "enable" | "disable" | "mask" | "unmask" => {
            let mut answer = change_files(supervisor, verb, name);
            // systemctl reloads by itself after these.
            supervisor.daemon_reload();
            if options.quiet {
                answer.stderr.clear();
            }
            if options.now && answer.code == 0 && verb != "unmask" {
                let job_verb = if verb == "enable" { "start" } else { "stop" };
                answer = answer.and(&job(supervisor, job_verb, name, options));
            }
            answer
        }
        "is-active" | "is-failed" => {
            let active = supervisor.lock().service(name).active;
            let holds = if verb == "is-active" {
                active == Active::Active
            } else {
                active == Active::Failed
            };
            let code = if holds {
                0
            } else if verb == "is-active" {
                3
            } else {
                1
            };
            said_unless_quiet(active.as_str(), options).with_code(code)
        }
        "is-enabled" => match show::file_state(supervisor, name) {
            Some(word @ ("enabled" | "static")) => said_unless_quiet(word, options),
            Some(word) => said_unless_quiet(word, options).with_code(1),
            None => Answer::error(
                1,
                format!(
                    "Failed to get unit file state for {name}.service: No such file or directory"
                ),
            ),
        },
        "show" => show::show(supervisor, name, options),
        "status" => show::status(supervisor, name),
        "kill" => {
            let word = options.signal.unwrap_or("TERM");
            match signal_named(word.strip_prefix("SIG").unwrap_or(word)) {
                Some(signal) if supervisor.signal(name, signal) => Answer::silence(),
                Some(_) => Answer::error(
                    1,
                    format!("Failed to kill unit {name}.service: No main process to kill"),
                ),
                None => Answer::error(1, format!("Failed to parse signal string {word}.")),
            }
        }
        "reset-failed" => reset_failed(supervisor, Some(name)),
        other => Answer::error(1, format!("Unknown command verb {other}.")),
    }
}

fn said_unless_quiet(word: &str, options: &Options<'_>) -> Answer {
    if options.quiet {
        Answer::silence()
    } else {
        Answer::line(word)
    }
}

fn reset_failed(supervisor: &Arc<Supervisor>, name: Option<&str>) -> Answer {
    let mut state = supervisor.lock();
    for (_, service) in state
        .services
        .iter_mut()
        .filter(|(known, _)| name.is_none_or(|name| name == known.as_str()))
    {
        service.start_times.clear();
        service.automatic_restarts = 0;
        if service.active == Active::Failed {
            service.has_ended("success");
        }
    }
    Answer::silence()
}

fn signal_named(name: &str) -> Option<Signal> {
    Some(match name {
        "HUP" | "1" => Signal::HUP,
        "INT" | "2" => Signal::INT,
        "QUIT" | "3" => Signal::QUIT,
        "ABRT" | "6" => Signal::ABORT,
        "KILL" | "9" => Signal::KILL,
        "USR1" | "10" => Signal::USR1,
        "USR2" | "12" => Signal::USR2,
        "TERM" | "15" => Signal::TERM,
        "CONT" | "18" => Signal::CONT,
        "STOP" | "19" => Signal::STOP,
        _ => return None,
    })
}
