//! Where log lines go. Juju records what a hook writes to standard output at
//! DEBUG and what it writes to standard error at WARNING, for free; a call of
//! `juju-log` is a process. So details go to standard output, warnings to standard
//! error, and only what an operator should find at INFO goes through the hook tool.
//! No line names its level: Juju writes it before each of them.

use std::io::{self, Write};

pub use juju_hooks::chain;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter, writer::MakeWriterExt};
use tracing_subscriber::prelude::*;

use crate::hook::Event;

/// Starts logging. In an action standard output becomes part of the result, so
/// nothing is written there.
pub fn start(event: &Event) {
    if matches!(event, Event::Action(_)) {
        return;
    }
    let writer = io::stderr.with_max_level(Level::WARN).or_else(io::stdout);
    // It can only fail if somebody has started it before, which is as well.
    let _ = subscriber(writer).try_init();
}

/// Writes what this charm says, and nothing of the libraries that it is made of.
fn subscriber(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> impl Subscriber {
    let lines = fmt::layer()
        .without_time()
        .with_level(false)
        .with_ansi(false)
        .with_writer(writer)
        .with_filter(filter_fn(|metadata| {
            metadata.target().starts_with("etcd_charm")
        }));
    tracing_subscriber::registry().with(lines)
}

/// Prints an error and its causes, once, on standard error.
pub fn error(error: &dyn std::error::Error) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr(), "{}", chain(error));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written, shared with whoever looks at it.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            let bytes = self.0.lock().expect("one thread");
            String::from_utf8(bytes.clone()).expect("a text")
        }
    }

    #[test]
    fn juju_says_the_level_and_lines_do_not_repeat_it() {
        let (details, warnings) = (Written::default(), Written::default());
        let writers = (details.clone(), warnings.clone());
        let writer = (move || writers.1.clone())
            .with_max_level(Level::WARN)
            .or_else(move || writers.0.clone());
        tracing::subscriber::with_default(subscriber(writer), || {
            tracing::debug!(stage = "publish", "planned");
            tracing::warn!("the resource is not there");
            tracing::warn!(target: "h2", "a library's own");
        });
        assert_eq!(
            details.text(),
            "etcd_charm::log::tests: planned stage=\"publish\"\n"
        );
        assert_eq!(
            warnings.text(),
            "etcd_charm::log::tests: the resource is not there\n"
        );
    }
}
