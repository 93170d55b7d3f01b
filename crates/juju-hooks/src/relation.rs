//! Relations and their databags.
//!
//! A relation that is gone from the model but still known to the agent answers
//! `permission denied` or `relation not found`, by version (juju/juju#23246):
//! see [`ToolError::is_denied`] and [`ToolError::is_not_found`].

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ToolError, Tools};
use crate::{AppName, Databag, Endpoint, InvalidId, ModelUuid, Relation, UnitName};

impl Tools {
    /// The relations of an endpoint, by number (`jujuc/relation-ids.go` sorts
    /// them as text). A relation that is being broken is no longer among them,
    /// though all other functions still take it.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn relation_ids(&self, endpoint: Endpoint) -> Result<Vec<Relation>, ToolError> {
        const TOOL: &str = "relation-ids";
        let names: Option<Vec<String>> = self.call(TOOL).arg(endpoint.0).json()?;
        let mut relations = names
            .unwrap_or_default()
            .iter()
            .map(|name| {
                let (_, number) = name.rsplit_once(':').unwrap_or(("", name));
                let id = number.parse()?;
                Ok(Relation { endpoint, id })
            })
            .collect::<Result<Vec<_>, InvalidId>>()
            .map_err(|source| ToolError::parse(TOOL, source))?;
        relations.sort_unstable();
        Ok(relations)
    }

    /// The remote units that this unit has seen join (`jujuc/relation-list.go`):
    /// none in `relation-created` and `relation-broken`, and in
    /// `relation-departed` the departing one is missing already.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation.
    pub fn relation_list(&self, relation: Relation) -> Result<Vec<UnitName>, ToolError> {
        const TOOL: &str = "relation-list";
        let names: Option<Vec<String>> = self.call(TOOL).args(on(relation)).json()?;
        let mut units = names
            .unwrap_or_default()
            .iter()
            .map(|name| name.parse())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| ToolError::parse(TOOL, source))?;
        units.sort_unstable();
        Ok(units)
    }

    /// The application at the other end, also while it has no unit; of a peer
    /// relation, our own. For where `JUJU_REMOTE_APP` is missing, which happens
    /// (lp:1960934).
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation.
    pub fn remote_app(&self, relation: Relation) -> Result<AppName, ToolError> {
        const TOOL: &str = "relation-list";
        let call = self.call(TOOL).args(on(relation)).arg("--app");
        let name: Option<String> = call.json()?;
        name.unwrap_or_default()
            .parse()
            .map_err(|source| ToolError::parse(TOOL, source))
    }

    /// The databag of an application (`jujuc/relation-get.go`): of the remote
    /// one, or of our own in a peer relation. For our own application elsewhere
    /// see [`Self::relation_get_own_app`].
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation, or it is
    /// gone.
    pub fn relation_get_app(
        &self,
        relation: Relation,
        app: &AppName,
    ) -> Result<Databag, ToolError> {
        let call = self.call("relation-get").args(on(relation)).arg("--app");
        let bag: Option<Databag> = call.args(["-", app.as_str()]).json()?;
        Ok(bag.unwrap_or_default())
    }

    /// The databag of our own application, with what this hook wrote to it, or
    /// `None` if Juju does not let us see it: only the leader may read it
    /// (`facades/agent/uniter`, `ReadLocalApplicationSettings`), and nobody once
    /// the relation is gone.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation.
    pub fn relation_get_own_app(
        &self,
        relation: Relation,
        app: &AppName,
    ) -> Result<Option<Databag>, ToolError> {
        match self.relation_get_app(relation, app) {
            Ok(bag) => Ok(Some(bag)),
            Err(error) if error.is_denied() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The databag of a unit: a remote one, even if it has departed, or our own
    /// with what this hook wrote to it.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation, or it is
    /// gone.
    pub fn relation_get_unit(
        &self,
        relation: Relation,
        unit: &UnitName,
    ) -> Result<Databag, ToolError> {
        let call = self.call("relation-get").args(on(relation));
        let bag: Option<Databag> = call.arg("-").arg(unit.to_string()).json()?;
        Ok(bag.unwrap_or_default())
    }

    /// Changes keys in the databag of our application (`jujuc/relation-set.go`);
    /// `None`, and an empty text likewise, deletes a key. Without changes nothing
    /// is called. Buffered.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not lead (see
    /// [`ToolError::is_denied`]) or does not know the relation.
    pub fn relation_set_app(
        &self,
        relation: Relation,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), ToolError> {
        self.relation_set(relation, &["--app"], changes)
    }

    /// Changes keys in the databag of this unit; otherwise as
    /// [`Self::relation_set_app`], and any unit may do it.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation.
    pub fn relation_set_unit(
        &self,
        relation: Relation,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), ToolError> {
        self.relation_set(relation, &[], changes)
    }

    /// The model at the other end (`jujuc/relation-model-get.go`), or `None` if
    /// this version of Juju cannot say: the tool came with 3.6.2.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not know the relation.
    pub fn relation_model_uuid(&self, relation: Relation) -> Result<Option<ModelUuid>, ToolError> {
        #[derive(Deserialize)]
        struct Model {
            uuid: String,
        }
        const TOOL: &str = "relation-model-get";
        let model: Model = match self.call(TOOL).args(on(relation)).json() {
            Ok(model) => model,
            Err(error) if error.is_unknown_tool() => return Ok(None),
            Err(error) => return Err(error),
        };
        let uuid = model.uuid.parse();
        uuid.map(Some)
            .map_err(|source| ToolError::parse(TOOL, source))
    }

    fn relation_set(
        &self,
        relation: Relation,
        whose: &[&str],
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), ToolError> {
        if changes.is_empty() {
            return Ok(());
        }
        // By a file and not by arguments, which are visible to every local user,
        // limited in length, and trimmed.
        self.call("relation-set")
            .args(on(relation))
            .args(whose)
            .args(["--file", "-"])
            .stdin(settings(changes))
            .run()?;
        Ok(())
    }
}

/// Names the relation with its endpoint, so that a version of Juju that checks
/// the two against each other finds our mistakes.
fn on(relation: Relation) -> [String; 2] {
    ["-r".to_owned(), relation.to_string()]
}

/// Changes as JSON in the part that YAML shares with it. The tool reads YAML,
/// which folds the line separators of Unicode and refuses other control
/// characters where JSON has them as they are, so these are escaped.
fn settings(changes: &BTreeMap<String, Option<String>>) -> String {
    let changes: BTreeMap<_, _> = changes
        .iter()
        .map(|(key, value)| (key, value.as_deref().unwrap_or("")))
        .collect();
    let json = serde_json::to_string(&changes).expect("a map of texts is always JSON");
    let mut settings = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                settings.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => settings.push(character),
        }
    }
    settings
}
