//! What the stories have in common.

use std::time::{Duration, Instant};

use etcd_charm_world::machine::{Active, Signal};
use etcd_charm_world::{
    Certificate, Etcdctl, HookRun, Programs, Told, UnitName, V0, World, Writer, Written, service_of,
};

use crate::support::{self, ask_v0, certificate};

/// How long a member that was started is waited for.
const UP: Duration = Duration::from_secs(60);

/// More rounds of `update-status` than any story should need.
const ROUNDS: usize = 8;

/// A gap of which one wants to know why: longer than an election.
const LONG: Duration = Duration::from_secs(3);

/// The release of etcd that most stories run: the newest but one, which is
/// what operators have who keep up.
pub(crate) fn programs() -> Programs {
    let all = Programs::all();
    all[all.len().saturating_sub(2)].clone()
}

/// A cluster of so many units, at rest.
pub(crate) fn cluster(units: usize) -> (World, Vec<UnitName>) {
    support::cluster(programs(), units)
}

/// A client of version 0 with its certificate, and its prefix.
pub(crate) struct Client {
    pub(crate) requirer: V0,
    pub(crate) shown: Certificate,
    pub(crate) prefix: String,
}

impl Client {
    /// One that has asked; nothing has run yet.
    pub(crate) fn ask(world: &mut World, app: &str) -> Self {
        let shown = certificate(app);
        let prefix = format!("/{app}/");
        let requirer = ask_v0(world, app, &prefix, &shown);
        Self {
            requirer,
            shown,
            prefix,
        }
    }

    /// What it is told now.
    pub(crate) fn told(&self, world: &mut World) -> Told {
        world.told(&self.requirer).expect("an answer")
    }

    /// A writer with what it is told now.
    pub(crate) fn writer(&self, world: &mut World) -> Writer {
        Writer::begin(&self.told(world), &self.shown, &self.prefix)
    }

    /// Runs due hooks, and full passes until nothing changes any more; after
    /// each hook the writer is told what the relation says.
    pub(crate) fn rest(&self, world: &mut World, writer: &Writer) -> Vec<HookRun> {
        let mut runs = Vec::new();
        for _ in 0..ROUNDS {
            runs.extend(world.settle_watched(|world, _| {
                if let Some(told) = world.told(&self.requirer) {
                    writer.follow(&told);
                }
            }));
            let passes = world.full_pass();
            let is_quiet = passes.iter().all(|run| run.changes.is_empty());
            runs.extend(passes);
            if is_quiet {
                writer.follow(&self.told(world));
                return runs;
            }
        }
        panic!("update-status went on writing");
    }
}

/// A cluster of so many units that serves one client.
pub(crate) fn serving(units: usize) -> (World, Vec<UnitName>, Client) {
    serving_with(programs(), units)
}

/// The same with this etcd.
pub(crate) fn serving_with(programs: Programs, units: usize) -> (World, Vec<UnitName>, Client) {
    let (mut world, units) = support::cluster(programs, units);
    let client = Client::ask(&mut world, "app");
    world.rest();
    (world, units, client)
}

/// Asserts that nothing acknowledged was lost, and shows what was measured.
pub(crate) fn assert_whole(what: &str, written: &Written) {
    say(&format!("{what}: {written}"));
    if written.longest_gap > LONG {
        say(&format!("{what}: in that gap {:?}", written.reasons));
    }
    assert!(written.lost.is_empty(), "{what} lost {:?}", written.lost);
}

/// The names of the members that have a vote, sorted.
pub(crate) fn voters(admin: &Etcdctl) -> Vec<String> {
    let members = admin.json(&["member", "list"]);
    let mut names: Vec<_> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|member| member["isLearner"].is_null())
        .map(|member| member["name"].as_str().unwrap_or("(no name)").to_owned())
        .collect();
    names.sort();
    names
}

/// Kills a unit's etcd as the kernel would for want of memory, and waits until
/// systemd has noticed.
pub(crate) fn kill(world: &World, unit: &UnitName) {
    let machine = &world.machines[unit];
    let crashes = machine.service(&service_of(unit)).crashes;
    assert!(machine.kill_service(&service_of(unit), Signal::KILL));
    let noticed = machine.wait_for(&service_of(unit), UP, |state| state.crashes > crashes);
    assert!(noticed.is_ok(), "etcd of {unit} goes on: {noticed:?}");
}

/// Waits until systemd says that a unit's etcd runs.
pub(crate) fn wait_until_up(world: &World, unit: &UnitName) {
    let state = world.machines[unit].wait_for(&service_of(unit), UP, |state| {
        state.active == Active::Active
    });
    assert!(state.is_ok(), "etcd of {unit} does not run: {state:?}");
}

/// Asserts that each of these members has all that the first has.
pub(crate) fn assert_caught_up(world: &World, units: &[UnitName]) {
    let begun = Instant::now();
    loop {
        let revisions: Vec<_> = units
            .iter()
            .map(|unit| {
                let status = world.admin(unit).json(&["endpoint", "status"]);
                status[0]["Status"]["header"]["revision"].clone()
            })
            .collect();
        if revisions.windows(2).all(|pair| pair[0] == pair[1]) {
            return;
        }
        assert!(begun.elapsed() < UP, "members differ: {revisions:?}");
    }
}

/// Asserts that all units are active and healthy.
pub(crate) fn assert_healthy(world: &World, units: &[UnitName]) {
    for unit in units {
        let status = world.model.unit_status(unit.clone());
        assert_eq!(status.status, "active", "{unit}: {}", status.message);
        assert!(
            status.message.contains("cluster is healthy"),
            "{unit}: {}",
            status.message
        );
    }
}

/// A line for whoever runs the tests, shown also when they pass.
pub(crate) fn say(line: &str) {
    support::say(&format!("survival: {line}"));
}
