//! A simulated Juju whose units live on machines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcd_charm_world::juju::{Charm, Deployment, Model, Options};
use etcd_charm_world::{Certificate, Etcdctl, HookRun, Programs, RelationId, UnitName, V0, writes};

use crate::guest::{Guest, JUJU, PLACE, root};

/// More hooks than any story should need to come to rest.
const SETTLE_LIMIT: usize = 400;

/// An installation may wait for the locks and the disk of a busy machine.
const HOOK_TIMEOUT: Duration = Duration::from_secs(300);

/// The metadata of an application that asks for access.
const REQUIRER: &str = "
name: requirer
requires:
  etcd:
    interface: etcd_client
";

/// The application `etcd`, with a machine for each unit.
pub(crate) struct Harness {
    /// The model.
    pub(crate) model: Model,
    guests: BTreeMap<UnitName, Guest>,
    etcdctl: PathBuf,
    files: u32,
}

impl Harness {
    /// A model without any unit.
    pub(crate) fn new() -> Self {
        let mut options = Options::new(JUJU);
        options.hook_timeout = HOOK_TIMEOUT;
        Self {
            model: Model::new(options).unwrap(),
            guests: BTreeMap::new(),
            etcdctl: Programs::oldest().directory.join("etcdctl"),
            files: 0,
        }
    }

    /// Adds a unit and boots its machine; no hook has run yet.
    pub(crate) fn add_unit(&mut self) -> UnitName {
        let address = format!("192.0.2.{}", 10 + self.guests.len());
        let unit = if self.model.has_application("etcd") {
            self.model.add_unit_at("etcd", &address)
        } else {
            let charm = Charm::at(root()).with_dispatch(root().join("tests/machines/dispatch"));
            let deployment = Deployment::units(1)
                .address(&address)
                .config("allow-vulnerable-etcd", true);
            self.model.deploy_with("etcd", charm, deployment).remove(0)
        };
        let mut guest = Guest::new(&unit.with_dash(), &address);
        guest.boot();
        guest.wait_until_started();
        self.guests.insert(unit.clone(), guest);
        unit
    }

    /// The machine of a unit.
    pub(crate) fn guest(&self, unit: &UnitName) -> &Guest {
        &self.guests[unit]
    }

    /// The machine of a unit, to do something to it.
    pub(crate) fn guest_mut(&mut self, unit: &UnitName) -> &mut Guest {
        self.guests.get_mut(unit).unwrap()
    }

    /// Reboots these machines at once: all are off before one is on again.
    pub(crate) fn reboot(&mut self, units: &[UnitName]) {
        for unit in units {
            self.guest(unit).reboot();
        }
        for unit in units {
            self.guest_mut(unit).wait_until_off();
        }
        self.turn_on(units);
    }

    /// Turns these machines on, which starts the agents of their units.
    pub(crate) fn turn_on(&mut self, units: &[UnitName]) {
        for unit in units {
            self.guest_mut(unit).boot();
        }
        // A member waits for the others, so one may not be waited for before
        // the next is on.
        for unit in units {
            self.guest(unit).wait_until_started();
            if self.model.units("etcd").contains(unit) {
                self.model.agent_restart(unit.clone(), false);
            }
        }
    }

    /// Lets all due hooks run.
    pub(crate) fn settle(&mut self) -> Vec<HookRun> {
        match self.model.settle(SETTLE_LIMIT) {
            Ok(runs) => runs,
            Err(error) => panic!("{error}\n{}", self.last_words()),
        }
    }

    /// Lets all due hooks of these units run; the machines of others are off.
    /// A hook that fails is run again, as Juju does.
    pub(crate) fn settle_only(&mut self, units: &[UnitName]) {
        let mut failures = 0;
        let mut due = true;
        while due {
            due = false;
            for unit in units {
                if let Some(run) = self.model.step_unit(unit.clone()) {
                    due = true;
                    failures += usize::from(!run.succeeded());
                    assert!(failures < 10, "{run:#?}\n{}", self.last_words());
                }
            }
        }
    }

    /// Lets hooks run, `update-status` included, until none of them writes.
    pub(crate) fn rest(&mut self) {
        self.settle();
        for _ in 0..6 {
            // One that fails counts as due, and is run again.
            let passes = self.model.update_status_all();
            let was_quiet = passes.iter().all(|run| writes(run).is_empty());
            if was_quiet & self.settle().is_empty() {
                return;
            }
        }
        panic!("update-status went on writing");
    }

    fn last_words(&self) -> String {
        let all = self.guests.iter();
        all.map(|(unit, guest)| format!("machine of {unit}:\n{}", guest.last_words()))
            .collect()
    }

    /// Relates an application that asks for this prefix with this certificate.
    pub(crate) fn relate(&mut self, app: &str, prefix: &str, shown: &Certificate) -> RelationId {
        self.model.deploy(app, Charm::puppet(REQUIRER));
        let ends = ("etcd:etcd-client", format!("{app}:etcd"));
        let relation = self.model.integrate(ends.0, &ends.1);
        let mut requirer = V0::ask(&mut self.model, app, relation, prefix);
        requirer.set_certificate(&mut self.model, &shown.certificate);
        relation
    }

    /// `etcdctl` as a client that knows nothing but what it was told.
    pub(crate) fn client(
        &mut self,
        app: &str,
        relation: RelationId,
        shown: &Certificate,
    ) -> Etcdctl {
        let bag = self.model.app_bag(relation, "etcd");
        let [user, tls] = ["secret-user", "secret-tls"].map(|key| {
            let unit = UnitName::new(app, 0);
            self.model.secret_get_as(unit, &bag[key], true).unwrap()
        });
        self.files += 1;
        let file = |end: &str, text: &str| {
            let path = Path::new(PLACE).join(format!("client-{}.{end}", self.files));
            fs::write(&path, text).unwrap();
            path
        };
        Etcdctl::new(
            &self.etcdctl,
            &user["uris"],
            file("crt", &shown.chain),
            file("key", &shown.key),
            file("ca", &tls["tls-ca"]),
        )
    }

    /// `etcdctl` with the identity of a unit itself, who is `root`.
    pub(crate) fn admin(&self, unit: &UnitName) -> Etcdctl {
        let pki = self.guest(unit).root().join("etc/etcd-charm");
        let pki = pki.join(unit.with_dash()).join("pki");
        let url = format!("https://{}:2379", self.model.address(unit.clone()));
        let [crt, key, ca] = ["admin.crt", "admin.key", "server-ca.crt"].map(|file| pki.join(file));
        Etcdctl::new(&self.etcdctl, url, crt, key, ca)
    }

    /// The unit whose member leads the cluster.
    pub(crate) fn raft_leader(&self, asked: &UnitName) -> UnitName {
        let admin = self.admin(asked);
        let status = admin.json(&["endpoint", "status"])[0]["Status"].clone();
        let list = admin.json(&["member", "list"]);
        let mut members = list["members"].as_array().unwrap().iter();
        let leader = members.find(|member| member["ID"] == status["leader"]);
        let name = leader.expect("there is a leader")["name"].clone();
        let mut units = self.guests.keys();
        let unit = units.find(|unit| name == unit.with_dash());
        unit.expect("it is a unit's").clone()
    }

    /// The version of etcd that a unit's member runs.
    pub(crate) fn version(&self, unit: &UnitName) -> String {
        let status = self.admin(unit).json(&["endpoint", "status"]);
        status[0]["Status"]["version"].as_str().unwrap().to_owned()
    }

    /// The names of the members that have a vote.
    pub(crate) fn voters(&self, asked: &UnitName) -> Vec<String> {
        let list = self.admin(asked).json(&["member", "list"]);
        let members = list["members"].as_array().unwrap().iter();
        let voters = members.filter(|member| member["isLearner"].is_null());
        let mut names: Vec<String> = voters
            .map(|member| member["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}
