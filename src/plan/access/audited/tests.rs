//! What this unit does and what somebody else does meanwhile, in every order, on users
//! and roles that keep etcd's rules.

use std::collections::BTreeMap;

use super::*;
use crate::facts::{KeyRange, NameClaim};
use crate::plan::access::grant_steps;
use crate::plan::testing::{Bench, leaf};

const CLUSTER: u64 = 7;

/// A change as etcd takes it: of a user, a role, the role of a user, and a permission.
#[derive(Clone, Copy, Debug)]
enum Change {
    AddUser(&'static str),
    DeleteUser(&'static str),
    AddRole(&'static str),
    DeleteRole(&'static str),
    GrantRole(&'static str, &'static str),
    RevokeRole(&'static str, &'static str),
    Permit(&'static str, &'static str),
    Forbid(&'static str, &'static str),
}

/// Users with their roles, roles with their prefixes, and the revision of both.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Rights {
    users: BTreeMap<&'static str, BTreeSet<&'static str>>,
    roles: BTreeMap<&'static str, BTreeSet<&'static str>>,
    revision: u64,
    /// Whether a permission that is granted again raises the revision, which it does in
    /// all releases so far.
    counts_repetition: bool,
}

impl Rights {
    /// Whether etcd answers with success.
    fn change(&mut self, change: Change) -> bool {
        let (users, roles) = (&mut self.users, &mut self.roles);
        let raises = match change {
            Change::AddUser(name) if users.contains_key(name) => return false,
            Change::AddUser(name) => users.insert(name, BTreeSet::new()).is_none(),
            Change::DeleteUser(name) => match users.remove(name) {
                Some(_) => true,
                None => return false,
            },
            Change::AddRole(name) if roles.contains_key(name) => return false,
            Change::AddRole(name) => roles.insert(name, BTreeSet::new()).is_none(),
            Change::DeleteRole(name) => {
                if roles.remove(name).is_none() {
                    return false;
                }
                users
                    .values_mut()
                    .for_each(|roles| roles.retain(|role| *role != name));
                true
            }
            Change::GrantRole(user, role) if roles.contains_key(role) => {
                let Some(roles) = users.get_mut(user) else {
                    return false;
                };
                // One that it has already is no error.
                roles.insert(role)
            }
            Change::GrantRole(..) => return false,
            Change::RevokeRole(user, role) => {
                let roles = users.get_mut(user);
                if !roles.is_some_and(|roles| roles.remove(role)) {
                    return false;
                }
                true
            }
            Change::Permit(role, prefix) => match roles.get_mut(role) {
                Some(prefixes) => prefixes.insert(prefix) || self.counts_repetition,
                None => return false,
            },
            Change::Forbid(role, prefix) => {
                let prefixes = roles.get_mut(role);
                if !prefixes.is_some_and(|prefixes| prefixes.remove(prefix)) {
                    return false;
                }
                true
            }
        };
        self.revision += u64::from(raises);
        true
    }

    fn of(&self, name: &str) -> [Option<&BTreeSet<&'static str>>; 2] {
        [self.users.get(name), self.roles.get(name)]
    }
}

/// The names there are, each with the prefix of its client.
const NAMES: [(&str, &str); 2] = [("alpha", "/one/"), ("beta", "/two/")];

fn own(name: &CommonName) -> (&'static str, &'static str) {
    let mut names = NAMES.into_iter();
    names
        .find(|(own, _)| *own == name.as_str())
        .expect("one of them")
}

/// What a step asks of etcd; nothing, where it is one of the ledger.
fn asked(step: &AccessStep) -> Option<Change> {
    let prefix = |range: &KeyRange| {
        let mut names = NAMES.into_iter();
        let own = names.find(|(_, prefix)| range.key == prefix.as_bytes());
        own.expect("one of them").1
    };
    Some(match step {
        AccessStep::AddRole(name) => Change::AddRole(own(name).0),
        AccessStep::AddUser(name) => Change::AddUser(own(name).0),
        AccessStep::DeleteRole(name) => Change::DeleteRole(own(name).0),
        AccessStep::DeleteUser(name) => Change::DeleteUser(own(name).0),
        AccessStep::GrantRole(name) => Change::GrantRole(own(name).0, own(name).0),
        AccessStep::GrantPermission(name, range) => Change::Permit(own(name).0, prefix(range)),
        AccessStep::RevokePermission(name, range) => Change::Forbid(own(name).0, prefix(range)),
        AccessStep::Claim(..) | AccessStep::Unsettle | AccessStep::Ledger(_) => return None,
        other => panic!("{other:?}"),
    })
}

/// All that somebody else can do with two names.
fn changes() -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, _) in NAMES {
        changes.extend([Change::AddUser(name), Change::DeleteUser(name)]);
        changes.extend([Change::AddRole(name), Change::DeleteRole(name)]);
        for (other, prefix) in NAMES {
            changes.extend([
                Change::GrantRole(name, other),
                Change::RevokeRole(name, other),
            ]);
            changes.extend([Change::Permit(name, prefix), Change::Forbid(name, prefix)]);
        }
    }
    changes
}

/// A world in which alpha has its rights, and which was audited; also beta, if it is to
/// lose them. The steps that come next.
struct Scene {
    bench: Bench,
    rights: Rights,
    note: AuditedRights,
    steps: Vec<AccessStep>,
}

impl Scene {
    fn new(has_beta: bool, counts_repetition: bool) -> Self {
        let mut bench = Bench::new(1);
        let mut rights = Rights {
            revision: 40,
            counts_repetition,
            ..Rights::default()
        };
        for (number, (name, prefix)) in (1..).zip(NAMES).take(1 + usize::from(has_beta)) {
            bench.ask_as(number, prefix, name, number);
            rights.users.insert(name, [name].into());
            rights.roles.insert(name, [prefix].into());
        }
        bench.access();
        bench.trust(&[leaf("alpha", 1), leaf("beta", 2)]);
        bench.access();
        bench.cluster.rights_revision = Some(rights.revision);
        let note = audited(CLUSTER, &bench.cluster).expect("all is right");
        match has_beta {
            true => bench.leave(2),
            false => bench.ask_as(2, "/two/", "beta", 2),
        }
        let steps = bench.access_steps();
        Self {
            bench,
            rights,
            note,
            steps,
        }
    }

    /// The rights after all, and whether what was noted then stands. Each change of
    /// somebody else comes before the step of this number.
    fn play(&self, changes: &[(usize, Change)]) -> (Rights, bool) {
        let mut rights = self.rights.clone();
        let mut is_sure = true;
        for number in 0..=self.steps.len() {
            for (_, change) in changes.iter().filter(|(before, _)| *before == number) {
                rights.change(*change);
            }
            let asked = self.steps.get(number).and_then(asked);
            is_sure &= asked.is_none_or(|change| rights.change(change));
        }
        let mut cluster = self.bench.cluster.clone();
        let after = after(self.note.clone(), CLUSTER, &cluster.ledger, &self.steps);
        // Where it is not sure none is noted, or the one from before stays.
        let note = match is_sure {
            true => after.expect("a note"),
            false => self.note.clone(),
        };
        for step in &self.steps {
            crate::plan::simulate::simulate_access(&mut cluster, step);
        }
        cluster.rights_revision = Some(rights.revision);
        let stands = stands(&note, CLUSTER, &cluster);
        assert!(!stands || is_sure, "{changes:?}");
        (rights, stands)
    }

    /// How often what was noted stands, of all ways in which others may interfere so
    /// often. Whoever is not to be read again then has the rights that it had.
    fn play_all(&self, depth: usize) -> usize {
        let mut ways = vec![Vec::new()];
        for _ in 0..depth {
            let longer = |way: &Vec<(usize, Change)>| {
                let least = way.last().map_or(0, |(number, _)| *number);
                let numbers = least..=self.steps.len();
                let one_more = numbers
                    .flat_map(|number| changes().into_iter().map(move |change| (number, change)));
                let longer = one_more.map(|more| [&way[..], &[more]].concat());
                longer.collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(longer).collect();
        }
        let play = |way: &Vec<(usize, Change)>| {
            let (rights, stands) = self.play(way);
            if stands {
                assert_eq!(rights.of("alpha"), self.rights.of("alpha"), "{way:?}");
            }
            stands
        };
        ways.iter().filter(|way| play(way)).count()
    }
}

#[test]
fn nothing_that_somebody_else_does_passes_for_a_change_of_this_unit() {
    for has_beta in [false, true] {
        for counts_repetition in [true, false] {
            let scene = Scene::new(has_beta, counts_repetition);
            assert_eq!(scene.play_all(0), 1, "what is done alone is known");
            scene.play_all(1);
            scene.play_all(2);
        }
    }
}

#[test]
fn what_was_changed_is_read_again_and_the_rest_is_not() {
    let scene = Scene::new(false, true);
    let steps = &scene.steps;
    let note = after(
        scene.note.clone(),
        CLUSTER,
        &scene.bench.cluster.ledger,
        steps,
    );
    let note = note.expect("a note");
    assert_eq!(note.revision, scene.note.revision + 4);
    assert_eq!(note.changed, ["beta".parse().expect("a name")].into());
}

#[test]
fn a_grant_to_what_was_there_before_is_not_counted() {
    let Scene { bench, note, .. } = Scene::new(true, true);
    let ledger = &bench.cluster.ledger;
    let name: CommonName = "beta".parse().expect("a name");
    let range = as_granted(ledger, &name).and_then(|access| access.role);
    let range = range.expect("a role").pop_first().expect("a range").range;
    let after = |steps: &[AccessStep]| after(note.clone(), CLUSTER, ledger, steps);
    let grant = AccessStep::GrantRole(name.clone());
    let permit = AccessStep::GrantPermission(name.clone(), range.clone());
    assert_eq!(after(std::slice::from_ref(&grant)), None);
    assert_eq!(after(&[permit]), None);
    // Once more after it was made is once too often.
    let made = AccessStep::AddUser(name.clone());
    assert!(after(&[made.clone(), grant.clone()]).is_some());
    assert_eq!(after(&[made, grant.clone(), grant]), None);
    let mut cluster = bench.cluster.clone();
    cluster.access.remove(&name);
    assert!(after(&grant_steps(&cluster, &name, &range)).is_some());
}

#[test]
fn another_ledger_or_another_cluster_ends_what_was_noted() {
    let Scene {
        mut bench,
        note,
        steps,
        ..
    } = Scene::new(false, true);
    assert!(stands(&note, CLUSTER, &bench.cluster));
    assert!(!stands(&note, CLUSTER + 1, &bench.cluster));
    assert_eq!(
        after(note.clone(), CLUSTER + 1, &bench.cluster.ledger, &steps),
        None
    );
    let names = &mut bench.cluster.ledger.names;
    for (name, claim) in names.clone().iter() {
        let releasing = true;
        let claim = claim.clone();
        names.insert(name.clone(), NameClaim { releasing, ..claim });
    }
    assert!(!stands(&note, CLUSTER, &bench.cluster));
    assert_eq!(after(note, CLUSTER, &bench.cluster.ledger, &steps), None);
}
