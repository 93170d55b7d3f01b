//! What stories have in common.

use std::io::Write as _;
use std::path::PathBuf;

use etcd_charm_world::{
    Certificate, ClientAuthority, Etcdctl, HookRun, JujuVersion, Programs, Request, Told, UnitName,
    V0, V1, World, WorldOptions,
};

pub(crate) use etcd_charm_world::juju::harness::test as story;

/// A world with the charm under test and the distribution's etcd.
pub(crate) fn world() -> World {
    world_of(Programs::oldest(), JujuVersion::V3_6)
}

/// A world with some etcd and some Juju.
pub(crate) fn world_of(programs: Programs, juju: JujuVersion) -> World {
    World::new(WorldOptions {
        juju,
        ..options(programs)
    })
}

/// A world with the charm under test and some etcd, before it is made.
pub(crate) fn options(programs: Programs) -> WorldOptions {
    WorldOptions {
        dispatch: env!("CARGO_BIN_EXE_etcd-charm").into(),
        charm: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        programs,
        juju: JujuVersion::V3_6,
        seed: 1,
    }
}

/// A cluster of so many units, at rest.
pub(crate) fn cluster(programs: Programs, units: usize) -> (World, Vec<UnitName>) {
    let mut world = World::new(options(programs));
    let mut names = vec![world.deploy()];
    for _ in 1..units {
        names.push(world.add_unit());
    }
    world.rest();
    (world, names)
}

/// A cluster of three units of the distribution's etcd, at rest.
pub(crate) fn three() -> (World, [UnitName; 3]) {
    three_of(Programs::oldest())
}

/// The same with some etcd.
pub(crate) fn three_of(programs: Programs) -> (World, [UnitName; 3]) {
    let (world, units) = cluster(programs, 3);
    (world, units.try_into().expect("three units"))
}

/// A line for whoever runs the tests, shown also when they pass.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr");
}

/// A world with the charm under test and the newest etcd at hand.
pub(crate) fn newest_world() -> World {
    world_of(newest(), JujuVersion::V3_6)
}

/// The newest etcd at hand.
pub(crate) fn newest() -> Programs {
    Programs::all().pop().expect("no etcd: run `make setup`")
}

/// The identifier of the cluster, as the member of this unit tells it.
pub(crate) fn cluster_id(world: &World, unit: &UnitName) -> u64 {
    told_by(world, unit, "cluster_id")
}

/// The latest revision of the keys that the member of this unit knows.
pub(crate) fn revision(world: &World, unit: &UnitName) -> u64 {
    told_by(world, unit, "revision")
}

/// A number in the header of each answer of a member.
fn told_by(world: &World, unit: &UnitName, name: &str) -> u64 {
    let status = world.admin(unit).json(&["endpoint", "status"]);
    let number = &status[0]["Status"]["header"][name];
    number.as_u64().expect("a number")
}

/// A world in which one unit of the distribution's etcd has come up.
pub(crate) fn deployed() -> (World, UnitName) {
    deployed_of(Programs::oldest())
}

/// The same with some etcd.
pub(crate) fn deployed_of(programs: Programs) -> (World, UnitName) {
    let mut world = world_of(programs, JujuVersion::V3_6);
    let unit = world.deploy();
    world.settle();
    (world, unit)
}

/// A certificate for a client of this name, from an authority of its own.
pub(crate) fn certificate(common_name: &str) -> Certificate {
    ClientAuthority::new().issue(common_name)
}

/// A requirer of version 0 that has asked for a prefix and shown a
/// certificate. Nothing has run yet.
pub(crate) fn ask_v0(world: &mut World, app: &str, prefix: &str, shown: &Certificate) -> V0 {
    let relation = world.relate(app);
    let mut requirer = V0::ask(&mut world.model, app, relation, prefix);
    requirer.set_certificate(&mut world.model, &shown.certificate);
    requirer
}

/// An application that asks over version 0, with what it shows and what it asks for.
pub(crate) struct Client {
    pub(crate) requirer: V0,
    pub(crate) shown: Certificate,
    pub(crate) prefix: String,
}

impl Client {
    /// One that has asked for this prefix with a certificate of this name. Nothing has
    /// run yet.
    pub(crate) fn ask_as(world: &mut World, app: &str, prefix: &str, name: &str) -> Self {
        let shown = certificate(name);
        Self {
            requirer: ask_v0(world, app, prefix, &shown),
            shown,
            prefix: prefix.to_owned(),
        }
    }

    /// What it is told now.
    pub(crate) fn told(&self, world: &mut World) -> Told {
        world.told(&self.requirer).expect("an answer")
    }

    /// Asserts that it can do with what it is told now what it should, and no more.
    pub(crate) fn assert_served(&self, world: &mut World) -> Told {
        let told = self.told(world);
        assert_serves(world, &told, &self.shown, &self.prefix);
        told
    }

    /// Its relation ends. Nothing has run yet.
    pub(crate) fn leave(&self, world: &mut World) {
        world.model.remove_relation(self.requirer.relation);
    }
}

/// A requirer of version 1 that has asked for prefixes and shown a certificate
/// for those that have one. The ids are as in [`id`]. Nothing has run yet.
pub(crate) fn ask_v1(world: &mut World, app: &str, asked: &[(&str, Option<&Certificate>)]) -> V1 {
    let relation = world.relate(app);
    let requests = asked.iter().enumerate();
    let requests = requests
        .map(|(number, (resource, _))| request(resource, number))
        .collect();
    let mut requirer = V1::ask(&mut world.model, app, relation, requests);
    for (number, (_, shown)) in asked.iter().enumerate() {
        if let Some(shown) = shown {
            requirer.set_certificate(&mut world.model, number, &shown.certificate);
        }
    }
    requirer
}

/// The request of a requirer with this number, without a certificate.
pub(crate) fn request(resource: &str, number: usize) -> Request {
    Request::new(resource, &id(number), &format!("salt{number:012}"))
}

/// The id of a request, which is 16 hexadecimal digits.
pub(crate) fn id(number: usize) -> String {
    format!("{:016x}", 0xe7cd_0000_0000_0000_u64 | number as u64)
}

/// Asserts that whoever has this certificate and was told this can write and
/// read below the prefix, and nothing beside it.
pub(crate) fn assert_serves(world: &mut World, told: &Told, shown: &Certificate, prefix: &str) {
    assert_eq!(told.user["username"], shown.common_name);
    let client = world.follow(told, shown);
    let key = format!("{prefix}key");
    let put = client.run(&["put", "--", &key, "value"]);
    assert!(put.ok, "{key:?} cannot be written: {}", put.stderr);
    assert_eq!(client.lines(&["get", "--", &key]), [&*key, "value"]);
    assert!(client.run(&["put", "elsewhere", "1"]).is_denied());
}

/// The users of etcd, as its administrator lists them.
pub(crate) fn users(world: &World, unit: &UnitName) -> Vec<String> {
    world.admin(unit).lines(&["user", "list"])
}

/// The roles of etcd, as its administrator lists them.
pub(crate) fn roles(world: &World, unit: &UnitName) -> Vec<String> {
    world.admin(unit).lines(&["role", "list"])
}

/// Whether the trust file that etcd runs with holds this certificate.
pub(crate) fn trusts(world: &World, unit: &UnitName, certificate: &Certificate) -> bool {
    let body = |text: &str| text.lines().collect::<String>();
    let wanted = body(&certificate.certificate);
    assert!(wanted.len() > 300, "no certificate: {wanted}");
    body(&world.trust_file(unit)).contains(&wanted)
}

/// How many certificates the trust file holds that etcd runs with.
pub(crate) fn trusted(world: &World, unit: &UnitName) -> usize {
    world.trust_file(unit).matches("BEGIN CERTIFICATE").count()
}

/// What `list-clients` says of every request, with each reason in full.
pub(crate) fn listed(world: &mut World, unit: &UnitName) -> String {
    let result = world.run_action(unit, "list-clients", serde_json::json!({}));
    assert_eq!(result.status, "completed", "{}", result.message);
    result.results["output"]
        .as_str()
        .expect("a table")
        .to_owned()
}

/// What the application says of itself in `juju status`.
pub(crate) fn application_message(world: &World) -> String {
    world.model.app_status("etcd").message
}

/// The hooks among these that are named so.
pub(crate) fn named<'r>(runs: &'r [HookRun], end: &str) -> Vec<&'r HookRun> {
    let found: Vec<_> = runs.iter().filter(|run| run.name.ends_with(end)).collect();
    assert!(!found.is_empty(), "no hook {end} ran");
    found
}

/// Asserts that the unit lets nobody in with this identity, not even to be
/// told that it has no rights, while it lets its administrator in.
pub(crate) fn assert_shut_out(world: &World, unit: &UnitName, client: &Etcdctl) {
    let answer = client.impatient().run(&["get", "anything"]);
    assert!(answer.is_shut_out(), "{answer:?}");
    assert!(world.admin(unit).impatient().run(&["member", "list"]).ok);
}
