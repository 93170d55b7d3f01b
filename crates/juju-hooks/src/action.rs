//! Actions: what an operator asked for, and what the charm answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::text::cut;
use super::{ToolError, Tools};

/// What an action answers: texts, nested by paths.
///
/// Juju accepts only lower-case letters, digits and inner hyphens in the parts of
/// a path (`jujuc/action-set.go`). Other parts are made to fit, since names from
/// outside are among them: `etcd/0` becomes `etcd-0`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ActionResults(BTreeMap<String, String>);

impl ActionResults {
    /// Sets the text at a path; the later of two texts at the same path counts.
    pub fn set(&mut self, path: &[&str], text: impl Into<String>) {
        let path: Vec<_> = path.iter().map(|part| fit(part)).collect();
        let mut key = path.join(".");
        // Names that Juju keeps for itself at the top.
        if matches!(
            key.as_str(),
            "stderr" | "stderr-encoding" | "stdout" | "stdout-encoding"
        ) {
            key.insert_str(0, "result-");
        }
        self.0.insert(key, text.into());
    }

    /// Paths, joined by periods, and their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (&**path, &**text))
    }
}

fn fit(part: &str) -> String {
    let part = part.to_lowercase().replace(
        |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()),
        "-",
    );
    match part.trim_matches('-') {
        "" => "x".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

impl Tools {
    /// The parameters of the running action (`jujuc/action-get.go`); none of them
    /// is an empty map.
    ///
    /// # Errors
    /// [`ToolError::Failed`] with `not running an action` in a hook.
    pub fn action_get(&self) -> Result<Map<String, Value>, ToolError> {
        let parameters: Option<Map<_, _>> = self.call("action-get").json()?;
        Ok(parameters.unwrap_or_default())
    }

    /// Adds to the results of the running action. They are kept even when it
    /// fails. Juju takes results as arguments only, so a text is cut at 100 kB,
    /// loses white space around it, and must not be a secret.
    ///
    /// # Errors
    /// [`ToolError::Failed`] with `not running an action` in a hook.
    pub fn action_set(&self, results: &ActionResults) -> Result<(), ToolError> {
        // One call for each result would be slow, one for all may exceed what the
        // kernel accepts in sum (2 MiB by default).
        let results: Vec<_> = results.iter().collect();
        for results in results.chunks(10) {
            let mut call = self.call("action-set");
            for (path, text) in results {
                call = call.text(&format!("{path}={}", cut(text)));
            }
            call.run()?;
        }
        Ok(())
    }

    /// Marks the running action as failed (`jujuc/action-fail.go`); it goes on
    /// nevertheless.
    ///
    /// # Errors
    /// [`ToolError::Failed`] with `not running an action` in a hook.
    pub fn action_fail(&self, reason: &str) -> Result<(), ToolError> {
        self.call("action-fail").text(cut(reason)).run()?;
        Ok(())
    }

    /// Shows progress to whoever waits for the action (`jujuc/action-log.go`).
    /// Immediate.
    ///
    /// # Errors
    /// [`ToolError::Failed`] with `not running an action` in a hook.
    pub fn action_log(&self, text: &str) -> Result<(), ToolError> {
        self.call("action-log").text(cut(text)).run()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn parameters_may_be_none() {
        for (stdout, count) in [("{\"all\":true}\n", 1), ("{}\n", 0), ("null\n", 0)] {
            let fake = Fake::printing("action-get", stdout);
            assert_eq!(fake.tools().action_get().expect("a map").len(), count);
            assert_eq!(fake.argv("action-get"), ["--format=json"]);
        }
    }

    #[test]
    fn results_are_dotted_paths_that_juju_accepts() {
        let mut results = ActionResults::default();
        results.set(&["members", "etcd/0", "Health"], "good = yes\n");
        results.set(&["5", "-x-"], "");
        results.set(&["stdout"], "--");
        results.set(&["…"], "1");
        let fake = Fake::new(&["action-set"]);
        fake.tools().action_set(&results).expect("they are set");
        assert_eq!(
            fake.argv("action-set").join("|"),
            "--|5.x=|members.etcd-0.health=good = yes||result-stdout=--|x=1"
        );
    }

    #[test]
    fn many_results_take_several_calls() {
        let mut results = ActionResults::default();
        for number in 0..25 {
            results.set(&["n", &number.to_string()], "x".repeat(200_000));
        }
        let fake = Fake::new(&["action-set"]);
        let tools = fake.tools();
        tools.action_set(&results).expect("they are set");
        assert_eq!(tools.calls(), 3);
    }

    #[test]
    fn reasons_and_progress_are_free_text() {
        let fake = Fake::new(&["action-fail", "action-log"]);
        fake.tools().action_fail("-f").expect("it is marked");
        assert_eq!(fake.argv("action-fail"), ["--", "-f"]);
        fake.tools().action_log("half way").expect("it is shown");
        assert_eq!(fake.argv("action-log"), ["--", "half way"]);
    }
}
