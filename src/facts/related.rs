//! The relations over which somebody may have access, as any unit can see them.

use std::collections::{BTreeMap, BTreeSet};

use super::{AppName, Ledger, LegacyInterface, Purpose, RelationId};
use crate::relation::Asked;

/// A relation with a client, as any unit can see it.
#[derive(Clone, Debug, Default)]
pub struct Related {
    /// The application at the other end; `None` where Juju does not say.
    pub app: Option<AppName>,
    /// What it asks for; `None` while it has asked nothing, or where that
    /// cannot be read.
    pub asked: Option<Asked>,
}

/// The relations over which somebody may have access.
#[derive(Clone, Debug, Default)]
pub struct Relations {
    /// Those whose requirers ask for what they want.
    pub clients: BTreeMap<RelationId, Related>,
    /// Those of the legacy interfaces.
    pub legacy: BTreeMap<RelationId, LegacyInterface>,
    /// The applications at the other ends of those.
    pub apps: BTreeMap<RelationId, AppName>,
}

impl Relations {
    /// The relation with this number, if somebody has or had access over it.
    ///
    /// # Errors
    /// There is none; those that there are.
    pub fn find(&self, number: u64, ledger: &Ledger) -> Result<RelationId, Vec<RelationId>> {
        let recorded = ledger.clients.keys().map(|key| key.relation);
        let recorded = recorded.chain(ledger.unsigned.keys().copied());
        let issued = ledger.issued.values();
        let issued = issued.filter_map(|record| match record.purpose {
            Purpose::Relation(_, relation) => Some(relation),
            Purpose::Operator => None,
        });
        let related = self.clients.keys().chain(self.legacy.keys());
        let all: BTreeSet<_> = related.copied().chain(recorded).chain(issued).collect();
        let found = all.iter().find(|id| u64::from(id.0) == number);
        found.copied().ok_or_else(|| all.iter().copied().collect())
    }
}
