//! `list-certificates`: who asks for which certificate, and whether LXD has it as
//! it should be.

use std::collections::BTreeMap;

use certificates::Fingerprint;
use juju_hooks::{ActionResults, AppName, Databag, RelationId};

use super::{ActionFailure, look};
use crate::explain;
use crate::facts::{Juju, Lxd};
use crate::plan::access::{self, Step, Wanted};

pub(super) async fn run(
    juju: &Juju,
    since: &Databag,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let (outcome, lxd) = look(juju).await?;
    // Only the leader plans for the trust store; anybody may see what it would.
    let as_leader = Juju {
        leader: true,
        ..juju.clone()
    };
    let wanted = access::wanted(&as_leader, &lxd);
    let projects = &outcome.plan.report.projects;
    let steps = access::plan(&as_leader, &lxd, &wanted, projects);
    let due: BTreeMap<&Fingerprint, &Step> = steps
        .iter()
        .map(|step| match step {
            Step::Add { fingerprint, .. }
            | Step::Update { fingerprint, .. }
            | Step::Remove { fingerprint, .. } => (fingerprint, step),
        })
        .collect();
    let mut shown: Vec<&Fingerprint> = wanted.certificates.keys().collect();
    shown.extend(
        due.keys()
            .filter(|fingerprint| !wanted.certificates.contains_key(**fingerprint)),
    );
    for (number, fingerprint) in shown.iter().enumerate() {
        show(juju, &lxd, &wanted, &due, (number, fingerprint), results);
        if let Some(since) = since.get(fingerprint.as_str()) {
            results.set(&["certificates", &number.to_string(), "registered"], since);
        }
    }
    for (number, notice) in wanted.notices.iter().enumerate() {
        results.set(&["refused", &number.to_string()], explain::notice(notice));
    }
    results.set(&["count"], shown.len().to_string());
    results.set(&["access"], explain::access(projects));
    Ok(())
}

fn show(
    juju: &Juju,
    lxd: &Lxd,
    wanted: &Wanted,
    due: &BTreeMap<&Fingerprint, &Step>,
    (number, fingerprint): (usize, &Fingerprint),
    results: &mut ActionResults,
) {
    let number = number.to_string();
    let mut set = |key: &str, text: String| results.set(&["certificates", &number, key], text);
    set("fingerprint", fingerprint.to_string());
    if let Some((certificate, relations)) = wanted.certificates.get(fingerprint) {
        let apps = relations.iter().filter_map(|id| app(juju, *id));
        let mut apps: Vec<_> = apps.map(ToString::to_string).collect();
        apps.dedup();
        set("application", apps.join(", "));
        set("expires", certificate.not_after.to_string());
    }
    let entry = lxd.entries.get(fingerprint);
    let registered_by = match entry.map(|entry| access::ours(juju, entry).is_some()) {
        Some(true) => "this application",
        Some(false) => "somebody else",
        None => "nobody",
    };
    set("registered-by", registered_by.to_owned());
    let state = match due.get(fingerprint) {
        Some(step) => format!("to do: {}", explain::step(step)),
        None => "as it should be".to_owned(),
    };
    set("in-trust-store", state);
}

fn app(juju: &Juju, relation: RelationId) -> Option<&AppName> {
    juju.relations.get(&relation)?.app.as_ref()
}
