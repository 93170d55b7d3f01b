//! Leaders that are leaders no more, and what units leave behind that left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{Certificate, Programs, SigningRequest, UnitName, World};
use libtest_mimic::Trial;

use crate::actions::maintenance::take_turn;
use crate::support::{ask_v0, assert_serves, certificate, cluster, story, users, world};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("leaders_write_nothing_that_is_not_theirs_any_more", late),
        story("leaders_free_locks_of_units_that_left", locks),
        story("leaders_give_nothing_back_to_relations_that_ended", ended),
        story("leaders_give_all_back_to_relations_that_resume", resumed),
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

/// Relations end, as the leader knows. Another unit leads before it has been told.
fn ended() {
    let (mut world, units) = cluster(Programs::oldest(), 2);
    let app = ask_v0(&mut world, "app", "/app/", &certificate("app"));
    let kubernetes = world.relate_db("kubernetes");
    let signing = world.relate_certificates("signed");
    let request = SigningRequest::new("signed");
    world.ask_to_sign(&signing, &[&request]);
    world.rest();
    let shown = world.signed(&signing, &request).expect("a certificate");
    let signed = ask_v0(&mut world, "signed", "/signed/", &shown);
    world.rest();
    assert!(world.told(&app).is_some() && world.told(&signed).is_some());
    assert_eq!(users(&world, &units[0]).len(), 4);

    let mut open = vec![app.relation, kubernetes.relation, signing.relation];
    for relation in &open {
        world.model.remove_relation(*relation);
    }
    while !open.is_empty() {
        let run = world.model.step_unit(units[0].clone()).expect("a hook");
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        let broken = run.hook.filter(|_| run.name.ends_with("-broken"));
        let broken = broken.as_ref().and_then(Hook::relation);
        open.retain(|relation| Some(*relation) != broken);
    }
    assert_eq!(users(&world, &units[0]), ["root"]);
    world.model.set_leader("etcd", units[1].clone());
    // Everything, from its first hook on, before and while it is told.
    world.settle_watched(|world, run| {
        assert_eq!(
            users(world, &units[1]),
            ["root"],
            "{} of {}",
            run.name,
            run.unit
        );
    });
    world.full_pass();
    assert_eq!(users(&world, &units[1]), ["root"]);
}

/// A relation is suspended, which looks like its end, and resumed. Another unit leads
/// by then.
fn resumed() {
    let (mut world, units) = cluster(Programs::oldest(), 2);
    let shown = certificate("app");
    let app = ask_v0(&mut world, "app", "/app/", &shown);
    world.rest();
    world.model.suspend_relation(app.relation);
    world.rest();
    assert_eq!(users(&world, &units[0]), ["root"]);
    world.model.resume_relation(app.relation);
    world.model.set_leader("etcd", units[1].clone());
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/app/");
}
