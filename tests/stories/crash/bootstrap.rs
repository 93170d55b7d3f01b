//! Faults while the first unit comes up and bootstraps the cluster, and while a
//! second one joins it. What goes wrong there needs a world of its own.

use std::path::Path;
use std::time::Duration;

use crate::crash::event_run::{EventRun, Point};
use crate::crash::harness::{self, Harness};
use crate::crash::snapshot::{self, Aliases, Snapshot, differences};
use crate::crash::trace::Trace;
use crate::crash::workers::{self, Outcome, Work};

/// How many points a plain run takes.
const SAMPLE: usize = 6;
/// A plain run begins no world after this time since the first.
const SAMPLE_LIMIT: Duration = Duration::from_secs(30);

/// Every fault from the installation to rest.
pub(crate) fn of_a_cluster() -> Result<(), String> {
    sweep("the bootstrap of a cluster", false)
}

/// Every fault while a second unit joins the first.
pub(crate) fn of_a_second_unit() -> Result<(), String> {
    sweep("a second unit that joins", true)
}

fn sweep(what: &str, joins: bool) -> Result<(), String> {
    if !harness::can_trace(what) {
        return Ok(());
    }
    let undisturbed = come_up(joins, Vec::new(), true)?;
    let wanted = undisturbed.snapshot;
    let points: Vec<Point> = undisturbed.traces.iter().flat_map(Trace::points).collect();
    let total = points.len();
    let work = Work::of_points(what, points, |point| point.fault, SAMPLE, SAMPLE_LIMIT);
    let strike = |(): &mut (), point: Point| {
        let shown = format!("{} in hook {} of {}", point.fault, point.hook, point.unit);
        let ended = come_up(joins, vec![point], false);
        let end = ended.map_err(|error| format!("{shown}: {error}"))?;
        let differences = differences(&wanted, &end.snapshot);
        if !differences.is_empty() {
            return Err(format!("{shown}:\n    {}", differences.join("\n    ")));
        }
        Ok(end.outcome)
    };
    workers::run_all(work, None, || Ok(()), strike).conclude(what, total)
}

/// What became of a cluster that came up.
struct End {
    snapshot: Snapshot,
    traces: Vec<Trace>,
    outcome: Outcome,
}

fn come_up(joins: bool, points: Vec<Point>, records: bool) -> Result<End, String> {
    let mut harness = Harness::new();
    let mut units = vec![harness.deploy()];
    if joins {
        harness.world.rest();
        units.push(harness.add_unit());
    }
    let mut run = EventRun::new(&mut harness, &units, Vec::new(), points);
    if records {
        run = run.recording();
    }
    run.run(true)?;
    let outcome = Outcome {
        points: 1,
        fired: run.fired,
        missed: run.missed.len(),
    };
    let traces = run.traces;
    let world = &harness.world;
    // Where things lie, and what is made by chance: the authorities, and the
    // names of the cluster and its members.
    let shown = |path: &Path| path.display().to_string();
    let mut aliases: Aliases = vec![(shown(world.model.directory()), "<model>".to_owned())];
    for unit in &units {
        let address = world.model.address(unit.clone());
        aliases.push((address, format!("<address of {}>", unit.with_dash())));
    }
    // One address may begin like another.
    aliases.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    for unit in &units {
        let name = unit.with_dash();
        aliases.push((shown(world.root(unit)), format!("<root of {name}>")));
        assert!(!world.distribution_service_ran(unit));
    }
    for peers in world.model.relation_ids("etcd", "cluster") {
        let bag = world.model.app_bag(peers, "etcd");
        aliases.push((bag["token"].clone(), "<token>".to_owned()));
    }
    aliases.extend(snapshot::of_authority(&harness, &units));
    aliases.extend(snapshot::of_identities(&harness, &units));
    let mut end = snapshot::take(&harness, &units, &[], aliases);
    if joins {
        // What a unit remembers of its time as leader is its own affair, and
        // etcd lists members in an order that chance gives.
        end.retain(|key, _| !key.ends_with("/unit.json"));
        let [first, second] =
            [0, 1].map(|n| format!("etcd-{n}=https://<address of etcd-{n}>:2380"));
        let (either, other) = (format!("{second},{first}"), format!("{first},{second}"));
        for value in end.values_mut() {
            *value = value.replace(&either, &other);
        }
    }
    for (key, value) in &mut end {
        if key.starts_with("secret ") || key.starts_with("trust of") || key.ends_with("/trust.pem")
        {
            let count = value.matches("BEGIN CERTIFICATE").count();
            *value = format!("{count} certificates");
        }
    }
    Ok(End {
        snapshot: end,
        traces,
        outcome,
    })
}
