//! `systemctl`: the verbs that charms use, and the words in which systemd 252 answers.

use std::sync::Arc;

use super::files::change_files;
use super::job::job;
use crate::machine::answer::Answer;
use crate::machine::service::Active;
use crate::machine::supervisor::Supervisor;

pub(super) fn run(supervisor: &Arc<Supervisor>, arguments: &[&str]) -> Answer {
    let (options, words): (Vec<&str>, Vec<&str>) =
        arguments.iter().partition(|word| word.starts_with('-'));
    let mut is_now = false;
    for option in options {
        match option {
            "--now" => is_now = true,
            "--quiet" | "--no-pager" => {}
            _ => {
                return Answer::error(1, format!("systemctl: unrecognized option '{option}'"));
            }
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
        return Answer::error(1, "Too few arguments.");
    }
    units
        .iter()
        .map(|unit| unit.strip_suffix(".service").unwrap_or(unit))
        .fold(Answer::silence(), |answer, name| {
            answer.and(&run_for(supervisor, verb, name, is_now))
        })
}

fn run_for(supervisor: &Arc<Supervisor>, verb: &str, name: &str, is_now: bool) -> Answer {
    match verb {
        "start" | "stop" | "restart" => job(supervisor, verb, name),
        "enable" | "disable" | "mask" => {
            let answer = change_files(supervisor, verb, name);
            // systemctl reloads by itself after these.
            supervisor.daemon_reload();
            if !is_now || answer.code != 0 {
                return answer;
            }
            let job_verb = if verb == "enable" { "start" } else { "stop" };
            answer.and(&job(supervisor, job_verb, name))
        }
        "is-active" => {
            let active = supervisor.lock().service(name).active;
            let code = if active == Active::Active { 0 } else { 3 };
            Answer::line(active.as_str()).with_code(code)
        }
        "reset-failed" => {
            let mut state = supervisor.lock();
            let service = state.service(name);
            service.start_times.clear();
            if service.active == Active::Failed {
                service.has_ended("success");
            }
            Answer::silence()
        }
        other => Answer::error(1, format!("Unknown command verb {other}.")),
    }
}
