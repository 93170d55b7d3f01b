//! The text of a unit file: sections, assignments, commands.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::words;

/// Section, key and value of each assignment in order.
pub(crate) struct Assignments(Vec<(String, String, String)>);

impl Assignments {
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let mut assignments = Vec::new();
        let mut section = String::new();
        let joined = source.replace("\\\n", " ");
        for line in joined.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                name.clone_into(&mut section);
            } else {
                let (key, value) = line
                    .split_once('=')
                    .ok_or_else(|| format!("missing '=' in {line}"))?;
                assignments.push((
                    section.clone(),
                    key.trim().to_owned(),
                    value.trim().to_owned(),
                ));
            }
        }
        Ok(Self(assignments))
    }

    /// All values of a key; an empty one forgets those before it.
    pub(crate) fn all(&self, section: &str, key: &str) -> Vec<&str> {
        let values: Vec<&str> = self
            .0
            .iter()
            .filter(|(s, k, _)| s == section && k == key)
            .map(|(_, _, value)| value.as_str())
            .collect();
        let forgotten = values
            .iter()
            .rposition(|value| value.is_empty())
            .map_or(0, |last| last + 1);
        values[forgotten..].to_vec()
    }

    pub(crate) fn last(&self, section: &str, key: &str) -> Option<&str> {
        self.all(section, key).last().copied()
    }

    pub(crate) fn commands(&self, key: &str, unit: &str) -> Result<Vec<Command>, String> {
        self.all("Service", key)
            .into_iter()
            .map(|line| Command::parse(line, unit))
            .collect()
    }

    pub(crate) fn time_span(
        &self,
        section: &str,
        key: &str,
        default: Duration,
    ) -> Result<Option<Duration>, String> {
        self.last(section, key)
            .map_or(Ok(Some(default)), words::time_span)
    }
}

/// One `Exec…=` line.
#[derive(Debug)]
pub(crate) struct Command {
    words: Vec<String>,
    /// The prefix `-`: a failure is none.
    pub(crate) ignore_failure: bool,
}

impl Command {
    pub(crate) fn parse(line: &str, unit: &str) -> Result<Self, String> {
        let program = line.trim_start_matches(['-', '+', '!', ':']);
        let ignore_failure = line[..line.len() - program.len()].contains('-');
        let words = words::split(&words::specifiers(program, unit)?)?;
        if !words
            .first()
            .is_some_and(|program| program.starts_with('/'))
        {
            return Err(format!("{line} does not begin with an absolute path"));
        }
        Ok(Self {
            words,
            ignore_failure,
        })
    }

    pub(crate) fn argv(&self, environment: &BTreeMap<String, String>) -> Vec<String> {
        words::variables(&self.words, environment)
    }
}
