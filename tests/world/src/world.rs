//! The world itself.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use juju_simulator::machine::Machine;
use juju_simulator::{
    ActionResult, Change, Charm, Deployment, HookRun, JujuVersion, Model, Options, RelationId,
    UnitName,
};

use crate::client::Certificate;
use crate::etcdctl::Etcdctl;
use crate::hygiene;
use crate::programs::Programs;

/// More hooks than any story should need to come to rest.
const SETTLE_LIMIT: usize = 400;

/// Enough of etcd's log to see why it did not start.
const LOG_LINES: usize = 6;

/// By this variable the charm learns what to put before every absolute path of
/// its host.
const ROOT_VARIABLE: &str = "ETCD_CHARM_ROOT";

/// The metadata of an application that asks for access.
const REQUIRER: &str = "
name: requirer
requires:
  etcd:
    interface: etcd_client
";

/// How a world is made.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// The charm's program.
    pub dispatch: PathBuf,
    /// The charm's files: `metadata.yaml`, `charmcraft.yaml`.
    pub charm: PathBuf,
    /// The etcd that the machines' distribution has.
    pub programs: Programs,
    /// The release of Juju.
    pub juju: JujuVersion,
    /// What chance is derived from.
    pub seed: u64,
}

/// A model with the charm deployed as `etcd`, and a machine for each unit.
pub struct World {
    /// The model; it is dropped before the machines that its hooks run on.
    pub model: Model,
    /// The machines, by unit.
    pub machines: BTreeMap<UnitName, Machine>,
    options: WorldOptions,
    directory: tempfile::TempDir,
    files: u32,
}

impl World {
    /// A model without any application.
    ///
    /// # Panics
    /// Panics if the file system is at fault.
    #[must_use]
    pub fn new(options: WorldOptions) -> Self {
        // Short, since sockets lie below it, and their paths are limited.
        let directory = tempfile::Builder::new()
            .prefix("etcd-")
            .tempdir()
            .expect("a temporary directory can be made");
        let model = Model::new(
            Options::new(directory.path().join("m"))
                .version(options.juju)
                .seed(options.seed),
        )
        .expect("a model can be made");
        Self {
            model,
            machines: BTreeMap::new(),
            options,
            directory,
            files: 0,
        }
    }

    /// Deploys etcd with one unit; nothing has run yet.
    pub fn deploy(&mut self) -> UnitName {
        self.deploy_with(Deployment::units(1))
    }

    /// Deploys etcd with options and one unit; nothing has run yet. Unless they say
    /// otherwise all clients are served, also by the oldest etcd at hand.
    ///
    /// # Panics
    /// Panics if a machine cannot be made.
    pub fn deploy_with(&mut self, deployment: Deployment) -> UnitName {
        self.deploy_charm(self.charm(), deployment)
    }

    /// The charm under test.
    pub fn charm(&self) -> Charm {
        Charm::at(&self.options.charm).with_dispatch(&self.options.dispatch)
    }

    /// The same with this charm, which is the one under test with other files.
    ///
    /// # Panics
    /// Panics if a machine cannot be made.
    pub fn deploy_charm(&mut self, charm: Charm, deployment: Deployment) -> UnitName {
        let deployment = deployment.config_or("allow-vulnerable-etcd", true);
        let unit = self.model.deploy_with("etcd", charm, deployment).remove(0);
        self.equip(&unit);
        unit
    }

    /// Adds a unit of etcd.
    pub fn add_unit(&mut self) -> UnitName {
        let unit = self.model.add_unit("etcd");
        self.equip(&unit);
        unit
    }

    /// Adds a unit of etcd at this address.
    pub fn add_unit_at(&mut self, address: &str) -> UnitName {
        let unit = self.model.add_unit_at("etcd", address);
        self.equip(&unit);
        unit
    }

    /// Adds a unit of etcd with storage that another has left behind.
    pub fn add_unit_attaching(&mut self, storage: &str) -> UnitName {
        let unit = self.model.add_unit_attaching("etcd", storage);
        self.equip(&unit);
        unit
    }

    /// Removes a unit of etcd, with all the hooks that it runs on its way out.
    ///
    /// # Panics
    /// Panics if the model does not come to rest.
    pub fn remove_unit(&mut self, unit: &UnitName) {
        self.model.remove_unit(unit.clone());
        self.settle();
        self.machines.remove(unit);
    }

    /// Cuts the power of these units' machines.
    pub fn power_off<'u>(&self, units: impl IntoIterator<Item = &'u UnitName>) {
        for unit in units {
            self.machines[unit].power_off();
        }
    }

    /// Gives the machines their power again; Juju's agents notice that they were away.
    pub fn power_on<'u>(&mut self, units: impl IntoIterator<Item = &'u UnitName>) {
        for unit in units {
            self.machines[unit].power_on();
            self.model.agent_restart(unit.clone(), true);
        }
    }

    fn equip(&mut self, unit: &UnitName) {
        let directory = self.directory.path().join(unit.with_dash());
        let machine = Machine::new(directory, self.options.programs.packages())
            .expect("a machine can be made");
        let root = machine.root().display().to_string();
        self.model
            .set_unit_environment(unit.clone(), ROOT_VARIABLE, root);
        self.model.put_on_machine(unit.clone(), &machine);
        self.machines.insert(unit.clone(), machine);
    }

    /// Deploys an application that the story plays by hand, and relates it.
    pub fn relate(&mut self, app: &str) -> RelationId {
        if !self.model.has_application(app) {
            self.model.deploy(app, Charm::puppet(REQUIRER));
        }
        self.model
            .integrate("etcd:etcd-client", &format!("{app}:etcd"))
    }

    /// Deploys an application of another model that the story plays by hand,
    /// and relates it. Gives the name that it has in this model.
    pub fn relate_remote(&mut self, app: &str) -> (String, RelationId) {
        let name = self.model.deploy_remote(
            app,
            Charm::puppet(REQUIRER),
            juju_simulator::RemoteSide::Consumer,
            1,
        );
        let relation = self
            .model
            .integrate("etcd:etcd-client", &format!("{name}:etcd"));
        (name, relation)
    }

    /// Deploys an application of another model whose offer this model consumes,
    /// and relates it.
    pub fn relate_offer(&mut self, app: &str) -> RelationId {
        let side = juju_simulator::RemoteSide::Offerer;
        let name = self
            .model
            .deploy_remote(app, Charm::puppet(REQUIRER), side, 1);
        self.model
            .integrate("etcd:etcd-client", &format!("{name}:etcd"))
    }

    /// Lets all due hooks run.
    ///
    /// # Panics
    /// Panics if the model does not come to rest, or a hook keeps failing; it
    /// shows what the hooks said.
    pub fn settle(&mut self) -> Vec<HookRun> {
        match self.model.settle(SETTLE_LIMIT) {
            Ok(runs) => {
                for run in &runs {
                    hygiene::inspect(&self.model, run);
                }
                runs
            }
            Err(error) => panic!("{error}\n{}", self.etcd_logs()),
        }
    }

    /// Runs an action; it is held to what every hook is held to.
    ///
    /// # Panics
    /// Panics if the charm has no such action, or if a key is seen.
    pub fn run_action(
        &mut self,
        unit: &UnitName,
        name: &str,
        parameters: serde_json::Value,
    ) -> ActionResult {
        let result = self.model.run_action(unit.clone(), name, parameters);
        hygiene::inspect(&self.model, &result.run);
        result
    }

    /// The last lines that each etcd logged, for whoever reads a failure.
    fn etcd_logs(&self) -> String {
        let mut text = String::new();
        for (unit, machine) in &self.machines {
            let log = machine.service_log(&service_of(unit));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LOG_LINES)..];
            text.push_str(&format!("etcd of {unit}:\n  {}\n", shown.join("\n  ")));
        }
        text
    }

    /// Lets all due hooks run one by one, and shows the world after each.
    ///
    /// # Panics
    /// Panics if a hook fails, or if there is no end of them.
    pub fn settle_watched(&mut self, mut watch: impl FnMut(&mut Self, &HookRun)) -> Vec<HookRun> {
        let mut runs = Vec::new();
        while let Some(run) = self.model.step() {
            assert!(run.succeeded(), "{} failed: {run:#?}", run.name);
            watch(self, &run);
            runs.push(run);
            assert!(runs.len() < SETTLE_LIMIT, "hooks are due without end");
        }
        runs
    }

    /// Lets all due hooks run, then a round of `update-status` for what needs
    /// a full pass, until one of them writes nothing: no databag, no secret, no
    /// restart, nothing in etcd.
    ///
    /// # Panics
    /// Panics if there is no rest, or if a pass at rest writes.
    pub fn rest(&mut self) -> Vec<HookRun> {
        let mut runs = self.settle();
        let mut patience = 2;
        for _ in 0..6 {
            let before = (self.revisions_told(), self.memories());
            let passes = self.full_pass();
            let is_quiet = passes.iter().all(|run| writes(run).is_empty());
            passes
                .iter()
                .for_each(|run| hygiene::inspect(&self.model, run));
            runs.extend(passes);
            let due = self.settle();
            let was_idle = due.is_empty();
            runs.extend(due);
            if is_quiet && was_idle {
                // What a unit waits for may come by itself, as other members do that
                // have just started.
                if patience > 0 && self.anybody_waits() {
                    patience -= 1;
                    continue;
                }
                // This was the pass that writes nothing, unless it wrote to etcd, or
                // one that begins otherwise follows.
                let after = (self.revisions_told(), self.memories());
                if before.0.is_none() || before != after {
                    self.assert_idle();
                }
                return runs;
            }
        }
        panic!("update-status went on writing");
    }

    /// Whether the status of a unit says that it waits.
    fn anybody_waits(&self) -> bool {
        let mut units = self.model.units("etcd").into_iter();
        units.any(|unit| self.model.unit_status(unit).status == "waiting")
    }

    /// Lets every unit make a full pass. Gives the hooks that were carried out.
    ///
    /// # Panics
    /// Panics if one fails, but for an etcd that once does not answer in time:
    /// members of a busy machine may have to elect a leader, and Juju runs such
    /// a hook again.
    pub fn full_pass(&mut self) -> Vec<HookRun> {
        let passes = self.model.update_status_all();
        let is_late = |run: &HookRun| !run.succeeded() && run.stderr.contains("request timed out");
        let (late, mut passes): (Vec<_>, Vec<_>) = passes.into_iter().partition(is_late);
        if !late.is_empty() {
            passes.extend(self.settle());
            passes.extend(self.model.update_status_all());
        }
        for run in &passes {
            assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
        }
        passes
    }

    /// Asserts that a full pass of every unit writes nothing: no databag, no
    /// secret, no restart, no change in etcd's users and roles nor a key.
    ///
    /// # Panics
    /// Panics if it does.
    pub fn assert_idle(&mut self) {
        let before = self.revisions();
        for run in self.full_pass() {
            assert_eq!(writes(&run), [], "update-status of {} wrote", run.unit);
            hygiene::inspect(&self.model, &run);
        }
        assert_eq!(before, self.revisions(), "update-status wrote to etcd");
    }

    /// The revision of keys, and the starts of each service: what a pass that
    /// writes nothing leaves as it is. Users and roles have a revision too,
    /// where etcd tells it.
    ///
    /// # Panics
    /// Panics if etcd does not answer.
    #[must_use]
    pub fn revisions(&self) -> Vec<String> {
        self.revisions_told().expect("etcd tells its revision")
    }

    /// The same; `None` where etcd does not answer.
    fn revisions_told(&self) -> Option<Vec<String>> {
        let mut all = Vec::new();
        for (unit, machine) in &self.machines {
            let service = machine.service(&service_of(unit));
            all.push(format!("{unit}: {} starts", service.starts));
        }
        if let Some(unit) = self.running_units().first() {
            let admin = self.admin(unit);
            let status = admin.run(&["endpoint", "status", "--write-out=json"]);
            let status: serde_json::Value = match status.ok {
                true => serde_json::from_str(status.stdout.trim()).expect("etcdctl writes JSON"),
                false => return None,
            };
            let revision = &status[0]["Status"]["header"]["revision"];
            all.push(format!("revision {revision}"));
            let auth = admin.run(&["auth", "status"]);
            if auth.ok {
                all.push(auth.stdout);
            }
        }
        Some(all)
    }

    /// What each unit has noted for its next hook, by which that may do otherwise
    /// than the last.
    fn memories(&self) -> Vec<Option<Vec<u8>>> {
        let files = self.machines.keys().map(|unit| {
            let own = self
                .root(unit)
                .join("etc/etcd-charm")
                .join(unit.with_dash());
            own.join("unit.json")
        });
        files.map(|file| std::fs::read(file).ok()).collect()
    }

    /// Units whose etcd runs.
    #[must_use]
    pub fn running_units(&self) -> Vec<UnitName> {
        self.machines
            .iter()
            .filter(|(unit, machine)| {
                machine.service(&service_of(unit)).active == juju_simulator::machine::Active::Active
            })
            .map(|(unit, _)| unit.clone())
            .collect()
    }

    /// How often etcd was started on this unit's machine.
    #[must_use]
    pub fn starts(&self, unit: &UnitName) -> u32 {
        self.machines[unit].service(&service_of(unit)).starts
    }

    /// Whether the service of the distribution's package ever ran on this unit's
    /// machine: it would serve without any access control.
    #[must_use]
    pub fn distribution_service_ran(&self, unit: &UnitName) -> bool {
        self.machines[unit].service("etcd").starts > 0
    }

    /// Files of the unit's machine.
    #[must_use]
    pub fn root(&self, unit: &UnitName) -> &Path {
        self.machines[unit].root()
    }

    /// The directory with this unit's certificates.
    #[must_use]
    pub fn pki(&self, unit: &UnitName) -> PathBuf {
        self.root(unit)
            .join("etc/etcd-charm")
            .join(unit.with_dash())
            .join("pki")
    }

    /// The directory with the copies of files that this unit's etcd has loaded.
    #[must_use]
    pub fn loaded_dir(&self, unit: &UnitName) -> PathBuf {
        let run = self.root(unit).join("run/etcd-charm");
        run.join(unit.with_dash()).join("loaded")
    }

    /// The client trust file that this unit's etcd has loaded.
    ///
    /// # Panics
    /// Panics if there is none.
    #[must_use]
    pub fn trust_file(&self, unit: &UnitName) -> String {
        let path = self.loaded_dir(unit).join("trust.pem");
        std::fs::read_to_string(path).expect("a trust file was loaded")
    }

    /// Where this unit's etcd is reached: at the port that it has loaded, or
    /// the usual one before it has loaded any.
    #[must_use]
    pub fn url(&self, unit: &UnitName) -> String {
        let loaded = self.configuration(unit);
        let line = loaded
            .lines()
            .find(|line| line.starts_with("listen-client-urls: "));
        let port = line
            .and_then(|line| line.rsplit(':').next())
            .unwrap_or("2379");
        format!("https://{}:{port}", self.model.address(unit.clone()))
    }

    /// The configuration that this unit's etcd has loaded; empty before its
    /// first start.
    #[must_use]
    pub fn configuration(&self, unit: &UnitName) -> String {
        let path = self.loaded_dir(unit).join("etcd.yaml");
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// `etcdctl` with the identity of a unit itself, who is `root`.
    #[must_use]
    pub fn admin(&self, unit: &UnitName) -> Etcdctl {
        let pki = self.pki(unit);
        Etcdctl::new(
            self.etcdctl(),
            self.url(unit),
            pki.join("admin.crt"),
            pki.join("admin.key"),
            self.authorities(unit),
        )
    }

    /// The mode of a file of a unit's certificates and keys.
    ///
    /// # Panics
    /// Panics if it is not there.
    #[must_use]
    pub fn mode(&self, unit: &UnitName, file: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(self.pki(unit).join(file)).expect("the file is there");
        metadata.permissions().mode() & 0o777
    }

    /// A file with all authorities that this unit checks members with.
    fn authorities(&self, unit: &UnitName) -> PathBuf {
        let (own, others) = ("server-ca.crt", "provider-ca.crt");
        let read = |file| std::fs::read_to_string(self.pki(unit).join(file));
        let Ok(others) = read(others) else {
            return self.pki(unit).join(own);
        };
        let path = self
            .directory
            .path()
            .join(format!("{}.ca", unit.with_dash()));
        let own = read(own).expect("a unit has an authority");
        std::fs::write(&path, own + &others).expect("a file can be written");
        path
    }

    /// `etcdctl` with a client's certificate, against one unit.
    ///
    /// # Panics
    /// Panics if files cannot be written.
    pub fn client(&mut self, unit: &UnitName, certificate: &Certificate) -> Etcdctl {
        let authority = self.authorities(unit);
        let url = self.url(unit);
        self.client_at(&url, certificate, &authority)
    }

    /// `etcdctl` with a client's certificate, and what the client was told:
    /// endpoints as URLs, and the servers' authority.
    ///
    /// # Panics
    /// Panics if files cannot be written.
    pub fn client_told(
        &mut self,
        uris: &str,
        certificate: &Certificate,
        authority: &str,
    ) -> Etcdctl {
        self.files += 1;
        let path = self.directory.path().join(format!("{}.ca", self.files));
        std::fs::write(&path, authority).expect("files can be written");
        self.client_at(uris, certificate, &path)
    }

    fn client_at(&mut self, url: &str, certificate: &Certificate, authority: &Path) -> Etcdctl {
        self.files += 1;
        let path = |end: &str| self.directory.path().join(format!("{}.{end}", self.files));
        std::fs::write(path("crt"), &certificate.chain).expect("files can be written");
        std::fs::write(path("key"), &certificate.key).expect("files can be written");
        Etcdctl::new(self.etcdctl(), url, path("crt"), path("key"), authority)
    }

    /// The `etcdctl` of this world's etcd.
    #[must_use]
    pub fn etcdctl(&self) -> PathBuf {
        self.options.programs.directory.join("etcdctl")
    }

    /// Content of the secret that the charm published under `key`, read as the
    /// unit 0 of the requirer would read it.
    ///
    /// # Panics
    /// Panics if it cannot be read.
    pub fn secret_as(&mut self, app: &str, uri: &str) -> BTreeMap<String, String> {
        let unit = UnitName::new(app, 0);
        self.model
            .secret_get_as(unit, uri, true)
            .unwrap_or_else(|error| panic!("{app} cannot read {uri}: {error}"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("KEEP").is_some() {
            self.directory.disable_cleanup(true);
            // The test has failed already, so nobody misses an error from here.
            let path = self.directory.path().display();
            drop(writeln!(std::io::stderr(), "kept: {path}"));
        }
    }
}

/// The service that runs etcd on a unit's machine.
#[must_use]
pub fn service_of(unit: &UnitName) -> String {
    format!("etcd-charm-{}.service", unit.with_dash())
}

/// What a hook changed for others to see. Ports and the like count as well.
#[must_use]
pub fn writes(run: &HookRun) -> Vec<Change> {
    run.changes.clone()
}
