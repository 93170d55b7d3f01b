//! Packages, users, owners.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use simulated_machine::{Active, Apt};

use crate::bench::Bench;

const INSTALL: &str = "apt-get install -y --no-install-recommends etcd-server etcd-client";

pub(crate) fn packages_bring_programs_and_a_service() {
    let bench = Bench::new();
    let machine = bench.machine();
    bench.fail("dpkg-query -W etcd-server", 1);
    bench.succeed("apt-get -q update");
    bench.succeed(INSTALL);
    assert!(
        machine.root().join("usr/bin/etcd").exists()
            && machine.root().join("usr/bin/etcdctl").exists()
    );
    assert_eq!(machine.packages(), ["etcd-client", "etcd-server"]);
    assert_eq!(
        bench.succeed("dpkg-query -W -f=${Version} etcd-server"),
        "3.4.23-4+b4"
    );
    assert!(machine.distribution_service_ran());
    assert_eq!(machine.service("etcd").active, Active::Active);
    assert_eq!(bench.succeed("systemctl is-enabled etcd"), "enabled\n");
    bench.succeed(INSTALL);
    assert_eq!(machine.service("etcd").starts, 1);
    bench.succeed("apt-get purge -y etcd-server");
    assert!(!machine.root().join("usr/bin/etcd").exists());
    assert_eq!(machine.service("etcd").active, Active::Inactive);
}

pub(crate) fn a_masked_service_is_not_started() {
    let bench = Bench::new();
    bench.succeed("systemctl mask etcd.service");
    bench.succeed(INSTALL);
    assert!(!bench.machine().distribution_service_ran());
    assert_eq!(bench.run("systemctl is-enabled etcd").stdout, "masked\n");
}

pub(crate) fn a_policy_keeps_the_service_from_starting() {
    let bench = Bench::new();
    let directory = bench.machine().root().join("usr/sbin");
    fs::create_dir_all(&directory).expect("a directory");
    let policy = directory.join("policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n").expect("a script");
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o755)).expect("permissions");
    bench.succeed(INSTALL);
    assert!(!bench.machine().distribution_service_ran());
    assert_eq!(bench.succeed("systemctl is-enabled etcd"), "enabled\n");
}

pub(crate) fn apt_fails_in_its_own_words() {
    let bench = Bench::new();
    assert_eq!(
        bench.fail("apt-get install -y nothing", 100),
        "E: Unable to locate package nothing\n"
    );
    bench.machine().set_apt(Apt::NoNetwork);
    assert!(
        bench
            .run("apt-get update")
            .stderr
            .starts_with("W: Failed to fetch")
    );
    assert!(
        bench
            .fail(INSTALL, 100)
            .contains("E: Unable to fetch some archives")
    );
    bench.machine().set_apt(Apt::Locked);
    assert!(
        bench
            .fail(INSTALL, 100)
            .contains("Could not get lock /var/lib/dpkg/lock-frontend")
    );
    bench.machine().set_apt(Apt::NoLists);
    assert!(
        bench
            .fail(INSTALL, 100)
            .contains("E: Unable to locate package etcd-server")
    );
    assert!(bench.machine().packages().is_empty());
    bench.succeed("apt-get update");
    bench.succeed(INSTALL);
}

pub(crate) fn a_frozen_apt_waits() {
    let bench = Bench::new();
    bench.machine().set_apt(Apt::Frozen);
    thread::scope(|scope| {
        let install = scope.spawn(|| bench.succeed(INSTALL));
        thread::sleep(Duration::from_millis(200));
        assert!(!install.is_finished());
        bench.succeed("id -u");
        bench.machine().set_apt(Apt::Works);
        install.join().expect("installed");
    });
}

pub(crate) fn users_exist_once_added() {
    let bench = Bench::new();
    assert_eq!(bench.fail("id -u etcd", 1), "id: ‘etcd’: no such user\n");
    bench.fail("getent passwd etcd", 2);
    bench.succeed("useradd --system --shell /usr/sbin/nologin etcd");
    bench.fail("useradd etcd", 9);
    bench.succeed("usermod --home /var/lib/etcd etcd");
    assert!(bench.succeed("getent passwd etcd").starts_with("etcd:x:"));
    assert!(bench.succeed("getent group etcd").starts_with("etcd:x:"));
    assert!(bench.succeed("id -u etcd").trim().parse::<u32>().is_ok());
    assert_eq!(bench.succeed("id -u"), "0\n");
    assert_eq!(bench.machine().users(), ["etcd"]);
    bench.succeed("groupadd --system others");
    bench.fail("groupadd others", 9);
}

pub(crate) fn owners_are_recorded() {
    let bench = Bench::new();
    let file = bench.scratch("file");
    fs::write(&file, "").expect("a file");
    let command = format!("chown -R etcd:etcd {}", file.display());
    assert_eq!(
        bench.fail(&command, 1),
        "chown: invalid user: ‘etcd:etcd’\n"
    );
    bench.succeed("useradd etcd");
    bench.succeed(&command);
    assert_eq!(bench.machine().owner(&file).as_deref(), Some("etcd:etcd"));
    bench.fail("chown etcd /nonexistent", 1);
}
