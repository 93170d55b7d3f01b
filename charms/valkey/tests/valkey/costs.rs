//! What hooks cost, with 1 and with 200 relations.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use juju_simulator::meter::{self, Figures};
use juju_simulator::{Charm, Deployment, UnitName};

use crate::programs::Programs;
use crate::world::{World, service};

/// An event on one relation costs the same however many there are.
pub(crate) fn an_event_costs_the_same_with_200_relations() {
    let mut world = World::with_units(Programs::newest(), 60, 1);
    let mut measured = Vec::new();
    for others in [0, 199] {
        for number in 0..others {
            let app = format!("other{number}");
            world.ask(&app, &[&format!("{app}:*")]);
        }
        world.settle();
        let relation = world.ask(&format!("app{others}"), &["app:*"]);
        let begun = Instant::now();
        let runs = world.settle();
        let served = begun.elapsed();
        let most = runs.iter().filter(|run| run.unit.application() == "valkey");
        let most = most.map(|run| run.calls.len()).max().expect("hooks");
        let update = world.update_status(&"valkey/0".into()).calls.len();
        world.model.remove_relation(relation);
        let gone = world.settle();
        let gone = gone.iter().map(|run| run.calls.len()).max().expect("hooks");
        measured.push((most, gone, update, served));
    }
    let [one, many] = measured[..] else {
        unreachable!("two sizes were measured")
    };
    crate::say(&format!(
        "hook tools with 1 and with 200 relations: a client is served {} and {}, goes {} and {}, \
         update-status {} and {}; served in {:.0?} and {:.0?}",
        one.0, many.0, one.1, many.1, one.2, many.2, one.3, many.3
    ));
    assert_eq!((one.0, one.1), (many.0, many.1));
    assert!(one.0 <= 26, "{}", one.0);
    // One for each relation: what it wrote.
    assert_eq!(many.2 - one.2, 199);
}

/// What a hook needs of the machine. `VALKEY_CHARM` is the program, for example as it
/// is released.
pub(crate) fn a_hook_needs_little_of_the_machine() {
    let built = env!("CARGO_BIN_EXE_valkey-charm");
    let program = std::env::var_os("VALKEY_CHARM").map_or_else(|| built.into(), PathBuf::from);
    let notes = tempfile::tempdir().unwrap();
    let notes = notes.path().join("figures");
    let mut deployment = Deployment::units(1);
    for (key, value) in meter::environment(&program, &notes) {
        deployment = deployment.environment(&key, value);
    }
    let meter = std::env::current_exe().unwrap();
    let charm = Charm::at(env!("CARGO_MANIFEST_DIR")).with_dispatch(meter);
    let mut world = World::deployed_as(charm, Programs::newest(), 62, deployment, &[]);
    world.settle();
    world.ask("app", &["app:*"]);
    world.settle();
    world.update_status(&"valkey/0".into());
    let Some(Figures { memory, time }) = Figures::read(&notes) else {
        crate::say("LEFT OUT the memory of a hook: the kernel lets nobody look");
        return;
    };
    let unit = UnitName::from("valkey/0");
    let watcher = world.machines[&unit].service(&service(&unit, "watch"));
    let process = watcher.main_pid.expect("it runs");
    let process = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = process.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.unwrap().trim().trim_end_matches(" kB");
    let resident: u64 = resident.parse().unwrap();
    let size = program.metadata().unwrap().len() / 1024;
    crate::say(&format!(
        "update-status with one client: {memory} KiB, {time:.1?} of processor time; the watcher: \
         {resident} KiB; a program of {size} KiB"
    ));
    assert!(resident < 32 * 1024, "{resident} KiB");
    assert!(memory < 64 * 1024, "{memory} KiB");
}

/// From the request to the first write, with three units.
pub(crate) fn a_client_of_three_units_is_served_soon() {
    let mut world = World::with_units(Programs::newest(), 61, 3);
    let begun = Instant::now();
    let relation = world.ask("app", &["app:*"]);
    while world.answers(relation).is_empty() {
        let run = world.model.step().expect("hooks are due");
        assert!(run.succeeded(), "{}", run.stderr);
    }
    let mut client = world.connect_as("app", relation);
    world.done(&mut client, &["SET", "app:key", "1"]);
    let served = begun.elapsed();
    crate::say(&format!(
        "from the request to the first SET, three units: {served:.1?}"
    ));
    assert!(served < Duration::from_secs(20));
}
