//! Leaders that are leaders no more, and what units leave behind that left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{Certificate, UnitName, World};
use libtest_mimic::Trial;

use crate::actions::maintenance::take_turn;
use crate::support::{ask_v0, assert_serves, certificate, story, world};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("leaders_write_nothing_that_is_not_theirs_any_more", late),
        story("leaders_free_locks_of_units_that_left", locks),
    ]
}

/// Whether the ledger holds this certificate.
fn is_on_record(world: &World, unit: &UnitName, shown: &Certificate) -> bool {
    let ledger = world
        .admin(unit)
        .run(&["get", "", "--from-key", "--print-value-only"]);
    assert!(ledger.ok, "{ledger:?}");
    let body: String = shown.certificate.lines().collect();
    assert!(body.len() > 300, "no certificate: {body}");
    ledger.stdout.replace("\\n", "").contains(&body)
}

/// A leader reads what a client asks for, and is slow. Another leads by then, and
/// has granted what the client asks for now. The first one goes on.
fn late() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit()];
    world.rest();
    let first = certificate("app");
    let app = ask_v0(&mut world, "app", "/app/", &first);
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert!(is_on_record(&world, &units[0], &first));

    let (second, third) = (certificate("app"), certificate("app"));
    let (mut requirer, newest, other) = (app.clone(), third.clone(), units[1].clone());
    let has_changed = Arc::new(AtomicBool::new(false));
    let changed = Arc::clone(&has_changed);
    let during = move |model: &mut etcd_charm_world::juju::Model| {
        model.set_leader("etcd", other.clone());
        requirer.set_certificate(model, &newest.certificate);
        let pass = model.run_hook(other, Hook::UpdateStatus);
        assert!(pass.succeeded(), "{}", pass.stderr);
        changed.store(true, Ordering::SeqCst);
    };
    world
        .model
        .after_tool_call(units[0].clone(), "secret-get", during);
    let mut app = app;
    app.set_certificate(&mut world.model, &second.certificate);
    let mut is_checked = false;
    world.settle_watched(|world, run| {
        if is_checked || !has_changed.load(Ordering::SeqCst) {
            return;
        }
        is_checked = true;
        assert_eq!(run.unit, units[0], "{}", run.name);
        assert!(is_on_record(world, &units[1], &third), "{}", run.stderr);
        assert!(!is_on_record(world, &units[1], &second), "{}", run.stderr);
    });
    assert!(is_checked, "no secret was read");
    world.rest();
    assert_serves(&mut world, &told, &third, "/app/");
}

/// Any client can renew any lease of etcd 3.4, so a lock need not end by itself.
fn locks() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    world.rest();
    world.remove_unit(&units[2]);
    world.rest();
    // Killed on its way out, and somebody keeps its lease alive.
    take_turn(&world, &units[0], "etcd/2", None);
    let shown = certificate("app");
    let app = ask_v0(&mut world, "app", "/app/", &shown);
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert_eq!(told.endpoints.split(',').count(), 2, "{told:?}");
    assert_serves(&mut world, &told, &shown, "/app/");
}
