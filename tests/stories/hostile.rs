//! Every certificate of the corpus, sent by a requirer to the real program with
//! a real etcd: one that is refused changes nothing for anybody, and one that
//! is accepted opens exactly what it should.
//!
//! A plain run sends every certificate. With `HOSTILE_SWEEP=all` each is sent
//! over both versions of the interface, and to each version of etcd.

mod accepted;
#[path = "../certificates/corpus.rs"]
mod corpus;
mod refused;
mod support;

use libtest_mimic::Trial;

use crate::support::story;

pub(crate) fn stories() -> Vec<Trial> {
    let stories: [(&str, fn()); 3] = [
        (
            "hostile_requests_of_version_1_are_refused",
            refused::version_1,
        ),
        (
            "hostile_rotations_of_version_0_are_refused",
            refused::version_0,
        ),
        (
            "hostile_every_etcd_starts_with_each_kind_of_key",
            accepted::versions,
        ),
    ];
    let mut stories: Vec<_> = stories.map(|(name, tell)| story(name, tell)).into();
    stories.extend((0..accepted::SHARES).map(|share| {
        let name = format!("hostile_what_is_accepted_serves_{share}");
        story(&name, move || accepted::share(share))
    }));
    stories
}
