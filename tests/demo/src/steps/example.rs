//! A real charm uses etcd, with a certificate that etcd signs.

use etcd_charm_world::juju::{Charm, Deployment};
use etcd_charm_world::{RelationId, UnitName};
use serde_json::json;

use crate::show::{Outcome, Show, check};
use crate::view::counts::Counts;

const APP: &str = "etcd-client-example";

/// The example charm comes, works and goes, and no etcd restarts.
pub(crate) fn show(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Relate an application without a restart",
        "The charm `etcd-client-example` has its certificate signed by etcd, and writes, reads and watches a key.",
    );
    let starts = show.starts();
    let root = show.world.model.directory().join("example");
    let deployment =
        Deployment::units(1).environment("ETCD_CLIENT_EXAMPLE_ROOT", root.display().to_string());
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../charms/etcd-client-example"
    );
    let charm = Charm::at(source).with_dispatch(&show.example);
    show.screen.command(&format!("juju deploy {APP}"));
    show.world.model.deploy_with(APP, charm, deployment);
    let certificates = integrate(show, "certificates", "certificates");
    let relation = integrate(show, "etcd", "etcd-client");
    show.settle()?;
    show.pass_time()?;
    let unit = UnitName::new(APP, 0);
    let status = show.world.model.unit_status(unit.clone());
    show.screen.command(&format!("juju status {APP}"));
    show.screen
        .show(&format!("  {}: {}", status.status, status.message));
    check(status.status == "active", || {
        format!("{unit} is {}: {}", status.status, status.message)
    })?;

    measure(show, &unit)?;
    for id in [relation, certificates] {
        show.world.model.remove_relation(id);
        show.settle()?;
    }
    show.pass_time()?;
    let users = show.admin_lines(&["user", "list"])?;
    check(users == ["root"], || {
        format!(
            "after the end of the relation there are {}",
            users.join(", ")
        )
    })?;
    let restarts = show.starts() - starts;
    check(restarts == 0, || {
        format!("etcd was restarted {restarts} times")
    })?;
    show.screen
        .good("it came, worked and went; etcd was not restarted, and its user is gone");
    // Its name is kept from others, and its data stays.
    show.at_first = Some(Counts::take(show)?);
    Ok(())
}

/// What a key costs it, as an operator asks.
fn measure(show: &mut Show<'_>, unit: &UnitName) -> Outcome<()> {
    show.screen
        .command(&format!("juju run {APP}/leader measure count=20"));
    let measured = show
        .world
        .run_action(unit, "measure", json!({ "count": 20 }));
    check(measured.status == "completed", || {
        format!("measure failed: {}", measured.message)
    })?;
    for kind in ["get", "put", "watch"] {
        let median = measured.results[kind]["median"].as_str();
        let median = median.unwrap_or("not measured");
        show.screen.show(&format!("  {kind}: {median}"));
    }
    Ok(())
}

fn integrate(show: &mut Show<'_>, own: &str, theirs: &str) -> RelationId {
    let ends = (format!("{APP}:{own}"), format!("etcd:{theirs}"));
    show.screen
        .command(&format!("juju integrate {} {}", ends.0, ends.1));
    show.world.model.integrate(&ends.1, &ends.0)
}
