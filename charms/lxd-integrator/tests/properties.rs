//! Plans in a pure world, judged by code that knows nothing of the planner:
//! whatever relations ask for and whatever is in the trust store, a full pass
//! ends where it should, and leaves what is others' alone.

#![allow(
    clippy::unwrap_used,
    reason = "a world that cannot be made is a failure"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use certificates::{Fingerprint, Timestamp};
use juju_hooks::{Databag, RelationId};
use lxd_integrator::facts::{Cloud, Entry, Juju, Known, Lxd, Options, Relation, Scope, Server};
use lxd_integrator::plan::access::Step;
use lxd_integrator::plan::credentials::Connection;
use lxd_integrator::plan::{Plan, plan};
use proptest::prelude::*;

const MODEL: &str = "9d39bbbe-d95a-405d-8573-6835864daf92";

/// How many certificates and relations there are to choose from.
const CERTIFICATES: usize = 5;
const RELATIONS: u32 = 4;

struct Made {
    text: String,
    fingerprint: Fingerprint,
}

static MADE: LazyLock<Vec<Made>> = LazyLock::new(|| {
    let one = |_| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        let certificate = params.self_signed(&key).expect("signed");
        Made {
            fingerprint: Fingerprint::of_der(certificate.der()),
            text: certificate.pem(),
        }
    };
    (0..CERTIFICATES).map(one).collect()
});

/// What one relation does.
#[derive(Clone, Debug)]
enum Wish {
    /// It is not there.
    Gone,
    /// It cannot be read.
    Unreadable,
    /// What its one unit wrote is no list.
    Junk,
    /// It asks for these, by number.
    Asks(BTreeSet<usize>),
}

/// An entry of the trust store, by the number of its certificate.
#[derive(Clone, Debug)]
enum Stored {
    /// By hand, or of another kind.
    Others(&'static str),
    /// Made by this application for these relations, restricted or not.
    Ours(BTreeSet<u32>, bool),
}

fn wish() -> impl Strategy<Value = Wish> {
    let numbers = prop::collection::btree_set(0..CERTIFICATES, 0..4);
    prop_oneof![
        2 => Just(Wish::Gone),
        1 => Just(Wish::Unreadable),
        1 => Just(Wish::Junk),
        6 => numbers.prop_map(Wish::Asks),
    ]
}

fn stored() -> impl Strategy<Value = Stored> {
    let relations = prop::collection::btree_set(1..=RELATIONS, 1..4);
    prop_oneof![
        Just(Stored::Others("client")),
        Just(Stored::Others("server")),
        (relations, any::<bool>()).prop_map(|(relations, full)| Stored::Ours(relations, full)),
    ]
}

fn entry(number: usize, stored: &Stored) -> Entry {
    match stored {
        Stored::Others(kind) => Entry {
            name: "by hand".to_owned(),
            kind: (*kind).to_owned(),
            restricted: false,
            projects: BTreeSet::new(),
        },
        Stored::Ours(relations, restricted) => {
            let relations: Vec<_> = relations.iter().map(u32::to_string).collect();
            let mark = &MADE[number].fingerprint.as_str()[..12];
            Entry {
                name: format!("juju:{MODEL}:integrator:{}:{mark}", relations.join("+")),
                kind: "client".to_owned(),
                restricted: *restricted,
                projects: match restricted {
                    true => ["p".to_owned()].into(),
                    false => BTreeSet::new(),
                },
            }
        }
    }
}

fn juju(wishes: &[Wish], projects: bool, scope: Scope) -> Juju {
    let mut relations = BTreeMap::new();
    for (number, wish) in (1..).zip(wishes) {
        let bag = |text: String| -> Databag { [("client_certificates".to_owned(), text)].into() };
        let units = match wish {
            Wish::Gone => continue,
            Wish::Unreadable => Known::Unknown("because".to_owned()),
            Wish::Junk => Known::Known([("app/0".parse().unwrap(), bag("{".to_owned()))].into()),
            Wish::Asks(numbers) => {
                let texts: Vec<_> = numbers.iter().map(|at| &MADE[*at].text).collect();
                let text = serde_json::to_string(&texts).unwrap();
                Known::Known([("app/0".parse().unwrap(), bag(text))].into())
            }
        };
        let relation = Relation {
            app: Some("app".parse().unwrap()),
            units,
            own: Known::Known(Databag::new()),
        };
        if scope.contains(RelationId(number)) {
            relations.insert(RelationId(number), relation);
        }
    }
    Juju {
        now: Timestamp(1_800_000_000),
        unit: "integrator/0".parse().unwrap(),
        model: MODEL.parse().unwrap(),
        leader: true,
        options: Options {
            projects: projects.then(|| "p".to_owned()),
            ..Options::default()
        },
        secret: None,
        cloud: Cloud::Unasked,
        scope,
        relations,
    }
}

fn lxd(entries: BTreeMap<Fingerprint, Entry>) -> Lxd {
    Lxd {
        server: Server {
            addresses: vec!["10.0.0.1:8443".to_owned()],
            ..Server::default()
        },
        members: Vec::new(),
        entries,
        own: None,
        refused: BTreeMap::new(),
    }
}

/// What LXD does with a step.
fn apply(entries: &mut BTreeMap<Fingerprint, Entry>, step: &Step) {
    match step {
        Step::Add {
            fingerprint,
            name,
            projects,
            ..
        } => {
            let made = Entry {
                name: name.to_string(),
                kind: "client".to_owned(),
                restricted: projects.restrict(),
                projects: projects.names().into_iter().collect(),
            };
            assert!(
                entries.insert(fingerprint.clone(), made).is_none(),
                "added twice"
            );
        }
        Step::Update {
            fingerprint,
            name,
            projects,
        } => {
            let entry = entries.get_mut(fingerprint).expect("only what is there");
            entry.name = name.to_string();
            entry.restricted = projects.restrict();
            entry.projects = projects.names().into_iter().collect();
        }
        Step::Remove { fingerprint, .. } => {
            entries.remove(fingerprint).expect("only what is there");
        }
    }
}

/// Makes passes until there is nothing left to do.
fn rest(entries: &mut BTreeMap<Fingerprint, Entry>, juju: &Juju) -> Plan {
    let connection = Connection::Socket(PathBuf::from("/socket"));
    for _ in 0..3 {
        let planned = plan(juju, &connection, &lxd(entries.clone()));
        let removal = planned
            .steps
            .iter()
            .position(|step| matches!(step, Step::Remove { .. }));
        let last_addition = planned
            .steps
            .iter()
            .rposition(|step| matches!(step, Step::Add { .. }));
        if let (Some(removal), Some(addition)) = (removal, last_addition) {
            assert!(addition < removal, "removed before all was added");
        }
        if planned.steps.is_empty() {
            return planned;
        }
        assert!(planned.changes.is_empty(), "told before it was read back");
        for step in &planned.steps {
            apply(entries, step);
        }
    }
    panic!("it does not come to rest");
}

fn world(stored: &BTreeMap<usize, Stored>) -> BTreeMap<Fingerprint, Entry> {
    let entries = stored.iter();
    entries
        .map(|(number, stored)| (MADE[*number].fingerprint.clone(), entry(*number, stored)))
        .collect()
}

/// What has to be there in the end, by what the wishes and the store were.
fn judge(
    wishes: &[Wish],
    before: &BTreeMap<usize, Stored>,
    after: &BTreeMap<Fingerprint, Entry>,
    projects: bool,
) -> Result<(), TestCaseError> {
    for number in 0..CERTIFICATES {
        let left = after.get(&MADE[number].fingerprint);
        let asked: Vec<u32> = (1..)
            .zip(wishes)
            .filter(|(_, wish)| matches!(wish, Wish::Asks(numbers) if numbers.contains(&number)))
            .map(|(relation, _)| relation)
            .collect();
        match before.get(&number) {
            Some(others @ Stored::Others(_)) => {
                prop_assert_eq!(left, Some(&entry(number, others)), "others' entries stay");
            }
            Some(Stored::Ours(relations, _)) => {
                let unknown = relations.iter().filter(|relation| {
                    matches!(
                        wishes[**relation as usize - 1],
                        Wish::Unreadable | Wish::Junk
                    )
                });
                let mut wanted: BTreeSet<u32> = asked.into_iter().collect();
                wanted.extend(unknown);
                prop_assert_eq!(left.is_some(), !wanted.is_empty(), "ours {}", number);
                if left.is_some() {
                    let should = entry(number, &Stored::Ours(wanted, projects));
                    prop_assert_eq!(left, Some(&should));
                }
            }
            None if asked.is_empty() => prop_assert_eq!(left, None),
            None => {
                let should = Stored::Ours(asked.into_iter().collect(), projects);
                prop_assert_eq!(left, Some(&entry(number, &should)));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_full_pass_ends_where_it_should(
        wishes in prop::collection::vec(wish(), RELATIONS as usize),
        before in prop::collection::btree_map(0..CERTIFICATES, stored(), 0..CERTIFICATES),
        projects in any::<bool>(),
    ) {
        let mut entries = world(&before);
        rest(&mut entries, &juju(&wishes, projects, Scope::All));
        judge(&wishes, &before, &entries, projects)?;
    }

    #[test]
    fn events_one_by_one_end_where_a_full_pass_does(
        wishes in prop::collection::vec(wish(), RELATIONS as usize),
        before in prop::collection::btree_map(0..CERTIFICATES, stored(), 0..CERTIFICATES),
    ) {
        let mut one_by_one = world(&before);
        for number in 1..=RELATIONS {
            rest(&mut one_by_one, &juju(&wishes, false, Scope::Only(RelationId(number))));
        }
        let mut at_once = one_by_one.clone();
        let planned = rest(&mut at_once, &juju(&wishes, false, Scope::All));
        prop_assert_eq!(one_by_one, at_once);
        // Whoever can be read is told what is trusted, and nothing else.
        for (number, wish) in (1..).zip(&wishes) {
            let told = planned.changes.get(&RelationId(number));
            match wish {
                Wish::Asks(_) => prop_assert!(told.is_some()),
                Wish::Gone | Wish::Junk | Wish::Unreadable => prop_assert!(told.is_none()),
            }
        }
    }

    #[test]
    fn who_does_not_lead_changes_nothing(
        wishes in prop::collection::vec(wish(), RELATIONS as usize),
        before in prop::collection::btree_map(0..CERTIFICATES, stored(), 0..CERTIFICATES),
    ) {
        let mut facts = juju(&wishes, true, Scope::All);
        facts.leader = false;
        let connection = Connection::Socket(PathBuf::from("/socket"));
        prop_assert!(plan(&facts, &connection, &lxd(world(&before))).steps.is_empty());
    }
}
