//! A world in which hooks are run one by one and measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use etcd_charm_world::juju::{Hook, meter};
use etcd_charm_world::{ClientAuthority, HookRun, Programs, UnitName, V0, World, WorldOptions};

use crate::support::options;

/// When the simulated Juju ends a hook here. A real one knows no limit, and what takes
/// long is to be measured.
pub(crate) const HOOK: Duration = Duration::from_secs(1200);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Calls and restarts.
    Calls,
    /// The process as well.
    Process,
}

/// What one hook cost.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// Calls of hook tools.
    pub(crate) tools: usize,
    /// Calls of etcd, as the charm counts them; `None` where it did not come
    /// to the end at which it tells.
    pub(crate) etcd: Option<usize>,
    /// Records of clients and their names that were read, of those that were kept and of
    /// those that etcd told; `None` likewise.
    pub(crate) records: Option<usize>,
    /// Restarts of etcd.
    pub(crate) restarts: u32,
    /// Memory and time of the process.
    pub(crate) process: Option<meter::Figures>,
}

impl Cost {
    /// What must not depend on the number of relations.
    pub(crate) const fn calls(&self) -> (usize, Option<usize>, u32) {
        (self.tools, self.etcd, self.restarts)
    }
}

/// How often the process is measured in an event that can be repeated.
const TIMES: usize = 9;

/// How often in a pass over all, which takes seconds where there are many.
const TIMES_OF_PASS: usize = 3;

/// The world and what was made in it.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) authority: ClientAuthority,
    pub(crate) unit: UnitName,
    figures: Option<PathBuf>,
    apps: u32,
    // Holds the file with the figures.
    _directory: tempfile::TempDir,
}

impl Bench {
    /// One unit of the charm, at rest.
    pub(crate) fn new(charm: &Path, measure: Measure) -> Self {
        Self::with(charm, measure, Programs::oldest())
    }

    /// The same with a certain release of etcd.
    pub(crate) fn with(charm: &Path, measure: Measure, programs: Programs) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let figures = (measure == Measure::Process).then(|| directory.path().join("figures"));
        let dispatch = match measure {
            Measure::Calls => charm.to_owned(),
            Measure::Process => std::env::current_exe().unwrap(),
        };
        let mut world = World::new(WorldOptions {
            dispatch,
            ..options(programs)
        });
        world.model.set_hook_timeout(HOOK);
        let unit = world.deploy();
        if let Some(figures) = &figures {
            for (key, value) in meter::environment(charm, figures) {
                world.model.set_unit_environment(unit.clone(), &key, &value);
            }
        }
        let mut bench = Self {
            world,
            authority: ClientAuthority::new(),
            unit,
            figures,
            apps: 0,
            _directory: directory,
        };
        bench.rest();
        bench
    }

    /// A name for a further application, of the same length each time.
    pub(crate) fn next_app(&mut self) -> String {
        self.apps += 1;
        format!("client-x{}", self.apps + 1000)
    }

    /// Relates so many clients and grants what they ask for. All have asked before the
    /// charm looks, so that one restart lets all of them in, and one pass over all
    /// answers them: an event for each would take most of an hour with a thousand.
    pub(crate) fn crowd(&mut self, count: u32) {
        let mut relations = Vec::new();
        for _ in 0..count {
            let app = self.next_app();
            let relation = self.world.relate(&app);
            let certificate = self.authority.issue(&app);
            let model = &mut self.world.model;
            let mut client = V0::ask(model, &app, relation, &format!("/{app}/"));
            client.set_certificate(model, &certificate.certificate);
            relations.push(relation);
        }
        let starts = self.starts();
        self.world.model.take_as_run(self.unit.clone());
        self.rest();
        assert_eq!(self.starts() - starts, 1, "restarts for {count} requests");
        for relation in relations {
            let answer = self.world.model.app_bag(relation, "etcd");
            assert!(answer.contains_key("secret-user"), "no answer: {answer:?}");
        }
    }

    /// Runs everything that is due, then full passes until nothing changes.
    pub(crate) fn rest(&mut self) {
        for _ in 0..6 {
            while self.world.model.step().is_some_and(succeeded) {}
            let passes = self.world.model.update_status_all();
            if passes
                .into_iter()
                .all(|run| run.changes.is_empty() && succeeded(run))
            {
                return;
            }
        }
        panic!("update-status goes on changing things");
    }

    /// Runs everything that is due, and gives the cost of the last hook of
    /// this name.
    pub(crate) fn hook_of(&mut self, name: &str) -> Cost {
        let mut found = None;
        loop {
            let starts = self.starts();
            self.forget_figures();
            let Some(run) = self.world.model.step() else {
                break;
            };
            if run.name == name {
                found = Some(self.cost(&run, starts));
            }
            assert!(succeeded(run));
        }
        found.unwrap_or_else(|| panic!("{name} did not run"))
    }

    /// Runs one hook.
    pub(crate) fn run(&mut self, hook: Hook) -> Cost {
        let starts = self.starts();
        self.forget_figures();
        let run = self.world.model.run_hook(self.unit.clone(), hook);
        let cost = self.cost(&run, starts);
        assert!(succeeded(run));
        cost
    }

    /// Measures an event that can be repeated; calls are the same each time, and
    /// the time of the process is the median.
    pub(crate) fn repeated(&mut self, mut event: impl FnMut(&mut Self, usize) -> Cost) -> Cost {
        self.measured(TIMES, &mut event)
    }

    /// The same of a pass over all relations.
    pub(crate) fn repeated_pass(&mut self) -> Cost {
        self.measured(TIMES_OF_PASS, &mut |bench, _| bench.run(Hook::UpdateStatus))
    }

    fn measured(&mut self, times: usize, event: &mut impl FnMut(&mut Self, usize) -> Cost) -> Cost {
        let times = if self.figures.is_some() { times } else { 1 };
        let mut costs: Vec<Cost> = (0..times).map(|time| event(self, time)).collect();
        let calls = costs[0].calls();
        assert!(costs.iter().all(|cost| cost.calls() == calls), "{costs:?}");
        costs.sort_by_key(|cost| cost.process.map(|figures| figures.time));
        costs.swap_remove(times / 2)
    }

    fn cost(&self, run: &HookRun, starts: u32) -> Cost {
        let told = number_after(&run.stdout, "hook_tools=");
        if let Some(told) = told {
            assert_eq!(told, run.calls.len(), "{} counts its calls", run.name);
        }
        Cost {
            tools: run.calls.len(),
            etcd: number_after(&run.stdout, "etcd_calls="),
            records: number_after(&run.stdout, "records_read="),
            restarts: self.starts() - starts,
            process: self.figures.as_deref().and_then(meter::Figures::read),
        }
    }

    fn forget_figures(&self) {
        if let Some(figures) = &self.figures {
            // There is none before the first hook.
            let _ = std::fs::remove_file(figures);
        }
    }

    fn starts(&self) -> u32 {
        self.world.starts(&self.unit)
    }

    /// How many calls etcd has answered so far by its own count; `None` where
    /// there is no `curl` to ask it.
    pub(crate) fn handled(&self) -> Option<usize> {
        self.counted("grpc_server_handled_total{")
    }

    /// How many bytes etcd has answered since its start; `None` where there is no
    /// `curl` to ask it.
    pub(crate) fn sent(&self) -> Option<usize> {
        self.counted("etcd_network_client_grpc_sent_bytes_total ")
    }

    /// The sum of what etcd has counted under this name.
    fn counted(&self, name: &str) -> Option<usize> {
        let pki = self.world.pki(&self.unit);
        let output = Command::new("curl")
            .args(["--silent", "--fail", "--cert"])
            .arg(pki.join("admin.crt"))
            .arg("--key")
            .arg(pki.join("admin.key"))
            .arg("--cacert")
            .arg(pki.join("server-ca.crt"))
            .arg(format!("{}/metrics", self.world.url(&self.unit)))
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let counts = text
            .lines()
            .filter(|line| line.starts_with(name))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        // No count here is so large that it would lose digits.
        Some(counts.sum::<f64>() as usize)
    }
}

fn succeeded(run: HookRun) -> bool {
    assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
    true
}

pub(crate) fn number_after(text: &str, key: &str) -> Option<usize> {
    let rest = text.rsplit(key).next().filter(|_| text.contains(key))?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
