//! Three units: they find each other, and who leaves or is lost is replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use juju_simulator::{RelationId, UnitName};
use serde_json::{Value as Json, json};
use valkey_charm::valkey::Connection;

use crate::programs::Programs;
use crate::world::{Access, World};

/// A story's client, with what it was told last.
pub(crate) struct Client {
    pub(crate) relation: RelationId,
    pub(crate) access: Access,
}

impl Client {
    pub(crate) fn new(world: &mut World) -> Self {
        let relation = world.ask("app", &["app:*"]);
        world.settle();
        let answer = world.answer(relation);
        let access = world.access("app", &answer);
        Self { relation, access }
    }

    /// A connection to where it is told to go now.
    pub(crate) fn connect(&self, world: &World) -> Connection {
        world.connect(&self.endpoint(world), &self.access)
    }

    pub(crate) fn endpoint(&self, world: &World) -> String {
        let answer = world.answer(self.relation);
        answer["endpoints"].as_str().unwrap().to_owned()
    }
}

/// So many units with the newest release, at rest, and a client that they serve.
pub(crate) fn served(seed: u64, units: usize) -> (World, Client) {
    let mut world = World::with_units(Programs::newest(), seed, units);
    let client = Client::new(&mut world);
    (world, client)
}

/// A client that writes numbers one after the other and remembers which were
/// acknowledged. When it is disconnected or refused it goes where it is told.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    target: Arc<std::sync::Mutex<String>>,
    thread: JoinHandle<Written>,
}

pub(crate) struct Written {
    pub(crate) acknowledged: Vec<u64>,
    pub(crate) longest_gap: Duration,
}

impl Writer {
    pub(crate) fn start(endpoint: &str, access: &Access, every: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let target = Arc::new(std::sync::Mutex::new(endpoint.to_owned()));
        let (stopped, told, access) = (stop.clone(), target.clone(), access.clone());
        let thread = std::thread::spawn(move || write(&stopped, &told, &access, every));
        Self {
            stop,
            target,
            thread,
        }
    }

    pub(crate) fn told(&self, endpoint: String) {
        *self.target.lock().unwrap() = endpoint;
    }

    pub(crate) fn end(self) -> Written {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("it ends")
    }
}

fn write(
    stop: &AtomicBool,
    told: &std::sync::Mutex<String>,
    access: &Access,
    every: Duration,
) -> Written {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut written = Written {
        acknowledged: Vec::new(),
        longest_gap: Duration::ZERO,
    };
    let mut last = Instant::now();
    let mut due = last;
    let mut connection: Option<Connection> = None;
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let endpoint = told.lock().unwrap().clone();
        if connection.is_none() {
            connection = runtime.block_on(crate::world::open(&endpoint, access)).ok();
        }
        let Some(open) = connection.as_mut() else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        number += 1;
        let key = format!("app:{number}");
        match runtime.block_on(open.call(&["SET", &key, "x"])) {
            Ok(_) => {
                written.acknowledged.push(number);
                written.longest_gap = written.longest_gap.max(last.elapsed());
                last = Instant::now();
                // At this pace however long each takes; what an outage has held up is
                // not made up for.
                due = (due + every).max(last);
                std::thread::sleep(due - last);
            }
            Err(_) => connection = None,
        }
    }
    written
}

/// How many acknowledged writes the primary does not have.
pub(crate) fn lost(world: &World, primary: &UnitName, written: &Written) -> usize {
    let mut operator = world.operator(primary, "server");
    let mut lost = 0;
    for chunk in written.acknowledged.chunks(500) {
        let keys: Vec<_> = chunk.iter().map(|number| format!("app:{number}")).collect();
        let mut words = vec!["EXISTS"];
        words.extend(keys.iter().map(String::as_str));
        match world.done(&mut operator, &words) {
            valkey_charm::valkey::Value::Integer(count) => {
                lost += chunk.len() - usize::try_from(count).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    lost
}

/// Cuts the power of a unit with the primary, and lets hooks of the others run until
/// the endpoint of this relation is another. Returns the others, and how long it took.
pub(crate) fn cut_power(
    world: &mut World,
    unit: &UnitName,
    relation: RelationId,
) -> (Vec<UnitName>, Duration) {
    let machine_is_lost = |world: &mut World| world.machines[unit].power_off();
    replaced(world, unit, relation, machine_is_lost)
}

/// Takes the primary of a unit away, and lets hooks of the others run until the
/// endpoint of this relation is another. Returns the others, and how long it took.
pub(crate) fn replaced(
    world: &mut World,
    unit: &UnitName,
    relation: RelationId,
    take_away: impl FnOnce(&mut World),
) -> (Vec<UnitName>, Duration) {
    let endpoint = |world: &World| world.answers(relation)[0]["endpoints"].clone();
    let before = endpoint(world);
    take_away(world);
    let begun = Instant::now();
    let mut others = world.units();
    others.retain(|other| other != unit);
    // Juju gives leadership to another within a minute.
    if world.model.is_leader(unit.clone()) {
        world.model.set_leader("valkey", others[0].clone());
    }
    while endpoint(world) == before {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{}",
            world.logs()
        );
        world.heed_watchers_of(&others);
        std::thread::sleep(Duration::from_millis(50));
    }
    (others, begun.elapsed())
}

pub(crate) fn primary_of(world: &World, endpoint: &str) -> UnitName {
    let host = endpoint.rsplit_once(':').unwrap().0;
    let units = world.units();
    let found = units
        .into_iter()
        .find(|unit| world.model.address(unit.clone()) == host);
    found.expect("an endpoint is a unit")
}

pub(crate) fn list<'a>(answer: &'a Json, key: &str) -> Vec<&'a str> {
    answer[key]
        .as_str()
        .unwrap_or_default()
        .split(',')
        .filter(|text| !text.is_empty())
        .collect()
}

pub(crate) fn three_units_share_the_work_and_all_know_every_user() {
    for programs in Programs::all() {
        let mut world = World::with_units(programs, 10, 3);
        let client = Client::new(&mut world);
        let answer = world.answer(client.relation);
        assert_eq!(list(&answer, "endpoints").len(), 1);
        assert_eq!(
            list(&answer, "read-only-endpoints").len(),
            2,
            "{answer}\n{}",
            world.logs()
        );
        assert_eq!(list(&answer, "sentinel-endpoints").len(), 3);
        for unit in world.units() {
            for node in ["server", "sentinel"] {
                assert!(
                    world.users(&unit, node).contains(&client.access.user),
                    "{unit} {node}"
                );
            }
            let mut operator = world.operator(&unit, "server");
            let value = world.call(&mut operator, &["CONFIG", "GET", "min-replicas-to-write"]);
            assert_eq!(value.unwrap().texts().nth(1), Some("1"));
            let mut sentinel = world.operator(&unit, "sentinel");
            let seen = world.done(&mut sentinel, &["SENTINEL", "MASTER", "primary"]);
            assert_eq!(seen.field("quorum").unwrap().text(), Some("2"));
            let quorum = world.call(&mut sentinel, &["SENTINEL", "CKQUORUM", "primary"]);
            assert!(quorum.is_ok(), "{quorum:?}");
        }
        // What is written to one is read from the others.
        let mut writer = world.connect(list(&answer, "endpoints")[0], &client.access);
        world.done(&mut writer, &["SET", "app:key", "1"]);
        world.done(&mut writer, &["WAIT", "2", "2000"]);
        for endpoint in list(&answer, "read-only-endpoints") {
            let mut reader = world.connect(endpoint, &client.access);
            let value = world.done(&mut reader, &["GET", "app:key"]);
            assert_eq!(value.text(), Some("1"));
        }
        // A unit that joins has all users before anybody is sent to it.
        world.add_unit();
        world.settle();
        world.update_status_all();
        let answer = world.answer(client.relation);
        assert_eq!(list(&answer, "read-only-endpoints").len(), 3);
        for endpoint in list(&answer, "read-only-endpoints") {
            world.connect(endpoint, &client.access);
        }
        for endpoint in list(&answer, "sentinel-endpoints") {
            world.connect(endpoint, &client.access);
        }
    }
}

/// The machine with the primary is lost under a writer.
pub(crate) fn a_lost_primary_is_replaced_and_clients_are_told_in_seconds() {
    let (mut world, client) = served(11, 3);
    let before = client.endpoint(&world);
    let old = primary_of(&world, &before);
    let writer = Writer::start(&before, &client.access, Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(800));
    let (_, told_after) = cut_power(&mut world, &old, client.relation);
    let last = client.endpoint(&world);
    writer.told(last.clone());
    std::thread::sleep(Duration::from_millis(800));
    let written = writer.end();
    let new = primary_of(&world, &client.endpoint(&world));
    assert_ne!(new, old);
    let lost = lost(&world, &new, &written);
    crate::say(&format!(
        "power cut of the primary, down-after 1 s: told after {told_after:.1?}, gap {:.1?}, \
         {} writes acknowledged, {lost} lost",
        written.longest_gap,
        written.acknowledged.len()
    ));
    assert!(told_after < Duration::from_secs(10), "{told_after:?}");
    // What was acknowledged and on its way to no replica yet may be gone: a few.
    assert!(lost <= 5, "{lost}");
    // It comes back as a replica, and is told as one.
    world.machines[&old].power_on();
    world.wait_until(30, "it is a replica again", |world| {
        list(&world.answer(client.relation), "read-only-endpoints").len() == 2
    });
    assert_eq!(client.endpoint(&world), last);
}

/// The unit with the primary is removed under a writer, on every release.
pub(crate) fn a_removed_primary_takes_no_write_with_it() {
    for programs in Programs::all() {
        let version = programs.version.clone();
        let mut world = World::with_units(programs, 12, 3);
        let client = Client::new(&mut world);
        let before = client.endpoint(&world);
        let old = primary_of(&world, &before);
        let writer = Writer::start(&before, &client.access, Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(500));
        world.model.remove_unit(old.clone());
        // Hook by hook, so that the writer hears of the change as clients do.
        while let Some(run) = world.model.step() {
            assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
            writer.told(client.endpoint(&world));
        }
        world.machines.remove(&old);
        world.wait_until(20, "clients are told", |world| {
            client.endpoint(world) != before
        });
        writer.told(client.endpoint(&world));
        std::thread::sleep(Duration::from_millis(800));
        let written = writer.end();
        let new = primary_of(&world, &client.endpoint(&world));
        let lost = lost(&world, &new, &written);
        crate::say(&format!(
            "removal of the primary's unit, {version}: gap {:.1?}, {} writes acknowledged, {lost} lost",
            written.longest_gap,
            written.acknowledged.len()
        ));
        assert_eq!(lost, 0);
        let gap = written.longest_gap;
        assert!(gap < Duration::from_secs(20), "{gap:?}");
        let newest = *written.acknowledged.last().unwrap();
        assert!(newest > 300, "it wrote on: {newest}");
        // Nobody looks for it any more.
        world.wait_until(40, "the sentinels have forgotten it", |world| {
            world.update_status_all();
            world.units().iter().all(|unit| {
                let mut sentinel = world.operator(unit, "sentinel");
                let known = ["SENTINEL", "SENTINELS", "primary"];
                let known = world.done(&mut sentinel, &known).items().len();
                let replicas = ["SENTINEL", "REPLICAS", "primary"];
                let replicas = world.done(&mut sentinel, &replicas).items().len();
                (known, replicas) == (1, 1)
            })
        });
        let answer = world.answer(client.relation);
        assert_eq!(list(&answer, "sentinel-endpoints").len(), 2);
    }
}

/// Both others go without a word; the last one carries on with the data.
pub(crate) fn the_last_unit_goes_on_after_all_others_were_lost() {
    let mut world = World::with_units(Programs::oldest(), 13, 3);
    let client = Client::new(&mut world);
    let endpoint = client.endpoint(&world);
    let mut writer = world.connect(&endpoint, &client.access);
    world.done(&mut writer, &["SET", "app:key", "kept"]);
    world.done(&mut writer, &["WAIT", "2", "2000"]);
    let primary = primary_of(&world, &endpoint);
    let survivor = world
        .units()
        .into_iter()
        .find(|unit| *unit != primary)
        .unwrap();
    for unit in world.units() {
        if unit != survivor {
            world.machines[&unit].power_off();
        }
    }
    world.model.set_leader("valkey", survivor.clone());
    for unit in world.units() {
        if unit != survivor {
            world.model.remove_unit_unnoticed(unit.clone());
            world.machines.remove(&unit);
        }
    }
    world.wait_until(40, "it is the primary", |world| {
        world.update_status(&survivor);
        client.endpoint(world) != endpoint
    });
    assert_eq!(primary_of(&world, &client.endpoint(&world)), survivor);
    let mut reader = client.connect(&world);
    let value = world.done(&mut reader, &["GET", "app:key"]);
    assert_eq!(value.text(), Some("kept"));
    world.done(&mut reader, &["SET", "app:key", "new"]);
}

/// The power of all goes at once, and comes back.
pub(crate) fn a_restart_of_all_at_once_keeps_the_data() {
    let (mut world, client) = served(14, 3);
    let endpoint = client.endpoint(&world);
    let mut writer = world.connect(&endpoint, &client.access);
    for number in 0..200 {
        let key = format!("app:{number}");
        world.done(&mut writer, &["SET", &key, "x"]);
    }
    world.done(&mut writer, &["WAITAOF", "1", "0", "2000"]);
    for machine in world.machines.values() {
        machine.power_off();
    }
    // The first to come back is not the one that was the primary.
    let mut order = world.units();
    order.sort_by_key(|unit| *unit == primary_of(&world, &endpoint));
    for unit in &order {
        world.machines[unit].power_on();
        std::thread::sleep(Duration::from_millis(300));
    }
    world.wait_until(40, "all are back", |world| {
        world.update_status_all();
        let status = world.status("valkey/0");
        status.starts_with("active")
            && list(&world.answer(client.relation), "read-only-endpoints").len() == 2
    });
    let mut reader = client.connect(&world);
    let keys: Vec<_> = (0..200).map(|number| format!("app:{number}")).collect();
    let mut words = vec!["EXISTS"];
    words.extend(keys.iter().map(String::as_str));
    let found = world.done(&mut reader, &words);
    assert_eq!(found, valkey_charm::valkey::Value::Integer(200));
}

/// The volume of the last unit brings its data back, with another unit.
pub(crate) fn data_come_back_with_their_volume() {
    let (mut world, client) = served(15, 1);
    let mut writer = client.connect(&world);
    world.done(&mut writer, &["SET", "app:key", "kept"]);
    let old = UnitName::from("valkey/0");
    world.model.remove_unit(old.clone());
    world.settle();
    world.machines.remove(&old);
    let storage = world.model.detached_storage().remove(0);
    let unit = world.model.add_unit_attaching("valkey", &storage);
    world.equip(&unit);
    world.settle();
    world.update_status_all();
    assert!(
        world
            .status(&unit.to_string())
            .starts_with("active: primary"),
        "{}",
        world.status(&unit.to_string())
    );
    let mut reader = client.connect(&world);
    let value = world.done(&mut reader, &["GET", "app:key"]);
    assert_eq!(value.text(), Some("kept"));
}

/// While a unit does not answer, nobody new is told anything.
pub(crate) fn nobody_is_answered_before_all_units_have_the_user() {
    let mut world = World::deployed(Programs::newest(), 16, &[("down-after", json!(20_000))]);
    world.settle();
    world.add_unit();
    world.add_unit();
    world.settle();
    for (app, node) in [("app", "server"), ("other", "sentinel")] {
        nobody_is_answered_before(&mut world, app, node);
    }
}

fn nobody_is_answered_before(world: &mut World, app: &str, node: &str) {
    let slow = UnitName::from("valkey/2");
    let service = crate::world::service(&slow, node);
    world.machines[&slow].pause_service(&service);
    let relation = world.ask(app, &[&format!("{app}:*")]);
    while let Some(run) = world.model.step_unit("valkey/0") {
        assert!(run.succeeded(), "{}", run.stderr);
    }
    assert!(world.answers(relation).is_empty());
    assert_eq!(
        world.status("valkey/0"),
        "waiting: waiting for valkey/2, which does not answer, to give access"
    );
    // Hooks of later do not forget it.
    world.update_status(&"valkey/0".into());
    assert!(world.answers(relation).is_empty());
    world.machines[&slow].resume_service(&service);
    world.update_status_all();
    let answer = world.answer(relation);
    let access = world.access(app, &answer);
    for key in ["read-only-endpoints", "sentinel-endpoints"] {
        for endpoint in list(&answer, key) {
            world.connect(endpoint, &access);
        }
    }
}

/// The primary stops for a while and does not know that it was replaced.
pub(crate) fn a_frozen_primary_loses_seconds_of_writes_at_most() {
    let mut world = World::with_units(Programs::oldest(), 17, 3);
    let client = Client::new(&mut world);
    let before = client.endpoint(&world);
    let old = primary_of(&world, &before);
    let writer = Writer::start(&before, &client.access, Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(500));
    let service = crate::world::service(&old, "server");
    world.machines[&old].pause_service(&service);
    // Another unit's view, since hooks of this one would wait for its server.
    let other = world.units().into_iter().find(|unit| *unit != old).unwrap();
    let begun = Instant::now();
    loop {
        let mut sentinel = world.operator(&other, "sentinel");
        let named = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"];
        let named = world.done(&mut sentinel, &named);
        if !before.starts_with(named.texts().next().unwrap()) {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            world.logs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    world.machines[&old].resume_service(&service);
    // The writer knows nothing, and goes on where it was; without a limit it would
    // be served until the sentinels have made this server a replica.
    std::thread::sleep(Duration::from_secs(12));
    world.wait_until(20, "clients are told", |world| {
        world.update_status_all();
        client.endpoint(world) != before
    });
    writer.told(client.endpoint(&world));
    std::thread::sleep(Duration::from_millis(500));
    let written = writer.end();
    let new = primary_of(&world, &client.endpoint(&world));
    let lost = lost(&world, &new, &written);
    crate::say(&format!(
        "primary frozen until it was replaced: {} writes acknowledged, {lost} lost",
        written.acknowledged.len()
    ));
    // The lag that replicas may have is 3 s, and is looked at once a second; the
    // writer makes fewer than 1000 writes in one.
    assert!(lost <= 5500, "{lost}");
}

/// A unit whose address changes is found again, and clients are told.
pub(crate) fn a_unit_that_moves_to_another_address_is_found_again() {
    let (mut world, client) = served(18, 1);
    let mut writer = client.connect(&world);
    world.done(&mut writer, &["SET", "app:key", "kept"]);
    let unit = UnitName::from("valkey/0");
    let moved = "127.200.1.9";
    world.model.set_address(unit.clone(), moved);
    world.settle();
    world.update_status(&unit);
    assert_eq!(world.status("valkey/0"), "active: primary; 1 client");
    assert_eq!(client.endpoint(&world), format!("{moved}:6379"));
    let mut reader = client.connect(&world);
    let value = world.done(&mut reader, &["GET", "app:key"]);
    assert_eq!(value.text(), Some("kept"));
    let mut sentinel = world.connect(&format!("{moved}:26379"), &client.access);
    let named = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"];
    let named = world.done(&mut sentinel, &named);
    assert_eq!(named.texts().next(), Some(moved));
}
