//! The authority of clients is replaced under clients that use it.

use etcd_charm_world::{World, Writer};

use super::{ask, opens};
use crate::actions::{done, refused};
use crate::support::{application_message, ask_v0, assert_serves, three, trusted};

/// Lets everybody do what is left to do, while somebody writes.
fn go_on(world: &mut World) {
    for _ in 0..6 {
        world.settle();
        world.full_pass();
    }
}

pub(crate) fn by_another_authority() {
    let (mut world, all) = three();
    let begun = ["app", "idle"].map(|app| ask(&mut world, app));
    world.rest();
    let [(_, app), (_, idle)] = &begun;
    let [before, idle_before] = [0, 1].map(|at| {
        world
            .signed(&begun[at].0, &begun[at].1)
            .expect("a certificate")
    });
    let mut requirer = ask_v0(&mut world, "app", "/app/", &before);
    let mut slow = ask_v0(&mut world, "idle", "/idle/", &idle_before);
    world.rest();
    let told = world.told(&requirer).expect("an answer");
    let starts = all.each_ref().map(|unit| world.starts(unit));
    let writer = Writer::begin(&told, &before, "/app/");

    let rotate = "rotate-client-ca grace-minutes=0";
    let reason = refused(&mut world, &all[1], rotate);
    assert!(reason.contains("on Juju's leader"), "{reason}");
    done(&mut world, &all[0], rotate);
    let reason = refused(&mut world, &all[0], rotate);
    assert!(reason.contains("already"), "{reason}");
    go_on(&mut world);
    // Both are trusted, and what was asked for is signed anew.
    assert!(all.iter().all(|unit| trusted(&world, unit) == 3));
    let after = world.signed(&begun[0].0, app).expect("a certificate");
    let idle_after = world.signed(&begun[1].0, idle).expect("a certificate");
    assert_ne!(after.certificate, before.certificate);
    for shown in [&before, &after, &idle_before, &idle_after] {
        let prefix = format!("/{}/", shown.common_name);
        assert!(
            all.iter()
                .all(|unit| opens(&mut world, unit, shown, &prefix))
        );
    }
    requirer.set_certificate(&mut world.model, &after.certificate);
    go_on(&mut world);
    assert_eq!(
        application_message(&world),
        "replacing the clients' CA: idle must show what it signed"
    );
    assert!(all.iter().all(|unit| trusted(&world, unit) == 3));
    let written = writer.finish();
    assert!(written.lost.is_empty(), "{written}");
    let writer = Writer::begin(&told, &after, "/app/");

    // The last one shows its new certificate, so the authority of before goes.
    slow.set_certificate(&mut world.model, &idle_after.certificate);
    go_on(&mut world);
    let written = writer.finish();
    assert!(written.lost.is_empty(), "{written}");
    for unit in &all {
        assert_eq!(trusted(&world, unit), 2, "{unit}");
        for shown in [&before, &idle_before] {
            let prefix = format!("/{}/", shown.common_name);
            assert!(!opens(&mut world, unit, shown, &prefix), "{unit}");
        }
    }
    for (requirer, shown) in [(&requirer, &after), (&slow, &idle_after)] {
        let told = world.told(requirer).expect("an answer");
        assert_serves(
            &mut world,
            &told,
            shown,
            &format!("/{}/", shown.common_name),
        );
    }
    let now = all.each_ref().map(|unit| world.starts(unit));
    assert_eq!(now, starts.map(|starts| starts + 2), "two restarts of each");
    assert!(!application_message(&world).contains("replacing"));
    world.rest();
}
