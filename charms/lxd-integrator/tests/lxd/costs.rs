//! What an event costs: calls of hook tools and requests to LXD.

use crate::server::shared;
use crate::world::{Client, World};

pub(crate) fn an_event_costs_the_same_with_fifty_relations() {
    let mut world = World::trusted(shared(), 60);
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
        let changed = world.settle();
        assert_eq!(changed.len(), 1, "one event");
        let full = world.update_status();
        measured.push((changed[0].calls.len(), full[0].calls.len()));
    }
    let [(event_1, full_1), (event_50, full_50)] = measured[..] else {
        unreachable!("two sizes were measured")
    };
    println(&format!(
        "hook tools, 1 and 50 relations: relation-changed {event_1} and {event_50}, \
         update-status {full_1} and {full_50}"
    ));
    assert_eq!(event_1, event_50);
    assert!(event_1 <= 13, "{event_1}");
    // Three for each relation: its units, the one unit's databag, and our own.
    assert_eq!(full_50 - full_1, 49 * 3);
}

fn println(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").expect("somebody reads");
}
