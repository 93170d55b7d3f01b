//! An application takes its certificate from etcd.

use etcd_charm_world::{SigningRequest, V0};

use crate::show::{Outcome, Show, Stop, check};

const APP: &str = "jobs";

/// It comes and goes, and nothing is restarted.
pub(crate) fn come_and_go(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Take a certificate from etcd",
        "An application that asks etcd for its certificate has access without a restart.",
    );
    show.screen
        .command("juju integrate etcd:certificates jobs:certificates");
    show.screen
        .command("juju integrate etcd:etcd-client jobs:etcd");
    let starts = show.starts();
    let signing = show.world.relate_certificates(APP);
    let request = SigningRequest::new(APP);
    show.world.ask_to_sign(&signing, &[&request]);
    show.settle()?;
    let shown = show.world.signed(&signing, &request);
    let shown = shown.ok_or_else(|| Stop::wrong("nothing was signed"))?;
    let relation = show.world.relate(APP);
    let mut jobs = V0::ask(&mut show.world.model, APP, relation, "/jobs/");
    jobs.set_certificate(&mut show.world.model, &shown.certificate);
    show.settle()?;
    let told = show.world.told(&jobs);
    let told = told.ok_or_else(|| Stop::wrong("jobs was not answered"))?;
    let etcdctl = show.world.follow(&told, &shown);
    let put = etcdctl.run(&["put", "/jobs/next", "1"]);
    check(put.ok, || format!("jobs cannot write: {}", put.stderr))?;
    let is_bounded = !etcdctl.run(&["put", "/shop/basket", "stolen"]).ok;
    check(is_bounded, || "jobs writes what is shop's".to_owned())?;
    show.screen
        .command("juju remove-relation etcd:certificates jobs:certificates");
    show.world.model.remove_relation(signing.relation);
    show.settle()?;
    let is_open = etcdctl.impatient().run(&["get", "/jobs/next"]).ok;
    check(!is_open, || "the certificate opens keys still".to_owned())?;
    show.world.model.remove_relation(relation);
    show.settle()?;
    let gone = show.admin().run(&["del", "/jobs/next"]);
    check(gone.ok, || format!("nothing is deleted: {}", gone.stderr))?;
    let restarts = show.starts() - starts;
    check(restarts == 0, || {
        format!("etcd was restarted {restarts} times")
    })?;
    show.screen.good(
        "jobs has written its keys, and is shut out now; etcd was not restarted for any of it",
    );
    Ok(())
}
