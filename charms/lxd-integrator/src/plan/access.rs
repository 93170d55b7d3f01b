//! What has to change in the trust store.
//!
//! Only what we added is ever changed, and an entry says by its name which
//! relations want it: so a relation that goes is found without its databag, and
//! an event on one relation needs no look at the others.

use std::collections::{BTreeMap, BTreeSet};

use certificates::Fingerprint;
use juju_hooks::{AppName, RelationId};

use super::{Notice, Projects};
use crate::certificate::{Certificate, CertificateRefusal};
use crate::entry::EntryName;
use crate::facts::{Entry, Juju, Known, Lxd, Scope};
use crate::relation::requested;

/// The kind of entries that clients have.
const CLIENT: &str = "client";

/// One change of the trust store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Registers a certificate.
    Add {
        /// Which.
        fingerprint: Fingerprint,
        /// The certificate, DER.
        der: Vec<u8>,
        /// The name of the entry.
        name: EntryName,
        /// What it is restricted to.
        projects: Projects,
    },
    /// Changes one of our entries, or brings back what somebody changed by hand.
    Update {
        /// Which.
        fingerprint: Fingerprint,
        /// The name that it is to have.
        name: EntryName,
        /// What it is to be restricted to.
        projects: Projects,
    },
    /// Removes one of our entries.
    Remove {
        /// Which.
        fingerprint: Fingerprint,
        /// The name that it has.
        name: EntryName,
    },
}

/// What the relations in scope ask for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The certificates, each once, and who wants it.
    pub certificates: BTreeMap<Fingerprint, (Certificate, BTreeSet<RelationId>)>,
    /// Relations whose units could not be read: nothing of theirs is taken away.
    pub unknown: BTreeSet<RelationId>,
    /// What is refused, and why.
    pub notices: Vec<Notice>,
}

/// Reads what the relations in scope ask for, and refuses what cannot be.
pub fn wanted(juju: &Juju, lxd: &Lxd) -> Wanted {
    let mut wanted = Wanted::default();
    for (id, relation) in &juju.relations {
        let units = match &relation.units {
            Known::Known(units) => units,
            Known::Unknown(reason) => {
                wanted.unknown.insert(*id);
                wanted
                    .notices
                    .push(Notice::Unreadable(relation.app.clone(), reason.clone()));
                continue;
            }
        };
        for bag in units.values() {
            let texts = match requested(bag) {
                Ok(texts) => texts,
                Err(refusal) => {
                    // What it asked for before is unknown now, and stays.
                    wanted.unknown.insert(*id);
                    wanted
                        .notices
                        .push(Notice::List(relation.app.clone(), refusal));
                    continue;
                }
            };
            for text in texts {
                let app = relation.app.as_ref();
                match judge(text.as_deref(), juju, lxd) {
                    Ok(certificate) => wanted.add(*id, app, certificate, lxd),
                    Err(refusal) => wanted.refuse(app, refusal),
                }
            }
        }
    }
    wanted.notices.sort();
    wanted.notices.dedup();
    wanted
}

fn judge(text: Option<&str>, juju: &Juju, lxd: &Lxd) -> Result<Certificate, CertificateRefusal> {
    let text = text.ok_or(CertificateRefusal::Malformed)?;
    let certificate = Certificate::check(text, juju.now)?;
    if lxd.own.as_ref() == Some(&certificate.fingerprint) {
        return Err(CertificateRefusal::Ours);
    }
    match lxd.entries.get(&certificate.fingerprint) {
        Some(entry) if entry.kind != CLIENT => Err(CertificateRefusal::Purpose),
        _ => Ok(certificate),
    }
}

impl Wanted {
    fn add(
        &mut self,
        relation: RelationId,
        app: Option<&AppName>,
        certificate: Certificate,
        lxd: &Lxd,
    ) {
        if let Some(words) = lxd.refused.get(&certificate.fingerprint) {
            self.notices
                .push(Notice::Refused(app.cloned(), words.clone()));
        }
        self.certificates
            .entry(certificate.fingerprint.clone())
            .or_insert_with(|| (certificate, BTreeSet::new()))
            .1
            .insert(relation);
    }

    fn refuse(&mut self, app: Option<&AppName>, refusal: CertificateRefusal) {
        self.notices
            .push(Notice::Certificate(app.cloned(), refusal));
    }
}

/// The changes that the trust store needs: what is added comes first, what is
/// removed last, so that a certificate that is replaced leaves no gap.
pub fn plan(juju: &Juju, lxd: &Lxd, wanted: &Wanted, projects: &Projects) -> Vec<Step> {
    let mut steps = additions(juju, lxd, wanted, projects);
    let mut removals = Vec::new();
    for (fingerprint, entry) in &lxd.entries {
        let Some(name) = ours(juju, entry) else {
            continue;
        };
        let wanting = still_wanting(juju, wanted, fingerprint, &name);
        if wanting.is_empty() {
            removals.push(Step::Remove {
                fingerprint: fingerprint.clone(),
                name,
            });
            continue;
        }
        // The mark stays: it says which certificate the entry was made for.
        let new = EntryName {
            relations: wanting,
            ..name.clone()
        };
        if new != name || !projects.are_of(entry) {
            steps.push(Step::Update {
                fingerprint: fingerprint.clone(),
                name: new,
                projects: projects.clone(),
            });
        }
    }
    steps.extend(removals);
    steps
}

fn additions(juju: &Juju, lxd: &Lxd, wanted: &Wanted, projects: &Projects) -> Vec<Step> {
    let missing = wanted.certificates.iter().filter(|(fingerprint, _)| {
        !lxd.entries.contains_key(*fingerprint) && !lxd.refused.contains_key(*fingerprint)
    });
    missing
        .map(|(fingerprint, (certificate, relations))| Step::Add {
            fingerprint: fingerprint.clone(),
            der: certificate.der.clone(),
            name: EntryName::new(&juju.model, juju.unit.app(), relations.clone(), fingerprint),
            projects: projects.clone(),
        })
        .collect()
}

/// The name of an entry, if this application made it.
pub fn ours(juju: &Juju, entry: &Entry) -> Option<EntryName> {
    let name: EntryName = entry.name.parse().ok()?;
    (entry.kind == CLIENT && name.model == juju.model && name.app == *juju.unit.app())
        .then_some(name)
}

/// The relations that want the entry, as far as anybody knows: those in scope
/// by what they ask for, others by what the name says.
fn still_wanting(
    juju: &Juju,
    wanted: &Wanted,
    fingerprint: &Fingerprint,
    name: &EntryName,
) -> BTreeSet<RelationId> {
    let asked = wanted.certificates.get(fingerprint);
    let asked = asked
        .map(|(_, relations)| relations.clone())
        .unwrap_or_default();
    let untold = name.relations.iter().filter(|relation| {
        // An entry whose certificate was replaced by its holder is nobody's wish.
        let untouched = name.is_for(fingerprint) && wanted.unknown.contains(relation);
        !juju.scope.contains(**relation) || untouched
    });
    asked.into_iter().chain(untold.copied()).collect()
}

/// Entries of the relations in scope that have another certificate than the one
/// that they were made for: their holders replaced it.
pub fn replaced_by_holders(juju: &Juju, lxd: &Lxd) -> usize {
    let ours = lxd.entries.iter().filter_map(|(fingerprint, entry)| {
        let name = ours(juju, entry)?;
        (!name.is_for(fingerprint)).then_some(name)
    });
    ours.filter(|name| {
        juju.scope == Scope::All || name.relations.iter().any(|id| juju.scope.contains(*id))
    })
    .count()
}
