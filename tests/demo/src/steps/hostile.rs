//! Certificates that must not be trusted.

use etcd_charm_world::{Certificate, Kind, V0};

use crate::screen::wrap;
use crate::show::{Outcome, Show, check};
use crate::steps::use_it::untrusted;
use crate::view::counts::Counts;

/// One who sends a certificate authority, and one who would be root.
pub(crate) fn refuse(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Hostile requests",
        "`mallory` sends a certificate authority, which could sign any name; `eve` calls herself root.",
    );
    let (starts, before) = (show.starts(), Counts::take(show)?);
    let authority = show.authority.issue_kind("mallory", Kind::Authority);
    let root = show.authority.issue("root");
    ask(show, "mallory", "/shop/", &authority);
    ask(show, "eve", "/", &root);
    show.settle()?;

    let status = show.world.model.app_status("etcd");
    show.screen.command("juju status etcd");
    for line in wrap(&format!("{}: {}", status.status, status.message), 94) {
        show.screen.show(&format!("  {line}"));
    }
    let refused = [("mallory", "CA certificate"), ("eve", "root")];
    for (relation, (app, reason)) in show.refused.iter().zip(refused) {
        let named = format!("{app} refused: ");
        let part = status
            .message
            .split("; ")
            .find(|part| part.starts_with(&named));
        check(part.is_some_and(|part| part.contains(reason)), || {
            format!("the status does not tell why {app} is refused")
        })?;
        let answer = show.world.model.app_bag(*relation, "etcd");
        check(answer.is_empty(), || {
            format!("relation {relation} was answered")
        })?;
    }
    let unit = show.unit.clone();
    let eve = show.world.client(&unit, &root);
    untrusted(show, &eve, "eve")?;
    let mallory = show.world.client(&unit, &authority);
    untrusted(show, &mallory, "mallory")?;

    let after = Counts::take(show)?;
    check(after.is_access_of_clients(&before), || {
        format!("something changed for a refused request: {before:?}, then {after:?}")
    })?;
    let restarts = show.starts() - starts;
    check(restarts == 0, || {
        format!("etcd was restarted {restarts} times")
    })?;
    for access in &show.accesses {
        let key = format!("{}still-here", access.prefix);
        let answer = access.etcdctl.run(&["put", &key, "yes"]);
        check(answer.ok, || {
            format!("{} cannot write any more", access.certificate.common_name)
        })?;
    }
    show.screen.good(
        "both are refused with the reason; no user, no trust, no restart, the others work on",
    );
    Ok(())
}

fn ask(show: &mut Show<'_>, app: &str, prefix: &str, certificate: &Certificate) {
    let relation = show.world.relate(app);
    let model = &mut show.world.model;
    V0::ask(model, app, relation, prefix).set_certificate(model, &certificate.certificate);
    show.refused.push(relation);
}
