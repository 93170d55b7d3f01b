//! A unit file, read as systemd reads it, as far as services of charms go.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::unit_text::{Assignments, Command};
use crate::words;

/// systemd's defaults.
pub(crate) const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(90);
const DEFAULT_RESTART_DELAY: Duration = Duration::from_millis(100);
const DEFAULT_START_LIMIT: (Duration, usize) = (Duration::from_secs(10), 5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `simple` and `exec`: started when the process is there.
    Simple,
    /// Started when the process says so.
    Notify,
}

#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) kind: Kind,
    pub(crate) start_pre: Vec<Command>,
    pub(crate) start: Command,
    pub(crate) stop: Vec<Command>,
    pub(crate) stop_post: Vec<Command>,
    pub(crate) restart: String,
    pub(crate) restart_delay: Duration,
    pub(crate) start_limit: (Duration, usize),
    /// `None` is without limit.
    pub(crate) start_time_limit: Option<Duration>,
    pub(crate) stop_time_limit: Option<Duration>,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) wanted_by: Vec<String>,
    environment: Vec<String>,
    environment_files: Vec<String>,
}

impl Unit {
    pub(crate) fn parse(source: &str, name: &str) -> Result<Self, String> {
        let file = Assignments::parse(source)?;
        let kind = match file.last("Service", "Type") {
            None | Some("simple" | "exec") => Kind::Simple,
            Some("notify") => Kind::Notify,
            Some(other) => return Err(format!("Type={other} is not simulated")),
        };
        let restart = file.last("Service", "Restart").unwrap_or("no").to_owned();
        if ![
            "no",
            "always",
            "on-success",
            "on-failure",
            "on-abnormal",
            "on-abort",
        ]
        .contains(&restart.as_str())
        {
            return Err(format!("Restart={restart} is not simulated"));
        }
        let mut start = file.commands("ExecStart", name)?;
        let (Some(start), true) = (start.pop(), start.is_empty()) else {
            return Err("there must be exactly one ExecStart=".to_owned());
        };
        let burst = match file.last("Unit", "StartLimitBurst") {
            Some(burst) => burst
                .parse()
                .map_err(|_| format!("StartLimitBurst={burst}"))?,
            None => DEFAULT_START_LIMIT.1,
        };
        let both = file.time_span("Service", "TimeoutSec", DEFAULT_TIME_LIMIT)?;
        let limit = |key| file.last("Service", key).map_or(Ok(both), words::time_span);
        let texts = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Ok(Self {
            kind,
            start_pre: file.commands("ExecStartPre", name)?,
            start,
            stop: file.commands("ExecStop", name)?,
            stop_post: file.commands("ExecStopPost", name)?,
            restart,
            restart_delay: file
                .time_span("Service", "RestartSec", DEFAULT_RESTART_DELAY)?
                .unwrap_or(Duration::MAX),
            start_limit: (
                file.time_span("Unit", "StartLimitIntervalSec", DEFAULT_START_LIMIT.0)?
                    .unwrap_or(Duration::MAX),
                burst,
            ),
            start_time_limit: limit("TimeoutStartSec")?,
            stop_time_limit: limit("TimeoutStopSec")?,
            working_directory: file.last("Service", "WorkingDirectory").map(PathBuf::from),
            wanted_by: texts(
                file.all("Install", "WantedBy")
                    .iter()
                    .flat_map(|l| l.split_whitespace())
                    .collect(),
            ),
            environment: file
                .all("Service", "Environment")
                .into_iter()
                .map(|line| words::split(&words::specifiers(line, name)?))
                .collect::<Result<Vec<_>, _>>()?
                .concat(),
            environment_files: texts(file.all("Service", "EnvironmentFile")),
        })
    }

    /// What the processes of the service find in their environment: little, and nothing of the test's own.
    pub(crate) fn environment(&self) -> Result<BTreeMap<String, String>, String> {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut lines = vec![format!("PATH={path}"), "LANG=C.UTF-8".to_owned()];
        lines.extend(self.environment.iter().cloned());
        for file in &self.environment_files {
            let (optional, file) = file
                .strip_prefix('-')
                .map_or((false, file.as_str()), |file| (true, file));
            match fs::read_to_string(Path::new(file)) {
                Ok(text) => lines.extend(
                    text.lines()
                        .map(str::trim)
                        .filter(|line| !line.starts_with(['#', ';']))
                        .filter_map(|line| line.split_once('='))
                        .map(|(key, value)| format!("{key}={}", value.trim_matches(['"', '\'']))),
                ),
                Err(_) if optional => {}
                Err(error) => return Err(format!("{file}: {error}")),
            }
        }
        Ok(lines
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect())
    }

    /// Whether the service is to be started again after its main process ended by itself.
    pub(crate) fn restarts_after(&self, result: &str) -> bool {
        match self.restart.as_str() {
            "always" => true,
            "on-success" => result == "success",
            "on-failure" => result != "success",
            "on-abnormal" => !["success", "exit-code"].contains(&result),
            "on-abort" => ["signal", "core-dump"].contains(&result),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_file_is_read_with_defaults_and_prefixes() {
        let unit = Unit::parse(
            "[Unit]\nStartLimitBurst=9\n[Service]\n# comment\nType=notify\nExecStartPre=-+/bin/false a\nExecStart=/bin/a \\\n  b\n\
             Environment=A=1 \"B=x y\"\nRestart=on-failure\nTimeoutStopSec=5\n[Install]\nWantedBy=multi-user.target\n",
            "a",
        );
        let unit = unit.expect("a valid unit");
        assert_eq!(unit.kind, Kind::Notify);
        assert!(unit.start_pre[0].ignore_failure);
        let environment = unit.environment().expect("no files");
        assert_eq!(unit.start.argv(&environment), ["/bin/a", "b"]);
        assert_eq!(environment.get("B").map(String::as_str), Some("x y"));
        assert_eq!(
            (unit.start_limit.1, unit.stop_time_limit),
            (9, Some(Duration::from_secs(5)))
        );
        assert_eq!(unit.wanted_by, ["multi-user.target"]);
        assert!(unit.restarts_after("signal") && !unit.restarts_after("success"));
    }

    #[test]
    fn what_systemd_refuses_is_refused() {
        for service in [
            "",
            "ExecStart=etcd",
            "ExecStart=/a\nExecStart=/b",
            "Type=forking\nExecStart=/a",
            "ExecStart=/a %Z",
        ] {
            assert!(
                Unit::parse(&format!("[Service]\n{service}\n"), "a").is_err(),
                "{service}"
            );
        }
    }

    #[test]
    fn an_empty_assignment_forgets() {
        let unit = Unit::parse("[Service]\nExecStart=/a\nExecStart=\nExecStart=/b\n", "a")
            .expect("a valid unit");
        assert_eq!(unit.start.argv(&BTreeMap::new()), ["/b"]);
    }
}
