//! Packages, users, owners.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use juju_simulator::machine::Active;

use crate::machine::bench::Bench;

const INSTALL: &str = "apt-get install -y --no-install-recommends server client";

pub(crate) fn packages_bring_programs_and_a_service() {
    let bench = Bench::new();
    let machine = bench.machine();
    bench.succeed("apt-get -q update");
    bench.succeed(INSTALL);
    assert!(machine.root().join("usr/bin/server").exists());
    assert_eq!(machine.packages(), ["client", "server"]);
    assert_eq!(machine.service("server").active, Active::Active);
    assert!(is_enabled(&bench));
    assert!(!bench.succeed(INSTALL).contains("Setting up"));
    assert_eq!(machine.service("server").starts, 1);
    bench.succeed("id -u server");
}

pub(crate) fn a_masked_service_is_not_started() {
    let bench = Bench::new();
    bench.succeed("systemctl mask server.service");
    bench.succeed(INSTALL);
    assert_eq!(bench.machine().service("server").starts, 0);
    assert!(!is_enabled(&bench));
}

pub(crate) fn a_policy_keeps_the_service_from_starting() {
    let bench = Bench::new();
    let directory = bench.machine().root().join("usr/sbin");
    fs::create_dir_all(&directory).expect("a directory");
    let policy = directory.join("policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n").expect("a script");
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o755)).expect("permissions");
    bench.succeed(INSTALL);
    assert_eq!(bench.machine().service("server").starts, 0);
    assert!(is_enabled(&bench));
}

pub(crate) fn apt_fails_in_its_own_words() {
    let bench = Bench::new();
    assert_eq!(
        bench.fail("apt-get install -y client nothing", 100),
        "E: Unable to locate package nothing\n"
    );
    assert!(bench.machine().packages().is_empty());
    bench.fail("apt-get purge client", 100);
}

pub(crate) fn users_exist_once_added() {
    let bench = Bench::new();
    assert_eq!(bench.fail("id -u some", 1), "id: ‘some’: no such user\n");
    bench.succeed("useradd --system --shell /usr/sbin/nologin some");
    bench.fail("useradd some", 9);
    assert!(bench.succeed("id -u some").trim().parse::<u32>().is_ok());
    assert_eq!(bench.succeed("id -u"), "0\n");
}

pub(crate) fn owners_exist() {
    let bench = Bench::new();
    let file = bench.scratch("file");
    fs::write(&file, "").expect("a file");
    let command = format!("chown -R some:some {}", file.display());
    assert_eq!(
        bench.fail(&command, 1),
        "chown: invalid user: ‘some:some’\n"
    );
    bench.succeed("useradd some");
    bench.succeed(&command);
    bench.fail("chown some /nonexistent", 1);
}

fn is_enabled(bench: &Bench) -> bool {
    let wants = "etc/systemd/system/multi-user.target.wants/server.service";
    bench.machine().root().join(wants).exists()
}
