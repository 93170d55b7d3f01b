//! The table, as it is printed.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use etcd_charm_world::Programs;
use etcd_charm_world::juju::Hook;

use crate::costs::bench::{Bench, Cost, Measure};
use crate::costs::events::{Costs, Event};

/// How many relations are many, where `COSTS_CLIENTS` does not say it.
const MANY: u32 = 200;

/// The columns after the first.
const COLUMNS: [fn(&Cost) -> String; 5] = [
    |cost| cost.tools.to_string(),
    |cost| known(cost.etcd.map(|calls| calls.to_string())),
    |cost| cost.restarts.to_string(),
    |cost| known(cost.process.map(|figures| mebibytes(figures.memory * 1024))),
    |cost| {
        let time = cost.process.map(|figures| figures.time.as_secs_f64());
        known(time.map(|seconds| format!("{:.1} ms", seconds * 1000.0)))
    },
];

fn known(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "unknown".to_owned())
}

/// Measures and prints; on standard error it says how far it is.
pub(crate) fn print(charm: &Path) -> ExitCode {
    let Ok(size) = std::fs::metadata(charm).map(|file| file.len()) else {
        say("there is no such program: run `make costs`");
        return ExitCode::from(2);
    };
    let many_relations = match std::env::var("COSTS_CLIENTS").map(|text| text.parse()) {
        Err(_) => MANY,
        Ok(Ok(count)) => count,
        Ok(Err(_)) => {
            say("COSTS_CLIENTS must be a number of relations");
            return ExitCode::from(2);
        }
    };
    let Some(programs) = Programs::all().pop() else {
        say("no etcd: run `make setup`");
        return ExitCode::from(2);
    };
    let version = programs.version.clone();
    say(&format!("measuring with one relation and etcd {version}"));
    let mut bench = Bench::with(charm, Measure::Process, programs);
    let few = Costs::measure(&mut bench);
    let counted = counted_by_etcd(&mut bench);
    say(&format!("relating {many_relations} applications"));
    bench.crowd(many_relations);
    say("measuring with one more");
    let many = Costs::measure(&mut bench);

    let mut text =
        "| event | hook tools | etcd calls | restarts | peak memory | processor time |\n\
                    |---|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for event in Event::ALL {
        let (one, other) = (few.of(event), many.of(event));
        let cells = COLUMNS.map(|column| match (column(one), column(other)) {
            (one, other) if one == other => one,
            (one, other) => format!("{one} / {other}"),
        });
        text.push_str(&format!("| {event} | {} |\n", cells.join(" | ")));
    }
    text.push_str(&format!(
        "\nWith one relation and, where a slash is, with {many_relations} besides it. One unit with etcd {version}; memory \
         and time are those of the charm's process without the programs that it starts.\n\nThe program has {}. {counted}\n",
        mebibytes(size)
    ));
    // Nobody is left to tell if standard output is gone.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Checks the charm's count of its calls by etcd's own.
fn counted_by_etcd(bench: &mut Bench) -> String {
    let Some(before) = bench.handled() else {
        return "etcd's own count was not asked for: there is no curl.".to_owned();
    };
    let told = bench.run(Hook::UpdateStatus).etcd.unwrap_or_default();
    let counted = bench.handled().unwrap_or_default() - before;
    format!("In an update-status etcd counted {counted} calls, and the charm {told}.")
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    // No figure here is so large that it would lose digits.
    format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "costs: {text}");
}
