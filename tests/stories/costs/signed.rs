//! What it costs that clients come, by certificates from etcd and by their own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::costs::arrivals::{Order, Setting, Way, measure};
use crate::costs::multitude::{self, Sum};
use crate::costs::table::mebibytes;

/// How many clients come to a cluster, where `COSTS_ARRIVALS` does not say it.
const ARRIVALS: usize = 20;

/// How many are many, where `COSTS_CLIENTS` does not say it.
const MANY: usize = 1000;

/// A number of clients that the environment says; with 0 that part is left out.
fn number(name: &str, usual: usize) -> Option<usize> {
    match std::env::var(name) {
        Err(_) => Some(usual),
        Ok(text) => text.parse().ok(),
    }
}

/// Nothing is restarted and nothing is lost, whatever else a busy machine does.
pub(crate) fn few() {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    let story = (Setting::Three, Way::Signed, Order::AtOnce);
    let seen = measure(charm.as_ref(), story, 3);
    assert_eq!(seen.restarts, 0, "{seen:?}");
    assert_eq!(seen.lost, [""; 0]);
    assert_eq!(seen.first_puts.len(), 3, "{seen:?}");
}

/// Measures and prints; on standard error it says how far it is.
pub(crate) fn print(charm: &Path) -> ExitCode {
    let (few, many) = (
        number("COSTS_ARRIVALS", ARRIVALS),
        number("COSTS_CLIENTS", MANY),
    );
    let (Some(few), Some(many)) = (few, many) else {
        say("COSTS_ARRIVALS and COSTS_CLIENTS must be numbers of clients");
        return ExitCode::from(2);
    };
    let mut text = String::new();
    if few > 0 {
        text.push_str(&arrivals(charm, few));
    }
    if many > 0 {
        text.push_str(&multitude(charm, many));
    }
    // Nobody is left to tell if standard output is gone.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn arrivals(charm: &Path, count: usize) -> String {
    let mut text = format!(
        "{count} clients come while another one writes:\n\n\
         | cluster | certificates | they come | served | restarts | longest gap | request to first put, \
         median / longest |\n|---|---|---|---:|---:|---:|---:|\n"
    );
    for setting in [Setting::Three, Setting::OneDown, Setting::One] {
        for way in [Way::Signed, Way::Pinned] {
            for order in [Order::AtOnce, Order::InTurn] {
                say(&format!("{setting}, certificates {way}, {order}"));
                let seen = measure(charm, (setting, way, order), count);
                assert_eq!(seen.lost, [""; 0], "{setting}, {way}, {order}");
                let _ = writeln!(
                    text,
                    "| {setting} | {way} | {order} | {} of {} | {} | {} | {} |",
                    seen.first_puts.len(),
                    seen.count,
                    seen.restarts,
                    seconds(seen.longest_gap),
                    spread(&seen.first_puts),
                );
            }
        }
    }
    text
}

/// The median and the last of times in order.
fn spread(times: &[Duration]) -> String {
    match (times.get(times.len() / 2), times.last()) {
        (Some(median), Some(last)) => format!("{} / {}", seconds(*median), seconds(*last)),
        _ => "none".to_owned(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn multitude(charm: &Path, count: usize) -> String {
    let seen = multitude::measure(charm, count, say);
    let mut text = format!(
        "\n{count} clients with certificates from etcd on three members:\n\n\
         | what | hooks | hook tools | etcd calls | peak memory | processor time |\n\
         |---|---:|---:|---:|---:|---:|\n"
    );
    let [before, after] = seen.pass;
    for (what, sum) in [
        ("all certificates, all units", seen.signing),
        ("all access, all units", seen.granting),
        ("update-status of the leader, before", before),
        ("update-status of the leader, after", after),
    ] {
        text.push_str(&row(what, sum));
    }
    let [before, after] = seen.named_bytes;
    let _ = writeln!(
        text,
        "\nRestarts of members: {}. Names in each handshake: {before} bytes before, {after} after. From the \
         first request to the last answer {}, hooks one after the other.",
        seen.restarts,
        seconds(seen.elapsed)
    );
    text
}

fn row(what: &str, sum: Sum) -> String {
    format!(
        "| {what} | {} | {} | {} | {} | {} |\n",
        sum.hooks,
        sum.tools,
        sum.etcd,
        mebibytes(sum.memory * 1024),
        seconds(sum.time)
    )
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "costs: {text}");
}
