//! Interoperation: requirers that run the libraries of Canonical, unmodified and
//! as real processes, ask this charm for access to a real etcd. What counts is
//! what a library fires in its charm, and what the charm can then do with etcd;
//! the databag is the libraries' and ours, and nobody else looks into it.
//!
//! The libraries are fetched by `tests/tools/python`. Where they cannot be had
//! these tests are counted as ignored, except that with `CI=true` they fail.

mod across;
mod authority;
mod cluster;
mod libraries;
mod requirer;
mod signed;
mod signer;
mod story;
mod v0;
mod v1;

use std::io::Write as _;

use libtest_mimic::Trial;

pub(crate) fn stories() -> Vec<Trial> {
    let stories: Vec<Trial> = [
        v1::stories(),
        v0::stories(),
        cluster::stories(),
        across::stories(),
        authority::stories(),
        signed::stories(),
        signer::stories(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if libraries::are_here() {
        return stories;
    }
    let (reason, count) = (libraries::MISSING, stories.len());
    // Whether this can be written or not, the tests are counted.
    let _ = writeln!(std::io::stderr(), "interop: {reason}, for {count} tests");
    let must_run = std::env::var_os("CI").is_some_and(|value| value == "true");
    let ignored = |story: Trial| story.with_ignored_flag(!must_run);
    stories.into_iter().map(ignored).collect()
}
