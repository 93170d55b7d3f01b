//! Which names and prefixes a request may have.

use super::{Planner, issued, signed};
use crate::facts::observed::PrefixPolicy;
use crate::facts::{
    Access, AppName, Cluster, CommonName, Condition, Grant, IssuedState, Purpose, RequestKey,
    Requirer,
};
use crate::plan::advisory::lets_clients_become_root;

/// Names that begin like this are the charm's own, the common names of the
/// servers' certificates among them: a user of such a name could act as a
/// server wherever etcd presents its own certificate to itself.
pub const RESERVED_PREFIX: &str = "etcd-charm:";

/// How many requests that are gone, and names that they had, a relation may leave
/// until it has to wait for the next full pass: as many as it may make at once,
/// so that all can be replaced.
const MAX_REMAINS: usize = 100;

impl Planner<'_, '_> {
    /// Whether this grant may be given to this request, next to everything
    /// that others have.
    ///
    /// # Errors
    /// Why not, for an operator.
    pub(super) fn admit(&mut self, key: &RequestKey, grant: &Grant) -> Result<(), Condition> {
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
    fn admit_beside_others(&self, key: &RequestKey) -> Result<(), Condition> {
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
            false => Err(Condition::Refused(format!(
                "attach etcd 3.6, or set allow-vulnerable-etcd: {version} isolates no clients"
            ))),
        }
    }

    fn admit_name(&self, key: &RequestKey, grant: &Grant) -> Result<(), Condition> {
        let name = &grant.common_name;
        if is_reserved(name, self.observed.unit.app(), self.cluster) {
            return Err(Condition::Refused(format!(
                "common name {name} is reserved"
            )));
        }
        if let Some(record) = self.ledger.issued.get(name) {
            return Err(issued::refusal(name, record));
        }
        let app = self.app_of(key);
        if let Some(record) = self.ledger.signed.get(name) {
            if record.is_revoked {
                return Err(signed::revoked(name, record));
            }
            if app.as_ref() != Some(&record.app) {
                let holder = &record.app;
                return Err(Condition::Refused(format!(
                    "common name {name} is held by {holder}"
                )));
            }
        }
        match self.ledger.names.get(name) {
            Some(claim) if claim.releasing => {
                // With the very same leaf nobody is let in who should not be;
                // with any other, an old certificate would be the new user.
                if claim.leaves.iter().all(|leaf| *leaf == grant.fingerprint) {
                    return Ok(());
                }
                Err(Condition::Waiting(format!(
                    "common name {name} is free once no member trusts its old certificate"
                )))
            }
            Some(claim) if claim.holder != *key => Err(Condition::Refused(format!(
                "common name {name} is held by {}",
                self.requirer(&claim.holder)
            ))),
            Some(_) => Ok(()),
            None => match self.cluster.access.get(name) {
                Some(Access {
                    user: None,
                    role: None,
                }) => Ok(()),
                // Somebody made it by hand; adopting it would hand over
                // whatever rights it has.
                Some(_) => Err(Condition::Refused(format!(
                    "etcd has a user or role {name} that is not the charm's"
                ))),
                None => Err(Condition::Waiting(format!(
                    "user {name} was not looked up yet"
                ))),
            },
        }
    }

    /// What a request that is gone leaves behind costs every hook until a full pass
    /// has cleaned it up, so a relation waits that leaves too much of it.
    fn admit_beside_remains(&self, key: &RequestKey, grant: &Grant) -> Result<(), Condition> {
        let held = self.ledger.clients.get(key);
        let held = held.and_then(|record| record.grant.as_ref());
        if held.is_some_and(|held| held.common_name == grant.common_name) {
            return Ok(());
        }
        let records = self.ledger.clients.iter();
        let departed =
            records.filter(|(left, record)| left.relation == key.relation && record.departed);
        let claims = self.ledger.names.values();
        let releasing =
            claims.filter(|claim| claim.holder.relation == key.relation && claim.releasing);
        if departed.count().max(releasing.count()) < MAX_REMAINS {
            return Ok(());
        }
        Err(Condition::Waiting(
            "requests that it has replaced are cleaned up first".to_owned(),
        ))
    }

    /// The application that made a request, as Juju says now, or else as it is on
    /// record.
    pub(super) fn app_of(&self, key: &RequestKey) -> Option<AppName> {
        let relation = self.observed.clients.relations.get(&key.relation);
        let app = relation.and_then(|relation| relation.app.clone());
        let record = self.ledger.clients.get(key);
        app.or_else(|| record.and_then(|record| record.app.clone()))
    }

    /// Who made a request: as Juju says now, or else as it is on record.
    fn requirer(&self, key: &RequestKey) -> Requirer {
        let relation = self.observed.clients.relations.get(&key.relation);
        match relation.and_then(|relation| relation.app.as_ref()) {
            Some(app) => Some(app).into(),
            None => self.ledger.requirer(key),
        }
    }

    fn admit_prefix(&mut self, key: &RequestKey, grant: &Grant) -> Result<(), Condition> {
        // What was granted before stays, and its certificate can be renewed.
        let held = self.ledger.clients.get(key);
        let held = held.and_then(|record| record.grant.as_ref());
        if held.is_some_and(|held| held.prefix == grant.prefix) {
            return Ok(());
        }
        let range = grant.prefix.range();
        let overlap = self
            .ledger
            .grants()
            .find(|(other, granted)| *other != key && granted.prefix.range().overlaps(&range));
        let Some((other, granted)) = overlap else {
            return Ok(());
        };
        let text = format!(
            "prefix {} overlaps {} of {}",
            grant.prefix,
            granted.prefix,
            self.requirer(other)
        );
        match self.observed.options.prefix_policy {
            PrefixPolicy::Exclusive => Err(Condition::Refused(text)),
            PrefixPolicy::Shared => {
                let who = self.requirer(key);
                self.report
                    .remark(format!("{who} (relation {key}): {text}"));
                Ok(())
            }
        }
    }
}

/// Whether nobody may have this name but `root`, the charm, or a member.
pub(super) fn is_reserved(name: &CommonName, app: &AppName, cluster: &Cluster) -> bool {
    name.as_str() == "root"
        || name.as_str().starts_with(RESERVED_PREFIX)
        || is_of_a_member(name, app, cluster)
}

/// Whether a member is called like this, or one could be: units come and go,
/// and a name that was granted is not taken away when they do.
fn is_of_a_member(name: &CommonName, app: &AppName, cluster: &Cluster) -> bool {
    let number = name
        .as_str()
        .strip_prefix(app.as_str())
        .and_then(|rest| rest.strip_prefix('-'));
    let is_of_a_unit = number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let mut members = cluster.members.iter();
    is_of_a_unit
        || members.any(|member| {
            let member = member.name.as_ref();
            member.is_some_and(|member| member.as_str() == name.as_str())
        })
}
