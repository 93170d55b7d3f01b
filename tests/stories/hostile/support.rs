//! What the hostile stories have in common.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::SystemTime;

use etcd_charm::facts::Timestamp;
use etcd_charm::tls::ClientCertificate;
use etcd_charm_world::{Certificate, Etcdctl, Programs, UnitName, World};
use serde_json::Value;

use crate::hostile::corpus::{self, Entry, Outcome};
use crate::support::{ask_v0, certificate, options};

/// Made once, since RSA keys take their time.
pub(crate) static CORPUS: LazyLock<Vec<Entry>> =
    LazyLock::new(|| corpus::entries(SystemTime::now().into()));

/// Whether everything is sent in every way.
pub(crate) fn is_sweep() -> bool {
    std::env::var_os("HOSTILE_SWEEP").is_some()
}

/// What a requirer can send of an entry, and what has to be said of it. Juju
/// carries text, so what is none arrives as what it can be read as.
pub(crate) fn sent(entry: &Entry) -> (String, Outcome) {
    match String::from_utf8(entry.text.clone()) {
        Ok(text) => (text, entry.expected.clone()),
        Err(_) => {
            let text = String::from_utf8_lossy(&entry.text).into_owned();
            let now: Timestamp = SystemTime::now().into();
            let outcome = Outcome::of(&ClientCertificate::check(text.as_bytes(), now));
            assert!(matches!(outcome, Outcome::Refused(_)), "{}", entry.name);
            (text, outcome)
        }
    }
}

/// A world with one unit of etcd, at rest.
pub(crate) fn world(programs: Programs) -> (World, UnitName) {
    let mut world = World::new(options(programs));
    let unit = world.deploy();
    world.settle();
    (world, unit)
}

/// A client that uses etcd all the time and must never be refused.
pub(crate) struct Bystander {
    over: Arc<AtomicBool>,
    working: Option<JoinHandle<Result<u32, String>>>,
}

impl Bystander {
    /// Grants a client and lets it work.
    pub(crate) fn begin(world: &mut World, unit: &UnitName) -> Self {
        let certificate = certificate("bystander");
        ask_v0(world, "bystander", "/bystander/", &certificate);
        world.rest();
        let client = world.client(unit, &certificate);
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let working = std::thread::spawn(move || work(&client, &until));
        Self {
            over,
            working: Some(working),
        }
    }

    /// Ends its work, of which every bit must have succeeded.
    pub(crate) fn end(mut self) {
        self.over.store(true, Ordering::SeqCst);
        let worked = self.working.take().unwrap().join().unwrap();
        let rounds = worked.unwrap_or_else(|error| panic!("the bystander was refused: {error}"));
        assert!(rounds > 1, "the bystander hardly worked");
    }
}

fn work(client: &Etcdctl, over: &AtomicBool) -> Result<u32, String> {
    for round in 1.. {
        let value = round.to_string();
        let put = client.run(&["put", "/bystander/key", &value]);
        let get = client.run(&["get", "--print-value-only", "/bystander/key"]);
        if !put.ok || get.stdout.trim() != value {
            return Err(format!("round {round}: {put:?} {get:?}"));
        }
        if over.load(Ordering::SeqCst) {
            return Ok(round);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    unreachable!("there are always further numbers")
}

/// Full passes for what hooks of a relation leave to them. A world in which
/// somebody works all the time is never at rest.
pub(crate) fn pass(world: &mut World) {
    for _ in 0..3 {
        for run in world.model.update_status_all() {
            assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
        }
        world.settle();
    }
}

/// What the charm has on record of each request, by `relation/request`, read
/// through etcd's own tool.
pub(crate) fn records(admin: &Etcdctl) -> BTreeMap<String, Value> {
    let all = admin.key_values().into_iter();
    all.filter_map(|entry| {
        let (_, key) = entry.key.split_once("/client/")?;
        Some((key.to_owned(), serde_json::from_str(&entry.value).unwrap()))
    })
    .collect()
}

/// An entry of the corpus with its key, as a client holds it.
pub(crate) fn held(entry: &Entry, name: &str) -> Option<Certificate> {
    let text = String::from_utf8(entry.text.clone()).ok()?;
    Some(Certificate {
        common_name: name.to_owned(),
        certificate: text.clone(),
        chain: text,
        key: entry.key.clone()?,
    })
}
