//! Every identity that the charm has issued itself, as an operator wants to see
//! it: for whom, how far it has come, and whether etcd holds what it should.

use std::collections::{BTreeMap, BTreeSet};

use super::clients::faults;
use crate::facts::{
    Access, Cluster, CommonName, IssuedRecord, IssuedState, LegacyInterface, Purpose, RelationId,
};

/// One identity, or a relation that has none yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The relation that it is for; `None` where it is for a person or a tool.
    pub relation: Option<(LegacyInterface, RelationId)>,
    /// Its name, and what is on record of it; `None` while there is none.
    pub issued: Option<(CommonName, IssuedRecord)>,
    /// What in etcd is not as its record says; empty where all is.
    pub faults: Vec<String>,
}

/// All identities on record, and the relations of the legacy interfaces that
/// have none; those of one relation alone where one is named. The cluster holds
/// user and role of each name.
pub fn identities(
    related: &BTreeMap<RelationId, LegacyInterface>,
    cluster: &Cluster,
    only: Option<RelationId>,
) -> Vec<Identity> {
    let issued = cluster.ledger.issued.iter().map(|(name, record)| Identity {
        relation: match record.purpose {
            Purpose::Relation(interface, relation) => Some((interface, relation)),
            Purpose::Operator => None,
        },
        faults: not_as_recorded(name, record, cluster.access.get(name)),
        issued: Some((name.clone(), record.clone())),
    });
    let served: BTreeSet<RelationId> = cluster
        .ledger
        .issued
        .values()
        .filter_map(|record| match record.purpose {
            Purpose::Relation(_, relation) => Some(relation),
            Purpose::Operator => None,
        })
        .collect();
    let waiting = related
        .iter()
        .filter(|(relation, _)| !served.contains(relation));
    let waiting = waiting.map(|(relation, interface)| Identity {
        relation: Some((*interface, *relation)),
        issued: None,
        faults: Vec::new(),
    });
    let of_relation = |identity: &Identity| identity.relation.map(|(_, relation)| relation);
    let mut all: Vec<_> = issued
        .chain(waiting)
        .filter(|identity| only.is_none() || of_relation(identity) == only)
        .collect();
    // Relations in their order, and then people and tools.
    all.sort_by_key(|identity| {
        let relation = of_relation(identity);
        (relation.is_none(), relation)
    });
    all
}

fn not_as_recorded(
    name: &CommonName,
    record: &IssuedRecord,
    access: Option<&Access>,
) -> Vec<String> {
    match (record.state, access) {
        (IssuedState::InForce, access) => faults(name, &record.range(), access),
        (IssuedState::Unfinished | IssuedState::Revoked, Some(access)) => {
            let user = access
                .user
                .is_some()
                .then(|| format!("user {name} is there"));
            let role = access
                .role
                .is_some()
                .then(|| format!("role {name} is there"));
            user.into_iter().chain(role).collect()
        }
        (_, None) => vec!["was not looked up".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Permission, Prefix};
    use crate::plan::testing::{Bench, NOW, leaf};

    fn record(purpose: Purpose, state: IssuedState) -> IssuedRecord {
        IssuedRecord {
            purpose,
            prefix: Prefix::new("/p/").ok(),
            fingerprint: Some(leaf("issued", 1)),
            issuer: None,
            issued_at: NOW,
            not_after: NOW.plus_seconds(1),
            ended_at: None,
            state,
            archive: None,
        }
    }

    #[test]
    fn identities_are_compared_with_what_etcd_holds() {
        let mut bench = Bench::new(1);
        let of_relation = Purpose::Relation(LegacyInterface::Db, RelationId(3));
        for (name, purpose, state) in [
            ("alice", Purpose::Operator, IssuedState::Revoked),
            ("db", of_relation, IssuedState::InForce),
        ] {
            let name: CommonName = name.parse().expect("a name");
            bench.cluster.access.insert(name.clone(), Access::default());
            let issued = &mut bench.cluster.ledger.issued;
            issued.insert(name, record(purpose, state));
        }
        let related = BTreeMap::from([
            (RelationId(3), LegacyInterface::Db),
            (RelationId(4), LegacyInterface::Proxy),
        ]);
        let listed = identities(&related, &bench.cluster, None);
        let brief: Vec<_> = listed
            .iter()
            .map(|identity| {
                let name = identity.issued.as_ref().map(|(name, _)| name.as_str());
                (identity.relation.map(|(_, id)| id.0), name)
            })
            .collect();
        let expected = [
            (Some(3), Some("db")),
            (Some(4), None),
            (None, Some("alice")),
        ];
        assert_eq!(brief, expected);
        assert_eq!(
            listed[0].faults,
            ["user db is missing", "role db is missing"]
        );
        assert!(listed[1].faults.is_empty() && listed[2].faults.is_empty());
        let only = identities(&related, &bench.cluster, Some(RelationId(4)));
        assert_eq!(only, listed[1..2]);

        *bench.user("db") = Access {
            user: Some(["db".to_owned()].into()),
            role: Some(
                [Permission {
                    read_write: true,
                    range: Prefix::new("/p/").expect("a prefix").range(),
                }]
                .into(),
            ),
        };
        bench.user("alice").user = Some(BTreeSet::new());
        let listed = identities(&related, &bench.cluster, None);
        assert!(listed[0].faults.is_empty());
        assert_eq!(listed[2].faults, ["user alice is there"]);
    }
}
