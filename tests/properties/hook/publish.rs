//! Steps that tell others: databags and secrets, kept back until the hook has
//! succeeded.

use std::collections::{BTreeMap, BTreeSet};

use etcd_charm::facts::{
    ClientRecord, Databag, LedgerWrite, MemberName, RelationId, RequestKey, SecretUri,
};
use etcd_charm::plan::publish::{Changes, DepartedRequest, PlannedSecret, RelationPublication};
use etcd_charm::relation::{self, ETCD_CLIENT, SecretGroup};

use super::{Next, Running, World};
use crate::steps::{PublishStep, Step};
use crate::world::{OurSecret, unit_name};

#[derive(Clone, Debug)]
pub(super) enum JujuWrite {
    Own(RelationId, Changes),
    AddSecret(String, OurSecret),
    SetSecret(SecretUri, BTreeMap<String, String>),
    RemoveSecret(SecretUri),
    App(Changes),
    Unit(Changes),
}

impl World {
    /// What exists of a hook that was killed while Juju was committing it.
    pub(super) fn keep_secrets(&mut self, writes: Vec<JujuWrite>) {
        for write in writes {
            if let JujuWrite::AddSecret(label, secret) = write {
                self.ours.insert(label, secret);
            }
        }
    }

    pub(super) fn publish(&mut self, unit: usize, hook: &mut Running, step: PublishStep) -> Next {
        match step {
            PublishStep::Bootstrap => {
                let secret = self.new_secret();
                let member = MemberName::of(&unit_name(unit));
                let changes = [
                    ("pki", secret.as_str()),
                    ("seed", member.as_str()),
                    ("token", "token-of-this-world"),
                ];
                let changes = changes.map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
                hook.writes.push(JujuWrite::App(changes.into()));
            }
            PublishStep::Answer(publication) => self.answer(hook, &publication),
            PublishStep::RemoveSecret(uri) => hook.writes.push(JujuWrite::RemoveSecret(uri)),
            PublishStep::Departed(request) => self.forget_departed(hook, request),
            PublishStep::Peers(app, own) => {
                hook.writes.push(JujuWrite::App(app));
                hook.writes.push(JujuWrite::Unit(own));
            }
            PublishStep::Commit => {
                self.commit(unit, hook);
                return Next::Over;
            }
        }
        Next::Further
    }

    fn forget_departed(&mut self, hook: &mut Running, request: DepartedRequest) {
        let DepartedRequest { key, labels } = request;
        let mut is_clean = true;
        for label in labels {
            if let Some(secret) = self.ours.get(&label) {
                is_clean = false;
                hook.writes
                    .push(JujuWrite::RemoveSecret(secret.uri.clone()));
            }
        }
        if is_clean {
            self.write_ledger(&LedgerWrite::ForgetRecord(key));
        }
    }

    fn answer(&mut self, hook: &mut Running, publication: &RelationPublication) {
        let mut made = BTreeMap::new();
        let mut verified = Vec::new();
        for answer in &publication.answers {
            if answer.is_verified() {
                continue;
            }
            let user = self.ensure_secret(hook, &answer.user, &mut made);
            let tls = self.ensure_secret(hook, &answer.tls, &mut made);
            if user && tls {
                let record = ClientRecord {
                    answer: Some(answer.digest.clone()),
                    ..answer.record.clone()
                };
                verified.push(LedgerWrite::Record(answer.key.clone(), record));
            }
        }
        let mut changes = publication.changes(&made);
        if publication.makes_encryption_key {
            let key = RequestKey {
                relation: publication.relation,
                request: None,
            };
            let secret = PlannedSecret {
                label: relation::secret_label(ETCD_CLIENT, &key, SecretGroup::Encryption),
                content: BTreeMap::new(),
                description: String::new(),
                uri: None,
                may_exist: true,
            };
            let mut made = BTreeMap::new();
            self.ensure_secret(hook, &secret, &mut made);
            let uri = made.values().next().map(|uri| uri.as_str().to_owned());
            changes.insert(relation::ENCRYPTION_SECRET.to_owned(), uri);
        }
        if !changes.is_empty() {
            hook.writes
                .push(JujuWrite::Own(publication.relation, changes));
        }
        if !verified.is_empty() {
            // After everything that is published, as the charm does it.
            let at = hook.steps.len() - 1;
            hook.steps.insert(at, Step::Ledger(verified));
        }
    }

    /// `true` if it stood already.
    fn ensure_secret(
        &mut self,
        hook: &mut Running,
        secret: &PlannedSecret,
        made: &mut BTreeMap<String, SecretUri>,
    ) -> bool {
        let content: BTreeMap<String, String> = secret
            .content
            .iter()
            .map(|(key, value)| (key.clone(), value.expose().clone()))
            .collect();
        let found = match &secret.uri {
            Some(uri) => self.ours.values().find(|ours| ours.uri == *uri),
            None if secret.may_exist => self.ours.get(&secret.label),
            None => None,
        };
        if let Some(found) = found {
            made.insert(secret.label.clone(), found.uri.clone());
            if found.content != content {
                let write = JujuWrite::SetSecret(found.uri.clone(), content);
                hook.writes.push(write);
                return false;
            }
            return secret.uri.is_some();
        }
        // Juju refuses a label that is taken, at once.
        if self.ours.contains_key(&secret.label) {
            self.fault(format!("secret {} is made twice", secret.label));
        }
        let uri = self.new_secret();
        made.insert(secret.label.clone(), uri.clone());
        let new = OurSecret { uri, content };
        hook.writes
            .push(JujuWrite::AddSecret(secret.label.clone(), new));
        false
    }

    fn commit(&mut self, unit: usize, hook: &mut Running) {
        let before: BTreeMap<_, _> = self
            .relations
            .iter()
            .map(|(id, client)| (*id, client.own.clone()))
            .collect();
        let secrets = self.ours.clone();
        for write in std::mem::take(&mut hook.writes) {
            match write {
                JujuWrite::Own(relation, changes) => {
                    if let Some(client) = self.relations.get_mut(&relation) {
                        change(&mut client.own, changes);
                    }
                }
                JujuWrite::AddSecret(label, secret) => {
                    self.ours.insert(label, secret);
                }
                JujuWrite::SetSecret(uri, content) => {
                    for ours in self.ours.values_mut() {
                        if ours.uri == uri {
                            ours.content = content.clone();
                        }
                    }
                }
                JujuWrite::RemoveSecret(uri) => self.ours.retain(|_, ours| ours.uri != uri),
                JujuWrite::App(changes) => change(&mut self.peer_app, changes),
                JujuWrite::Unit(changes) => change(&mut self.units[unit].bag, changes),
            }
        }
        let granted: BTreeSet<_> = self.etcd.ledger.grants().map(|(key, _)| key).collect();
        for (id, client) in &mut self.relations {
            let answers = relation::read_own(&client.own);
            client.answered.extend(answers.into_keys());
            client.answered.retain(|request| {
                let (relation, request) = (*id, request.clone());
                granted.contains(&RequestKey { relation, request })
            });
        }
        self.judge_commit(&before, &secrets);
    }
}

fn change(bag: &mut Databag, changes: Changes) {
    for (key, value) in changes {
        match value {
            Some(value) if !value.is_empty() => bag.insert(key, value),
            _ => bag.remove(&key),
        };
    }
}
