//! A client that writes all the time, and knows what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use etcd_charm_world::Etcdctl;

use crate::patience::eventually;

/// How often it writes when nothing is in its way.
const PAUSE: Duration = Duration::from_millis(50);

/// So many writes are seen before and after whatever happens meanwhile.
const SEEN: usize = 10;

/// Many times what that takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A writer at work.
pub(crate) struct Writer {
    client: Etcdctl,
    prefix: String,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    thread: JoinHandle<(Vec<String>, Duration)>,
}

impl Writer {
    /// Begins to write keys below the prefix. It gives up a write soon, since
    /// one that is lost with its member would hold up the next ones.
    pub(crate) fn start(client: &Etcdctl, prefix: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&count));
        let (writer, at) = (client.impatient(), prefix.to_owned());
        let thread = std::thread::spawn(move || {
            let mut acknowledged = Vec::new();
            let (mut last, mut gap) = (Instant::now(), Duration::ZERO);
            for number in 0.. {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let key = format!("{at}{number}");
                if writer.run(&["put", &key, "written"]).ok {
                    acknowledged.push(key);
                    counted.fetch_add(1, Ordering::SeqCst);
                    gap = gap.max(last.elapsed());
                    last = Instant::now();
                }
                std::thread::sleep(PAUSE);
            }
            (acknowledged, gap.max(last.elapsed()))
        });
        let begun = Self {
            client: client.clone(),
            prefix: prefix.to_owned(),
            stop,
            count,
            thread,
        };
        begun.goes_on();
        begun
    }

    fn goes_on(&self) {
        let before = self.count.load(Ordering::SeqCst);
        eventually("some writes", PATIENCE, || {
            (self.count.load(Ordering::SeqCst) >= before + SEEN).then_some(())
        });
    }

    /// Ends, reads back, and says how long it could not write at the longest.
    ///
    /// # Panics
    /// Panics if something is gone that was acknowledged, or it cannot write.
    pub(crate) fn stop(self) {
        self.goes_on();
        self.stop.store(true, Ordering::SeqCst);
        let (acknowledged, gap) = self.thread.join().unwrap();
        let found = self
            .client
            .lines(&["get", "--prefix", "--keys-only", &self.prefix]);
        let found: std::collections::BTreeSet<String> = found.into_iter().collect();
        let lost: Vec<_> = acknowledged
            .iter()
            .filter(|key| !found.contains(*key))
            .collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let count = acknowledged.len();
        let gap = gap.as_secs_f32();
        eprintln!("machines:   {count} writes, none lost, longest gap {gap:.1} s");
    }
}
