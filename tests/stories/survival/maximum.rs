//! Every input as large as may be, and all of them at once: the whole still
//! works, and who comes after that is told why there is no room.

use std::time::{Duration, Instant};

use etcd_charm_world::{Certificate, ClientAuthority, RelationId, Request, UnitName, V1, World};

use crate::survival::support::{Client, assert_caught_up, cluster, say};

/// Most requests of one relation.
const REQUESTS: usize = 100;

/// So many relations of as many requests take a quarter each of what a handshake
/// has room for.
const RELATIONS: usize = 4;

/// The longest list of requests that is read, in bytes.
const LIST: usize = 1024 * 1024;

/// The longest that a hook may take here, which is also when the simulated Juju
/// gives up. A real one knows no limit; the next `update-status` is due after
/// five minutes.
const HOOK: Duration = Duration::from_secs(120);

/// More than are ever due: each request has two secrets of ours, and a superseded
/// revision of each is a hook.
const HOOKS: usize = 10 * RELATIONS * REQUESTS;

/// The longest status.
const STATUS: usize = 100;

pub(crate) fn one_unit() {
    everything_at_once(1);
}

/// Takes minutes, so a plain run leaves it out; `ALL_BOUNDS=three` takes it.
pub(crate) fn three_units() {
    if std::env::var_os("ALL_BOUNDS").is_some_and(|value| value == "three") {
        everything_at_once(3);
    }
}

/// A relation with as many requests as may be, each as large as may be.
struct Full {
    requirer: V1,
    shown: Vec<Certificate>,
}

impl Full {
    fn ask(world: &mut World, authority: &ClientAuthority, number: usize) -> Self {
        let app = format!("full{}", char::from(b'a' + u8::try_from(number).unwrap()));
        let relation = world.relate(&app);
        let shown: Vec<_> = (0..REQUESTS)
            .map(|request| {
                let name = format!("{number}-{request}-{:c<64}", "");
                authority.issue_large(&name[..64], 0, 15_800)
            })
            .collect();
        let requests = shown.iter().enumerate().map(|(request, shown)| {
            let uri = world
                .model
                .secret_add(&app, &[("mtls-cert", &shown.certificate)]);
            world.model.secret_grant(&app, &uri, relation);
            let salt = "s".repeat(128);
            let mut asked = Request::new(&prefix(number, request), &id(number, request), &salt);
            asked.secret = Some(uri);
            asked
        });
        let requests = requests.collect();
        let requirer = V1::ask(&mut world.model, &app, relation, requests);
        pad(world, &app, relation);
        Self { requirer, shown }
    }
}

/// 1,024 bytes.
fn prefix(number: usize, request: usize) -> String {
    format!("{:p<1024}", format!("/{number}-{request}/"))
}

/// 64 characters.
fn id(number: usize, request: usize) -> String {
    format!("{:i<64}", format!("{number}-{request}-"))
}

/// Fills the list up with white space.
fn pad(world: &mut World, app: &str, relation: RelationId) {
    let list = world.model.app_bag(relation, app)["requests"].clone();
    let list = format!("{list}{}", " ".repeat(LIST - list.len()));
    assert_eq!(list.len(), LIST);
    let pairs = [("requests", list.as_str())];
    world.model.relation_set_app(relation, app, &pairs);
}

fn everything_at_once(units: usize) {
    let (mut world, units) = cluster(units);
    let authority = ClientAuthority::new();
    let begun = Instant::now();
    let full: Vec<Full> = (0..RELATIONS)
        .map(|number| Full::ask(&mut world, &authority, number))
        .collect();
    let longest = rest(&mut world);
    say(&format!(
        "{} units, all inputs at their bounds: {:.0?} in all, the longest hook {longest:.1?}",
        units.len(),
        begun.elapsed()
    ));
    assert!(longest < HOOK, "a hook took {longest:?}");
    let users = world.admin(&units[0]).lines(&["user", "list"]).len();
    assert_eq!(users, RELATIONS * REQUESTS + 1);
    for (number, full) in full.iter().enumerate() {
        for request in [0, REQUESTS - 1] {
            assert_served(&mut world, &units, full, number, request);
        }
    }
    assert_caught_up(&world, &units);
    assert_statuses(&world, &units);

    // What is left has no room for a longer name.
    let late = refused_for_want_of_room(&mut world, &authority);
    assert_statuses(&world, &units);
    world.model.remove_relation(full[0].requirer.relation);
    let longest = rest(&mut world);
    say(&format!(
        "a full relation is removed: the longest hook {longest:.1?}"
    ));
    assert!(longest < HOOK, "a hook took {longest:?}");
    let told = late.told(&mut world);
    assert_eq!(told.endpoints.split(',').count(), units.len());
    let users = world.admin(&units[0]).lines(&["user", "list"]).len();
    assert_eq!(users, (RELATIONS - 1) * REQUESTS + 2);
}

/// Lets everything come to rest, and says how long the longest hook took.
fn rest(world: &mut World) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..8 {
        let mut last = Instant::now();
        let mut hooks = 0;
        while let Some(run) = world.model.step() {
            assert!(run.succeeded(), "{} failed: {run:#?}", run.name);
            longest = longest.max(last.elapsed());
            last = Instant::now();
            hooks += 1;
            assert!(hooks < HOOKS, "hooks are due without end: {}", run.name);
        }
        let passes = world.full_pass();
        let count = u32::try_from(passes.len()).unwrap();
        longest = longest.max(last.elapsed() / count);
        if passes.iter().all(|run| run.changes.is_empty()) {
            return longest;
        }
    }
    panic!("update-status went on writing");
}

fn assert_served(
    world: &mut World,
    units: &[UnitName],
    full: &Full,
    number: usize,
    request: usize,
) {
    let told = world.told_for(&full.requirer, &id(number, request));
    let told = told.expect("an answer");
    assert_eq!(told.endpoints.split(',').count(), units.len());
    for unit in units {
        let client = world.client(unit, &full.shown[request]);
        let key = format!("{}key", prefix(number, request));
        assert!(client.run(&["put", &key, "1"]).ok, "{unit}");
    }
}

fn assert_statuses(world: &World, units: &[UnitName]) {
    let of_units = units
        .iter()
        .map(|unit| world.model.unit_status(unit.clone()));
    let all = of_units.chain([world.model.app_status("etcd")]);
    for status in all {
        assert_eq!(status.status, "active", "{}", status.message);
        let length = status.message.chars().count();
        assert!(length <= STATUS, "{length}: {}", status.message);
    }
}

/// A client whose name has no room any more.
fn refused_for_want_of_room(world: &mut World, authority: &ClientAuthority) -> Client {
    let shown = authority.issue_large("late", 500, 0);
    let relation = world.relate("late");
    let mut requirer = etcd_charm_world::V0::ask(&mut world.model, "late", relation, "/late/");
    requirer.set_certificate(&mut world.model, &shown.certificate);
    rest(world);
    let message = world.model.app_status("etcd").message;
    let reason = "names of all certificates exceed 32000 bytes";
    assert!(message.contains(reason), "{message}");
    assert!(world.told(&requirer).is_none());
    Client {
        requirer,
        shown,
        prefix: "/late/".to_owned(),
    }
}
