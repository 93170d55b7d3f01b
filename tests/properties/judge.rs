//! What must hold, found out by looking at the world alone: nothing of the
//! planner is asked but the codecs, which have tests of their own.

use std::collections::{BTreeMap, BTreeSet};

use etcd_charm::facts::observed::PrefixPolicy;
use etcd_charm::facts::{
    Access, CommonName, Databag, Grant, KeyRange, LockName, Member, MemberName, Permission,
    RelationId, RequestKey,
};
use etcd_charm::relation::{self, OfferedCertificate};

use super::pool::{POOL, address};
use super::world::{OurSecret, World, trusted, unit_name, words_in};

impl World {
    /// A restart was planned: by what is true at this moment, and not by what
    /// the planner believes, the rest must keep quorum. With two members no
    /// restart ever could; then the other one must at least be well.
    pub(crate) fn judge_restart(&mut self, unit: usize) {
        let others: Vec<_> = self
            .etcd
            .members
            .iter()
            .filter(|member| !member.learner && self.unit_of(member) != Some(unit))
            .collect();
        let voters = others.len() + 1;
        let up = others.iter().filter(|member| self.is_up(member)).count();
        if !(up > voters / 2 || (voters <= 2 && up == others.len())) {
            self.fault(format!(
                "a restart of unit {unit} is planned with {up} of {} others up",
                others.len()
            ));
        }
    }

    /// A member was stopped by a hook.
    pub(crate) fn judge_stop(&mut self, unit: usize) {
        let stopped = self.units.iter().filter(|unit| unit.stopped_by_hook);
        let stopped = stopped.count();
        if stopped > 1 {
            self.fault(format!("{stopped} members are stopped at once"));
        }
        let has_turn = self.etcd.locks.get(&LockName::Restart) == Some(&unit);
        if self.etcd.members.len() > 1 && !has_turn {
            self.fault(format!("unit {unit} restarts out of turn"));
        }
    }

    /// A hook has succeeded: whatever it changed in an answer must be true now.
    pub(crate) fn judge_commit(
        &mut self,
        before: &BTreeMap<RelationId, Databag>,
        secrets: &BTreeMap<String, OurSecret>,
    ) {
        let mut faults = Vec::new();
        for (id, client) in &self.relations {
            let old = before.get(id).map(relation::read_own).unwrap_or_default();
            for (request, answer) in relation::read_own(&client.own) {
                let key = RequestKey {
                    relation: *id,
                    request,
                };
                let content = |uri| self.secret(uri).map(|secret| secret.content.clone());
                let user = answer.secret_user.as_ref().and_then(content);
                let old_user = answer.secret_user.as_ref().and_then(|uri| {
                    let mut secrets = secrets.values();
                    secrets.find(|secret| secret.uri == *uri)
                });
                let is_same = old.get(&key.request) == Some(&answer)
                    && old_user.map(|secret| &secret.content) == user.as_ref();
                if is_same {
                    continue;
                }
                if answer.secret_tls.as_ref().and_then(content).is_none() {
                    faults.push(format!("{key} is told of no authority"));
                }
                let name = user.as_ref().and_then(|user| user.get("username"));
                let Some(name) = name else {
                    faults.push(format!("{key} is told of no user"));
                    continue;
                };
                faults.extend(self.untrue(&key, name, &answer.endpoints));
            }
        }
        for fault in faults {
            self.fault(format!("published before it is true: {fault}"));
        }
    }

    /// What is wrong with this answer.
    fn untrue(&self, key: &RequestKey, name: &str, endpoints: &[String]) -> Vec<String> {
        let mut faults = Vec::new();
        let record = self.etcd.ledger.clients.get(key);
        let Some(grant) = record.and_then(|record| record.grant.as_ref()) else {
            return vec![format!("{key} has no grant")];
        };
        if grant.common_name.as_str() != name {
            faults.push(format!("{key} is {}, not {name}", grant.common_name));
        }
        let is_made = self.etcd.users.contains_key(name) && self.etcd.roles.contains_key(name);
        if !is_made && !self.witness.damaged.contains(name) {
            faults.push(format!("there is no user {name}"));
        }
        if endpoints.is_empty() {
            faults.push(format!("{key} has no endpoint"));
        }
        for endpoint in endpoints {
            let unit = (0..self.units.len())
                .find(|unit| format!("{}:2379", address(*unit)) == *endpoint)
                .expect("an endpoint is a unit's");
            let loaded = &self.units[unit].machine.loaded_leaves;
            let is_ready = loaded
                .as_ref()
                .is_some_and(|leaves| leaves.contains(&grant.fingerprint));
            if !is_ready {
                faults.push(format!("{endpoint} does not trust the leaf of {key}"));
            }
        }
        faults
    }

    fn secret(&self, uri: &etcd_charm::facts::SecretUri) -> Option<&OurSecret> {
        self.ours.values().find(|secret| secret.uri == *uri)
    }

    /// What holds at every moment.
    pub(crate) fn judge_moment(&self) -> Result<(), String> {
        if let Some(fault) = self.witness.faults.first() {
            return Err(fault.clone());
        }
        for (name, foreign) in &self.witness.foreign {
            let access = Access {
                user: self.etcd.users.get(name).cloned(),
                role: self.etcd.roles.get(name).cloned(),
            };
            if access != *foreign {
                return Err(format!("{name} is not ours and was changed: {access:?}"));
            }
        }
        let joining = |member: &&Member| member.learner;
        if self.etcd.members.iter().filter(joining).count() > 1 {
            return Err("two members join at once".to_owned());
        }
        self.judge_identities()
    }

    /// Whoever holds a leaf that some member trusts is the user of its name.
    /// That user must belong to a request that the leaf was granted for.
    fn judge_identities(&self) -> Result<(), String> {
        for (at, unit) in self.units.iter().enumerate() {
            for leaf in trusted(unit) {
                let offer = POOL.offers.iter().find_map(|offer| {
                    let (name, fingerprint) = offer.good.as_ref()?;
                    (*fingerprint == leaf).then_some(*name)
                });
                let Some(name) = offer else {
                    return Err(format!("unit {at} trusts a leaf that nobody may have"));
                };
                let granted_for = self.witness.granted_for.get(&leaf);
                let Some(granted_for) = granted_for else {
                    return Err(format!("unit {at} trusts a leaf that was never granted"));
                };
                if !self.etcd.users.contains_key(name) || self.witness.foreign.contains_key(name) {
                    continue;
                }
                let name: CommonName = name.parse().expect("a name");
                let owner = self.etcd.ledger.names.get(&name);
                let is_theirs = owner.is_none_or(|claim| granted_for.contains(&claim.holder));
                if !is_theirs {
                    return Err(format!(
                        "on unit {at} an old certificate is the new user {name}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// What holds once full passes have nothing left to do.
    pub(crate) fn judge_rest(&self) -> Result<(), String> {
        self.judge_moment()?;
        let grants: BTreeMap<_, _> = self.etcd.ledger.grants().collect();
        self.judge_rights(&grants)?;
        self.judge_requests(&grants)?;
        self.judge_trust(&grants)?;
        self.judge_configuration()?;
        self.judge_watches()?;
        self.judge_answers(&grants)
    }

    /// Nobody is told of changes in what it may not read any more.
    fn judge_watches(&self) -> Result<(), String> {
        let readable = self.readable();
        for (unit, state) in self.units.iter().enumerate() {
            let still = state.watched.difference(&readable).next();
            if let (Some((user, range)), false) = (still, state.has_left) {
                return Err(format!("{user} still watches {range} at unit {unit}"));
            }
        }
        Ok(())
    }

    /// Every member runs with what is configured, and is looked for there.
    fn judge_configuration(&self) -> Result<(), String> {
        let units = (0..self.units.len()).filter(|unit| !self.units[*unit].has_left);
        for unit in units {
            let wanted = self.words(unit);
            let loaded = self.units[unit].machine.loaded_configuration.as_deref();
            let loaded = loaded.and_then(words_in);
            if loaded != wanted {
                return Err(format!("unit {unit} runs with {loaded:?}, not {wanted:?}"));
            }
            let url = format!("https://{}:{}", address(unit), self.peer_port);
            let is_found = |member: &Member| member.peer_urls == [url.as_str()];
            if wanted.is_some() && !self.etcd.members.iter().any(is_found) {
                return Err(format!("nobody looks for unit {unit} at {url}"));
            }
        }
        Ok(())
    }

    /// Users and roles are those of the grants, and rights are exact.
    fn judge_rights(&self, grants: &BTreeMap<&RequestKey, &Grant>) -> Result<(), String> {
        let mut users = BTreeMap::from([("root".to_owned(), BTreeSet::from(["root".to_owned()]))]);
        let mut roles = BTreeMap::from([("root".to_owned(), BTreeSet::new())]);
        for (key, grant) in grants {
            let name = grant.common_name.to_string();
            let right = Permission {
                read_write: true,
                range: range(grant.prefix.as_str()),
            };
            if users.insert(name.clone(), [name.clone()].into()).is_some() {
                return Err(format!("{name} has two owners, {key} is one"));
            }
            roles.insert(name, [right].into());
        }
        for (name, access) in &self.witness.foreign {
            users.extend(access.user.clone().map(|user| (name.clone(), user)));
            roles.extend(access.role.clone().map(|role| (name.clone(), role)));
        }
        if self.etcd.users != users {
            return Err(format!("users are {:?}, not {users:?}", self.etcd.users));
        }
        if self.etcd.roles != roles {
            return Err(format!("roles are {:?}, not {roles:?}", self.etcd.roles));
        }
        let claimed: BTreeSet<_> = self.etcd.ledger.names.keys().collect();
        let granted: BTreeSet<_> = grants.values().map(|grant| &grant.common_name).collect();
        if claimed != granted {
            return Err(format!("names {claimed:?} are held for {granted:?}"));
        }
        if !self.etcd.authentication {
            return Err("authentication is off".to_owned());
        }
        Ok(())
    }

    /// Each request has what it asks for, or something that stands against it.
    fn judge_requests(&self, grants: &BTreeMap<&RequestKey, &Grant>) -> Result<(), String> {
        let mut live = BTreeSet::new();
        for (id, client) in &self.relations {
            let Ok(asked) = relation::read(&client.remote) else {
                // Nothing can be told of it, so all that it has stays.
                let of_relation = grants.keys().filter(|key| key.relation == *id);
                live.extend(of_relation.map(|key| (*key).clone()));
                continue;
            };
            for entry in asked.iter().flat_map(|asked| &asked.requests) {
                let key = RequestKey {
                    relation: *id,
                    request: entry.request.clone(),
                };
                let granted = grants.get(&key);
                let Ok(request) = &entry.outcome else {
                    live.insert(key);
                    continue;
                };
                let text = match &request.certificate {
                    OfferedCertificate::None => continue,
                    OfferedCertificate::Clear(text) => Some(text),
                    OfferedCertificate::Encrypted(_) => None,
                    OfferedCertificate::Secret(uri) => {
                        self.offered.get(uri.id()).and_then(Option::as_ref)
                    }
                };
                live.insert(key.clone());
                let offer = text.and_then(|text| {
                    let mut offers = POOL.offers.iter();
                    offers.find(|offer| offer.text == *text)?.good.as_ref()
                });
                let Some((name, leaf)) = offer else {
                    continue;
                };
                let is_granted = granted.is_some_and(|grant| {
                    grant.common_name.as_str() == *name
                        && grant.fingerprint == *leaf
                        && grant.prefix == request.resource
                });
                if is_granted {
                    continue;
                }
                let others = || grants.iter().filter(|(other, _)| ***other != key);
                let is_taken = others().any(|(_, grant)| grant.common_name.as_str() == *name);
                let is_foreign = self.witness.foreign.contains_key(*name);
                let is_crossed = self.policy == PrefixPolicy::Exclusive
                    && others().any(|(_, grant)| {
                        let (a, b) = (grant.prefix.as_str(), request.resource.as_str());
                        a.starts_with(b) || b.starts_with(a)
                    });
                if !(is_taken || is_foreign || is_crossed) {
                    return Err(format!(
                        "{key} asks for {name} at {}, has {granted:?}, and nothing stands \
                         against it but {:?}",
                        request.resource,
                        self.etcd.ledger.clients.get(&key)
                    ));
                }
                let condition = self.etcd.ledger.clients.get(&key);
                if condition.is_none_or(|record| record.condition.is_none()) {
                    return Err(format!("{key} is not told why it has nothing"));
                }
            }
        }
        match grants.keys().find(|key| !live.contains(**key)) {
            Some(key) => Err(format!("{key} has access and does not ask for it")),
            None => Ok(()),
        }
    }

    /// All members trust, and will trust after a crash, the granted leaves; and
    /// the ledger says so.
    fn judge_trust(&self, grants: &BTreeMap<&RequestKey, &Grant>) -> Result<(), String> {
        let leaves: BTreeSet<_> = grants.values().map(|grant| &grant.fingerprint).collect();
        for (at, unit) in self.units.iter().enumerate() {
            if unit.has_left {
                let is_listed = |member: &Member| self.unit_of(member) == Some(at);
                if self.etcd.members.iter().any(is_listed) {
                    return Err(format!("unit {at} has left and is still a member"));
                }
                continue;
            }
            let machine = &unit.machine;
            for (what, trusted) in [
                ("trusts", &machine.loaded_leaves),
                ("would trust after a crash", &machine.written_leaves),
            ] {
                if trusted.iter().flatten().collect::<BTreeSet<_>>() != leaves {
                    return Err(format!("unit {at} {what} {trusted:?}, not {leaves:?}"));
                }
            }
            let said = self
                .etcd
                .ledger
                .members
                .get(&MemberName::of(&unit_name(at)));
            if said.map(|said| said.loaded.iter().collect()) != Some(leaves.clone())
                || said.is_some_and(|said| said.starting.is_some())
            {
                return Err(format!("unit {at} says that it trusts {said:?}"));
            }
            let is_voter = |member: &&Member| {
                self.unit_of(member) == Some(at) && !member.learner && self.is_up(member)
            };
            if self.etcd.members.iter().filter(is_voter).count() != 1 {
                return Err(format!("unit {at} is no member with a vote that runs"));
            }
        }
        Ok(())
    }

    /// Who has a grant is told of all members; nobody else is told anything,
    /// and no secret is left over.
    fn judge_answers(&self, grants: &BTreeMap<&RequestKey, &Grant>) -> Result<(), String> {
        let mut needed = BTreeSet::new();
        let all: Vec<_> = (0..self.units.len())
            .filter(|unit| !self.units[*unit].has_left)
            .map(|unit| format!("{}:2379", address(unit)))
            .collect();
        for (id, client) in &self.relations {
            if let Some(uri) = client.own.get(relation::ENCRYPTION_SECRET) {
                needed.insert(uri.clone());
            }
            let asked = relation::read(&client.remote);
            let answers = relation::read_own(&client.own);
            for (request, answer) in &answers {
                let key = RequestKey {
                    relation: *id,
                    request: request.clone(),
                };
                if !grants.contains_key(&key) {
                    return Err(format!("{key} is answered without a grant"));
                }
                for uri in [&answer.secret_user, &answer.secret_tls]
                    .into_iter()
                    .flatten()
                {
                    needed.insert(uri.as_str().to_owned());
                }
            }
            if asked.is_err() {
                // One that could be read for a moment may never have been answered.
                let mut of_relation = grants
                    .keys()
                    .filter(|key| key.relation == *id && client.answered.contains(&key.request));
                if let Some(key) = of_relation.find(|key| !answers.contains_key(&key.request)) {
                    return Err(format!("{key} keeps its access and loses its answer"));
                }
            }
            let Ok(Some(asked)) = asked else { continue };
            for entry in &asked.requests {
                let key = RequestKey {
                    relation: *id,
                    request: entry.request.clone(),
                };
                let (Some(grant), Ok(_)) = (grants.get(&key), &entry.outcome) else {
                    continue;
                };
                let Some(answer) = answers.get(&key.request) else {
                    return Err(format!("{key} is granted and not answered"));
                };
                if answer.endpoints != all {
                    return Err(format!("{key} is sent to {:?}", answer.endpoints));
                }
                let user = answer.secret_user.as_ref().and_then(|uri| self.secret(uri));
                let name = user.and_then(|secret| secret.content.get("username"));
                let faults = match name {
                    Some(name) => self.untrue(&key, name, &answer.endpoints),
                    None => vec![format!("{key} is told no name for {}", grant.common_name)],
                };
                if let Some(fault) = faults.first() {
                    return Err(fault.clone());
                }
            }
        }
        let kept: BTreeSet<_> = self
            .ours
            .iter()
            // Where nobody was told of the end of a relation, and nothing was on
            // record of it any more, its key for encryption stays: it opens
            // nothing, and nobody would look for it.
            .filter(|(label, _)| {
                let mut gone = self.gone.keys();
                !gone.any(|id| **label == format!("etcd-client.{id}.encryption.secret"))
            })
            .map(|(_, secret)| secret)
            .map(|secret| secret.uri.as_str().to_owned())
            .collect();
        if kept != needed {
            return Err(format!("secrets {kept:?} are kept, {needed:?} are needed"));
        }
        Ok(())
    }
}

/// The range of a prefix by the rule as etcd's documentation has it, for
/// prefixes of ASCII: the last byte plus one ends it.
fn range(prefix: &str) -> KeyRange {
    let mut range_end = prefix.as_bytes().to_vec();
    *range_end.last_mut().expect("a prefix has a byte") += 1;
    KeyRange {
        key: prefix.as_bytes().to_vec(),
        range_end,
    }
}
