//! Somebody who tries all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use etcd_charm_world::{Answer, Etcdctl};

/// One try: when it began and ended, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Try {
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) answer: Answer,
}

/// A client that makes one call over and over.
pub(crate) struct Probe {
    over: Arc<AtomicBool>,
    tries: JoinHandle<Vec<Try>>,
}

impl Probe {
    /// Begins to make this call.
    pub(crate) fn begin(client: Etcdctl, call: &'static [&'static str]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let tries = std::thread::spawn(move || {
            let mut tries = Vec::new();
            while !until.load(Ordering::SeqCst) {
                let begun = Instant::now();
                let answer = client.run(call);
                tries.push(Try {
                    begun,
                    ended: Instant::now(),
                    answer,
                });
                std::thread::sleep(Duration::from_millis(20));
            }
            tries
        });
        Self { over, tries }
    }

    /// Ends it, and gives what it tried.
    pub(crate) fn end(self) -> Vec<Try> {
        self.over.store(true, Ordering::SeqCst);
        self.tries.join().unwrap()
    }
}
