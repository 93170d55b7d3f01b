//! What the stories have in common: a world with the charm under test, and a
//! judgement of every hook that runs in it.

use std::collections::BTreeMap;

use etcd_charm_world::juju::RemoteSide;
use etcd_charm_world::{
    Certificate, ClientAuthority, Etcdctl, HookRun, JujuVersion, Programs, RelationId, UnitName,
    World, WorldOptions,
};
use libtest_mimic::Trial;

use crate::interop::libraries;
use crate::interop::requirer::{self, Fired};
use crate::support::{self, assert_shut_out, options};

/// A story as a test of this name, with the distribution's etcd on Juju 3.6.
pub(crate) fn story(name: &str, tell: impl FnOnce(Story) + Send + 'static) -> Trial {
    story_in(name, Programs::oldest, JujuVersion::V3_6, tell)
}

/// The same on the newest etcd and Juju 4.0.
pub(crate) fn newest_story(name: &str, tell: impl FnOnce(Story) + Send + 'static) -> Trial {
    let newest = || Programs::all().pop().unwrap_or_else(Programs::oldest);
    story_in(name, newest, JujuVersion::V4_0, tell)
}

fn story_in(
    name: &str,
    programs: impl FnOnce() -> Programs + Send + 'static,
    juju: JujuVersion,
    tell: impl FnOnce(Story) + Send + 'static,
) -> Trial {
    // Each story has an order of events of its own, and always the same one.
    let seed = name.bytes().fold(1_u64, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    support::story(&format!("interop_{name}"), move || {
        assert!(libraries::are_here(), "{}", libraries::MISSING);
        tell(Story::begin(programs(), juju, seed));
    })
}

/// A world in which everything that happens is judged.
pub(crate) struct Story {
    pub(crate) world: World,
    /// The first unit of etcd.
    pub(crate) etcd: UnitName,
    authority: ClientAuthority,
    /// How many events of each requirer's unit were looked at.
    read: BTreeMap<UnitName, usize>,
    /// Words of warnings that belong to the story.
    expected: Vec<&'static str>,
}

impl Story {
    /// One unit of etcd, ready.
    fn begin(programs: Programs, juju: JujuVersion, seed: u64) -> Self {
        let mut world = World::new(WorldOptions {
            juju,
            seed,
            ..options(programs)
        });
        let etcd = world.deploy();
        let mut story = Self {
            world,
            etcd,
            authority: ClientAuthority::new(),
            read: BTreeMap::new(),
            expected: Vec::new(),
        };
        story.settle();
        story
    }

    /// A certificate for a client of this name.
    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        self.authority.issue(name)
    }

    pub(crate) const fn authority(&self) -> &ClientAuthority {
        &self.authority
    }

    /// From now on a warning with these words is no surprise.
    pub(crate) fn expect_warning(&mut self, words: &'static str) {
        self.expected.push(words);
    }

    /// Deploys a requirer of version 1 and relates it. Nothing has run yet.
    pub(crate) fn ask_v1(
        &mut self,
        app: &str,
        units: u32,
        wishes: &[(&str, Option<&Certificate>)],
    ) -> RelationId {
        let deployment = requirer::deployment(units).config("requests", requirer::requests(wishes));
        let charm = requirer::charm("v1");
        self.world.model.deploy_with(app, charm, deployment);
        self.world.relate(app)
    }

    /// The same, for a requirer of another model. Gives its name in this one.
    pub(crate) fn ask_v1_remotely(
        &mut self,
        wishes: &[(&str, Option<&Certificate>)],
    ) -> (String, RelationId) {
        let deployment = requirer::deployment(1).config("requests", requirer::requests(wishes));
        let name = self.world.model.deploy_remote_with(
            "app",
            requirer::charm("v1"),
            RemoteSide::Consumer,
            deployment,
        );
        let relation = self.world.relate(&name);
        (name, relation)
    }

    /// Changes what a requirer of version 1 asks for.
    pub(crate) fn wish(&mut self, app: &str, wishes: &[(&str, Option<&Certificate>)]) {
        let requests = requirer::requests(wishes);
        self.world.model.set_config(app, "requests", requests);
    }

    /// Deploys a requirer of version 0 and relates it. Nothing has run yet.
    pub(crate) fn ask_v0(
        &mut self,
        app: &str,
        units: u32,
        prefix: &str,
        certificate: Option<&Certificate>,
    ) -> RelationId {
        let certificate = certificate.map_or("", |certificate| &certificate.certificate);
        let deployment = requirer::deployment(units)
            .config("prefix", prefix)
            .config("certificate", certificate);
        let charm = requirer::charm("v0");
        self.world.model.deploy_with(app, charm, deployment);
        self.world.relate(app)
    }

    /// Deploys a requirer that takes its certificate from etcd with this library, in
    /// this mode, and relates it over `certificates`. Nothing has run yet.
    pub(crate) fn ask_signed(
        &mut self,
        app: &str,
        units: u32,
        (library, mode): (&str, &str),
    ) -> RelationId {
        let deployment = requirer::deployment(units)
            .environment("LIBRARY", library)
            .config("mode", mode)
            .config("common-name", app);
        let charm = requirer::charm("signed");
        self.world.model.deploy_with(app, charm, deployment);
        self.relate_certificates(app)
    }

    /// The same, for an application of another model. Gives its name in this one.
    pub(crate) fn ask_signed_remotely(&mut self, name: &str) -> (String, RelationId) {
        let deployment = requirer::deployment(1)
            .environment("LIBRARY", "charmlibs")
            .config("mode", "unit")
            .config("common-name", name);
        let charm = requirer::charm("signed");
        let side = RemoteSide::Consumer;
        let app = self
            .world
            .model
            .deploy_remote_with(name, charm, side, deployment);
        let relation = self.relate_certificates(&app);
        (app, relation)
    }

    /// Relates a requirer over `certificates`.
    pub(crate) fn relate_certificates(&mut self, app: &str) -> RelationId {
        let end = format!("{app}:certificates");
        self.world.model.integrate("etcd:certificates", &end)
    }

    /// Lets a requirer of version 0 offer another certificate.
    pub(crate) fn offer_v0(&mut self, app: &str, certificate: &Certificate) {
        let text = certificate.certificate.as_str();
        self.world.model.set_config(app, "certificate", text);
    }

    /// Lets the provider run all that is due on its side, and nobody else.
    pub(crate) fn run_provider_alone(&mut self) {
        let mut runs = Vec::new();
        while let Some(run) = self.world.model.step_unit(self.etcd.clone()) {
            runs.push(run);
        }
        self.judge(&runs);
    }

    /// Runs one due hook.
    pub(crate) fn step(&mut self) -> HookRun {
        let run = self.world.model.step().expect("a hook is due");
        self.judge(std::slice::from_ref(&run));
        run
    }

    /// Lets hooks run until the provider has made secrets, and lets all else of
    /// that commit fail.
    pub(crate) fn fail_commit_with_secrets(&mut self) {
        let before = self.world.model.secrets("etcd").len();
        loop {
            self.world.model.fail_next_commit(self.etcd.clone());
            let failed = loop {
                let run = self.world.model.step().expect("a hook is due");
                if run.commit_error.is_some() {
                    break run;
                }
                self.judge(&[run]);
            };
            if self.world.model.secrets("etcd").len() > before {
                return;
            }
            // This one made none, so it may come through.
            let run = self.world.model.step_unit(self.etcd.clone());
            let run = run.expect("a failed hook is due again");
            assert_eq!(run.name, failed.name);
            self.judge(&[run]);
        }
    }

    /// Lets all due hooks run.
    pub(crate) fn settle(&mut self) {
        let runs = self.world.settle();
        self.judge(&runs);
    }

    /// Lets all due hooks and further passes run until nothing is left to do.
    pub(crate) fn rest(&mut self) {
        let runs = self.world.rest();
        self.judge(&runs);
    }

    /// No hook of either side fails, not even once, nor warns.
    fn judge(&self, runs: &[HookRun]) {
        for run in runs {
            let what = format!("{} {}", run.unit, run.name);
            assert!(
                run.succeeded(),
                "{what} failed: {:?} {:?}\n{}",
                run.log,
                run.commit_error,
                run.stderr
            );
            for (level, message) in &run.log {
                let known = self.expected.iter().any(|words| message.contains(words));
                let quiet = ["TRACE", "DEBUG", "INFO"].contains(&level.as_str());
                assert!(quiet || known, "{what} says {level}: {message}");
            }
        }
    }

    /// What a library fired on a unit since this was last asked.
    pub(crate) fn news(&mut self, unit: &UnitName) -> Vec<Fired> {
        let path = self.world.model.charm_directory(unit.clone());
        let text = std::fs::read_to_string(path.join("events.jsonl")).unwrap_or_default();
        let read = self.read.entry(unit.clone()).or_default();
        let all: Vec<Fired> = text.lines().skip(*read).map(Fired::read).collect();
        *read += all.len();
        all
    }

    /// Lets everything come to rest, and asserts which events the library of the first
    /// unit of this requirer has fired since it was last asked. Gives them.
    #[track_caller]
    pub(crate) fn rest_told(&mut self, app: &str, events: &[&str]) -> Vec<Fired> {
        self.rest();
        let fired = self.news(&requirer::first(app));
        assert_eq!(requirer::names(&fired), events);
        fired
    }

    /// Asserts that what an event of version 1 brought serves this certificate.
    pub(crate) fn assert_serves_v1(&mut self, fired: &Fired, shown: &Certificate, prefix: &str) {
        assert_serves(&self.client_v1(fired, shown), prefix);
    }

    /// Asserts that what an event of version 0 let its charm fetch serves it.
    pub(crate) fn assert_serves_v0(&mut self, fired: &Fired, shown: &Certificate, prefix: &str) {
        assert_serves(&self.client_v0(fired, shown), prefix);
    }

    /// Asserts that this certificate is not let in where an event of version 1 points.
    pub(crate) fn assert_shuts_out_v1(&mut self, fired: &Fired, shown: &Certificate) {
        let client = self.client_v1(fired, shown);
        self.assert_shut_out(&client);
    }

    /// The same where an event of version 0 points.
    pub(crate) fn assert_shuts_out_v0(&mut self, fired: &Fired, shown: &Certificate) {
        let client = self.client_v0(fired, shown);
        self.assert_shut_out(&client);
    }

    /// `etcdctl` with what a client was told.
    pub(crate) fn client(&mut self, uris: &str, certificate: &Certificate, ca: &str) -> Etcdctl {
        self.world.client_told(uris, certificate, ca)
    }

    /// `etcdctl` with what an event of version 1 brought.
    pub(crate) fn client_v1(&mut self, fired: &Fired, certificate: &Certificate) -> Etcdctl {
        let (uris, ca) = (fired.response("uris"), fired.response("tls-ca"));
        self.client(uris, certificate, ca)
    }

    /// `etcdctl` with what an event of version 0 let its charm fetch.
    pub(crate) fn client_v0(&mut self, fired: &Fired, certificate: &Certificate) -> Etcdctl {
        let (uris, ca) = (fired.fetched("uris"), fired.fetched("tls-ca"));
        self.client(uris, certificate, ca)
    }

    /// The version of etcd, as etcd tells it.
    pub(crate) fn etcd_version(&self) -> String {
        let status = self.world.admin(&self.etcd).json(&["endpoint", "status"]);
        let version = status[0]["Status"]["version"].as_str();
        version.unwrap().to_owned()
    }

    /// Names that etcd knows besides its own.
    pub(crate) fn users(&self) -> Vec<String> {
        let admin = self.world.admin(&self.etcd);
        let mut users = admin.lines(&["user", "list"]);
        users.retain(|user| user != "root");
        assert_eq!(
            users,
            admin
                .lines(&["role", "list"])
                .into_iter()
                .filter(|role| role != "root")
                .collect::<Vec<_>>(),
            "users and roles come and go together"
        );
        users
    }

    /// Asserts that a client is not let in at all.
    pub(crate) fn assert_shut_out(&self, client: &Etcdctl) {
        assert_shut_out(&self.world, &self.etcd, client);
    }

    /// Where clients reach a unit.
    pub(crate) fn endpoint(&self, unit: &UnitName) -> String {
        format!("{}:2379", self.world.model.address(unit.clone()))
    }

    /// The databag in which the provider answers.
    pub(crate) fn answer(&self, relation: RelationId) -> BTreeMap<String, String> {
        self.world.model.app_bag(relation, "etcd")
    }
}

/// Asserts that this client may use these keys, and no others.
pub(crate) fn assert_serves(client: &Etcdctl, prefix: &str) {
    let key = format!("{prefix}key");
    let put = client.run(&["put", "--", &key, "1"]);
    assert!(put.ok, "put of {key}: {}", put.stderr);
    assert_eq!(client.lines(&["get", "--", &key]), [key.as_str(), "1"]);
    assert!(client.run(&["put", "elsewhere", "1"]).is_denied());
}
