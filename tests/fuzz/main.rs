//! Hostile and damaged input for everything that reads text or bytes which
//! somebody else wrote: databags, certificates, output of hook tools, our own
//! files and records. The input is made with its structure in mind, most of it
//! nearly right, since noise alone comes no further than the first check.
//!
//! `make fuzz` runs the same for longer: FUZZ_TIMES says how many times as many
//! cases as every `cargo test` tries. Not proptest's own PROPTEST_CASES, which
//! would be the same number for what takes microseconds and what takes seconds.
//! Input that once failed is kept in `regressions.txt` and is tried first.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod answers;
mod bags;
mod certificates;
mod environment;
mod ledger;
mod local;
mod options;
mod requests;
mod statuses;
mod texts;
mod tools;

use juju_hooks::chain;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed};

/// So many cases, the same in every run, so that a change is judged by itself;
/// with `FUZZ_TIMES` so many times as many new ones.
fn cases(number: u32) -> Config {
    let times = std::env::var("FUZZ_TIMES").ok();
    let times: Option<u32> = times.map(|times| times.parse().unwrap());
    Config {
        cases: number.saturating_mul(times.unwrap_or(1)),
        rng_seed: match times {
            Some(_) => RngSeed::Random,
            None => RngSeed::Fixed(1),
        },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/fuzz/regressions.txt",
        ))),
        ..Config::default()
    }
}

/// Longest reason that is given to an operator, in characters: what a status
/// shows of it, and no flood of a log.
const LONGEST_REASON: usize = 400;

/// Asserts that a text is fit for a status or a line of a log: one line that is
/// not too long, and nothing in it that a terminal would act on or hide.
fn assert_line(text: &str) {
    assert!(!text.is_empty());
    assert!(text.chars().count() <= LONGEST_REASON, "too long: {text}");
    let is_unfit = |c: char| c.is_control() || "\u{2028}\u{2029}\u{202e}\u{200b}".contains(c);
    assert!(!text.contains(is_unfit), "{text:?}");
}
