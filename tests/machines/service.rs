//! One unit: what its systemd does with etcd.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use etcd_charm_world::UnitName;

use crate::guest::Guest;
use crate::harness::Harness;
use crate::patience::eventually;
use crate::step::step;

/// More than systemd and etcd take for a start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The service that comes with the distribution's package.
const DISTRIBUTION: &str = "etcd.service";

fn service_of(unit: &UnitName) -> String {
    etcd_charm_world::service_of(unit)
}

/// A property of a service as systemd shows it.
pub(crate) fn shown(guest: &Guest, service: &str, property: &str) -> String {
    guest.run(&[
        "systemctl",
        "show",
        "--value",
        "--property",
        property,
        service,
    ])
}

/// The word that `systemctl` answers, whatever its exit code.
pub(crate) fn word(guest: &Guest, question: &str, service: &str) -> String {
    let answer = guest.try_run(&["systemctl", question, service]).stdout;
    String::from_utf8_lossy(&answer).trim().to_owned()
}

fn wait_until_active(guest: &Guest, service: &str) {
    eventually(service, START, || {
        (word(guest, "is-active", service) == "active").then_some(())
    });
}

/// The directory of etcd's data.
fn data(harness: &Harness, unit: &UnitName) -> String {
    let storage = harness
        .model
        .storage_location(unit.clone(), "data")
        .unwrap();
    storage.join("etcd").display().to_string()
}

/// What the package's own scripts ask before they touch its service. It cuts the
/// power instead, once.
const POWER_CUT: &str = "#!/bin/sh\nrm /usr/sbin/policy-rc.d\nexec reboot --force --force\n";

/// The machine goes down amid the installation.
fn interrupt(harness: &mut Harness, unit: &UnitName) {
    let policy = harness.guest(unit).root().join("usr/sbin/policy-rc.d");
    fs::write(&policy, POWER_CUT).unwrap();
    fs::set_permissions(&policy, Permissions::from_mode(0o755)).unwrap();
    while harness
        .model
        .step_unit(unit.clone())
        .expect("a hook is due")
        .succeeded()
    {}
    harness.guest_mut(unit).wait_until_off();
    harness.turn_on(std::slice::from_ref(unit));
    assert!(!policy.exists());
    let audit = harness.guest(unit).run(&["dpkg", "--audit"]);
    assert!(audit.contains("etcd-server"), "{audit}");
}

/// Lets a unit come up, and looks at what is on its machine then.
pub(crate) fn installed(harness: &mut Harness) -> UnitName {
    let unit = step("a machine boots", || harness.add_unit());
    step("it goes down while etcd is installed", || {
        interrupt(harness, &unit);
    });
    step("the charm installs etcd and starts it", || harness.rest());
    assert_eq!(harness.guest(&unit).run(&["dpkg", "--audit"]), "");
    assert_eq!(harness.model.unit_status(unit.clone()).status, "active");
    let guest = harness.guest(&unit);
    for package in ["etcd-server", "etcd-client"] {
        let status = guest.run(&["dpkg-query", "--show", "--showformat=${Status}", package]);
        assert_eq!(status, "install ok installed", "{package}");
    }
    let service = service_of(&unit);
    assert_eq!(word(guest, "is-enabled", &service), "enabled");
    assert_eq!(word(guest, "is-active", &service), "active");
    assert_eq!(word(guest, "is-enabled", DISTRIBUTION), "masked");
    assert_eq!(word(guest, "is-active", DISTRIBUTION), "inactive");

    let address = harness.model.address(unit.clone());
    let listening = guest.run(&["ss", "--no-header", "--listening", "--tcp", "--numeric"]);
    let mut sockets: Vec<_> = listening
        .lines()
        .map(|line| line.split_whitespace().nth(3).unwrap())
        .collect();
    sockets.sort_unstable();
    assert_eq!(
        sockets,
        [format!("{address}:2379"), format!("{address}:2380")]
    );

    let pki = format!("/etc/etcd-charm/{}/pki", unit.with_dash());
    for (file, expected) in [
        (&*pki, "711 root"),
        (&format!("{pki}/server.key"), "600 etcd"),
        (&format!("{pki}/admin.key"), "600 root"),
        (&data(harness, &unit), "700 etcd"),
    ] {
        let found = guest.run(&["stat", "--format=%a %U", file]);
        assert_eq!(found, expected, "{file}");
    }
    let read_as = |user: &str, file: &str| {
        let path = format!("{pki}/{file}");
        let user = ["--reuid", user, "--clear-groups", "--regid", "nogroup"];
        let words = [&["setpriv"], &user[..], &["cat", &path]].concat();
        guest.try_run(&words).status.success()
    };
    assert!(read_as("etcd", "server.key"));
    assert!(!read_as("etcd", "admin.key"));
    assert!(!read_as("nobody", "server.key"));
    assert!(read_as("nobody", "server-ca.crt"));

    // Keys pass through a file on their way to Juju, and through no log.
    let handover = format!("/run/etcd-charm/{}/handover", unit.with_dash());
    assert_eq!(
        guest.run(&["stat", "--format=%a %U", &handover]),
        "700 root"
    );
    assert_eq!(guest.run(&["ls", "--almost-all", &handover]), "");
    let journal = guest.run(&["journalctl", "--no-pager", "--output=cat"]);
    assert!(journal.contains("etcd") && !journal.contains("PRIVATE KEY"));
    unit
}

/// etcd can do what it must and nothing else.
pub(crate) fn shut_in(harness: &Harness, unit: &UnitName) {
    let guest = harness.guest(unit);
    let process = shown(guest, &service_of(unit), "MainPID");
    guest.assert_confined(&process, "etcd");

    // As root among the mounts of etcd, so that nothing but these is in the way.
    let among = ["nsenter", "--target", &process, "--mount", "--"];
    let can = |words: &[&str]| guest.try_run(&[&among, words].concat()).status.success();
    let data = data(harness, unit);
    let beside = data.replace("/etcd", "/beside");
    let home = format!("{}/x", guest.run(&["sh", "-c", "echo ~root"]));
    let wanted = format!("/etc/etcd-charm/{}/wanted/x", unit.with_dash());
    let loaded = format!("/run/etcd-charm/{}/loaded/x", unit.with_dash());
    for file in [
        "/etc/x",
        "/usr/bin/x",
        "/var/lib/x",
        "/srv/x",
        "/x",
        &home,
        "/home/x",
        "/run/x",
        "/run/lock/x",
        &beside,
        &wanted,
        &loaded,
    ] {
        assert!(!can(&["touch", file]), "etcd can write {file}");
    }
    for file in [&*format!("{data}/x"), "/tmp/x", "/var/tmp/x"] {
        assert!(can(&["touch", file]), "etcd cannot write {file}");
    }
    assert!(can(&["rm", &format!("{data}/x")]));
    assert!(!guest.try_run(&["test", "-e", "/tmp/x"]).status.success());
    assert!(!can(&["test", "-e", "/dev/kmsg"]));
}

/// systemd brings etcd back, whoever kills it.
pub(crate) fn restarted(harness: &mut Harness, unit: &UnitName) {
    let service = service_of(unit);
    let guest = harness.guest(unit);
    step("etcd is killed and systemd starts it again", || {
        let before = shown(guest, &service, "MainPID");
        guest.run(&["sh", "-c", &format!("kill -KILL {before}")]);
        eventually("the death of etcd", START, || {
            (shown(guest, &service, "MainPID") != before).then_some(())
        });
        wait_until_active(guest, &service);
    });
    assert_eq!(shown(guest, &service, "NRestarts"), "1");
    assert_eq!(harness.voters(unit), [unit.with_dash()]);
    harness.rest();
}

/// A volume that is late does not become an empty member, and etcd starts as
/// soon as it is there.
pub(crate) fn without_data(harness: &mut Harness, unit: &UnitName) {
    let service = service_of(unit);
    let (data, guest) = (data(harness, unit), harness.guest(unit));
    let moved = format!("{data}.moved");
    step("the data comes late", || {
        guest.run(&["systemctl", "stop", &service]);
        guest.run(&["mv", &data, &moved]);
        guest.run(&["systemctl", "start", "--no-block", &service]);
        eventually("some attempts to start", START, || {
            let attempts = shown(guest, &service, "NRestarts");
            (attempts.parse::<u32>().unwrap() >= 2).then_some(())
        });
        assert_ne!(word(guest, "is-active", &service), "active");
        assert!(!guest.try_run(&["test", "-e", &data]).status.success());
        guest.run(&["mv", &moved, &data]);
        wait_until_active(guest, &service);
    });
    assert_eq!(harness.voters(unit), [unit.with_dash()]);
    harness.rest();
}

/// After a reboot etcd is there again, with what it was told to read, and not
/// before the network is.
pub(crate) fn rebooted(harness: &mut Harness, unit: &UnitName) {
    assert!(harness.admin(unit).run(&["put", "before", "the reboot"]).ok);
    step("the machine reboots", || {
        harness.reboot(std::slice::from_ref(unit))
    });
    let service = service_of(unit);
    let guest = harness.guest(unit);
    assert_eq!(word(guest, "is-active", &service), "active");
    let moment =
        |unit: &str, property: &str| -> u64 { shown(guest, unit, property).parse().unwrap() };
    let network = moment("network-online.target", "ActiveEnterTimestampMonotonic");
    let etcd = moment(&service, "ExecMainStartTimestampMonotonic");
    assert!(0 < network && network < etcd, "{network} {etcd}");
    let name = unit.with_dash();
    for file in ["etcd.yaml", "trust.pem"] {
        let wanted = format!("/etc/etcd-charm/{name}/wanted/{file}");
        let loaded = format!("/run/etcd-charm/{name}/loaded/{file}");
        guest.run(&["cmp", &wanted, &loaded]);
    }
    let read = harness.admin(unit).lines(&["get", "before"]);
    assert_eq!(read, ["before", "the reboot"]);
    harness.rest();
}
