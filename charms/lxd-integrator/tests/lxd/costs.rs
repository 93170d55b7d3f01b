//! What an event costs: calls of hook tools and requests to LXD.

use crate::proxy::{Loss, Proxy};
use crate::server::shared;
use crate::world::{Client, World};

pub(crate) fn an_event_costs_the_same_with_fifty_relations() {
    let server = shared();
    let mut world = World::untrusted(server, 60);
    let directory = world.model.directory().to_owned();
    let counter = Proxy::start(&directory, &server.socket, usize::MAX, Loss::Answer);
    let endpoint = format!("unix://{}", counter.socket.display());
    let option = "lxd_endpoint";
    world.configure(option, endpoint);
    world.settle();
    let mut relations = Vec::new();
    let mut grow = |world: &mut World<'_>, to: usize| {
        while relations.len() < to {
            let app = format!("app-{}", relations.len());
            let relation = world.relate(&app);
            world.ask(relation, &format!("{app}/0"), &[&Client::new().certificate]);
            relations.push(relation);
        }
        world.settle();
        relations[0]
    };
    let mut measured = Vec::new();
    for count in [1, 50] {
        let relation = grow(&mut world, count);
        world.ask(relation, "app-0/0", &[&Client::new().certificate]);
        let before = counter.seen();
        let changed = world.settle();
        let between = counter.seen();
        assert_eq!(changed.len(), 1, "one event");
        let full = world.update_status();
        let event = (changed[0].calls.len(), between - before);
        measured.push((event, (full[0].calls.len(), counter.seen() - between)));
    }
    let [(event_1, full_1), (event_50, full_50)] = measured[..] else {
        unreachable!("two sizes were measured")
    };
    println(&format!(
        "hook tools and requests to LXD, with 1 and with 50 relations: a certificate is replaced \
         {event_1:?} and {event_50:?}, update-status {full_1:?} and {full_50:?}"
    ));
    assert_eq!(event_1, event_50);
    assert!(event_1 <= (12, 6), "{event_1:?}");
    assert_eq!(full_1.1, full_50.1, "requests do not grow either");
    let (full_1, full_50) = (full_1.0, full_50.0);
    // Three for each relation: its units, the one unit's databag, and our own.
    assert_eq!(full_50 - full_1, 49 * 3);
}

fn println(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").expect("somebody reads");
}
