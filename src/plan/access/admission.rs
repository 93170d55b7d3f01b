//! Which names and prefixes a request may have.

use super::Planner;
use super::name_admission::{self, Applicant};
use crate::facts::observed::PrefixPolicy;
use crate::facts::reason::{Overlap, Reason};
use crate::facts::{AppName, Grant, IssuedState, NameRefusal, Purpose, RequestKey, Requirer};
use crate::plan::advisory::lets_clients_become_root;

/// How many requests that are gone, and names that they had, a relation may leave
/// until it has to wait for the next full pass: as many as it may make at once,
/// so that all can be replaced.
const MAX_REMAINS: usize = 100;

impl Planner<'_, '_> {
    /// Whether this grant may be given to this request, next to everything
    /// that others have.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn admit(&mut self, key: &RequestKey, grant: &Grant) -> Result<(), Reason> {
        self.admit_name(key, grant)?;
        self.admit_beside_others(key)?;
        self.admit_beside_remains(key, grant)?;
        self.admit_to_handshakes(key, grant)?;
        self.admit_pace(key, grant)?;
        self.admit_prefix(key, grant)
    }

    /// A release in which a client can make itself `root` serves one relation, which
    /// has nobody else's keys to reach, unless an operator wants it otherwise. What
    /// was granted before stays, and its certificate can be renewed.
    fn admit_beside_others(&self, key: &RequestKey) -> Result<(), Reason> {
        let version = &self.cluster.status.version;
        if self.observed.options.allows_vulnerable || !lets_clients_become_root(version) {
            return Ok(());
        }
        let held = self.ledger.clients.get(key);
        if held.is_some_and(|held| held.grant.is_some()) {
            return Ok(());
        }
        let mut granted = self.ledger.grants().map(|(other, _)| other.relation);
        let issued = self.ledger.issued.values();
        let mut issued = issued.filter(|record| record.state != IssuedState::Revoked);
        let is_alone = granted.all(|relation| relation == key.relation)
            && !issued.any(|record| matches!(record.purpose, Purpose::Relation(..)));
        match is_alone {
            true => Ok(()),
            false => Err(Reason::VulnerableEtcd(version.clone())),
        }
    }

    fn admit_name(&self, key: &RequestKey, grant: &Grant) -> Result<(), Reason> {
        let name = &grant.common_name;
        let applicant = Applicant::Request {
            key,
            app: self.app_of(key),
            leaf: &grant.fingerprint,
        };
        let app = self.observed.unit.app();
        let admitted = name_admission::admit(name, applicant, app, self.cluster, &self.ledger);
        admitted.map(drop).map_err(|refusal| {
            let refusal = match refusal {
                // As Juju says now, where the record says something else.
                NameRefusal::Held(holder, _) => {
                    let requirer = self.requirer(&holder);
                    NameRefusal::Held(holder, requirer)
                }
                refusal => refusal,
            };
            Reason::Name(name.clone(), refusal)
        })
    }

    /// What a request that is gone leaves behind costs every hook until a full pass
    /// has cleaned it up, so a relation waits that leaves too much of it.
    fn admit_beside_remains(&self, key: &RequestKey, grant: &Grant) -> Result<(), Reason> {
        let held = self.ledger.clients.get(key);
        let held = held.and_then(|record| record.grant.as_ref());
        if held.is_some_and(|held| held.common_name == grant.common_name) {
            return Ok(());
        }
        let records = self.ledger.clients.entries();
        let departed =
            records.filter(|left| left.relation() == key.relation && left.view().departed);
        let claims = self.ledger.names.entries().map(|claim| claim.view());
        let releasing = claims.filter(|claim| claim.relation == key.relation && claim.releasing);
        if departed.count().max(releasing.count()) < MAX_REMAINS {
            return Ok(());
        }
        Err(Reason::Remains)
    }

    /// The application that made a request, as Juju says now, or else as it is on
    /// record.
    pub(super) fn app_of(&self, key: &RequestKey) -> Option<&AppName> {
        let relation = self.observed.clients.relations.get(&key.relation);
        let app = relation.and_then(|relation| relation.app.as_ref());
        let record = self.ledger.clients.get(key);
        app.or_else(|| record.and_then(|record| record.app.as_ref()))
    }

    /// Who made a request: as Juju says now, or else as it is on record.
    fn requirer(&self, key: &RequestKey) -> Requirer {
        let relation = self.observed.clients.relations.get(&key.relation);
        match relation.and_then(|relation| relation.app.as_ref()) {
            Some(app) => Some(app).into(),
            None => self.ledger.requirer(key),
        }
    }

    fn admit_prefix(&mut self, key: &RequestKey, grant: &Grant) -> Result<(), Reason> {
        // What was granted before stays, and its certificate can be renewed.
        let held = self.ledger.clients.get(key);
        let held = held.and_then(|record| record.grant.as_ref());
        if held.is_some_and(|held| held.prefix == grant.prefix) {
            return Ok(());
        }
        let mut others = self.ledger.grant_views();
        let overlap = others
            .find(|(other, granted)| grant.prefix.overlaps(granted.prefix) && other.key() != key);
        let Some((other, granted)) = overlap.and_then(|(other, _)| {
            let granted = other.record().grant.as_ref()?;
            Some((other.key(), granted))
        }) else {
            return Ok(());
        };
        let overlap = Overlap {
            prefix: grant.prefix.clone(),
            granted: granted.prefix.clone(),
            holder: self.requirer(other),
        };
        match self.observed.options.prefix_policy {
            PrefixPolicy::Exclusive => Err(Reason::Overlap(overlap)),
            PrefixPolicy::Shared => {
                let requirer = self.requirer(key);
                self.report.note_overlap(requirer, key, overlap);
                Ok(())
            }
        }
    }
}
