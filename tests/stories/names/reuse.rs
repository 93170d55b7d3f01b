//! A name after its owner is gone. An old certificate must never be let in as
//! the new user of its name.

use etcd_charm_world::{Certificate, Etcdctl, UnitName, V0, World};

use crate::support::{
    Client, application_message, ask_v0, ask_v1, assert_serves, assert_shut_out, certificate,
    deployed, id, trusts,
};

pub(crate) fn come_back_with_the_same_certificate() {
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.assert_served(&mut world);
    app.leave(&mut world);
    world.settle();
    let starts = world.starts(&unit);
    // Nobody gets in who should not, so there is nothing to wait for.
    let again = ask_v0(&mut world, "app", "/test/", &app.shown);
    let run = world.model.step().expect("a hook is due");
    assert!(run.succeeded(), "{run:#?}");
    let after = world.told(&again).expect("an answer");
    assert_ne!(after.user_uri, told.user_uri);
    assert_serves(&mut world, &after, &app.shown, "/test/");
    assert_eq!(world.starts(&unit), starts);
    world.rest();
    assert_eq!(world.told(&again), Some(after));
}

pub(crate) fn pass_on_within_a_hook_with_the_same_certificate() {
    let (mut world, _) = deployed();
    let shown = certificate("client1");
    let mut app = ask_v1(
        &mut world,
        "app",
        &[("/a/", Some(&shown)), ("/b/", Some(&shown))],
    );
    world.rest();
    assert!(world.told_for(&app, &id(0)).is_some());
    assert_eq!(world.told_for(&app, &id(1)), None);
    app.requests.remove(0);
    app.write(&mut world.model);
    let run = world.model.step().expect("a hook is due");
    assert!(run.succeeded(), "{run:#?}");
    let told = world.told_for(&app, &id(1)).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/b/");
    let client = world.follow(&told, &shown);
    assert!(client.run(&["get", "/a/key"]).is_denied());
    world.rest();
}

/// A name whose owner is gone, and somebody else who asks for it.
struct Change {
    old: Certificate,
    /// The old certificate's holder, at every unit.
    clients: Vec<(UnitName, Etcdctl)>,
    new: Certificate,
    app: V0,
}

impl Change {
    fn begin(world: &mut World) -> Self {
        let (old, new) = (certificate("client1"), certificate("client1"));
        let app = ask_v0(world, "app", "/old/", &old);
        world.rest();
        let told = world.told(&app).expect("an answer");
        assert_serves(world, &told, &old, "/old/");
        let units = world.running_units();
        let clients = units.into_iter().map(|unit| {
            let client = world.client(&unit, &old);
            (unit, client)
        });
        let clients = clients.collect();
        world.model.remove_relation(app.relation);
        world.settle();
        let app = ask_v0(world, "other", "/new/", &new);
        let change = Self {
            old,
            clients,
            new,
            app,
        };
        change.assert_old_is_out(world, "after the removal");
        change
    }

    /// Tries the old certificate wherever the old or the new user has rights,
    /// at every unit that trusts it still. At others it takes etcdctl a while
    /// to give up, so that is tried once, at the end.
    fn assert_old_is_out(&self, world: &World, when: &str) {
        for (unit, client) in &self.clients {
            if trusts(world, unit, &self.old) {
                for key in ["/old/key", "/new/key"] {
                    let answer = client.run(&["put", key, "stolen"]);
                    assert!(!answer.ok, "{when}: the old certificate wrote {key}");
                }
            }
        }
    }

    /// Lets all due hooks run, and asserts after each that the old certificate
    /// lets nobody in, and that the new user is told of no member as long as
    /// one trusts the old certificate.
    fn settle(&self, world: &mut World) {
        world.settle_watched(|world, run| {
            self.assert_old_is_out(world, &run.name);
            if world.told(&self.app).is_some() {
                self.assert_forgotten(world);
            }
        });
    }

    fn assert_forgotten(&self, world: &World) {
        for (unit, _) in &self.clients {
            assert!(!trusts(world, unit, &self.old), "{unit} trusts the old one");
        }
    }

    /// Lets passes follow until the new owner is served, and no longer.
    fn end(self, world: &mut World) {
        for _ in 0..4 {
            if world.told(&self.app).is_some() {
                break;
            }
            world.model.update_status_all();
            self.assert_old_is_out(world, "after update-status");
            self.settle(world);
        }
        self.assert_forgotten(world);
        let told = world.told(&self.app).expect("an answer");
        assert_serves(world, &told, &self.new, "/new/");
        for (unit, client) in &self.clients {
            assert_shut_out(world, unit, client);
        }
        world.rest();
        assert_eq!(application_message(world), "");
    }
}

pub(crate) fn come_back_with_another_certificate() {
    let (mut world, unit) = deployed();
    let change = Change::begin(&mut world);
    change.settle(&mut world);
    assert_eq!(world.told(&change.app), None);
    // A removal restarts nobody at once, so the name is not free yet.
    assert!(trusts(&world, &unit, &change.old));
    let message = application_message(&world);
    let reason = "client1 is free once no member trusts its old certificate";
    assert!(message.contains(reason), "{message}");
    change.end(&mut world);
}

pub(crate) fn wait_for_every_member_to_forget() {
    let (mut world, _) = deployed();
    world.add_unit();
    world.rest();
    let change = Change::begin(&mut world);
    assert_eq!(change.clients.len(), 2);
    change.settle(&mut world);
    let app = change.app.clone();
    change.end(&mut world);
    let told = world.told(&app).expect("an answer");
    assert_eq!(told.endpoints.split(',').count(), 2);
}
