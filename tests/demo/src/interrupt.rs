//! Ctrl-C. It is only noted here; the steps look at the note after every hook,
//! so that what they started is ended by whoever started it.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

static CAME: AtomicBool = AtomicBool::new(false);

/// From now on the signals that end a program are noted instead.
pub(crate) fn watch() {
    let noted = ctrlc::set_handler(|| {
        if !CAME.swap(true, Ordering::SeqCst) {
            // Nobody is left to tell if standard error is gone.
            let _ = writeln!(
                std::io::stderr(),
                "\ninterrupted: stopping etcd and removing its files"
            );
        }
    });
    // It can only fail if somebody else watches, which nobody here does.
    drop(noted);
}

/// Whether such a signal came.
pub(crate) fn came() -> bool {
    CAME.load(Ordering::SeqCst)
}
