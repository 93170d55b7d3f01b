//! `systemctl start` and its like, and how their failures are worded.

use std::sync::Arc;

use crate::machine::answer::Answer;
use crate::machine::supervisor::{Failure, Supervisor};

pub(super) fn job(supervisor: &Arc<Supervisor>, verb: &str, name: &str) -> Answer {
    let mut answer = Answer::silence();
    if supervisor.needs_reload(&supervisor.lock(), name) {
        answer.stderr = format!(
            "Warning: The unit file, source configuration file or drop-ins of {name}.service changed on disk. \
             Run 'systemctl daemon-reload' to reload units.\n"
        );
    }
    let result = match verb {
        "start" => supervisor.start(name),
        "stop" => supervisor.stop(name),
        _ => supervisor.restart(name),
    };
    match result {
        Ok(()) => answer,
        Err(failure) => answer.and(&failed(&failure, verb, name)),
    }
}

fn failed(failure: &Failure, verb: &str, name: &str) -> Answer {
    let unit = format!("{name}.service");
    let advice =
        format!("See \"systemctl status {unit}\" and \"journalctl -xeu {unit}\" for details.");
    match failure {
        Failure::NotFound if verb == "stop" => {
            Answer::error(5, format!("Failed to stop {unit}: Unit {unit} not loaded."))
        }
        Failure::NotFound => Answer::error(
            5,
            format!("Failed to {verb} {unit}: Unit {unit} not found."),
        ),
        Failure::Masked => Answer::error(
            1,
            format!("Failed to {verb} {unit}: Unit {unit} is masked."),
        ),
        Failure::BadSetting => Answer::error(
            1,
            format!("Failed to {verb} {unit}: Unit {unit} has a bad unit file setting.\n{advice}"),
        ),
        Failure::Off => Answer::error(1, "the simulated machine was switched off"),
        Failure::Job(result) => {
            let reason = match *result {
                "timeout" => "a timeout was exceeded",
                "signal" => "a fatal signal was delivered to the control process",
                "core-dump" => {
                    "a fatal signal was delivered causing the control process to dump core"
                }
                "resources" => "of unavailable resources or another system error",
                "protocol" => {
                    "the service did not take the steps required by its unit configuration"
                }
                "canceled" => return Answer::error(1, format!("Job for {unit} canceled.")),
                "start-limit-hit" => {
                    return Answer::error(
                        1,
                        format!(
                            "Job for {unit} failed because start of the service was attempted too often.\n{advice}\n\
                             To force a start use \"systemctl reset-failed {unit}\"\n\
                             followed by \"systemctl start {unit}\" again."
                        ),
                    );
                }
                _ => "the control process exited with error code",
            };
            Answer::error(
                1,
                format!("Job for {unit} failed because {reason}.\n{advice}"),
            )
        }
    }
}
