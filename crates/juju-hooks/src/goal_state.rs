//! What the model is to come to, whatever the hooks so far have told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{ToolError, Tools};
use crate::{Endpoint, UnitName};

const TOOL: &str = "goal-state";

/// What one unit or application is to come to.
#[derive(Deserialize)]
struct Goal {
    #[serde(default)]
    status: String,
}

impl Tools {
    /// The units of this application, as the controller has them
    /// (`jujuc/goal-state.go`): this one, those that are dying, and those that it
    /// has not met yet. One that is dead is none of them, though relations may
    /// show it for good: `relation-departed` is not always told.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn units(&self) -> Result<BTreeSet<UnitName>, ToolError> {
        Ok(self.unit_goals()?.into_keys().collect())
    }

    /// The units at the other ends of the relations of an endpoint, as the controller
    /// has them, and whether each is dying. Those of other models may be missing.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn related_unit_goals(
        &self,
        endpoint: Endpoint,
    ) -> Result<BTreeMap<UnitName, bool>, ToolError> {
        #[derive(Deserialize)]
        struct GoalState {
            #[serde(default)]
            relations: BTreeMap<String, BTreeMap<String, Goal>>,
        }
        let mut state: GoalState = self.call(TOOL).json()?;
        let all = state.relations.remove(endpoint.0).unwrap_or_default();
        // Beside the units stand the applications themselves.
        let units = all.into_iter().filter_map(|(name, goal)| {
            let unit = name.parse().ok()?;
            Some((unit, goal.status == "dying"))
        });
        Ok(units.collect())
    }

    /// The same units, and whether each is dying.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn unit_goals(&self) -> Result<BTreeMap<UnitName, bool>, ToolError> {
        #[derive(Deserialize)]
        struct GoalState {
            units: BTreeMap<String, Goal>,
        }
        let state: GoalState = self.call(TOOL).json()?;
        let units = state
            .units
            .iter()
            .map(|(name, goal)| Ok((name.parse()?, goal.status == "dying")));
        units
            .collect::<Result<_, crate::InvalidId>>()
            .map_err(|source| ToolError::parse(TOOL, source))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use crate::Endpoint;

    #[test]
    fn units_are_told_with_their_statuses_and_relations() {
        let printed = r#"{"units":{"etcd/0":{"status":"active","since":"2026-01-04 06:29:46Z"},
            "etcd/10":{"status":"dying"}},"relations":{"db":{"app":{},"app/0":{}}}}"#;
        let fake = Fake::printing("goal-state", printed);
        let units = fake.tools().unit_goals().expect("units");
        let units: Vec<_> = units
            .iter()
            .map(|(unit, dying)| (unit.to_string(), *dying))
            .collect();
        assert_eq!(
            units,
            [("etcd/0".to_owned(), false), ("etcd/10".to_owned(), true)]
        );
        assert_eq!(fake.argv("goal-state"), ["--format=json"]);
        let related = fake.tools().related_unit_goals(Endpoint("db"));
        let related = related.expect("units").into_keys();
        let related: Vec<_> = related.map(|unit| unit.to_string()).collect();
        assert_eq!(related, ["app/0"]);
        let none = fake.tools().related_unit_goals(Endpoint("other"));
        assert!(none.expect("units").is_empty());
        for nonsense in ["[]", r#"{"units":{"etcd":{}}}"#] {
            let fake = Fake::printing("goal-state", nonsense);
            assert!(fake.tools().units().is_err(), "{nonsense}");
        }
    }
}
