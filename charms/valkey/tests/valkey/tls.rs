//! TLS: between nodes always, for clients by an option.

use juju_simulator::UnitName;

use crate::cluster::Client;
use crate::programs::Programs;
use crate::world::World;

pub(crate) fn clients_are_moved_to_tls_and_back() {
    for programs in Programs::all() {
        let mut world = World::with_units(programs, 30, 1);
        let client = Client::new(&mut world);
        let plain = client.endpoint(&world);
        let before = world.answer(client.relation);
        world.model.set_config("valkey", "client-tls", true);
        world.settle();
        let answer = world.answer(client.relation);
        let tls = answer["endpoints"].as_str().unwrap().to_owned();
        assert_eq!(tls, plain.replace(":6379", ":6380"));
        assert_eq!(
            answer["secret-tls"], before["secret-tls"],
            "it is the same secret"
        );
        let access = world.access("app", &answer);
        assert_eq!(access.tls.as_deref(), Some("true"));
        assert!(access.authority.is_some());
        let mut open = world.connect(&tls, &access);
        world.done(&mut open, &["SET", "app:key", "1"]);
        let mut sentinel = world.connect(answer["sentinel-endpoints"].as_str().unwrap(), &access);
        world.done(&mut sentinel, &["PING"]);
        assert!(
            world.try_connect(&plain, &client.access).is_err(),
            "nothing in the clear"
        );
        world.model.set_config("valkey", "client-tls", false);
        world.settle();
        let answer = world.answer(client.relation);
        let access = world.access("app", &answer);
        assert_eq!(
            (access.tls.as_deref(), access.authority.as_ref()),
            (Some("false"), None)
        );
        world.connect(&plain, &access);
    }
}

/// A certificate that is renewed is served without a restart, and one that is
/// spoilt is replaced.
pub(crate) fn a_renewed_certificate_is_served_without_a_restart() {
    let mut world = World::with_units(Programs::oldest(), 31, 1);
    let unit = UnitName::from("valkey/0");
    let service = crate::world::service(&unit, "server");
    let certificate = world.base(&unit).join("tls/node.crt");
    let address = world.model.address(unit.clone());
    let before = served(&world, &address);
    let starts = world.machines[&unit].service(&service).starts;
    std::fs::remove_file(&certificate).unwrap();
    world.update_status(&unit);
    let after = served(&world, &address);
    assert_ne!(before, after);
    assert_eq!(world.status("valkey/0"), "active: primary");
    assert_eq!(shown(&world, &address, 26380), after, "the sentinel's, too");
    std::fs::write(&certificate, "spoilt").unwrap();
    world.update_status(&unit);
    assert_ne!(served(&world, &address), after);
    assert_eq!(world.machines[&unit].service(&service).starts, starts);
    // The server itself keeps a pair that works when it is given one that does not.
    let mut operator = world.operator(&unit, "server");
    let good = served(&world, &address);
    let spoilt = world.directory.path().join("spoilt");
    std::fs::write(&spoilt, "spoilt").unwrap();
    let path = spoilt.display().to_string();
    world.refused(&mut operator, &["CONFIG", "SET", "tls-cert-file", &path]);
    assert_eq!(served(&world, &address), good);
}

/// The certificate that a node shows, by openssl.
fn served(world: &World, address: &str) -> String {
    shown(world, address, 6380)
}

fn shown(world: &World, address: &str, port: u16) -> String {
    let authority = world.base(&UnitName::from("valkey/0")).join("tls/ca.crt");
    let output = std::process::Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            &format!("{address}:{port}"),
            "-CAfile",
        ])
        .arg(authority)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = text.find("-----BEGIN").unwrap_or_else(|| panic!("{text}"));
    assert!(text.contains("Verify return code: 0"), "{text}");
    let end = text.find("-----END").unwrap();
    text[begin..end].to_owned()
}
