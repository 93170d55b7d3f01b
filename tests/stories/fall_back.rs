//! A member that lets nobody in after a change of trust, its administrator
//! included, goes back to the trust file with which it served.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use etcd_charm_world::{
    Certificate, ClientAuthority, JujuVersion, Programs, Told, UnitName, V0, World,
};

use crate::support::{Client, ask_v0, assert_serves, certificate, trusts, world_of};

/// An etcd that lets nobody in as soon as it trusts a certain certificate: then
/// it says more in each handshake than TLS has room for.
struct Moody {
    /// Dropped last, since machines run what is in it.
    directory: tempfile::TempDir,
}

impl Moody {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let real = Programs::oldest().directory;
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("bin")).unwrap();
        std::os::unix::fs::symlink(real.join("etcdctl"), at("bin/etcdctl")).unwrap();
        let authority = ClientAuthority::new();
        let names: String = (0..10)
            .map(|number| authority.issue_large(&format!("long{number}"), 7500, 0))
            .map(|issued| issued.certificate)
            .collect();
        fs::write(at("names.pem"), names).unwrap();
        let text = format!(
            "#!/bin/sh\n\
             for word; do case $word in --config-file=*) config=${{word#*=}};; esac; done\n\
             trust=$(dirname \"$config\")/trust.pem\n\
             if [ -s {at}/mark ] && [ -f \"$trust\" ] && grep -qFf {at}/mark \"$trust\"; then\n  \
             sed \"s#$trust#{at}/names.pem#\" \"$config\" > {at}/dark.yaml.$$\n  \
             exec {real}/etcd --config-file={at}/dark.yaml.$$\n\
             fi\nexec {real}/etcd \"$@\"\n",
            at = directory.path().display(),
            real = real.display(),
        );
        script(&at("bin/etcd"), &text);
        Self { directory }
    }

    fn programs(&self) -> Programs {
        Programs {
            version: Programs::oldest().version,
            directory: self.directory.path().join("bin"),
        }
    }

    /// From now on it goes dark with this certificate.
    fn minds(&self, shown: &Certificate) {
        let line = shown.certificate.lines().nth(3).unwrap();
        fs::write(self.directory.path().join("mark"), line).unwrap();
    }

    /// Kills the hook that restarts etcd of this unit next, once it has.
    fn kill_after_restart(&self, world: &mut World, unit: &UnitName) {
        let front = self.directory.path().join("front");
        fs::create_dir(&front).unwrap();
        let text = format!(
            "#!/bin/sh\nreal={real}\n\
             if [ -e {front}/armed ] && [ \"$1\" = restart ]; then\n  rm {front}/armed\n  \
             $real \"$@\" > /dev/null 2>&1\n  pid=$PPID\n  \
             until case $(cat /proc/$pid/comm) in dispatch|etcd-charm) true;; *) false;; esac; do\n    \
             pid=$(awk '{{print $4}}' /proc/$pid/stat)\n  done\n  \
             touch {front}/killed\n  kill -9 $pid\n  exit 1\nfi\nexec $real \"$@\"\n",
            real = world.machines[unit].path_dir().join("systemctl").display(),
            front = front.display(),
        );
        script(&front.join("systemctl"), &text);
        fs::write(front.join("armed"), "").unwrap();
        world.model.add_unit_path(unit.clone(), front);
    }

    fn has_killed(&self) -> bool {
        self.directory.path().join("front/killed").exists()
    }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn of_members_that_go_dark(units: usize) {
    goes_dark(units, false);
}

pub(crate) fn of_members_whose_hook_is_killed(units: usize) {
    goes_dark(units, true);
}

fn goes_dark(units: usize, killed: bool) {
    let moody = Moody::new();
    let mut world = world_of(moody.programs(), JujuVersion::V3_6);
    let mut all = vec![world.deploy()];
    for _ in 1..units {
        all.push(world.add_unit());
    }
    let good = Client::ask_as(&mut world, "good", "/good/", "good");
    world.rest();
    let told = good.told(&mut world);
    let starts: Vec<_> = all.iter().map(|unit| world.starts(unit)).collect();

    let minded = certificate("minded");
    moody.minds(&minded);
    if killed {
        moody.kill_after_restart(&mut world, &all[0]);
    }
    let bad = ask_v0(&mut world, "bad", "/bad/", &minded);
    let runs = world.settle();
    assert_eq!(moody.has_killed(), killed);
    let failed = runs.iter().filter(|run| !run.succeeded()).count();
    assert_eq!(failed, usize::from(killed), "{runs:#?}");
    assert_serves_as_before(&mut world, &all, &told, &good.shown);
    for (unit, starts) in all.iter().zip(starts) {
        assert!(!trusts(&world, unit, &minded), "{unit}");
        assert_eq!(world.starts(unit) - starts, 2, "{unit}: there and back");
        let status = world.model.unit_status(unit.clone());
        let reason = "etcd cannot serve new certificates";
        assert!(
            status.message.contains(reason),
            "{unit}: {}",
            status.message
        );
    }
    // It is not tried again and again.
    let starts: Vec<_> = all.iter().map(|unit| world.starts(unit)).collect();
    world.rest();
    let after: Vec<_> = all.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(starts, after);
    assert_heals(&mut world, &all, &bad);
}

fn assert_serves_as_before(world: &mut World, all: &[UnitName], told: &Told, shown: &Certificate) {
    assert_serves(world, told, shown, "/good/");
    for unit in all {
        let client = world.client(unit, shown);
        assert!(client.run(&["put", "/good/key", "2"]).ok, "{unit}");
    }
}

/// Once what the members cannot serve with is gone, others are served.
fn assert_heals(world: &mut World, all: &[UnitName], bad: &V0) {
    world.model.remove_relation(bad.relation);
    let next = Client::ask_as(world, "next", "/next/", "next");
    world.rest();
    let told = next.told(world);
    assert_eq!(told.endpoints.split(',').count(), all.len());
    assert_serves(world, &told, &next.shown, "/next/");
    for unit in all {
        let status = world.model.unit_status(unit.clone());
        assert!(
            !status.message.contains("cannot serve"),
            "{}",
            status.message
        );
    }
}
