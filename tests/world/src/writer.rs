//! A client that writes without pause while a cluster is shaken, and reads
//! back in the end what it was told was written.
//!
//! It behaves as a client library should: it stays with one member for as long
//! as that answers, goes on to the next of the endpoints that it was told when
//! it does not, and takes other endpoints as soon as it is told of them. Each
//! write has a key of its own, so a write whose outcome is unknown harms no
//! other, and is not counted as acknowledged.

mod failover;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::client::Certificate;
use crate::told::Told;
use failover::{Access, Failover};

/// How long the first write, the last, and the reading back may take: longer
/// than any election on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// What lies between two writes, so that the writer does not take what the
/// cluster needs to recover.
const PAUSE: Duration = Duration::from_millis(5);

/// A client that writes in a thread of its own.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<BTreeSet<String>>>,
}

/// What a writer has seen.
#[derive(Clone, Debug)]
pub struct Written {
    /// Writes that etcd acknowledged.
    pub acknowledged: usize,
    /// Attempts that failed or were not answered in time.
    pub failed: usize,
    /// The longest time between two acknowledgements that follow one another.
    pub longest_gap: Duration,
    /// Why attempts failed in that time, and how many did so.
    pub reasons: BTreeMap<String, usize>,
    /// Keys that were acknowledged and are not there any more.
    pub lost: Vec<String>,
}

struct Shared {
    access: Mutex<Access>,
    is_over: AtomicBool,
    journal: Mutex<Journal>,
}

struct Journal {
    acknowledged: Vec<String>,
    failed: usize,
    last: Option<Instant>,
    longest_gap: Duration,
    /// Failures since the last acknowledgement, and those in the longest gap.
    failures: BTreeMap<String, usize>,
    reasons: BTreeMap<String, usize>,
}

impl Writer {
    /// Begins to write below `prefix` as whoever has this certificate and was
    /// told this, and waits until the first write is acknowledged.
    ///
    /// # Panics
    /// Panics if none is.
    #[must_use]
    pub fn begin(told: &Told, certificate: &Certificate, prefix: &str) -> Self {
        let shared = Arc::new(Shared {
            access: Mutex::new(Access::new(told, certificate)),
            is_over: AtomicBool::new(false),
            journal: Mutex::new(Journal {
                acknowledged: Vec::new(),
                failed: 0,
                last: None,
                longest_gap: Duration::ZERO,
                failures: BTreeMap::new(),
                reasons: BTreeMap::new(),
            }),
        });
        let thread = {
            let (shared, prefix) = (Arc::clone(&shared), prefix.to_owned());
            thread::spawn(move || write(&shared, &prefix))
        };
        let writer = Self {
            shared,
            thread: Some(thread),
        };
        writer.wait_for_another();
        writer
    }

    /// Tells the writer what its relation says now.
    pub fn follow(&self, told: &Told) {
        self.access().follow(told);
    }

    /// Waits until a write is acknowledged that was not before.
    ///
    /// # Panics
    /// Panics if none is.
    pub fn wait_for_another(&self) {
        let before = self.journal().acknowledged.len();
        let begun = Instant::now();
        // The one under way may have been acknowledged before this was asked.
        while self.journal().acknowledged.len() < before + 2 {
            let failures = self.journal().failures.clone();
            assert!(
                begun.elapsed() < PATIENCE,
                "no write succeeds: {failures:?}"
            );
            thread::sleep(PAUSE);
        }
    }

    /// Ends the writing, once another write has succeeded, and reads back.
    ///
    /// # Panics
    /// Panics if no write succeeds any more, or if nothing can be read.
    #[must_use]
    pub fn finish(mut self) -> Written {
        self.wait_for_another();
        self.shared.is_over.store(true, Ordering::SeqCst);
        let thread = self.thread.take().expect("a writer is finished once");
        let found = thread.join().expect("the writer does not panic");
        let journal = self.journal();
        let lost = journal.acknowledged.iter();
        Written {
            acknowledged: journal.acknowledged.len(),
            failed: journal.failed,
            longest_gap: journal.longest_gap,
            reasons: journal.reasons.clone(),
            lost: lost.filter(|key| !found.contains(*key)).cloned().collect(),
        }
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.shared.access.lock().expect("no holder panics")
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.shared.journal.lock().expect("no holder panics")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A story that failed leaves it running otherwise.
        self.shared.is_over.store(true, Ordering::SeqCst);
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} writes acknowledged, {} lost, {} attempts failed, longest gap {:.2?}",
            self.acknowledged,
            self.lost.len(),
            self.failed,
            self.longest_gap
        )
    }
}

/// Writes until it is over, then gives all keys that are there.
fn write(shared: &Shared, prefix: &str) -> BTreeSet<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let mut client = Failover::default();
        for number in 0_u64.. {
            if shared.is_over.load(Ordering::SeqCst) {
                break;
            }
            let key = format!("{prefix}{number:08}");
            client.take(&shared.access.lock().expect("no holder panics"));
            let outcome = client.put(&key).await;
            shared
                .journal
                .lock()
                .expect("no holder panics")
                .note(key, outcome);
            tokio::time::sleep(PAUSE).await;
        }
        let begun = Instant::now();
        loop {
            client.take(&shared.access.lock().expect("no holder panics"));
            match client.keys(prefix).await {
                Ok(keys) => return keys,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "nothing is read: {error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

impl Journal {
    fn note(&mut self, key: String, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                let now = Instant::now();
                let failures = std::mem::take(&mut self.failures);
                if let Some(last) = self.last.replace(now)
                    && now - last > self.longest_gap
                {
                    self.longest_gap = now - last;
                    self.reasons = failures;
                }
                self.acknowledged.push(key);
            }
            Err(error) => {
                self.failed += 1;
                *self.failures.entry(error).or_default() += 1;
            }
        }
    }
}
