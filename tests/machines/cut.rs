//! A machine whose network is cut while Juju still reaches its unit: packets are
//! dropped on their way, and no connection is refused.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{ClientAuthority, Etcdctl, HookRun, RelationId, UnitName, service_of};

use crate::guest::root;
use crate::harness::Harness;
use crate::patience::eventually;
use crate::service::shown;
use crate::step::step;
use crate::writer::Writer;

/// The longest that a hook may take with a member out of reach: what Juju waits
/// for meanwhile, an operator waits for as well.
const BOUND: Duration = Duration::from_secs(15);

/// Many times what members take to find each other again.
const BACK: Duration = Duration::from_secs(60);

/// What a cluster of three outlives that serves this client.
pub(crate) fn live(
    harness: &mut Harness,
    units: &[UnitName],
    relation: RelationId,
    client: &Etcdctl,
) {
    let leader = harness.raft_leader(&units[0]);
    let follower = units.iter().rfind(|unit| **unit != leader).unwrap();
    Cut::new(harness, units, follower).outage("follower", relation, client);
    // It leads the application as well.
    let leader = harness.raft_leader(&units[0]);
    harness.model.set_leader("etcd", leader.clone());
    harness.rest();
    Cut::new(harness, units, &leader).outage("leader", relation, client);
}

/// What Juju would tell a requirer of: a databag, or a revision of a secret.
#[derive(Debug, PartialEq)]
struct Told {
    bag: BTreeMap<String, String>,
    secrets: BTreeMap<String, BTreeMap<u32, BTreeMap<String, String>>>,
}

impl Told {
    fn now(harness: &Harness, relation: RelationId) -> Self {
        let end = format!(":{}", relation.0);
        let secrets = harness.model.secrets("etcd").into_iter();
        let secrets = secrets.filter(|secret| secret.description.ends_with(&end));
        Self {
            bag: harness.model.app_bag(relation, "etcd"),
            secrets: secrets
                .map(|secret| (secret.id, secret.revisions))
                .collect(),
        }
    }
}

/// Three units, and the one whose network is cut.
struct Cut<'h> {
    harness: &'h mut Harness,
    units: &'h [UnitName],
    lone: UnitName,
    longest: Duration,
}

impl<'h> Cut<'h> {
    fn new(harness: &'h mut Harness, units: &'h [UnitName], lone: &UnitName) -> Self {
        Self {
            harness,
            units,
            lone: lone.clone(),
            longest: Duration::ZERO,
        }
    }

    fn cable(&self, state: &str) {
        let status = Command::new(root().join("tests/machines/cable"))
            .args([&self.lone.with_dash(), state])
            .status();
        assert!(status.unwrap().success(), "the cable of {}", self.lone);
    }

    /// The network of one unit is cut, a client comes meanwhile, and the network is back.
    fn outage(&mut self, what: &str, relation: RelationId, client: &Etcdctl) {
        let before = Told::now(self.harness, relation);
        assert_eq!(before.secrets.len(), 2, "{before:?}");
        let writer = Writer::start(client, &format!("/test/{what}/"));
        let certificate = ClientAuthority::new().issue(what);
        let come = step(&format!("the network of the {what} is cut"), || {
            self.cable("pulled");
            self.pass();
            let leader = self.harness.raft_leader(self.other());
            let process =
                |cut: &Self| shown(cut.harness.guest(&leader), &service_of(&leader), "MainPID");
            let running = process(self);
            let come = self
                .harness
                .relate(what, &format!("/{what}/"), &certificate);
            for _ in 0..2 {
                self.pass();
            }
            // Where the application has a leader to grant it, the client is let in by the
            // member that can pause at the least cost.
            let told = self.harness.model.app_bag(come, "etcd");
            let endpoints = told
                .get("endpoints")
                .map_or(0, |all| all.split(',').count());
            let is_led = self.harness.model.leader("etcd").as_ref() != Some(&self.lone);
            assert_eq!(endpoints, usize::from(is_led), "{told:?}");
            assert_eq!(process(self), running, "the leader was restarted");
            come
        });
        let longest = self.longest.as_secs_f32();
        eprintln!("machines:   the longest hook took {longest:.1} s");
        assert_eq!(Told::now(self.harness, relation), before, "while it is cut");

        step("it is back, with nothing to do", || {
            self.cable("plugged");
            self.wait_until_back();
            self.harness.rest();
        });
        for unit in self.units {
            let status = self.harness.model.unit_status(unit.clone());
            let shown = format!("{unit} {}: {}", status.status, status.message);
            assert_eq!(status.status, "active", "{shown}");
            assert!(status.message.contains("cluster is healthy"), "{shown}");
        }
        assert_eq!(Told::now(self.harness, relation), before, "after it");
        writer.stop();
        let told = self.harness.model.app_bag(come, "etcd")["endpoints"].clone();
        assert_eq!(told.split(',').count(), 3, "{told}");
        let come = self.harness.client(what, come, &certificate);
        assert!(come.run(&["put", &format!("/{what}/a"), "1"]).ok);
    }

    /// A unit that is not cut off.
    fn other(&self) -> &'h UnitName {
        let mut units = self.units.iter();
        units.find(|unit| **unit != self.lone).unwrap()
    }

    fn wait_until_back(&self) {
        let begun = Instant::now();
        let admin = self.harness.admin(&self.lone).impatient();
        eventually("an answer of the cluster there", BACK, || {
            admin.run(&["get", "/test/a"]).ok.then_some(())
        });
        let time = begun.elapsed().as_secs_f32();
        eprintln!("machines:   it serves again after {time:.1} s");
    }

    /// Lets all units, the one that is cut off included, make a full pass, and everything
    /// that is due then.
    fn pass(&mut self) {
        for unit in self.units {
            let run = self
                .harness
                .model
                .run_hook(unit.clone(), Hook::UpdateStatus);
            self.look(&run);
        }
        while let Some(run) = self.harness.model.step() {
            self.look(&run);
        }
    }

    /// Each hook ends in time, and leaves a status that says who is cut off.
    fn look(&mut self, run: &HookRun) {
        assert!(run.succeeded(), "{run:#?}");
        self.longest = self.longest.max(run.duration);
        let status = self.harness.model.unit_status(run.unit.clone());
        let shown = format!(
            "{} of {} after {:.1?}: {}: {}",
            run.name, run.unit, run.duration, status.status, status.message
        );
        assert!(run.duration < BOUND, "{shown}");
        if run.unit == self.lone {
            let mut others = self.units.iter().filter(|unit| **unit != self.lone);
            let is_named = others.all(|unit| status.message.contains(unit.as_str()));
            assert!(is_named, "{shown}");
        } else {
            let first = format!("no answer from {}", self.lone);
            assert_eq!(status.status, "active", "{shown}");
            assert!(status.message.starts_with(&first), "{shown}");
        }
    }
}
