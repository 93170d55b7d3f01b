//! What `juju status` shows.

use etcd_charm_world::juju::AgentState;

use crate::show::Show;
use crate::table::Table;

/// Shows applications and units; `apps` are those that somebody plays by hand.
pub(crate) fn show(show: &Show<'_>, apps: &[&str]) {
    let model = &show.world.model;
    let screen = show.screen;
    screen.command("juju status");
    let mut table = Table::of(&["App", "Version", "Status", "Scale", "Message"]);
    let status = model.app_status("etcd");
    table.row([
        "etcd".to_owned(),
        model.workload_version("etcd").to_owned(),
        status.status,
        model.units("etcd").len().to_string(),
        status.message,
    ]);
    for app in apps {
        table.row([*app, "", "-", "1", "played by this demonstration"].map(str::to_owned));
    }
    table.show(screen);
    let mut table = Table::of(&["Unit", "Workload", "Agent", "Address", "Ports", "Message"]);
    for unit in model.units("etcd") {
        let status = model.unit_status(&unit);
        let star = if model.is_leader(&unit) { "*" } else { "" };
        let agent = match model.agent_state(&unit) {
            AgentState::Idle => "idle",
            AgentState::Error(_) => "error",
        };
        table.row([
            format!("{unit}{star}"),
            status.status,
            agent.to_owned(),
            model.address(&unit),
            model.open_ports(&unit).join(","),
            status.message,
        ]);
    }
    table.show(screen);
}
