//! A real LXD, as a plain process with a directory of its own, and what an
//! operator does there with `lxc`.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// LXD starts in some seconds; a busy machine takes longer.
const START_TIME: Duration = Duration::from_secs(120);

/// A running LXD.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) endpoint: String,
    /// Its certificate, PEM.
    pub(crate) certificate: String,
    /// Its socket.
    pub(crate) socket: PathBuf,
    directory: tempfile::TempDir,
    process: Option<Child>,
}

/// Where the set-up puts LXD; none if it could not be had.
pub(crate) fn programs() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/lxd");
    place.join("bin/lxd").is_file().then_some(place)
}

impl Server {
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("lxd-")
            .tempdir()
            .expect("a directory");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let mut server = Self {
            endpoint: format!("https://127.0.0.1:{port}"),
            certificate: String::new(),
            socket: directory.path().join("unix.socket"),
            directory,
            process: None,
        };
        server.run();
        let listen = json!({"config": {"core.https_address": format!("127.0.0.1:{port}")}});
        server.query("PATCH", "/1.0", Some(&listen));
        server.read_certificate();
        server
    }

    /// Asks the server for its certificate, which is another one from time to time.
    pub(crate) fn read_certificate(&mut self) {
        let root = self.query("GET", "/1.0", None);
        let certificate = root["environment"]["certificate"].as_str();
        certificate
            .expect("a certificate")
            .clone_into(&mut self.certificate);
    }

    /// Starts the daemon, which is told to end with this process.
    pub(crate) fn run(&mut self) {
        let log = File::create(self.directory.path().join("log")).expect("a log");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(programs().expect("an LXD").join("bin/lxd"))
            .args(["--group", "root"])
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn();
        self.process = Some(child.expect("LXD starts"));
        let deadline = Instant::now() + START_TIME;
        while self.try_query("GET", "/1.0", None).is_err() {
            let log = self.directory.path().join("log");
            assert!(
                Instant::now() < deadline,
                "LXD did not start:\n{}",
                std::fs::read_to_string(log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the daemon; what it stored stays.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("LXD ends");
            process.wait().expect("LXD has ended");
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let programs = programs().expect("an LXD");
        let path = std::env::var("PATH").unwrap_or_default();
        let shown = |path: &Path| path.display().to_string();
        vec![
            ("LXD_DIR", shown(self.directory.path())),
            ("LXD_CONF", shown(&self.directory.path().join("conf"))),
            ("HOME", shown(self.directory.path())),
            ("LD_LIBRARY_PATH", shown(&programs.join("lib"))),
            ("PATH", format!("{}:{path}", shown(&programs.join("bin")))),
        ]
    }

    fn try_query(&self, method: &str, path: &str, data: Option<&Value>) -> Result<Value, String> {
        let mut command = Command::new(programs().expect("an LXD").join("bin/lxc"));
        command.args(["query", "--wait", "--request", method]);
        if let Some(data) = data {
            command.args(["--data", &data.to_string()]);
        }
        let output = command.arg(path).envs(self.environment()).output();
        let output = output.expect("lxc runs");
        match output.status.success() {
            true => Ok(serde_json::from_slice(&output.stdout).unwrap_or_default()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// What an operator does over the local socket.
    pub(crate) fn query(&self, method: &str, path: &str, data: Option<&Value>) -> Value {
        self.try_query(method, path, data)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The entry of a certificate in the trust store.
    pub(crate) fn entry(&self, fingerprint: &str) -> Option<Value> {
        let entries = self.query("GET", "/1.0/certificates?recursion=1", None);
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .find(|entry| entry["fingerprint"] == fingerprint)
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> usize {
        let entries = self.query("GET", "/1.0/certificates", None);
        entries.as_array().map_or(0, Vec::len)
    }

    /// Trusts a certificate by hand.
    pub(crate) fn trust(&self, name: &str, der: &[u8]) {
        use base64::Engine as _;
        let certificate = base64::engine::general_purpose::STANDARD.encode(der);
        let data = json!({"type": "client", "name": name, "certificate": certificate});
        self.query("POST", "/1.0/certificates", Some(&data));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

static SHARED: std::sync::Mutex<Option<&'static Server>> = std::sync::Mutex::new(None);

/// The LXD that stories share which leave it running. It is leaked on purpose:
/// stories borrow it for as long as they like, and [`end_shared`] ends it.
pub(crate) fn shared() -> &'static Server {
    let mut shared = SHARED.lock().expect("no story failed in here");
    shared.get_or_insert_with(|| Box::leak(Box::new(Server::start())))
}

/// Ends the shared LXD, and removes what it stored.
pub(crate) fn end_shared() {
    let shared = SHARED.lock().expect("no story failed in here").take();
    if let Some(server) = shared {
        if let Some(process) = &server.process {
            let id = process.id().to_string();
            let ended = Command::new("kill").args(["-9", &id]).status();
            assert!(ended.is_ok_and(|status| status.success()), "LXD ends");
        }
        std::thread::sleep(Duration::from_millis(200));
        // What it has mounted is in a namespace of its own, and ends with it.
        let _ = std::fs::remove_dir_all(server.directory.path());
    }
}
