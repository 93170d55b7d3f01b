//! The answer to one relation: its secrets, and what its databag says of them.

use std::collections::{BTreeMap, BTreeSet};

use super::secrets::{remove_if_there, uri};
use super::{ApplyError, Missing};
use crate::context::Context;
use crate::facts::{
    ClientRecord, Condition, LedgerWrite, Reason, Relation, RequestKey, Requirer, SecretId,
    SecretUri, Share,
};
use crate::juju::{SecretContent, SecretOwner, ToolError};
use crate::log;
use crate::plan::publish::{PlannedAnswer, PlannedSecret, Publication, RelationPublication};
use crate::relation::{self, ETCD_CLIENT, SecretGroup, fernet};
use crate::workload::relation_notes;

/// What came of answering.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// What is to be noted of the requests.
    pub(super) ledger: Vec<LedgerWrite>,
    /// In words for the log.
    pub(super) log: Vec<String>,
    /// The requests that could not be answered, and why.
    pub(super) failed: Vec<(Requirer, Condition)>,
}

/// Answers every relation. One that Juju refuses something for is noted and left
/// to a later pass; the others do not suffer for it. `removed` are the secrets that
/// this hook has removed.
///
/// # Errors
/// This unit cannot answer anybody: it does not lead any more, or its hook tools
/// cannot be run.
pub(super) fn answer(
    context: &mut Context,
    publication: &Publication,
    removed: &mut BTreeSet<SecretId>,
) -> Result<Answered, ApplyError> {
    let mut all = Answered::default();
    let mut shared = Vec::new();
    for publication in &publication.relations {
        let relation = relation_of(publication);
        match answer_one(context, publication, removed) {
            Ok(answer) => {
                all.ledger.extend(answer.verified);
                if answer.is_written {
                    all.log.push(match publication.answers.len() {
                        0 => format!("{relation}: no answer any more"),
                        _ => format!("{relation}: answered"),
                    });
                }
                if answer.shares {
                    shared.push(publication);
                }
            }
            Err(error) => {
                let error = for_one(error)?;
                all.log.push(format!("{relation}: {}", log::chain(&error)));
                for answer in &publication.answers {
                    let condition = Condition::from(Reason::RefusedAnswer);
                    let record = ClientRecord {
                        condition: Some(condition.clone()),
                        answer: None,
                        ..answer.record.clone()
                    };
                    all.ledger
                        .push(LedgerWrite::Record(answer.key.clone(), record));
                    all.failed
                        .push((answer.record.app.as_ref().into(), condition));
                }
            }
        }
    }
    let alone = shared.len() == 1;
    for publication in shared {
        let id = publication.relation;
        let before = context.unit_state.shares.get(&id);
        let share = Share::tried(before, &publication.own, alone, context.now);
        context.unit_state.shares.insert(id, share);
    }
    Ok(all)
}

/// The error if it is one of what was asked for one relation, and none of the
/// others.
///
/// # Errors
/// It is one of this unit.
pub fn for_one(error: ApplyError) -> Result<ToolError, ApplyError> {
    match error {
        ApplyError::Juju(error) if error.is_of_the_call() => Ok(error),
        error => Err(error),
    }
}

fn relation_of(publication: &RelationPublication) -> Relation {
    Relation {
        endpoint: ETCD_CLIENT,
        id: publication.relation,
    }
}

/// What was done for one relation.
struct Answer {
    verified: Vec<LedgerWrite>,
    /// Whether its databag was written.
    is_written: bool,
    /// Whether it was given a secret that it did not have.
    shares: bool,
}

/// Every call in it comes to the same if it is made twice, and is: Juju may refuse
/// it once for no reason of the relation's.
fn answer_one(
    context: &Context,
    publication: &RelationPublication,
    removed: &mut BTreeSet<SecretId>,
) -> Result<Answer, ApplyError> {
    match attempt(context, publication, removed, false) {
        Err(ApplyError::Juju(error)) if error.is_of_the_call() && !error.is_hung() => {
            tracing::warn!("{}", log::chain(&error));
            attempt(context, publication, removed, true)
        }
        outcome => outcome,
    }
}

fn attempt(
    context: &Context,
    publication: &RelationPublication,
    removed: &mut BTreeSet<SecretId>,
    again: bool,
) -> Result<Answer, ApplyError> {
    for uri in &publication.obsolete_secrets {
        remove_if_there(context, uri, removed)?;
    }
    let mut hands = Hands {
        context,
        relation: relation_of(publication),
        again,
        shares: false,
        made: BTreeMap::new(),
    };
    let mut verified = Vec::new();
    for answer in &publication.answers {
        if answer.is_verified() {
            continue;
        }
        let user = hands.ensure_secret(&answer.user)?;
        let tls = hands.ensure_secret(&answer.tls)?;
        if user == Ensured::Stood && tls == Ensured::Stood {
            verified.push(verified_record(answer));
        }
    }
    let mut changes = publication.changes(&hands.made);
    if publication.makes_encryption_key {
        let uri = hands.encryption_key()?;
        changes.insert(
            relation::ENCRYPTION_SECRET.to_owned(),
            Some(uri.as_str().to_owned()),
        );
    }
    if !changes.is_empty() {
        relation_notes::forget(&context.paths, hands.relation.id)?;
    }
    context.tools.relation_set_app(hands.relation, &changes)?;
    Ok(Answer {
        verified,
        is_written: !changes.is_empty(),
        shares: hands.shares,
    })
}

fn verified_record(answer: &PlannedAnswer) -> LedgerWrite {
    let record = ClientRecord {
        answer: Some(answer.digest.clone()),
        ..answer.record.clone()
    };
    LedgerWrite::Record(answer.key.clone(), record)
}

/// What was done to make a secret as it should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ensured {
    /// Nothing: a committed revision holds just this.
    Stood,
    /// It was written; whether that is committed, only a later hook can see.
    Written,
}

/// What makes the secrets of one relation.
struct Hands<'c> {
    context: &'c Context,
    relation: Relation,
    /// Whether an attempt before may have made some of them.
    again: bool,
    shares: bool,
    /// The secrets so far, by label.
    made: BTreeMap<String, SecretUri>,
}

impl Hands<'_> {
    /// Makes a secret of ours as planned: found by its published URI or by its
    /// label, else made and granted. What it holds is told by its description,
    /// which Juju changes together with the content (`state/secrets.go`,
    /// `UpdateSecret`). To read it would make this unit one of its consumers,
    /// which hears of each new revision.
    fn ensure_secret(&mut self, secret: &PlannedSecret) -> Result<Ensured, ApplyError> {
        let tools = &self.context.tools;
        let content: SecretContent = secret.content.clone().into();
        let found = match &secret.uri {
            Some(uri) => tools.secret_info_of(uri)?,
            None if secret.may_exist || self.again => tools.secret_info(&secret.label)?,
            None => None,
        };
        // One that was removed behind our back is replaced by a new one.
        if let Some(info) = found {
            let uri = match &secret.uri {
                Some(uri) => uri.clone(),
                None => uri(self.context, &info.id),
            };
            let stands = info.description == secret.description;
            if !stands {
                tools.secret_set(&uri, Some(&secret.description), &content)?;
            }
            // What was never published may never have been granted.
            if secret.uri.is_none() {
                self.grant(&uri)?;
            }
            self.made.insert(secret.label.clone(), uri);
            return Ok(match stands && secret.uri.is_some() {
                true => Ensured::Stood,
                false => Ensured::Written,
            });
        }
        let owner = SecretOwner::Application;
        let uri = tools.secret_add(&secret.label, &secret.description, &content, owner)?;
        self.grant(&uri)?;
        self.made.insert(secret.label.clone(), uri);
        Ok(Ensured::Written)
    }

    fn grant(&mut self, uri: &SecretUri) -> Result<(), ApplyError> {
        self.shares = true;
        Ok(self.context.tools.secret_grant(uri, self.relation)?)
    }

    fn encryption_key(&mut self) -> Result<SecretUri, ApplyError> {
        let key = RequestKey {
            relation: self.relation.id,
            request: None,
        };
        let secret = PlannedSecret {
            label: relation::secret_label(ETCD_CLIENT, &key, SecretGroup::Encryption),
            content: relation::encryption_secret(&fernet::new_key()),
            description: format!("Encryption key of {}", self.relation),
            uri: None,
            may_exist: true,
        };
        self.ensure_secret(&secret)?;
        let made = self.made.remove(&secret.label);
        made.ok_or(ApplyError::Missing(Missing::EncryptionKey))
    }
}
