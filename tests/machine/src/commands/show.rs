//! `systemctl show`, `status`, and what `is-enabled` says.

use std::sync::Arc;

use super::systemctl::Options;
use crate::service::Active;
use crate::supervisor::{Failure, Supervisor};
use crate::unit_files::Found;
use crate::wire::Answer;

/// In the order in which systemd prints them, which is not the order in which they are asked for.
const PROPERTIES: [&str; 15] = [
    "Type",
    "Restart",
    "MainPID",
    "StatusText",
    "Result",
    "NRestarts",
    "ExecMainStatus",
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "FragmentPath",
    "UnitFileState",
    "NeedDaemonReload",
    "InvocationID",
];

/// The word of `is-enabled`; `None` where there is no such unit file.
pub(super) fn file_state(supervisor: &Supervisor, name: &str) -> Option<&'static str> {
    match supervisor.paths.find_unit(name) {
        Found::Nothing => None,
        Found::Masked => Some("masked"),
        Found::File(..) if supervisor.paths.is_enabled(name) => Some("enabled"),
        Found::File(_, source) if source.contains("[Install]") => Some("disabled"),
        Found::File(..) => Some("static"),
    }
}

pub(super) fn show(supervisor: &Arc<Supervisor>, name: &str, options: &Options<'_>) -> Answer {
    let mut answer = Answer::silence();
    for property in PROPERTIES {
        if !options.properties.is_empty() && !options.properties.contains(&property) {
            continue;
        }
        let value = value(supervisor, name, property);
        if options.value_only {
            answer = answer.and(&Answer::line(value));
        } else {
            answer = answer.and(&Answer::line(format!("{property}={value}")));
        }
    }
    answer
}

fn value(supervisor: &Supervisor, name: &str, property: &str) -> String {
    let mut state = supervisor.lock();
    let loaded = supervisor.load(&mut state, name);
    let reload = supervisor.needs_reload(&state, name);
    let service = state.service(name);
    match property {
        "Type" => match loaded.map(|unit| unit.kind) {
            Ok(crate::unit::Kind::Notify) => "notify".to_owned(),
            _ => "simple".to_owned(),
        },
        "Restart" => loaded.map_or_else(|_| "no".to_owned(), |unit| unit.restart.clone()),
        "MainPID" => service.pid().unwrap_or(0).to_string(),
        "StatusText" => service.status_text.clone(),
        "Result" => service.result.to_owned(),
        "NRestarts" => service.automatic_restarts.to_string(),
        "ExecMainStatus" => service.exit.map_or(0, |(_, code)| code).to_string(),
        "Id" => format!("{name}.service"),
        "LoadState" => match loaded {
            Ok(_) => "loaded",
            Err(Failure::Masked) => "masked",
            Err(Failure::BadSetting) => "bad-setting",
            Err(_) => "not-found",
        }
        .to_owned(),
        "ActiveState" => service.active.as_str().to_owned(),
        "SubState" => service.sub.to_owned(),
        "FragmentPath" => match supervisor.paths.find_unit(name) {
            Found::File(path, _) => path.display().to_string(),
            _ => String::new(),
        },
        "UnitFileState" => file_state(supervisor, name).unwrap_or("").to_owned(),
        "NeedDaemonReload" => if reload { "yes" } else { "no" }.to_owned(),
        _ => service.invocation.clone(),
    }
}

/// A shortened `status`, with its exit codes.
pub(super) fn status(supervisor: &Arc<Supervisor>, name: &str) -> Answer {
    let mut state = supervisor.lock();
    let known = !matches!(supervisor.load(&mut state, name), Err(Failure::NotFound));
    let service = state.service(name);
    if !known && service.active == Active::Inactive {
        return Answer::error(4, format!("Unit {name}.service could not be found."));
    }
    let code = if service.active == Active::Active {
        0
    } else {
        3
    };
    let text = format!(
        "● {name}.service\n     Active: {} ({})",
        service.active.as_str(),
        service.sub
    );
    Answer::line(text).with_code(code)
}
