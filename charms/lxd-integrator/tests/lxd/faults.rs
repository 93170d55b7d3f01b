//! LXD that is away, hooks that are killed, requests that are lost.

use juju_simulator::RelationId;

use crate::proxy::{Loss, Proxy};
use crate::server::{Server, shared};
use crate::world::{Client, World};

pub(crate) fn lxd_away_is_waited_for_and_changes_nothing() {
    let mut server = Server::start();
    let (client, late) = (Client::new(), Client::new());
    let endpoint = server.endpoint.clone();
    let mut world = World::trusted(&server, 50);
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&client.certificate]);
    world.settle();
    let told = world.told(relation);
    assert_eq!(told, [client.fingerprint.as_str()]);
    let (mut model, own) = (world.model, world.own);
    server.stop();
    let list = serde_json::json!([late.certificate]).to_string();
    model.relation_set_unit(relation, "app/0", &[("client_certificates", &list)]);
    model.settle(100).expect("no hook fails for it");
    let status = model.unit_status("lxd-integrator/0");
    let place = endpoint.strip_prefix("https://").expect("an address");
    assert_eq!(status.status, "waiting");
    assert_eq!(
        status.message,
        format!(
            "waiting for LXD at {place}: failed to reach LXD: Connection refused (os error 111)"
        )
    );
    server.run();
    let mut world = World {
        model,
        server: &server,
        own,
    };
    assert_eq!(world.told(relation), told, "nobody was told anything else");
    world.update_status();
    assert_eq!(world.told(relation), [late.fingerprint.as_str()]);
    assert!(late.is_trusted(&server) && !client.is_trusted(&server));
}

/// A relation that has one certificate and gets another: an event with every
/// kind of change in it.
fn replaced(world: &mut World<'_>) -> (RelationId, Client, Client) {
    let (old, new) = (Client::new(), Client::new());
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&old.certificate]);
    world.settle();
    world.ask(relation, "app/0", &[&new.certificate]);
    (relation, old, new)
}

fn assert_replaced(world: &World<'_>, relation: RelationId, old: &Client, new: &Client, at: &str) {
    let server = world.server;
    assert_eq!(world.told(relation), [new.fingerprint.as_str()], "{at}");
    assert!(server.entry(&new.fingerprint).is_some(), "{at}");
    assert!(server.entry(&old.fingerprint).is_none(), "{at}");
}

pub(crate) fn a_hook_killed_at_any_tool_is_made_good() {
    let server = shared();
    let mut world = World::trusted(server, 51);
    let (relation, _, _) = replaced(&mut world);
    let calls = world.settle();
    let most = calls
        .iter()
        .map(|run| run.calls.len())
        .max()
        .expect("hooks");
    assert!(most > 5, "{most}");
    world.model.remove_relation(relation);
    world.settle();
    for call in 1..=most {
        let (relation, old, new) = replaced(&mut world);
        world.model.kill_after_tool_call("lxd-integrator/0", call);
        world.settle();
        assert_replaced(
            &world,
            relation,
            &old,
            &new,
            &format!("killed after {call}"),
        );
        world
            .model
            .kill_before_tool_call("lxd-integrator/0", call.min(4));
        world.model.remove_relation(relation);
        world.settle();
        assert!(server.entry(&new.fingerprint).is_none(), "removed, {call}");
    }
    for failing in [1, 2] {
        let (relation, old, new) = replaced(&mut world);
        world.model.fail_next_commit("lxd-integrator/0");
        world.settle();
        assert_replaced(&world, relation, &old, &new, &format!("commit {failing}"));
        world.model.remove_relation(relation);
        world.settle();
    }
}

pub(crate) fn a_request_lost_at_any_point_is_made_good() {
    let server = shared();
    let mut world = World::untrusted(server, 52);
    let directory = world.model.directory().to_owned();
    let use_socket = |world: &mut World<'_>, socket: &std::path::Path| {
        let endpoint = format!("unix://{}", socket.display());
        let option = "lxd_endpoint";
        world.configure(option, endpoint);
    };
    use_socket(&mut world, &server.socket);
    world.settle();
    for loss in [Loss::Request, Loss::Answer] {
        for nth in 1.. {
            let (relation, old, new) = replaced(&mut world);
            let proxy = Proxy::start(&directory, &server.socket, nth, loss);
            // Both changes are seen in one pass, or in two; either is fine.
            use_socket(&mut world, &proxy.socket);
            world.settle();
            let was_lost = proxy.seen() >= nth;
            use_socket(&mut world, &server.socket);
            world.settle();
            assert_replaced(&world, relation, &old, &new, &format!("{loss:?} {nth}"));
            world.model.remove_relation(relation);
            world.settle();
            assert!(server.entry(&new.fingerprint).is_none());
            if !was_lost {
                assert!(nth > 5, "only {nth} requests were made");
                break;
            }
        }
    }
}
