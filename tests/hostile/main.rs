//! Every certificate of the corpus, sent by a requirer to the real program with
//! a real etcd: one that is refused changes nothing for anybody, and one that
//! is accepted opens exactly what it should.
//!
//! A plain run sends every certificate. With `HOSTILE_SWEEP=all` each is sent
//! over both versions of the interface, and to each version of etcd.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod accepted;
#[path = "../certificates/corpus.rs"]
mod corpus;
mod refused;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(4);
    let mut trials = vec![
        trial(
            "hostile_requests_of_version_1_are_refused",
            refused::version_1,
        ),
        trial(
            "hostile_rotations_of_version_0_are_refused",
            refused::version_0,
        ),
        trial(
            "hostile_every_etcd_starts_with_each_kind_of_key",
            accepted::versions,
        ),
    ];
    for share in 0..accepted::SHARES {
        let name = format!("hostile_what_is_accepted_serves_{share}");
        trials.push(trial(&name, move || accepted::share(share)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}
