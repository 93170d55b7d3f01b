//! A disk that is full: etcd of that machine ends, the others serve, and it
//! comes back by itself once there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{World, service_of};

use crate::support::options;
use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, programs, say, wait_until_up,
};

/// Room for the log that etcd lays out in advance, 64 MB twice, and some data.
const SIZE: &str = "size=160m";

/// A file system of its own, gone when this is dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None` where nothing may be mounted.
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "tmpfs"])
            .arg(at)
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        is_mounted.then(|| Self(at.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes all room that is left.
    fn fill(&self) {
        let mut content = vec![0_u8; 4 << 20];
        let mut file = fs::File::create(self.filler()).unwrap();
        while !content.is_empty() {
            if std::io::Write::write_all(&mut file, &content).is_err() {
                content.truncate(content.len() / 2);
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since etcd may still have files open there.
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

pub(crate) fn full() {
    let mut world = World::new(options(programs()));
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    let poor = &units[2];
    let at = world.model.storage_location(poor.clone(), "data").unwrap();
    fs::create_dir_all(&at).unwrap();
    let Some(disk) = Disk::mount(&at) else {
        say("a full disk: skipped, since nothing may be mounted here");
        return;
    };
    world.rest();
    let client = Client::ask(&mut world, "app");
    world.rest();
    let before = client.told(&mut world);
    // The worst that can be: who has no room is who leads, in Juju and in etcd.
    world.model.set_leader("etcd", poor.clone());
    world.rest();
    world.let_lead(poor, &units);
    let writer = client.writer(&mut world);
    disk.fill();
    // etcd notices when it needs another piece of its log or database.
    let machine = &world.machines[poor];
    let admin = world.admin(&units[0]);
    let large = "x".repeat(100_000);
    let crashed = (0..2000).any(|_| {
        admin.insist(&["put", "large", &large]);
        machine.service(&service_of(poor)).crashes > 0
    });
    assert!(crashed, "etcd goes on with a full disk");
    for unit in &units {
        let reason = match unit == poor {
            true => "here: etcd does not answer",
            false => "no answer from etcd/2",
        };
        // systemd starts it again and again, so for moments it answers.
        let is_told = (0..20).any(|_| {
            admin.insist(&["put", "large", &large]);
            let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
            // It may fail when etcd ends in its midst, and not again and again.
            world.settle();
            let status = world.model.unit_status(unit.clone());
            say(&format!(
                "a full disk: update-status of {unit} took {:.1?}: {}",
                run.duration, status.message
            ));
            status.message.contains(reason)
        });
        assert!(is_told, "{unit} does not tell");
    }
    // Who asks now has to wait, since no member may restart without costing the
    // quorum. No unit stays in error, also not the one that leads in Juju.
    let late = Client::ask(&mut world, "late");
    world.settle();
    assert_eq!(world.told(&late.requirer), None);
    fs::remove_file(disk.filler()).unwrap();
    thread::sleep(Duration::from_secs(3));
    wait_until_up(&world, poor);
    client.rest(&mut world, &writer);
    assert_whole("a full disk", &writer.finish());
    assert_eq!(client.told(&mut world), before);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
    let served = late.told(&mut world);
    let served = world.follow(&served, &late.shown);
    assert!(served.run(&["put", "/late/key", "value"]).ok);
}
