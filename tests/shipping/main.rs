//! What publishing needs, for each charm of `release/charms`: what Charmhub's
//! listing checks, Terraform modules, workflows, and the scripts that these run.
//!
//! The tools that read modules and workflows are made by `tests/shipping/setup`;
//! where they are missing those tests are counted as ignored. With
//! `SHIPPING_WRITE=1` the tables in the modules' documents are written.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect has failed, and says what it misses"
)]

mod charm;
mod listing;
mod module;
mod release;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let has_tools = tool("version").is_file();
    if !has_tools {
        eprintln!("shipping: some are ignored: there are no tools: `tests/shipping/setup`");
    }
    let mut trials = Vec::new();
    let mut add = |names: Vec<(&str, fn())>, is_ignored: bool| {
        for (name, test) in names {
            let run = move || {
                test();
                Ok(())
            };
            trials.push(Trial::test(name, run).with_ignored_flag(is_ignored));
        }
    };
    add(listing::tests(), false);
    add(release::tests(), false);
    add(workflows::tests(), !has_tools);
    add(module::tests(), !has_tools);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A tool that the set-up made.
fn tool(name: &str) -> PathBuf {
    root().join("target/tools/shipping").join(name)
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
