//! A watch that was open when its owner's access ended.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use etcd_charm_world::{Certificate, Credentials, Etcdctl, UnitName, World, Writer};
use serde_json::json;

use crate::revocation::support::{cluster, pass, step_through};
use crate::support::{Client, say};

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
    fn begin(client: &Etcdctl, prefix: &str, output: PathBuf) -> Self {
        let mut command = client.command();
        command
            .args(["watch", "--prefix", prefix])
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
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// When it ended, if it does within this time: one that may not begin anew
    /// ends by itself.
    fn ends_within(&mut self, limit: Duration) -> Option<Instant> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if self.child.try_wait().unwrap().is_some() {
                return Some(Instant::now());
            }
            thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A watch of a prefix at each unit, each of which has seen a change.
struct Watches {
    all: Vec<Watch>,
    _directory: tempfile::TempDir,
}

impl Watches {
    fn begin(world: &World, clients: &[Etcdctl], units: &[UnitName], prefix: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let watch = |(client, unit): (&Etcdctl, &UnitName)| {
            Watch::begin(client, prefix, directory.path().join(unit.with_dash()))
        };
        let all: Vec<_> = clients.iter().zip(units).map(watch).collect();
        let admin = world.admin(&units[0]);
        // A watch takes a moment to begin, so it is written to until it has.
        for watch in &all {
            let begun = (0..20).any(|number| {
                let key = format!("{prefix}before{number}");
                assert!(admin.run(&["put", &key, "1"]).ok);
                watch.sees_within(&key, Duration::from_millis(500))
            });
            assert!(begun, "a watch did not begin");
        }
        Self {
            all,
            _directory: directory,
        }
    }

    /// Nothing that is written from now on is delivered.
    fn assert_over(&self, world: &World, units: &[UnitName], prefix: &str) {
        let admin = world.admin(&units[0]);
        for number in 0..5 {
            let key = format!("{prefix}after{number}");
            assert!(admin.run(&["put", &key, "secret"]).ok);
        }
        thread::sleep(SILENCE);
        for (unit, watch) in units.iter().zip(&self.all) {
            assert!(!watch.has_seen("after"), "a watch at {unit} goes on");
        }
    }

    /// Each ends by itself; how long after this moment the last did.
    fn ended_after(&mut self, moment: Instant) -> Duration {
        let ends = self.all.iter_mut().map(|watch| {
            let ended = watch.ends_within(PATIENCE).expect("a watch goes on");
            ended.saturating_duration_since(moment)
        });
        ends.max().unwrap()
    }
}

/// Whether this kernel lets us end a connection, as it has to where a charm does.
fn kernel_ends_connections() -> bool {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut near = std::net::TcpStream::connect(address).unwrap();
    near.set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let _far = listener.accept().unwrap();
    let ended = Command::new("ss")
        .args(["--kill", "--tcp", "src", &address.to_string()])
        .output();
    let read = std::io::Read::read(&mut near, &mut [0]);
    let is_reset = matches!(
        read, Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset
    );
    ended.is_ok() && is_reset
}

/// A kernel that ends no connection, as this unit sees it.
fn take_away_the_means(world: &World, unit: &UnitName) {
    let path = world.machines[unit].path_dir().join("ss");
    let script = "#!/bin/sh\ncase \"$*\" in *--kill*) exit 0;; esac\n\
                  PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ss \"$@\"\n";
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

/// A cluster of so many units that serves one client.
fn served(units: usize) -> (World, Vec<UnitName>, Client) {
    let (mut world, units) = cluster(units);
    let app = Client::ask_as(&mut world, "app", "/app/", "client1");
    world.rest();
    (world, units, app)
}

/// Who shows this certificate watches its prefix at each member.
fn watched(world: &mut World, units: &[UnitName], shown: &Certificate) -> (Watches, Vec<Etcdctl>) {
    let clients = units.iter().map(|unit| world.client(unit, shown));
    let clients: Vec<_> = clients.collect();
    (Watches::begin(world, &clients, units, "/app/"), clients)
}

/// A removed client's watches end with the hooks that the removal leads to, no
/// member restarts, and another client hardly notices.
pub(crate) fn end(units: usize) {
    if !kernel_ends_connections() {
        say("open watches: this kernel ends no connections, so the next restart does");
        return end_with_a_restart(units);
    }
    let (mut world, units, app) = served(units);
    let other = Client::ask_as(&mut world, "other", "/other/", "client2");
    world.rest();
    let (mut watches, _) = watched(&mut world, &units, &app.shown);
    let writer = Writer::begin(&other.told(&mut world), &other.shown, &other.prefix);
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    app.leave(&mut world);
    let begun = Instant::now();
    let over = step_through(&mut world, "relation-broken", |_| {}).unwrap();
    let all_over = begun.elapsed();
    let ended = watches.ended_after(over);
    watches.assert_over(&world, &units, "/app/");
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(now, starts, "a member was restarted");
    let written = writer.finish();
    assert!(written.lost.is_empty(), "{written}");
    say(&format!(
        "open watches, {} units: the last of {} ended {ended:.1?} after the hook that removed its \
         owner, all hooks took {all_over:.1?} one after the other; meanwhile another client: {written}",
        units.len(),
        units.len(),
    ));
    // And nothing is ended that was ended.
    for run in world.full_pass() {
        let ends = |(_, text): &&(String, String)| text.contains("ended the connections");
        assert_eq!(run.log.iter().find(ends), None, "{}", run.unit);
    }
}

/// Where the kernel does not offer it, the next regular pass of each unit
/// restarts its member, and until then its status says so.
pub(crate) fn end_with_a_restart(units: usize) {
    let (mut world, units, app) = served(units);
    for unit in &units {
        take_away_the_means(&world, unit);
    }
    let (watches, _) = watched(&mut world, &units, &app.shown);
    app.leave(&mut world);
    step_through(&mut world, "relation-broken", |_| {}).unwrap();
    for unit in &units {
        let status = world.model.unit_status(unit.clone());
        let text = "watches of removed clients end at update-status";
        assert!(status.message.contains(text), "{unit}: {}", status.message);
        assert_eq!(status.status, "active", "{}", status.message);
    }
    let begun = Instant::now();
    pass(&mut world, &units, |_| {});
    let taken = begun.elapsed();
    watches.assert_over(&world, &units, "/app/");
    for unit in &units {
        let message = world.model.unit_status(unit.clone()).message;
        assert!(!message.contains("watches"), "{unit}: {message}");
    }
    say(&format!(
        "open watches, {} units, without the kernel's help: ended by one full pass of each unit, \
         which took {taken:.1?}",
        units.len(),
    ));
}

/// A client that asks for another prefix is not told of the old one any more.
pub(crate) fn end_with_their_prefix(units: usize) {
    if !kernel_ends_connections() {
        return;
    }
    let (mut world, units, app) = served(units);
    let (mut watches, _) = watched(&mut world, &units, &app.shown);
    app.requirer
        .write(&mut world.model, &[("prefix", "/next/")]);
    let over = step_through(&mut world, "relation-changed", |_| {}).unwrap();
    let ended = watches.ended_after(over);
    watches.assert_over(&world, &units, "/app/");
    say(&format!(
        "another prefix, {} units: the last watch of the old one ended {ended:.1?} after the hook",
        units.len()
    ));
}

/// So do those of credentials that an operator takes back.
pub(crate) fn end_with_credentials(units: usize) {
    if !kernel_ends_connections() {
        return;
    }
    let (mut world, units) = cluster(units);
    let leader = world.model.leader("etcd").unwrap();
    let asked = json!({"common-name": "alice", "prefix": "/app/"});
    let issued = world.run_action(&leader, "generate-client-certificates", asked);
    assert_eq!(issued.status, "completed", "{}", issued.message);
    let path = issued.results["path"].as_str().unwrap();
    let archive = world.root(&leader).join(path.trim_start_matches('/'));
    let credentials = Credentials::unpack(&archive);
    let clients: Vec<_> = units
        .iter()
        .map(|unit| credentials.client(&world, unit))
        .collect();
    let mut watches = Watches::begin(&world, &clients, &units, "/app/");
    let asked = json!({"common-name": "alice"});
    let revoked = world.run_action(&leader, "revoke-client-certificates", asked);
    assert_eq!(revoked.status, "completed", "{}", revoked.message);
    let note = revoked.results["note"].as_str().unwrap();
    assert!(note.contains("within seconds"), "{note}");
    let over = Instant::now();
    step_through(&mut world, "-", |_| {});
    let ended = watches.ended_after(over);
    watches.assert_over(&world, &units, "/app/");
    say(&format!(
        "revoked credentials, {} units: the last watch ended {ended:.1?} after the action",
        units.len()
    ));
}

/// And while a full database takes no writes, which a client can bring about: what
/// is deleted needs none.
pub(crate) fn end_under_an_alarm(units: usize) {
    if !kernel_ends_connections() {
        return;
    }
    let (mut world, units, app) = served(units);
    let (mut watches, clients) = watched(&mut world, &units, &app.shown);
    world.raise_alarm(&units[0], "NOSPACE");
    app.leave(&mut world);
    let over = step_through(&mut world, "relation-broken", |_| {}).unwrap();
    let ended = watches.ended_after(over);
    for client in &clients {
        assert!(!client.run(&["get", "/app/before0"]).ok);
    }
    say(&format!(
        "open watches, {} units, with a full database: the last ended {ended:.1?} after the hook",
        units.len()
    ));
    world.admin(&units[0]).insist(&["alarm", "disarm"]);
    world.rest();
}
