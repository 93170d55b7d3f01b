//! What it costs to serve many clients whose certificates etcd signs, on three
//! members, from the first request to the last answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use etcd_charm::tls::TrustBundle;
use etcd_charm_world::juju::Hook;
use etcd_charm_world::juju::meter::{self, Figures};
use etcd_charm_world::{HookRun, Programs, SigningRequest, UnitName, World, WorldOptions};

use crate::costs::bench::number_after;
use crate::support::{ask_v0, assert_serves, options};

/// What the hooks of all units cost together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) hooks: usize,
    pub(crate) tools: usize,
    pub(crate) etcd: usize,
    /// The greatest of any, in KiB.
    pub(crate) memory: u64,
    /// Processor time of the charm's processes.
    pub(crate) time: Duration,
}

impl Sum {
    fn add(&mut self, run: &HookRun, figures: &Path) {
        self.hooks += 1;
        self.tools += run.calls.len();
        self.etcd += number_after(&run.stdout, "etcd_calls=").unwrap_or_default();
        if let Some(figures) = Figures::read(figures) {
            self.memory = self.memory.max(figures.memory);
            self.time += figures.time;
        }
    }
}

/// What was seen.
pub(crate) struct Seen {
    /// From the first request for a certificate until all are signed.
    pub(crate) signing: Sum,
    /// From the first request for access until all have it.
    pub(crate) granting: Sum,
    /// A regular pass of the leader before and after, in which nothing is to do.
    pub(crate) pass: [Sum; 2],
    /// Bytes of names in each handshake before and after.
    pub(crate) named_bytes: [usize; 2],
    /// Restarts of all members.
    pub(crate) restarts: u32,
    /// From the first request to the last answer, hooks one after the other.
    pub(crate) elapsed: Duration,
}

struct Arena {
    world: World,
    units: Vec<UnitName>,
    figures: PathBuf,
    // Holds the file with the figures.
    _directory: tempfile::TempDir,
}

impl Arena {
    fn begin(charm: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let figures = directory.path().join("figures");
        let mut world = World::new(WorldOptions {
            dispatch: std::env::current_exe().unwrap(),
            ..options(Programs::all().pop().expect("no etcd: run `make setup`"))
        });
        let units = vec![world.deploy(), world.add_unit(), world.add_unit()];
        for unit in &units {
            for (key, value) in meter::environment(charm, &figures) {
                world.model.set_unit_environment(unit.clone(), &key, &value);
            }
        }
        world.rest();
        Self {
            world,
            units,
            figures,
            _directory: directory,
        }
    }

    /// Runs what is due on the units of etcd.
    fn settle(&mut self) -> Sum {
        let mut sum = Sum::default();
        loop {
            let before = sum.hooks;
            for unit in self.units.clone() {
                if let Some(run) = self.world.model.step_unit(unit) {
                    assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
                    sum.add(&run, &self.figures);
                }
            }
            if sum.hooks == before {
                return sum;
            }
        }
    }

    fn pass(&mut self) -> Sum {
        let mut sum = Sum::default();
        for _ in 0..2 {
            // The second one finds what the first has noted.
            sum = Sum::default();
            let unit = self.units[0].clone();
            let run = self.world.model.run_hook(unit, Hook::UpdateStatus);
            assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
            sum.add(&run, &self.figures);
        }
        sum
    }

    fn named_bytes(&self) -> usize {
        let text = self.world.trust_file(&self.units[0]);
        TrustBundle::parse(&text)
            .expect("a trust file")
            .named_bytes()
    }

    fn starts(&self) -> u32 {
        let starts = self.units.iter().map(|unit| self.world.starts(unit));
        starts.sum()
    }
}

/// So many applications take a certificate each, and ask for access with it.
pub(crate) fn measure(charm: &Path, count: usize, say: impl Fn(&str)) -> Seen {
    let mut arena = Arena::begin(charm);
    let starts = arena.starts();
    let pass = arena.pass();
    let named_bytes = arena.named_bytes();
    say(&format!("{count} applications ask for a certificate"));
    let begun = Instant::now();
    let mut asked = Vec::new();
    for number in 0..count {
        let app = format!("client-{number:04}");
        let signing = arena.world.relate_certificates(&app);
        let request = SigningRequest::new(&app);
        arena.world.ask_to_sign(&signing, &[&request]);
        asked.push((signing, request));
    }
    let signing = arena.settle();
    say("they ask for access");
    let mut requirers = BTreeMap::new();
    for (signing, request) in &asked {
        let shown = arena.world.signed(signing, request);
        let shown = shown.expect("a certificate");
        let prefix = format!("/{}/", signing.app);
        let requirer = ask_v0(&mut arena.world, &signing.app, &prefix, &shown);
        requirers.insert(signing.app.clone(), (requirer, shown));
    }
    let granting = arena.settle();
    let elapsed = begun.elapsed();
    for (number, (app, (requirer, shown))) in requirers.iter().enumerate() {
        let told = arena.world.told(requirer).expect("an answer");
        assert_eq!(told.endpoints.split(',').count(), 3, "{told:?}");
        // Each of them would take minutes.
        if number % 100 == 0 {
            assert_serves(&mut arena.world, &told, shown, &format!("/{app}/"));
        }
    }
    say("a regular pass over all");
    Seen {
        signing,
        granting,
        pass: [pass, arena.pass()],
        named_bytes: [named_bytes, arena.named_bytes()],
        restarts: arena.starts() - starts,
        elapsed,
    }
}
