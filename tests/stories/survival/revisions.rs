//! The charm itself is upgraded, from the revision that clusters run today, while
//! clients are connected.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{HookRun, UnitName, World};

use crate::support::options;
use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, programs, say,
};

/// What the builder of the revision before says where there is no history of it.
const NO_HISTORY: i32 = 3;

/// The program of the revision before; `None` where it cannot be built.
fn before() -> Option<PathBuf> {
    let builder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/previous-revision");
    let built = Command::new(builder).output().unwrap();
    if built.status.code() == Some(NO_HISTORY) {
        say("left out: the history that the revision before is built from is not here");
        return None;
    }
    let complaint = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{complaint}");
    Some(String::from_utf8(built.stdout).unwrap().trim().into())
}

/// A secret: its label, and what each revision of it holds.
type Secret = (String, BTreeMap<u32, BTreeMap<String, String>>);

/// Whatever an upgrade of the charm has to leave as it is.
#[derive(Debug, Eq, PartialEq)]
struct Lasting {
    /// How often each etcd was started.
    starts: Vec<u32>,
    /// Every secret.
    secrets: Vec<Secret>,
    /// The revision of users and roles, where etcd tells it.
    rights: Vec<String>,
    /// Each unit's trust file and configuration.
    files: Vec<(String, String)>,
    /// Everybody who can log in.
    users: Vec<String>,
}

fn lasting(world: &World, units: &[UnitName]) -> Lasting {
    let files = |unit| (world.trust_file(unit), world.configuration(unit));
    let secrets = world.model.secrets("etcd").into_iter();
    // Of what is written meanwhile there are more revisions.
    let is_of_keys = |line: &String| line.starts_with("revision ");
    Lasting {
        starts: units.iter().map(|unit| world.starts(unit)).collect(),
        secrets: secrets
            .map(|secret| (secret.label, secret.revisions))
            .collect(),
        rights: world
            .revisions()
            .into_iter()
            .filter(|line| !is_of_keys(line))
            .collect(),
        files: units.iter().map(files).collect(),
        users: world.admin(&units[0]).lines(&["user", "list"]),
    }
}

/// Three units of the revision before serve a client, and are upgraded while it
/// writes.
pub(crate) fn upgraded() {
    let Some(old) = before() else {
        return;
    };
    let mut world = World::new(options(programs()));
    let new = world.charm();
    let charm = world.charm().with_dispatch(&old);
    let first = world.deploy_charm(charm, Deployment::units(1));
    let units = [first, world.add_unit(), world.add_unit()];
    world.rest();
    let client = Client::ask(&mut world, "app");
    world.rest();
    let told = client.told(&mut world);
    let before = lasting(&world, &units);
    let writer = client.writer(&mut world);

    world.model.upgrade_charm("etcd", new);
    let mut watched = 0;
    let mut runs = world.settle_watched(|world, _: &HookRun| {
        // Some units have the new revision by now, and some do not.
        assert_eq!(client.told(world), told);
        assert_eq!(lasting(world, &units).starts, before.starts);
        watched += 1;
    });
    assert!(
        watched > units.len(),
        "each unit is upgraded by a hook of its own"
    );
    runs.extend(client.rest(&mut world, &writer));
    assert_eq!(lasting(&world, &units), before);
    assert_eq!(client.told(&mut world), told);
    assert_whole("an upgrade of the charm", &writer.finish());
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
    say(&format!("an upgrade of the charm: {} hooks", runs.len()));
}

/// A client comes while one unit after the other is upgraded, so both revisions
/// have to agree on what each of them writes.
pub(crate) fn side_by_side() {
    let Some(old) = before() else {
        return;
    };
    let mut world = World::new(options(programs()));
    let new = world.charm();
    let charm = world.charm().with_dispatch(&old);
    let first = world.deploy_charm(charm, Deployment::units(1));
    let units = [first, world.add_unit(), world.add_unit()];
    world.rest();
    let first = Client::ask(&mut world, "one");
    world.rest();
    let told = first.told(&mut world);
    let writer = first.writer(&mut world);
    let before: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();

    world.model.upgrade_charm("etcd", new);
    let second = Client::ask(&mut world, "two");
    first.rest(&mut world, &writer);
    let both = second.told(&mut world);
    assert_eq!(both.endpoints.split(',').count(), units.len());
    assert_eq!(
        (&first.told(&mut world).user, &first.told(&mut world).tls),
        (&told.user, &told.tls)
    );
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let once: Vec<u32> = before.iter().map(|starts| starts + 1).collect();
    assert_eq!(
        now, once,
        "each member is restarted once, for the new client"
    );
    assert_whole("a client that comes during an upgrade", &writer.finish());
    assert_healthy(&world, &units);
}
