//! A watch that was open when its owner's access ended.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use etcd_charm_world::Etcdctl;

use crate::support::{ask, certificate, cluster, pass, say, step_through};

/// How long an event is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long none may come.
const SILENCE: Duration = Duration::from_millis(1500);

/// `etcdctl watch` in the background.
struct Watch {
    child: Child,
    output: PathBuf,
}

impl Watch {
    fn begin(client: &Etcdctl, output: PathBuf) -> Self {
        let mut command = client.command();
        command
            .args(["watch", "--prefix", "/app/"])
            .stdin(Stdio::null())
            .stdout(File::create(&output).unwrap())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        Self { child, output }
    }

    fn has_seen(&self, key: &str) -> bool {
        fs::read_to_string(&self.output).unwrap().contains(key)
    }

    fn sees_within(&self, key: &str, limit: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if self.has_seen(key) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events that others write in the old prefix are not delivered once each
/// unit has made a full pass.
pub(crate) fn end(units: usize) {
    let (mut world, units) = cluster(units);
    let shown = certificate("client1");
    let app = ask(&mut world, "app", "/app/", &shown);
    world.rest();
    let directory = tempfile::tempdir().unwrap();
    let watches: Vec<Watch> = units
        .iter()
        .map(|unit| {
            let output = directory.path().join(unit.with_dash());
            Watch::begin(&world.client(unit, &shown), output)
        })
        .collect();
    let admin = world.admin(&units[0]);
    // A watch takes a moment to begin, so it is written to until it has.
    for watch in &watches {
        let begun = (0..20).any(|number| {
            let key = format!("/app/before{number}");
            assert!(admin.run(&["put", &key, "1"]).ok);
            watch.sees_within(&key, Duration::from_millis(500))
        });
        assert!(begun, "a watch did not begin");
    }
    world.model.remove_relation(app.relation);
    let over = step_through(&mut world, "relation-broken", |_| {}).unwrap();
    assert!(admin.run(&["put", "/app/between", "1"]).ok);
    let open = watches
        .iter()
        .filter(|watch| watch.sees_within("/app/between", PATIENCE.min(SILENCE)))
        .count();
    let begun = Instant::now();
    pass(&mut world, &units, |_| {});
    let (taken, since) = (begun.elapsed(), over.elapsed());
    for number in 0..5 {
        let key = format!("/app/after{number}");
        assert!(admin.run(&["put", &key, "secret"]).ok);
    }
    std::thread::sleep(SILENCE);
    for (unit, watch) in units.iter().zip(&watches) {
        assert!(!watch.has_seen("after"), "a watch at {unit} goes on");
    }
    say(&format!(
        "open watches, {} units: {open} of {} still open after the removal; all ended by one full \
         pass of each unit, which took {taken:.1?} ({since:.1?} after the removal)",
        units.len(),
        watches.len()
    ));
}
