//! Another release of etcd, which the operator attaches.

use std::path::Path;
use std::process::Command;

use etcd_charm_world::{Etcdctl, Programs, UnitName};

use crate::guest::{JUJU, root};
use crate::harness::Harness;
use crate::step::step;
use crate::writer::Writer;

/// The cluster goes on to the next minor release that is at hand, one member
/// after the other. Its programs are then below `/opt`.
pub(crate) fn roll(harness: &mut Harness, units: &[UnitName], client: &Etcdctl) {
    let old = harness.version(&units[0]);
    let Some(new) = after(&old) else {
        eprintln!("machines: no release after {old} is at hand, so no upgrade is seen");
        return;
    };
    let archive = Path::new(JUJU).join("etcd.tar.gz");
    let packed = Command::new(root().join("tests/tools/release-archive"))
        .arg(&new)
        .arg(&archive)
        .status();
    assert!(packed.unwrap().success());
    let writer = Writer::start(client, "/test/upgrade/");
    step(&format!("all members go from {old} to {new}"), || {
        harness.model.attach_resource("etcd", "etcd", &archive);
        harness.rest();
    });
    writer.stop();
    for unit in units {
        assert_eq!(harness.version(unit), new, "{unit}");
    }
}

/// The first release at hand of the next minor version, which is as far as etcd
/// goes in one step.
fn after(version: &str) -> Option<String> {
    let (major, minor) = numbers(version)?;
    let all = Programs::all().into_iter().map(|programs| programs.version);
    all.into_iter()
        .find(|other| numbers(other) == Some((major, minor + 1)))
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
