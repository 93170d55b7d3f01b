//! `systemctl enable`, `disable` and `mask`.

use std::sync::Arc;

use crate::machine::answer::Answer;
use crate::machine::supervisor::Supervisor;
use crate::machine::unit::Unit;
use crate::machine::unit_files::Found;

pub(super) fn change_files(supervisor: &Arc<Supervisor>, verb: &str, name: &str) -> Answer {
    let paths = &supervisor.paths;
    let said = |lines: Vec<String>| Answer {
        stderr: lines.iter().map(|line| format!("{line}\n")).collect(),
        ..Answer::default()
    };
    let unit = format!("{name}.service");
    match (verb, paths.find_unit(name)) {
        ("mask", found) => {
            let mut lines = Vec::new();
            if matches!(found, Found::Nothing) {
                lines.push(format!("Unit {unit} does not exist, proceeding anyway."));
            }
            match paths.mask(name) {
                Ok(line) => {
                    lines.extend(line);
                    said(lines)
                }
                Err(error) => Answer::error(1, error),
            }
        }
        (_, Found::Nothing) => Answer::error(
            1,
            format!("Failed to {verb} unit: Unit file {unit} does not exist."),
        ),
        ("enable", Found::Masked) => Answer::error(
            1,
            format!("Failed to enable unit: Unit file {unit} is masked."),
        ),
        ("disable", _) => paths.disable(name).map_or_else(
            |error| Answer::error(1, format!("Failed to disable unit: {error}")),
            said,
        ),
        (_, Found::File(file, source)) => {
            let wanted_by = Unit::parse(&source, name)
                .map(|unit| unit.wanted_by)
                .unwrap_or_default();
            if wanted_by.is_empty() {
                return said(vec![
                    "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,"
                        .to_owned(),
                ]);
            }
            paths.enable(name, &file, &wanted_by).map_or_else(
                |error| Answer::error(1, format!("Failed to enable unit: {error}")),
                said,
            )
        }
        (_, Found::Masked) => Answer::silence(),
    }
}
