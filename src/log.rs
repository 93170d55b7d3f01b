//! Where log lines go. Juju records what a hook writes to standard output at
//! DEBUG and what it writes to standard error at WARNING, for free; a call of
//! `juju-log` is a process. So details go to standard output, and only what an
//! operator should find at INFO goes through the hook tool.

use std::io::Write;

use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::hook::Event;

/// Starts logging. In an action standard output becomes part of the result, so
/// nothing is written there.
pub fn start(event: &Event) {
    if matches!(event, Event::Action(_)) {
        return;
    }
    let lines = fmt::layer()
        .without_time()
        .with_ansi(false)
        .with_writer(std::io::stdout)
        .with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
            metadata.target().starts_with("etcd_charm")
        }));
    // It can only fail if somebody has started it before, which is as well.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        text.push_str(": ");
        text.push_str(&line);
        cause = error.source();
    }
    text
}

/// Prints an error and its causes, once, on standard error.
pub fn error(error: &dyn std::error::Error) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{}", chain(error));
}
