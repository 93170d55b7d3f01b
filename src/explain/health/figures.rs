//! How a cluster is, in figures.

use std::time::Duration;

use crate::facts::{Answer, Health, MemberHealth};
use crate::juju::ActionResults;

/// The figures. All of it lies below `status`, which Juju prints after `output`: it sorts
/// the keys.
pub fn figures(results: &mut ActionResults, health: &Health) {
    let mut set = |path: &[&str], text: String| {
        let path: Vec<_> = ["status"].iter().chain(path).copied().collect();
        results.set(&path, text);
    };
    set(&["healthy"], health.assessment().is_healthy.to_string());
    if let Some(leader) = health.leader() {
        set(&["leader"], health.name_of(leader));
    }
    set(&["quorum", "voters"], health.votes().to_string());
    set(&["quorum", "needed"], health.needed().to_string());
    set(&["quorum", "serving"], health.serving().to_string());
    let margin = match health.margin() {
        Some(margin) => margin.to_string(),
        None => "lost".to_owned(),
    };
    set(&["quorum", "may-be-lost"], margin);
    if let Some((member, round_trip)) = health.slowest() {
        set(&["slowest", "member"], member.called(&health.app));
        set(&["slowest", "round-trip-ms"], milliseconds(round_trip));
    }
    set(&["versions"], joined(health.versions()));
    set(&["advisories"], joined(health.advisories()));
    let alarms = health.alarms().into_iter();
    let alarms = alarms.map(|alarm| format!("{} on {}", alarm.kind, health.name_of(alarm.member)));
    set(&["alarms"], joined(alarms));
    for member in &health.members {
        let leads = health.leader() == Some(member.member.id);
        set(
            &["members", &member.key(), "called"],
            member.called(&health.app),
        );
        for (key, text) in of_member(member, leads) {
            set(&["members", &member.key(), key], text);
        }
    }
}

/// What is said of one member, by keys.
fn of_member(health: &MemberHealth, leads: bool) -> Vec<(&'static str, String)> {
    let member = &health.member;
    let mut figures = vec![
        ("id", member.id.to_string()),
        ("address", joined(&member.client_urls)),
        ("leads", leads.to_string()),
        ("learner", member.learner.to_string()),
        ("answers", health.details().is_some().to_string()),
        ("serves", health.round_trip().is_some().to_string()),
    ];
    if let Some(problem) = health.problem() {
        figures.push(("problem", problem));
    }
    if let Answer::Answers(details, round_trip) = &health.answer {
        figures.extend([
            ("version", details.status.version.to_string()),
            ("database-bytes", details.size.to_string()),
            ("in-use-bytes", details.in_use.to_string()),
            ("fragmentation-percent", details.fragmentation().to_string()),
            ("revision", details.revision.to_string()),
        ]);
        if let Some(quota) = details.quota {
            figures.push(("quota-bytes", quota.to_string()));
        }
        if let Ok(round_trip) = round_trip {
            figures.push(("round-trip-ms", milliseconds(*round_trip)));
        }
    }
    figures
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

/// A list as one text; a word where it is empty, since Juju shows nothing of an
/// empty text.
fn joined(list: impl IntoIterator<Item = impl ToString>) -> String {
    let list: Vec<_> = list.into_iter().map(|item| item.to_string()).collect();
    match list.as_slice() {
        [] => "none".to_owned(),
        list => list.join(", "),
    }
}
