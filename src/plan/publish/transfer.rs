//! Whom to trust for the members, told to whoever relates over `send-ca-cert`.

use std::collections::BTreeSet;

use tls_certificates::transfer::{self, UNIT_KEYS};

use super::Changes;
use crate::facts::observed::{Observed, TransferRelation};
use crate::facts::{Databag, Relation};
use crate::relation::SEND_CA_CERT;
use crate::tls::certificates_in;

/// What one relation is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransferPublication {
    /// The relation.
    pub relation: Relation,
    /// Changes of the databag of our application.
    pub app: Changes,
    /// Changes of the databag of this unit.
    pub unit: Changes,
}

/// The relations that are not told what they should be: by the leader which
/// authorities sign for members, by any other unit nothing.
pub(super) fn publications(observed: &Observed) -> Vec<TransferPublication> {
    let Some(authorities) = &observed.clients.server_ca else {
        return Vec::new();
    };
    let authorities = certificates_in(authorities);
    let relations = observed.clients.transfers.iter();
    relations
        .map(|(id, relation)| {
            let (app, unit) = changes(&authorities, relation);
            let (endpoint, id) = (SEND_CA_CERT, *id);
            TransferPublication {
                relation: Relation { endpoint, id },
                app,
                unit,
            }
        })
        .filter(|publication| !publication.app.is_empty() || !publication.unit.is_empty())
        .collect()
}

fn changes(authorities: &BTreeSet<String>, relation: &TransferRelation) -> (Changes, Changes) {
    let TransferRelation {
        theirs,
        own_app,
        own_unit,
    } = relation;
    let Some(own_app) = own_app else {
        return (Changes::new(), differences(&Databag::new(), own_unit));
    };
    let offer = transfer::offer(authorities, theirs);
    let app = offer
        .application
        .into_iter()
        .filter(|(key, value)| own_app.get(key) != Some(value))
        .map(|(key, value)| (key, Some(value)))
        .collect();
    (app, differences(&offer.unit, own_unit))
}

/// What makes the databag of a unit say this and nothing else of version 0.
fn differences(wanted: &Databag, own: &Databag) -> Changes {
    UNIT_KEYS
        .into_iter()
        .filter(|key| wanted.get(*key) != own.get(*key))
        .map(|key| (key.to_owned(), wanted.get(key).cloned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::RelationId;
    use crate::plan::testing::Bench;

    fn bench(relation: TransferRelation) -> Bench {
        let mut bench = Bench::new(1);
        let authority = bench.authorities().server.certificate.clone();
        bench.observed.clients.server_ca = Some(authority);
        let transfers = &mut bench.observed.clients.transfers;
        transfers.insert(RelationId(7), relation);
        bench
    }

    fn applied(bag: &mut Databag, changes: &Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => bag.insert(key.clone(), value.clone()),
                None => bag.remove(key),
            };
        }
    }

    #[test]
    fn the_authority_of_the_servers_is_told_once_and_nothing_private() {
        let mut relation = TransferRelation {
            own_app: Some(Databag::new()),
            ..TransferRelation::default()
        };
        let told = publications(&bench(relation.clone()).observed);
        let [told] = told.as_slice() else {
            panic!("{told:?}");
        };
        let text = format!("{told:?}");
        assert!(!text.contains("PRIVATE"), "{text}");
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 4, "{text}");
        applied(relation.own_app.as_mut().expect("one"), &told.app);
        applied(&mut relation.own_unit, &told.unit);
        assert_eq!(publications(&bench(relation.clone()).observed), []);
        // Who says that it reads version 1 needs no other.
        relation.theirs.insert("version".to_owned(), "1".to_owned());
        let told = publications(&bench(relation).observed);
        assert!(told[0].app.is_empty());
        assert!(told[0].unit.values().all(Option::is_none), "{told:?}");
    }

    #[test]
    fn who_leads_no_more_takes_back_what_it_told_as_leader() {
        let own_unit = [("ca".to_owned(), "old".to_owned())].into();
        let relation = TransferRelation {
            own_unit,
            ..TransferRelation::default()
        };
        let told = publications(&bench(relation).observed);
        assert_eq!(told[0].unit, [("ca".to_owned(), None)].into());
        assert!(told[0].app.is_empty());
    }
}
