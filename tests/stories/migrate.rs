//! Moving to this charm from another one of etcd, as docs/how-to/migrate.md
//! describes it: a snapshot there, `restore` here, and the applications related
//! anew.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use etcd_charm_world::Programs;
use tempfile::TempDir;

use crate::actions::done;
use crate::restore::copy;
use crate::support::{Client, application_message, assert_serves, deployed, users};

/// An etcd that no charm of ours operates.
struct Elsewhere {
    etcd: Child,
    etcdctl: PathBuf,
    url: String,
    directory: TempDir,
}

impl Elsewhere {
    fn start(programs: &Path) -> Self {
        // Nobody connects from there, so a port that is free stays free.
        let free = || {
            let listener = std::net::TcpListener::bind(("127.0.0.2", 0)).unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        let (client, peer) = (free(), free());
        let directory = tempfile::tempdir().unwrap();
        let etcd = Command::new(programs.join("etcd"))
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let elsewhere = Self {
            etcd,
            etcdctl: programs.join("etcdctl"),
            url: client,
            directory,
        };
        let begun = Instant::now();
        while !elsewhere.try_run(&["endpoint", "health"]) {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(60), "etcd does not start");
        }
        elsewhere
    }

    fn try_run(&self, args: &[&str]) -> bool {
        let mut command = Command::new(&self.etcdctl);
        command.env("ETCDCTL_API", "3");
        command.args(["--endpoints", &self.url]).args(args);
        command.output().unwrap().status.success()
    }

    fn run(&self, args: &[&str]) {
        assert!(self.try_run(args), "{args:?}");
    }

    /// Saves a snapshot by `etcdctl`, with these flags.
    fn snapshot(&self, flags: &[&str]) -> PathBuf {
        let path = self.directory.path().join("etcd.db");
        let mut args = flags.to_vec();
        args.extend(["snapshot", "save", path.to_str().unwrap()]);
        self.run(&args);
        path
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.etcd.kill());
        drop(self.etcd.wait());
    }
}

/// No users there: whoever has the one certificate reaches everything. Whoever knows
/// `db` only is related to `db` here, and finds its keys.
pub(crate) fn from_the_older_etcd_charm() {
    let there = Elsewhere::start(&Programs::oldest().directory);
    there.run(&["put", "/registry/pods/a", "running"]);
    let snapshot = there.snapshot(&[]);

    let (mut world, unit) = deployed();
    copy(snapshot, &world, &unit, "/home/ubuntu/etcd.db");
    let restore = "restore snapshot=/home/ubuntu/etcd.db";
    done(&mut world, &unit, restore);
    world.rest();
    let app = world.relate_db("kubernetes");
    world.rest();
    let client = world.older_client(&app);
    assert_eq!(client.value("/registry/pods/a"), "running");
    let status = world.model.unit_status(unit);
    assert_eq!(status.status, "active", "{}", status.message);
}

/// There, `root` has a password and each client a user of its own. The password is
/// worth nothing here, and a client's user goes before its relation comes: a user
/// that the charm did not make is never given to anybody.
pub(crate) fn from_charmed_etcd() {
    let there = Elsewhere::start(&Programs::oldest().directory);
    there.run(&["put", "/app/a", "1"]);
    there.run(&["user", "add", "root:secret"]);
    there.run(&["user", "grant-role", "root", "root"]);
    there.run(&["role", "add", "client1"]);
    there.run(&[
        "role",
        "grant-permission",
        "--prefix",
        "client1",
        "readwrite",
        "/app/",
    ]);
    there.run(&["user", "add", "client1", "--no-password"]);
    there.run(&["user", "grant-role", "client1", "client1"]);
    there.run(&["auth", "enable"]);
    assert!(
        !there.try_run(&["get", "/app/a"]),
        "nobody is asked for a name"
    );
    let snapshot = there.snapshot(&["--user", "root:secret"]);

    let (mut world, unit) = deployed();
    copy(snapshot, &world, &unit, "/home/ubuntu/etcd.db");
    let restore = "restore snapshot=/home/ubuntu/etcd.db";
    done(&mut world, &unit, restore);
    world.rest();
    assert_eq!(users(&world, &unit), ["client1", "root"]);
    let by_password = world
        .admin(&unit)
        .run(&["--user", "root:secret", "user", "list"]);
    assert!(!by_password.ok, "the password of the other cluster is good");

    let app = Client::ask_as(&mut world, "app", "/app/", "client1");
    world.rest();
    assert_eq!(world.told(&app.requirer), None);
    assert_eq!(
        application_message(&world),
        "app refused: etcd has a user or role client1 that is not the charm's"
    );

    let admin = world.admin(&unit);
    assert!(admin.run(&["user", "delete", "client1"]).ok);
    assert!(admin.run(&["role", "delete", "client1"]).ok);
    world.full_pass();
    world.rest();
    let told = app.told(&mut world);
    let client = world.follow(&told, &app.shown);
    assert_eq!(client.value("/app/a"), "1");
    assert_serves(&mut world, &told, &app.shown, "/app/");
    assert_eq!(application_message(&world), "");
}
