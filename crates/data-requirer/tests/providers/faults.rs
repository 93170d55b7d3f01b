//! Hooks of the requirer that are killed, or whose commit fails half-way: the next
//! one makes everything good. The provider says nothing.

use juju_simulator::{Charm, Deployment, Model, Options};
use libtest_mimic::Trial;

use crate::setting::requirer;

const PROVIDER: &str = "
name: provider
provides:
  etcd-client:
    interface: etcd_client
";

/// More calls than any hook makes.
const CALLS: usize = 16;

pub(crate) fn all() -> Vec<Trial> {
    ["v0", "v1"]
        .into_iter()
        .map(|version| {
            Trial::test(format!("killed_anywhere_in_{version}"), move || {
                killed_anywhere(version);
                Ok(())
            })
        })
        .collect()
}

fn killed_anywhere(version: &str) {
    let mut model = Model::new(Options::temporary()).unwrap();
    model.deploy("provider", Charm::puppet(PROVIDER));
    let deployment = Deployment::units(1)
        .config("version", version)
        .config("days", 1);
    model.deploy_with("app", requirer(), deployment);
    settle(&mut model);
    let mut failed = 0;
    for call in 0..=CALLS {
        let relation = model.integrate("provider:etcd-client", "app:etcd");
        fault(&mut model, call);
        failed += settle(&mut model);
        assert_shared(&model, relation, call);
        // A renewal, and back to certificates of a day for the next round.
        let before = certificate(&model);
        for days in [90, 1] {
            model.set_config("app", "days", days);
            fault(&mut model, call);
            failed += settle(&mut model);
            assert_shared(&model, relation, call);
        }
        assert_ne!(certificate(&model), before, "it was renewed, {call}");

        model.remove_relation(relation);
        fault(&mut model, call);
        failed += settle(&mut model);
        assert!(model.secrets("app").is_empty(), "something is left, {call}");
    }
    assert!(failed >= 3 * CALLS, "only {failed} hooks failed");
}

/// The hook is killed after so many calls; with none, its commit fails.
fn fault(model: &mut Model, call: usize) {
    match call {
        0 => model.fail_next_commit("app/0"),
        call => model.kill_after_tool_call("app/0", call),
    }
}

/// Gives how many hooks failed.
fn settle(model: &mut Model) -> usize {
    let runs = match model.settle(100) {
        Ok(runs) => runs,
        Err(error) => panic!("{error}"),
    };
    model.mend_tools("app/0");
    runs.iter().filter(|run| !run.succeeded()).count()
}

fn certificate(model: &Model) -> String {
    let secrets = model.secrets("app");
    let mut shared = secrets
        .iter()
        .filter_map(|secret| secret.latest().get("mtls-cert"));
    shared.next().expect("a certificate is shared").clone()
}

/// There is one secret with the certificate, which the databag names and the
/// provider may read, and one with the key, which nobody may read.
fn assert_shared(model: &Model, relation: juju_simulator::RelationId, call: usize) {
    let secrets = model.secrets("app");
    assert_eq!(secrets.len(), 2, "{call}: {secrets:?}");
    let (shared, own): (Vec<_>, Vec<_>) = secrets
        .iter()
        .partition(|secret| secret.latest().contains_key("mtls-cert"));
    assert_eq!(
        (shared[0].grants.len(), own[0].grants.len()),
        (1, 0),
        "{call}"
    );
    assert_eq!(
        shared[0].latest()["mtls-cert"],
        own[0].latest()["client-cert"]
    );
    let bag = model.app_bag(relation, "app");
    let names_it = bag.values().any(|value| value.contains(&shared[0].id));
    assert!(names_it, "{call}: {bag:?}");
}
