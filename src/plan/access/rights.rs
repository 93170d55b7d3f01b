//! From the user and role that are to the ones that should be, by the fewest
//! steps: none where nothing differs.

use super::{AccessStep, Planner};
use crate::facts::{Access, Cluster, CommonName, IssuedState, KeyRange, Ledger, Permission};

/// What user and role of a name are once everything that the ledger says of it is
/// carried out; `None` for a name of which it says nothing certain.
pub fn as_granted(ledger: &Ledger, name: &CommonName) -> Option<Access> {
    let range = match (ledger.names.get(name), ledger.issued.get(name)) {
        (Some(claim), _) if claim.releasing => None,
        (Some(claim), _) => {
            let record = ledger.clients.get(&claim.holder)?;
            let grant = record.grant.as_ref()?;
            if grant.common_name != *name {
                return None;
            }
            Some(grant.prefix.range())
        }
        (None, Some(record)) => (record.state == IssuedState::InForce).then(|| record.range()),
        // Who only has certificates in it has no rights.
        (None, None) if ledger.signed.contains_key(name) => None,
        (None, None) => return None,
    };
    Some(match range {
        None => Access::default(),
        Some(range) => Access {
            user: Some([name.to_string()].into()),
            role: Some(
                [Permission {
                    read_write: true,
                    range,
                }]
                .into(),
            ),
        },
    })
}

/// Whether users and roles are what the ledger says, for every name in it that was
/// looked up.
pub fn are_as_granted(cluster: &Cluster) -> bool {
    cluster.access.iter().all(|(name, access)| {
        let granted = as_granted(&cluster.ledger, name);
        granted.is_none_or(|granted| granted == *access)
    })
}

impl Planner<'_, '_> {
    /// Ends what a client may have done to stay `root` that could become it.
    pub(super) fn end_other_roots(&mut self) {
        let Some(audit) = &self.cluster.audit else {
            return;
        };
        for (user, roles) in &audit.usurpers {
            let take = |role: &String| AccessStep::TakeRole(user.clone(), role.clone());
            self.steps.extend(roles.iter().map(take));
        }
        if audit.root_has_password && !self.observed.repaired.root {
            self.steps.push(AccessStep::LockRoot);
        }
    }

    /// Makes user, role and permission exactly what a grant says.
    pub(super) fn correct_access(&mut self, name: &CommonName, range: &KeyRange) {
        let known = match self.deleted.remove(name) {
            true => Access::default(),
            false => known(self.cluster, name),
        };
        let audit = self.cluster.audit.as_ref();
        let has_password = audit.is_some_and(|audit| audit.passwords.contains(name));
        self.steps
            .extend(corrections(known, has_password, name, range));
    }

    /// Removes user and role, the user first: from then on nobody can act in
    /// that name.
    pub(super) fn delete_access(&mut self, name: &CommonName) {
        if !self.deleted.insert(name.clone()) {
            return;
        }
        let known = self.cluster.access.get(name).cloned().unwrap_or_default();
        if known.user.is_some() {
            self.steps.push(AccessStep::DeleteUser(name.clone()));
        }
        if known.role.is_some() {
            self.steps.push(AccessStep::DeleteRole(name.clone()));
        }
    }
}

/// The steps that make user, role and permission of a name exactly what was granted,
/// from what the cluster says of them.
pub fn grant_steps(cluster: &Cluster, name: &CommonName, range: &KeyRange) -> Vec<AccessStep> {
    corrections(known(cluster, name), false, name, range)
}

fn known(cluster: &Cluster, name: &CommonName) -> Access {
    cluster.access.get(name).cloned().unwrap_or_default()
}

/// Rights that somebody added by hand to a user of ours go; rights that somebody
/// removed come back.
fn corrections(
    known: Access,
    has_password: bool,
    name: &CommonName,
    range: &KeyRange,
) -> Vec<AccessStep> {
    let Access { mut user, role } = known;
    let mut steps = Vec::new();
    let name = || name.clone();
    if has_password && user.take().is_some() {
        // Ours have none, so somebody else made it, to log in as this client.
        steps.push(AccessStep::DeleteUser(name()));
    }
    if role.is_none() {
        steps.push(AccessStep::AddRole(name()));
    }
    // What is too much goes before what is missing comes: a run cut short
    // in between leaves too few rights, never too many.
    let permissions = role.unwrap_or_default();
    let others = permissions.iter().filter(|other| other.range != *range);
    steps.extend(others.map(|other| AccessStep::RevokePermission(name(), other.range.clone())));
    let is_granted = permissions
        .iter()
        .any(|permission| permission.read_write && permission.range == *range);
    if !is_granted {
        steps.push(AccessStep::GrantPermission(name(), range.clone()));
    }
    if user.is_none() {
        steps.push(AccessStep::AddUser(name()));
    }
    let roles = user.unwrap_or_default();
    let others = roles.iter().filter(|role| *role != name().as_str());
    steps.extend(others.map(|role| AccessStep::RevokeRole(name(), role.clone())));
    if !roles.contains(name().as_str()) {
        steps.push(AccessStep::GrantRole(name()));
    }
    steps
}
