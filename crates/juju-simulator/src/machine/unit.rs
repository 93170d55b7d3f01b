//! A unit file, read as systemd reads it, as far as services of charms go.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::unit_text::{Assignments, Command};
use crate::machine::words;

/// systemd's defaults.
pub(crate) const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(90);
const DEFAULT_RESTART_DELAY: Duration = Duration::from_millis(100);
const DEFAULT_START_LIMIT: (Duration, usize) = (Duration::from_secs(10), 5);

/// What systemd knows of when to restart a service.
const RESTARTS: [&str; 6] = [
    "no",
    "always",
    "on-success",
    "on-failure",
    "on-abnormal",
    "on-abort",
];

/// A service with one of these would be simulated wrongly, so it is refused.
const NOT_SIMULATED: [&str; 8] = [
    "EnvironmentFile",
    "ExecCondition",
    "ExecReload",
    "ExecStartPost",
    "ExecStop",
    "ExecStopPost",
    "RestartPreventExitStatus",
    "WorkingDirectory",
];

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
    pub(crate) restart: String,
    pub(crate) restart_delay: Duration,
    pub(crate) start_limit: (Duration, usize),
    /// `None` is without limit.
    pub(crate) start_time_limit: Option<Duration>,
    pub(crate) stop_time_limit: Option<Duration>,
    pub(crate) wanted_by: Vec<String>,
    environment: Vec<String>,
}

impl Unit {
    pub(crate) fn parse(source: &str, name: &str) -> Result<Self, String> {
        let file = Assignments::parse(source)?;
        if let Some(key) = NOT_SIMULATED
            .iter()
            .find(|key| file.last("Service", key).is_some())
        {
            return Err(format!("{key}= is not simulated"));
        }
        let kind = match file.last("Service", "Type") {
            None | Some("simple" | "exec") => Kind::Simple,
            Some("notify") => Kind::Notify,
            Some(other) => return Err(format!("Type={other} is not simulated")),
        };
        let restart = file.last("Service", "Restart").unwrap_or("no").to_owned();
        if !RESTARTS.contains(&restart.as_str()) {
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
        Ok(Self {
            kind,
            start_pre: file.commands("ExecStartPre", name)?,
            start,
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
            wanted_by: file
                .all("Install", "WantedBy")
                .iter()
                .flat_map(|line| line.split_whitespace())
                .map(str::to_owned)
                .collect(),
            environment: file
                .all("Service", "Environment")
                .into_iter()
                .map(|line| words::split(&words::specifiers(line, name)?))
                .collect::<Result<Vec<_>, _>>()?
                .concat(),
        })
    }

    /// What the processes of the service find in their environment: little, and nothing of the test's own.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        [path, "LANG=C.UTF-8"]
            .into_iter()
            .chain(self.environment.iter().map(String::as_str))
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
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
        let environment = unit.environment();
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
            "ExecStart=server",
            "ExecStart=/a\nExecStart=/b",
            "Type=forking\nExecStart=/a",
            "ExecStart=/a %Z",
            "ExecStart=/a\nExecStop=/b",
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
