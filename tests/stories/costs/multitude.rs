//! What it costs to serve many clients whose certificates etcd signs, from the first
//! request to the last answer, and in each regular pass from then on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use etcd_charm::tls::TrustBundle;
use etcd_charm_world::juju::Hook;
use etcd_charm_world::juju::meter::{self, Figures};
use etcd_charm_world::{HookRun, Programs, SigningRequest, UnitName, World, WorldOptions};

use crate::costs::bench::{HOOK, number_after};
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
    fn begin(charm: &Path, units: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let figures = directory.path().join("figures");
        let mut world = World::new(WorldOptions {
            dispatch: std::env::current_exe().unwrap(),
            ..options(Programs::all().pop().expect("no etcd: run `make setup`"))
        });
        world.model.set_hook_timeout(HOOK);
        let mut names = vec![world.deploy()];
        names.extend((1..units).map(|_| world.add_unit()));
        let units = names;
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

    /// Applications with these numbers ask for certificates, and then for access with
    /// them; what either cost all units.
    fn bring(&mut self, numbers: Range<usize>, say: &dyn Fn(&str)) -> [Sum; 2] {
        say(&format!(
            "{} applications ask for a certificate",
            numbers.len()
        ));
        let mut asked = Vec::new();
        for number in numbers {
            let app = format!("client-{number:04}");
            let signing = self.world.relate_certificates(&app);
            let request = SigningRequest::new(&app);
            self.world.ask_to_sign(&signing, &[&request]);
            asked.push((signing, request));
        }
        let signed = self.settle();
        say("they ask for access");
        let mut requirers = BTreeMap::new();
        for (signing, request) in &asked {
            let shown = self.world.signed(signing, request);
            let shown = shown.expect("a certificate");
            let prefix = format!("/{}/", signing.app);
            let requirer = ask_v0(&mut self.world, &signing.app, &prefix, &shown);
            requirers.insert(signing.app.clone(), (requirer, shown));
        }
        let granted = self.settle();
        let members = self.units.len();
        for (number, (app, (requirer, shown))) in requirers.iter().enumerate() {
            let told = self.world.told(requirer).expect("an answer");
            assert_eq!(told.endpoints.split(',').count(), members, "{told:?}");
            // Each of them would take minutes.
            if number % 100 == 0 {
                assert_serves(&mut self.world, &told, shown, &format!("/{app}/"));
            }
        }
        [signed, granted]
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
    let mut arena = Arena::begin(charm, 3);
    let starts = arena.starts();
    let pass = arena.pass();
    let named_bytes = arena.named_bytes();
    let begun = Instant::now();
    let [signing, granting] = arena.bring(0..count, &say);
    let elapsed = begun.elapsed();
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

/// A regular pass over each of these numbers of clients, the lesser first, on one unit.
pub(crate) fn passes(charm: &Path, counts: [usize; 2]) -> [Sum; 2] {
    let mut arena = Arena::begin(charm, 1);
    let mut before = 0;
    counts.map(|count| {
        arena.bring(before..count, &|_| ());
        before = count;
        arena.pass()
    })
}
