//! Properties of the policy: whatever happens to a world that carries plans
//! out, in whatever order, a judge that looks at that world alone finds nothing
//! wrong, and full passes bring it to rest.
//!
//! `PROPTEST_CASES` raises the number of cases. Cases that failed once are kept
//! beside this file and run first.

#![allow(
    clippy::too_many_lines,
    reason = "a story and a table are read from top to bottom"
)]

#[path = "properties/events.rs"]
mod events;
#[path = "properties/hook.rs"]
mod hook;
#[path = "properties/judge.rs"]
mod judge;
#[path = "properties/pool.rs"]
mod pool;
#[path = "properties/steps.rs"]
mod steps;
#[path = "properties/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use etcd_charm::facts::RelationId;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

use events::{Ask, Event, How, PREFIXES, RELATIONS, ask, event, garbage};
use hook::HookKind;
use pool::GOOD;
use world::World;

/// How many rounds of full passes on all units bring any world to rest. A name
/// that changes hands is the longest way: the old owner's user goes, every
/// member restarts, the name is freed, the new owner's user is made, every
/// member restarts again, the answer is published, and its record is noted.
const ROUNDS: usize = 12;

/// So many worlds, the same in every run, so that a change is judged by itself;
/// with `PROPTEST_CASES` so many new ones.
fn config(cases: u32) -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/properties/failures.txt");
    let config = ProptestConfig {
        failure_persistence: Some(Box::new(kept)),
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig {
            cases,
            rng_seed: RngSeed::Fixed(1),
            ..config
        },
    }
}

/// Clusters of one to three units at rest, without clients.
static FORMED: LazyLock<Vec<World>> = LazyLock::new(|| {
    let worlds = (1..=pool::UNITS).map(|units| {
        let mut world = World::new(units);
        settle(&mut world).expect("a cluster forms");
        world
    });
    worlds.collect()
});

/// Ends what keeps the world from rest, and drives full passes on all units
/// until a round of them does nothing.
fn settle(world: &mut World) -> Result<(), String> {
    world.blackout = false;
    for unit in 0..world.units.len() {
        world.kill(unit, false);
    }
    for _ in 0..ROUNDS {
        world.expire_locks();
        let mut is_busy = false;
        for unit in 0..world.units.len() {
            is_busy |= world.run(unit, HookKind::Full);
            world.judge_moment()?;
        }
        if !is_busy {
            world.witness.damaged.clear();
            return world.judge_rest();
        }
    }
    Err(format!("no rest after {ROUNDS} rounds"))
}

fn live(units: usize, events: &[Event]) -> Result<World, String> {
    let mut world = FORMED[units - 1].clone();
    for event in events {
        world
            .happen(event)
            .map_err(|fault| format!("at {event:?}: {fault}"))?;
    }
    Ok(world)
}

fn judged<T>(result: Result<T, String>) -> Result<T, TestCaseError> {
    result.map_err(TestCaseError::fail)
}

/// What somebody can do, by common name.
fn rights(world: &World) -> BTreeMap<String, String> {
    let grants = world.etcd.ledger.grants();
    grants
        .map(|(_, grant)| (grant.common_name.to_string(), grant.prefix.to_string()))
        .collect()
}

#[test]
fn a_cluster_forms_from_nothing() {
    for world in FORMED.iter() {
        assert_eq!(world.etcd.members.len(), world.units.len());
    }
}

proptest! {
    #![proptest_config(config(200))]

    /// Whatever happens, nothing is wrong at any moment, and in the end access
    /// is exactly what is asked for.
    #[test]
    fn every_world_comes_to_rest(
        units in 1..=pool::UNITS,
        events in prop::collection::vec(event(), 1..25),
    ) {
        let mut world = judged(live(units, &events))?;
        judged(settle(&mut world))?;
    }

    /// Units can come up in any order, and be cut short anywhere.
    #[test]
    fn a_cluster_forms_however_it_is_interrupted(
        units in 1..=pool::UNITS,
        events in prop::collection::vec(event(), 1..40),
    ) {
        let mut world = World::new(units);
        for event in &events {
            judged(world.happen(event).map_err(|fault| format!("at {event:?}: {fault}")))?;
        }
        judged(settle(&mut world))?;
    }
}

proptest! {
    // Each of these brings many worlds to rest, and needs fewer of them.
    #![proptest_config(config(64))]

    /// While etcd cannot be asked, no hook takes anything from anybody.
    #[test]
    fn with_etcd_unknown_nothing_is_destroyed(
        units in 1..=pool::UNITS,
        before in prop::collection::vec(event(), 1..12),
        during in prop::collection::vec(event(), 1..12),
    ) {
        let mut world = judged(live(units, &before))?;
        for unit in 0..units {
            world.kill(unit, false);
        }
        world.blackout = true;
        let hooks = during.iter().filter(|event| matches!(
            event,
            Event::Ask(..) | Event::Rotate { .. } | Event::Hook(..) | Event::LeaderMoves(..)
        ));
        let own = |world: &World| -> Vec<_> {
            world.relations.values().map(|client| client.own.clone()).collect()
        };
        let files = |world: &World| -> Vec<_> {
            let machines = world.units.iter().map(|unit| &unit.machine);
            machines
                .map(|machine| (machine.loaded_leaves.clone(), machine.written_leaves.clone()))
                .collect()
        };
        for event in hooks {
            // New relations have databags of their own.
            let relations = world.relations.len();
            let before = (world.etcd.clone(), own(&world), files(&world), world.ours.clone());
            judged(world.happen(event))?;
            // A member that was down is started, and then leads perhaps.
            let mut etcd = world.etcd.clone();
            etcd.leader = before.0.leader;
            prop_assert_eq!(etcd, before.0);
            if world.relations.len() == relations {
                prop_assert_eq!(own(&world), before.1);
            }
            for ((loaded, written), (was_loaded, was_written)) in
                files(&world).iter().zip(&before.2)
            {
                prop_assert_eq!(written, was_written);
                prop_assert!(loaded == was_loaded || loaded == written);
            }
            prop_assert_eq!(&world.ours, &before.3);
        }
    }

    /// The numbers of relations, and the order in which hooks see them, say
    /// nothing about who has access, unless they compete.
    #[test]
    fn the_order_of_relations_does_not_matter(
        units in 1..=pool::UNITS,
        asks in prop::collection::vec((0..PREFIXES.len(), 0..GOOD), 1..4),
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
        is_one_by_one in any::<bool>(),
    ) {
        // One request for each name; the policy lets ranges overlap.
        let mut asks: Vec<_> = asks;
        asks.sort_by_key(|(_, offer)| pool::POOL.offers[*offer].name);
        asks.dedup_by_key(|(_, offer)| pool::POOL.offers[*offer].name);
        let place = |relations: &[usize]| {
            let mut world = FORMED[units - 1].clone();
            for ((prefix, offer), relation) in asks.iter().zip(relations) {
                let how = How::Secret(*offer);
                world.happen(&Event::Ask(*relation, Ask::V0 { prefix: *prefix, how }))?;
                if is_one_by_one {
                    let kind = HookKind::Client(RELATIONS[*relation]);
                    world.happen(&Event::Hook(0, kind))?;
                }
            }
            settle(&mut world)?;
            Ok(rights(&world))
        };
        let one = judged(place(&[0, 1, 2, 3]))?;
        let other = judged(place(&order))?;
        prop_assert_eq!(one.len(), asks.len());
        prop_assert_eq!(one, other);
    }

    /// Where relations compete, the first keeps what it has, whatever the other
    /// asks for and whatever its number is.
    #[test]
    fn the_first_owner_keeps_it(
        units in 1..=pool::UNITS,
        first in (0..PREFIXES.len(), 0..GOOD),
        is_exclusive in any::<bool>(),
        places in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
        asks in prop::collection::vec((1..4_usize, ask()), 1..8),
    ) {
        let mut world = FORMED[units - 1].clone();
        judged(world.happen(&Event::Policy(is_exclusive)))?;
        let (prefix, offer) = first;
        let ask = Ask::V0 { prefix, how: How::Secret(offer) };
        judged(world.happen(&Event::Ask(places[0], ask)))?;
        judged(settle(&mut world))?;
        let owner = RELATIONS[places[0]];
        let has = |world: &World| -> Vec<_> {
            let grants = world.etcd.ledger.grants();
            let of_owner = grants.filter(|(key, _)| key.relation == owner);
            of_owner.map(|(_, grant)| grant.clone()).collect()
        };
        let before = has(&world);
        prop_assert_eq!(before.len(), 1);
        for (at, ask) in asks {
            judged(world.happen(&Event::Ask(places[at], ask)))?;
            judged(settle(&mut world))?;
            prop_assert_eq!(has(&world), before.clone());
        }
    }

    /// What others write, however it looks, ends no hook, and takes nothing
    /// from anybody.
    #[test]
    fn garbage_concerns_only_who_writes_it(
        bags in prop::collection::vec(garbage(), 1..6),
    ) {
        let mut world = FORMED[0].clone();
        let ask = Ask::V0 { prefix: 0, how: How::Secret(0) };
        judged(world.happen(&Event::Ask(2, ask)))?;
        judged(settle(&mut world))?;
        let before = world.relations[&RelationId(10)].own.clone();
        for bag in bags {
            judged(world.happen(&Event::Ask(0, Ask::Garbage(bag))))?;
            judged(world.happen(&Event::Hook(0, HookKind::Client(RelationId(1)))))?;
            judged(settle(&mut world))?;
            prop_assert_eq!(&world.relations[&RelationId(10)].own, &before);
            prop_assert!(rights(&world).contains_key("alpha"));
        }
    }
}
