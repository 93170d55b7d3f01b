//! What Juju shows of a unit. Juju keeps each status that is set in a log, so one that it
//! shows already is not set again.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StatusName, ToolError, Tools};

/// What was set.
#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Shown {
    unit: Option<(String, String)>,
    application: Option<(String, String)>,
    version: Option<String>,
}

/// What a hook has to say.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The status of this unit; from the leader, that of the application as well.
    pub status: StatusName,
    /// Its text.
    pub text: &'a str,
    /// Whether this unit leads.
    pub leads: bool,
    /// The version of the workload, if it is known; said by the leader alone.
    pub version: Option<&'a str>,
}

impl Tools {
    /// Sets what differs from what was set last, by the file `note`; its directory has to
    /// be there for that to be known the next time. All is set where Juju `may_differ`
    /// from the note: it sets a status itself when it installs a charm, and a unit that
    /// leads now did not set that of the application.
    ///
    /// # Errors
    /// A hook tool failed.
    pub fn show(
        &self,
        report: &Report<'_>,
        note: &Path,
        may_differ: bool,
    ) -> Result<(), ToolError> {
        let (status, text) = (report.status, report.text);
        let before = match may_differ {
            true => Shown::default(),
            false => noted(note),
        };
        let both = (status.as_str().to_owned(), text.to_owned());
        let mut now = Shown {
            unit: Some(both),
            ..Shown::default()
        };
        if report.leads {
            now.application.clone_from(&now.unit);
            // A workload that does not answer has no other version than before.
            let version = report.version.map(str::to_owned);
            now.version = version.or_else(|| before.version.clone());
        }
        if now == before {
            return Ok(());
        }
        // First: what a hook was killed after is set again.
        let _ = fs::remove_file(note);
        if now.unit != before.unit {
            self.status_set(status, text)?;
        }
        if now.application.is_some() && now.application != before.application {
            self.status_set_application(status, text)?;
        }
        if let Some(version) = now.version.as_deref()
            && now.version != before.version
        {
            self.application_version_set(version)?;
        }
        // Without a note, the next hook sets it again.
        let _ = write(note, &now);
        Ok(())
    }
}

fn noted(note: &Path) -> Shown {
    let text = fs::read_to_string(note).ok();
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn write(note: &Path, shown: &Shown) -> io::Result<()> {
    let text = serde_json::to_string(shown)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(note)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    fn active(text: &str) -> Report<'_> {
        Report {
            status: StatusName::Active,
            text,
            leads: false,
            version: None,
        }
    }

    #[test]
    fn what_is_shown_is_not_set_again() {
        let fake = Fake::new(&["status-set", "application-version-set"]);
        let directory = tempfile::tempdir().expect("a directory");
        let note = directory.path().join("shown");
        let show = |text, leader: Option<Option<&str>>, may_differ| {
            let tools = fake.tools();
            let report = Report {
                leads: leader.is_some(),
                version: leader.flatten(),
                ..active(text)
            };
            tools.show(&report, &note, may_differ).expect("set");
            tools.calls()
        };
        assert_eq!(show("one", None, false), 1);
        assert_eq!(show("one", None, false), 0);
        assert_eq!(show("one", Some(Some("9.1")), false), 2, "it leads now");
        assert_eq!(show("one", Some(None), false), 0, "the version stands");
        assert_eq!(show("two", Some(Some("9.1")), false), 2);
        assert_eq!(show("two", Some(Some("9.2")), false), 1);
        assert_eq!(show("two", Some(Some("9.2")), true), 3);
        assert_eq!(show("two", None, false), 0);
        assert_eq!(show("two", Some(Some("9.2")), false), 2, "another led");
    }

    #[test]
    fn a_status_that_was_not_set_is_set_next_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let note = directory.path().join("shown");
        let refused = Fake::failing("status-set", 1, "ERROR it is down");
        let set = refused.tools().show(&active(""), &note, false);
        set.expect_err("it cannot be set");
        let fake = Fake::new(&["status-set"]);
        let tools = fake.tools();
        tools.show(&active(""), &note, false).expect("set");
        assert_eq!(tools.calls(), 1);
    }
}
