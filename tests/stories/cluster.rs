//! Units come and go.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use etcd_charm_world::juju::{Hook, Model};
use etcd_charm_world::{ClientAuthority, Etcdctl, UnitName, V0, service_of};

use crate::actions::maintenance::take_turn;
use crate::support::{Client, assert_serves, three, world};

/// The names of the members that have a vote.
fn voters(admin: &Etcdctl) -> Vec<String> {
    let members = admin.json(&["member", "list"]);
    let mut names: Vec<_> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|member| member["isLearner"].is_null())
        .map(|member| member["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

pub(crate) fn units_leave_one_by_one_and_the_grant_stays() {
    let (mut world, units) = three();
    let relation = world.relate("app");
    let certificate = ClientAuthority::new().issue("client1");
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    app.set_certificate(&mut world.model, &certificate.certificate);
    world.rest();
    let uris = world.model.app_bag(relation, "etcd");

    // The unit that leads the application goes first, which to that unit looks
    // as if every relation were over.
    for (gone, left) in [(0, vec!["etcd-1", "etcd-2"]), (1, vec!["etcd-2"])] {
        let unit = &units[gone];
        assert!(world.model.is_leader(unit.clone()));
        world.remove_unit(unit);
        world.rest();
        let admin = world.admin(&units[2]);
        assert_eq!(voters(&admin), left);
        assert_eq!(admin.lines(&["user", "list"]), ["client1", "root"]);
        let bag = world.model.app_bag(relation, "etcd");
        assert_eq!(bag["secret-user"], uris["secret-user"]);
        let told = bag["endpoints"].split(',').count();
        assert_eq!(told, left.len(), "endpoints follow the members");
        let client = world.client(&units[2], &certificate);
        assert!(client.run(&["put", "/test/a", "1"]).ok);
    }
}

pub(crate) fn loses_a_unit_that_is_removed_by_force() {
    let (mut world, units) = three();
    world.machines[&units[2]].power_off();
    world.model.remove_unit_force(units[2].clone());
    world.machines.remove(&units[2]);
    world.rest();
    let admin = world.admin(&units[0]);
    assert_eq!(voters(&admin), ["etcd-0", "etcd-1"]);
}

/// The peers of a unit that is gone are not told, whoever leads, and go on to
/// see it; who comes later sees it, too.
pub(crate) fn loses_a_unit_whose_departure_is_not_told() {
    let (mut world, units) = three();
    let mut units = Vec::from(units);
    for number in [2, 0] {
        let gone = units.remove(number);
        world.machines[&gone].power_off();
        world.model.remove_unit_unnoticed(gone.clone());
        world.machines.remove(&gone);
        units.push(world.add_unit());
        world.rest();
        let mut left: Vec<_> = units.iter().map(UnitName::with_dash).collect();
        left.sort();
        assert_eq!(voters(&world.admin(&units[0])), left);
        for unit in &units {
            let status = world.model.unit_status(unit.clone());
            assert!(
                status.message.contains("cluster is healthy"),
                "{unit}: {}",
                status.message
            );
        }
    }
}

pub(crate) fn follows_a_unit_to_another_address() {
    let (mut world, units) = three();
    let relation = world.relate("app");
    let certificate = ClientAuthority::new().issue("client1");
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    app.set_certificate(&mut world.model, &certificate.certificate);
    world.rest();
    let old = world.model.address(units[1].clone());
    world.model.move_unit(units[1].clone());
    world.rest();
    let new = world.model.address(units[1].clone());
    assert_ne!(old, new);
    let endpoints = world.model.app_bag(relation, "etcd")["endpoints"].clone();
    assert!(endpoints.contains(&format!("{new}:2379")), "{endpoints}");
    assert!(!endpoints.contains(&format!("{old}:2379")), "{endpoints}");
    let client = world.client(&units[1], &certificate);
    assert!(client.run(&["put", "/test/a", "1"]).ok);
}

/// The member that leads is silent when its unit looks at the cluster, so another
/// one tells who leads; it is the leader alone that can give that up.
pub(crate) fn moves_leadership_by_the_word_of_the_member_that_leads() {
    let (mut world, units) = three();
    // It goes on to lead, as long as it is silent here.
    world.model.set_config("etcd", "election-timeout", 30_000);
    world.rest();
    let leader = units[0].clone();
    world.let_lead(&leader, &units);
    let starts = world.starts(&leader);
    // As if a restart had been put off.
    let loaded = world.loaded_dir(&leader).join("etcd.yaml");
    fs::write(&loaded, world.configuration(&leader) + "# Another.\n").unwrap();
    let state = world.machines[&leader].service(&service_of(&leader));
    let signal = move |signal: &str| {
        let pid = state.main_pid.expect("it runs").to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    let silence = move |_: &mut Model| {
        signal("-STOP");
        thread::spawn(move || {
            // Longer than it is asked, shorter than the others are.
            thread::sleep(Duration::from_secs(5));
            signal("-CONT");
        });
    };
    world
        .model
        .after_tool_call(leader.clone(), "config-get", silence);
    let run = world.model.run_hook(leader.clone(), Hook::UpdateStatus);
    assert!(run.succeeded(), "{}", run.stderr);
    assert!(run.duration > Duration::from_secs(3), "it was not silent");
    assert_eq!(world.starts(&leader), starts + 1);
    world.rest();
}

/// Another unit has the turn to restart when a client comes. This one waits for
/// it, and goes by what is so then.
pub(crate) fn members_restart_in_turn() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit()];
    world.rest();
    let starts = units.each_ref().map(|unit| world.starts(unit));
    take_turn(&world, &units[0], "etcd/7", Some(4));
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    let begun = Instant::now();
    world.settle();
    assert!(begun.elapsed() > Duration::from_secs(3), "nobody waited");
    let told = world.told(&app.requirer).unwrap();
    assert_eq!(told.endpoints.split(',').count(), 2);
    assert_serves(&mut world, &told, &app.shown, "/test/");
    for (unit, starts) in units.iter().zip(starts) {
        assert_eq!(world.starts(unit), starts + 1, "{unit}");
    }
    world.assert_idle();
}
