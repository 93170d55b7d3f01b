//! Every request for access as an operator wants to see it: what became of it,
//! and whether etcd holds what it should.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::observed::request_key;
use crate::facts::{
    Access, AppName, Cluster, CommonName, ConditionKind, Grant, KeyRange, Prefix, Related,
    RelationId, RequestKey,
};

/// One request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The relation and the request in it.
    pub key: RequestKey,
    /// The application at the other end.
    pub app: Option<AppName>,
    /// What became of it.
    pub state: State,
    /// Why it is not in force, or its latest change is not.
    pub reason: Option<String>,
    /// The keys that it has, or else asks for.
    pub prefix: Option<Prefix>,
    /// The access that it has.
    pub grant: Option<Grant>,
    /// How many members with a vote there are.
    pub voters: usize,
    /// What in etcd is not as its grant says; empty where all is.
    pub faults: Vec<String>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Something has not arrived yet; nobody has to do anything here.
    Waiting,
    /// The requirer has to change it.
    Refused,
    /// It has its access, and no member lets its certificate in yet.
    Granted,
    /// So many members let it in.
    Ready(usize),
    /// It is gone, and what is left of it is being removed.
    Releasing,
}

/// All requests that are on record or asked for, and the relations over which
/// nothing was asked; of one relation alone where one is named. The cluster
/// holds user and role of each common name that was granted.
pub fn list(
    relations: &BTreeMap<RelationId, Related>,
    cluster: &Cluster,
    only: Option<RelationId>,
) -> Vec<Listed> {
    let on_record = cluster.ledger.clients.keys().cloned();
    let asked = relations.iter().flat_map(|(id, related)| {
        let entries = related.asked.iter().flat_map(|asked| &asked.requests);
        entries.map(|entry| request_key(*id, entry))
    });
    let mut keys: BTreeSet<RequestKey> = on_record.chain(asked).collect();
    for relation in relations.keys() {
        if !keys.iter().any(|key| key.relation == *relation) {
            keys.insert(RequestKey {
                relation: *relation,
                request: None,
            });
        }
    }
    let requests = keys.into_iter().map(|key| listed(relations, cluster, key));
    let unsigned = cluster.ledger.unsigned.iter();
    let unsigned = unsigned.map(|(id, why)| Listed {
        key: RequestKey {
            relation: *id,
            request: None,
        },
        app: Some(why.app.clone()),
        state: State::Refused,
        reason: Some(format!("certificate: {}", why.words())),
        prefix: None,
        grant: None,
        voters: voters(cluster).count(),
        faults: Vec::new(),
    });
    requests
        .chain(unsigned)
        .filter(|listed| only.is_none_or(|only| listed.key.relation == only))
        .collect()
}

fn listed(relations: &BTreeMap<RelationId, Related>, cluster: &Cluster, key: RequestKey) -> Listed {
    let related = relations.get(&key.relation);
    let asked = related.and_then(|related| related.asked.as_ref());
    let outcome = asked.and_then(|asked| {
        let mut entries = asked.requests.iter();
        let entry = entries.find(|entry| entry.request == key.request)?;
        Some(&entry.outcome)
    });
    let record = cluster.ledger.clients.get(&key);
    let grant = record.and_then(|record| record.grant.clone());
    let condition = record.and_then(|record| record.condition.clone());
    let is_gone = related.is_none() || record.is_some_and(|record| record.departed);
    let (state, reason) = match (&grant, condition) {
        _ if is_gone => (State::Releasing, None),
        (Some(grant), condition) => {
            let reason = condition.map(|condition| format!("latest change: {}", condition.words()));
            (granted(cluster, grant), reason)
        }
        (None, Some(condition)) => {
            let state = match condition.kind() {
                ConditionKind::Refused => State::Refused,
                ConditionKind::Waiting => State::Waiting,
            };
            (state, Some(condition.words().to_owned()))
        }
        (None, None) => match outcome {
            Some(Err(refusal)) => (State::Refused, Some(refusal.to_string())),
            Some(Ok(_)) => (
                State::Waiting,
                Some("the leader has not seen it yet".to_owned()),
            ),
            None => (
                State::Waiting,
                Some("it has asked for nothing yet".to_owned()),
            ),
        },
    };
    let asked_prefix = outcome.and_then(|outcome| Some(outcome.as_ref().ok()?.resource.clone()));
    Listed {
        app: related.and_then(|related| related.app.clone()),
        state,
        reason,
        prefix: grant
            .as_ref()
            .map(|grant| grant.prefix.clone())
            .or(asked_prefix),
        faults: grant.as_ref().map_or_else(Vec::new, |grant| {
            let access = cluster.access.get(&grant.common_name);
            faults(&grant.common_name, &grant.prefix.range(), access)
        }),
        grant,
        voters: voters(cluster).count(),
        key,
    }
}

fn voters(cluster: &Cluster) -> impl Iterator<Item = &crate::facts::Member> {
    cluster.members.iter().filter(|member| !member.learner)
}

fn granted(cluster: &Cluster, grant: &Grant) -> State {
    let ready = voters(cluster)
        .filter_map(|member| cluster.ledger.members.get(member.name.as_ref()?))
        .filter(|trust| trust.has_loaded(grant))
        .count();
    match ready {
        0 => State::Granted,
        ready => State::Ready(ready),
    }
}

/// What is not as a grant says, in words.
pub(super) fn faults(name: &CommonName, range: &KeyRange, access: Option<&Access>) -> Vec<String> {
    let Some(access) = access else {
        return vec!["was not looked up".to_owned()];
    };
    let mut faults = Vec::new();
    match &access.user {
        None => faults.push(format!("user {name} is missing")),
        Some(roles) => {
            if !roles.contains(name.as_str()) {
                faults.push(format!("user {name} lacks its role"));
            }
            let others = roles.iter().filter(|role| *role != name.as_str());
            faults.extend(others.map(|role| format!("user {name} also has role {role}")));
        }
    }
    match &access.role {
        None => faults.push(format!("role {name} is missing")),
        Some(permissions) => {
            let is_whole = permissions
                .iter()
                .any(|permission| permission.read_write && permission.range == *range);
            if !is_whole {
                faults.push(format!("role {name} does not cover {range}"));
            }
            let others = permissions
                .iter()
                .filter(|permission| permission.range != *range);
            faults.extend(others.map(|other| format!("role {name} also covers {}", other.range)));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClientRecord, Permission};
    use crate::plan::testing::{Bench, key, leaf};

    fn related(bench: &Bench) -> BTreeMap<RelationId, Related> {
        let relations = bench.observed.clients.relations.iter();
        let related = relations.map(|(id, relation)| {
            let app = format!("app{id}").parse().ok();
            let asked = relation.asked.clone().ok().flatten();
            (*id, Related { app, asked })
        });
        related.collect()
    }

    fn all(bench: &Bench) -> Vec<Listed> {
        list(&related(bench), &bench.cluster, None)
    }

    #[test]
    fn each_request_is_where_it_is() {
        let mut bench = Bench::new(3);
        bench.ask_as(1, "/one/", "alpha", 1);
        bench.ask_as(2, "/two/", "root", 1);
        bench.serve(10, "/ten/", "beta");
        bench.trust(&[leaf("alpha", 1)]);
        bench.cluster.members[2].learner = true;
        let listed_all = all(&bench);
        let keys: Vec<_> = listed_all.iter().map(|listed| listed.key.clone()).collect();
        assert_eq!(keys, [key(1), key(2), key(10)]);
        let [ready, refused, granted] = listed_all.as_slice() else {
            panic!("three");
        };
        assert_eq!((ready.state, ready.voters), (State::Ready(2), 2));
        assert_eq!(ready.reason, None);
        assert_eq!(ready.app.as_ref().map(AppName::as_str), Some("app1"));
        let prefix = |listed: &Listed| listed.prefix.as_ref().map(|prefix| prefix.to_string());
        assert_eq!(prefix(ready), Some("/one/".to_owned()));
        assert_eq!(refused.state, State::Refused);
        assert_eq!(
            refused.reason.as_deref(),
            Some("common name root is reserved")
        );
        assert_eq!(prefix(refused), Some("/two/".to_owned()));
        assert_eq!(refused.grant, None);
        assert_eq!(granted.state, State::Granted);
        assert!(listed_all.iter().all(|listed| listed.faults.is_empty()));

        let only = list(&related(&bench), &bench.cluster, Some(RelationId(1)));
        assert_eq!(only.len(), 1, "1 is not 10");
    }

    #[test]
    fn a_change_that_is_refused_leaves_what_was_granted() {
        let mut bench = Bench::new(1);
        bench.serve(1, "/one/", "alpha");
        bench.trust(&[leaf("alpha", 1)]);
        bench.serve(1, "/one/", "root");
        let listed_all = all(&bench);
        assert_eq!(listed_all[0].state, State::Ready(1));
        assert_eq!(
            listed_all[0].reason.as_deref(),
            Some("latest change: common name root is reserved")
        );
    }

    #[test]
    fn what_was_not_seen_and_what_is_gone_is_listed() {
        let mut bench = Bench::new(1);
        bench.ask_as(1, "/one/", "alpha", 1);
        let listed_all = all(&bench);
        assert_eq!(listed_all[0].state, State::Waiting);
        assert_eq!(
            listed_all[0].reason.as_deref(),
            Some("the leader has not seen it yet")
        );
        bench.relation(1).asked = Ok(None);
        let listed_all = all(&bench);
        assert_eq!(
            listed_all[0].reason.as_deref(),
            Some("it has asked for nothing yet")
        );
        bench.leave(1);
        assert_eq!(all(&bench), []);
        let departed = ClientRecord {
            departed: true,
            ..ClientRecord::default()
        };
        bench.cluster.ledger.clients.insert(key(1), departed);
        assert_eq!(all(&bench)[0].state, State::Releasing);
    }

    #[test]
    fn what_etcd_holds_is_compared_with_the_grant() {
        let mut bench = Bench::new(1);
        bench.serve(1, "/one/", "alpha");
        let further = Permission {
            read_write: true,
            range: KeyRange::of_prefix(b"/two/"),
        };
        let access = bench.user("alpha");
        access.user = None;
        access
            .role
            .as_mut()
            .expect("a role")
            .insert(further.clone());
        assert_eq!(
            all(&bench)[0].faults,
            [
                "user alpha is missing",
                "role alpha also covers [/two/, /two0)"
            ]
        );
        let access = bench.user("alpha");
        access.user = Some(["other".to_owned()].into());
        access.role = Some([further].into());
        assert_eq!(
            all(&bench)[0].faults,
            [
                "user alpha lacks its role",
                "user alpha also has role other",
                "role alpha does not cover [/one/, /one0)",
                "role alpha also covers [/two/, /two0)"
            ]
        );
        bench.user("alpha").role = None;
        assert_eq!(all(&bench)[0].faults[2], "role alpha is missing");
    }
}
