//! The real etcd as a service.

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use simulated_machine::{Active, Signal};

use crate::bench::{Bench, PATIENCE};

/// The directories with programs of each version that the set-up made available.
fn versions() -> Vec<PathBuf> {
    let directory = env::var_os("ETCD_VERSIONS_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/etcd"),
        PathBuf::from,
    );
    let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    assert!(
        !versions.is_empty(),
        "no etcd in {}: run `make setup`",
        directory.display()
    );
    versions
}

/// Where nobody listens. Nobody connects from there either, so it stays free.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.2:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// Writes the unit of a cluster of one; returns where it serves.
fn etcd_unit(bench: &Bench, programs: &Path) -> String {
    let client = format!("http://{}", free_address());
    let peer = format!("http://{}", free_address());
    bench.unit(
        "etcd",
        &format!(
            "Type=notify\nRestart=on-failure\nExecStart={} --name one --data-dir {} --listen-client-urls {client} \
             --advertise-client-urls {client} --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} \
             --initial-cluster one={peer}",
            programs.join("etcd").display(),
            bench.scratch("data").display(),
        ),
    );
    client
}

fn etcdctl(programs: &Path, client: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs.join("etcdctl"));
    command
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", client])
        .args(arguments);
    command.output().expect("etcdctl")
}

pub(crate) fn every_etcd_runs_as_a_service() {
    for programs in versions() {
        let bench = Bench::new();
        let client = etcd_unit(&bench, &programs);
        let outcome = bench.run("systemctl start etcd");
        assert_eq!(
            outcome.code,
            0,
            "{}: {outcome:?}\n{}",
            programs.display(),
            bench.log("etcd")
        );
        // It has said that it is ready, so that the first request is answered.
        let health = etcdctl(&programs, &client, &["endpoint", "health"]);
        assert!(
            health.status.success(),
            "{}: {health:?}",
            programs.display()
        );
        bench.succeed("systemctl stop etcd");
        let state = bench.machine().service("etcd");
        assert_eq!(
            (state.active, state.result.as_str()),
            (Active::Inactive, "success"),
            "{}",
            programs.display()
        );
    }
}

pub(crate) fn a_crashed_etcd_comes_back_with_its_data() {
    let programs = versions().remove(0);
    let bench = Bench::new();
    let client = etcd_unit(&bench, &programs);
    bench.succeed("systemctl enable --now etcd");
    assert!(
        etcdctl(&programs, &client, &["put", "key", "value"])
            .status
            .success()
    );
    for crash in [true, false] {
        if crash {
            bench.machine().kill_service("etcd", Signal::KILL);
            let restarted = bench.machine().wait_for("etcd", PATIENCE, |s| {
                s.starts == 2 && s.active == Active::Active
            });
            assert!(restarted.is_ok(), "{restarted:?}\n{}", bench.log("etcd"));
        } else {
            bench.machine().power_off();
            bench.machine().power_on();
            bench.wait_for("etcd", |state| state.active == Active::Active);
        }
        let got = etcdctl(&programs, &client, &["get", "--print-value-only", "key"]);
        assert_eq!(String::from_utf8_lossy(&got.stdout), "value\n");
    }
}
