//! What `make demo-valkey` shows: an application is served, fails over, and goes.

use std::time::{Duration, Instant};

use crate::cluster::{Client, primary_of};
use crate::programs::Programs;
use crate::world::World;

/// As a test: it comes to its end.
pub(crate) fn a_life_is_shown_to_its_end() {
    show();
}

pub(crate) fn show() {
    let say = crate::say;
    let programs = Programs::newest();
    say(&format!(
        "$ juju deploy valkey -n 3        # Valkey {}",
        programs.version
    ));
    let mut world = World::with_units(programs, 7, 3);
    for unit in world.units() {
        say(&format!("  {unit}  {}", world.status(&unit.to_string())));
    }
    say("$ juju integrate valkey app       # asks for the keys app:*");
    let client = Client::new(&mut world);
    let answer = world.answer(client.relation);
    for key in [
        "endpoints",
        "read-only-endpoints",
        "sentinel-endpoints",
        "mode",
        "version",
    ] {
        say(&format!(
            "  {key}: {}",
            answer[key].as_str().unwrap_or_default()
        ));
    }
    say(&format!("  user: {}", client.access.user));
    let endpoint = client.endpoint(&world);
    let mut connection = world.connect(&endpoint, &client.access);
    for words in [
        &["SET", "app:key", "1"][..],
        &["GET", "app:key"],
        &["GET", "another:key"],
        &["KEYS", "*"],
        &["FLUSHALL"],
    ] {
        let said = match world.call(&mut connection, words) {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        };
        say(&format!("  > {}\n    {said}", words.join(" ")));
    }
    fail_over(&mut world, &client, &endpoint);
}

/// The machine of the primary is lost, and the application is told of the next one.
fn fail_over(world: &mut World, client: &Client, endpoint: &str) {
    let say = crate::say;
    let old = primary_of(world, endpoint);
    say(&format!("# the machine of {old} loses its power"));
    world.machines[&old].power_off();
    let begun = Instant::now();
    let others: Vec<_> = world
        .units()
        .into_iter()
        .filter(|unit| *unit != old)
        .collect();
    if world.model.is_leader(old) {
        world.model.set_leader("valkey", others[0].clone());
    }
    while client.endpoint(world) == endpoint && begun.elapsed() < Duration::from_secs(40) {
        world.heed_watchers_of(&others);
        std::thread::sleep(Duration::from_millis(50));
    }
    say(&format!(
        "  after {:.1?} the application is told: {}",
        begun.elapsed(),
        client.endpoint(world)
    ));
    let mut connection = world.connect(&client.endpoint(world), &client.access);
    let value = world.call(&mut connection, &["GET", "app:key"]);
    say(&format!("  > GET app:key\n    {value:?}"));
}
