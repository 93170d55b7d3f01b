//! From nothing to a secure etcd.

use std::process::Command;

use crate::show::{Outcome, Show, check, failure};
use crate::view::counts::Counts;
use crate::view::status;

/// One unit, which is a cluster.
pub(crate) fn deploy(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Deploy",
        "One unit installs etcd, makes certificate authorities, and is a cluster with authentication on.",
    );
    show.screen.command("juju deploy etcd");
    show.unit = show.world.deploy();
    show.settle()?;
    show.pass_time()?;
    status::show(show, &[]);
    let status = show.world.model.unit_status(&show.unit);
    check(status.status == "active", || {
        format!("{} is {}: {}", show.unit, status.status, status.message)
    })?;

    let admin = show.admin();
    let health = admin.run(&["endpoint", "health"]);
    check(health.ok, || failure("etcdctl endpoint health", &health))?;
    let auth = auth_is_on(show)?;
    check(auth, || "etcd serves without authentication".to_owned())?;
    show.screen.good(&format!(
        "etcd answers on {}, and only to certificates that it trusts",
        show.world.url(&show.unit)
    ));
    show.at_first = Some(Counts::take(show)?);
    Ok(())
}

/// Whether etcd turns away who shows no certificate.
fn auth_is_on(show: &Show<'_>) -> Outcome<bool> {
    let authority = show.world.pki(&show.unit).join("server-ca.crt");
    let output = Command::new(show.world.etcdctl())
        .env("ETCDCTL_API", "3")
        .arg(format!("--endpoints={}", show.world.url(&show.unit)))
        .arg(format!("--cacert={}", authority.display()))
        .args(["--dial-timeout=1s", "--command-timeout=2s", "get", "a"])
        .output();
    let output = output.map_err(|error| crate::show::Stop::wrong(format!("etcdctl: {error}")))?;
    Ok(!output.status.success())
}
