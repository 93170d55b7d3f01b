//! The rendered configuration is taken by every etcd that can be had here: each
//! one starts with it, serves who has a certificate and nobody else, and has
//! every setting, which is not a matter of course: etcd passes over keys that it
//! does not know. The versions are those below `ETCD_VERSIONS_DIR`.

use std::fmt;
use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use etcd_charm::facts::machine::ServicePaths;
use etcd_charm::facts::options::Options;
use etcd_charm::facts::{FilePath, MemberName};
use etcd_charm::workload::configuration::{Bootstrap, ClientCertificate, EtcdConfig, https_url};

/// Enough for a loaded machine; one second is usual.
const START_LIMIT: Duration = Duration::from_secs(60);

#[test]
fn every_version_of_etcd_takes_the_configuration() {
    let versions = versions();
    // Side by side, as most of the time is waiting: for elections, and for
    // connections that etcd closes late.
    thread::scope(|scope| {
        for etcd in &versions {
            scope.spawn(move || takes_the_configuration(etcd, "127.0.0.1", &PERIODIC));
            scope.spawn(move || takes_the_configuration(etcd, "::1", &REVISION));
        }
    });
}

/// What an operator may set, and what etcd then says.
struct Setting {
    options: &'static str,
    said: &'static [&'static str],
}

/// As far as possible none of these is a default of any version.
const PERIODIC: Setting = Setting {
    options: r#"{
        "heartbeat-interval": 150, "election-timeout": 1500, "quota-backend-bytes": "3GiB",
        "auto-compaction-mode": "periodic", "auto-compaction-retention": "2",
        "snapshot-count": 12345
    }"#,
    said: &[
        r#""heartbeat-interval":"150ms""#,
        r#""election-timeout":"1.5s""#,
        r#""snapshot-count":12345"#,
        r#"-bytes":3221225472"#, // `quota-backend-` or `quota-size-`
        r#""auto-compaction-mode":"periodic""#,
        r#""auto-compaction-retention":"2h0m0s""#,
    ],
};

/// The far ends of what is allowed, but for times: a member that is alone takes
/// as long as an election to start.
const REVISION: Setting = Setting {
    options: r#"{
        "heartbeat-interval": 1000, "election-timeout": 10000, "quota-backend-bytes": "100G",
        "auto-compaction-mode": "revision", "auto-compaction-retention": "1000000000",
        "snapshot-count": 1000000
    }"#,
    said: &[
        r#""heartbeat-interval":"1s""#,
        r#""election-timeout":"10s""#,
        r#""snapshot-count":1000000"#,
        r#"-bytes":107374182400"#,
        r#""auto-compaction-mode":"revision""#,
        // A number of revisions, which etcd prints as if it were nanoseconds.
        r#""auto-compaction-retention":"1s""#,
    ],
};

fn takes_the_configuration(etcd: &Path, address: &str, setting: &Setting) {
    let address: IpAddr = address.parse().expect("an address");
    if TcpListener::bind((address, 0)).is_err() {
        return say(&format!("skipped: this machine has no {address}"));
    }
    let dir = tempfile::tempdir().expect("a directory");
    certificate(dir.path(), address);
    let mut member = Member::start(etcd, dir.path(), address, setting);
    member.wait();
    member.assert_guarded();
    member.assert_settings(setting);
}

/// The programs to try. None is not silently none.
fn versions() -> Vec<PathBuf> {
    let Some(dir) = std::env::var_os("ETCD_VERSIONS_DIR") else {
        say("skipped: ETCD_VERSIONS_DIR is not set");
        return Vec::new();
    };
    let entries = fs::read_dir(&dir).expect("ETCD_VERSIONS_DIR is a directory");
    let programs: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable directory").path().join("bin/etcd"))
        .collect();
    assert!(!programs.is_empty(), "no etcd below {dir:?}");
    programs
}

/// Makes a certificate for the address, which is its own authority.
fn certificate(dir: &Path, address: IpAddr) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "1"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=member", "-addext"])
        .arg(format!("subjectAltName=IP:{address}"))
        .args(["-keyout", "server.key", "-out", "server.crt"])
        .current_dir(dir)
        .output()
        .expect("openssl is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl says {said}");
}

struct Member {
    program: PathBuf,
    process: Child,
    dir: PathBuf,
    log: PathBuf,
    address: IpAddr,
    client_port: u16,
    peer_port: u16,
}

/// Where everything of a member lies; it checks all others with its own certificate.
fn paths(dir: &Path, etcd: &Path) -> ServicePaths {
    let path = |name: &str| {
        let path = dir.join(name);
        FilePath::try_from(path.as_path()).expect("a path")
    };
    ServicePaths {
        root: path(""),
        charm: path("charm"),
        etcd: etcd.try_into().expect("a path"),
        data_dir: path("data"),
        wanted_config: path("etcd.yaml"),
        wanted_trust: path("server.crt"),
        loaded_dir: path("loaded"),
        loaded_trust: path("server.crt"),
        served_pair: path("clients.pem"),
        server_certificate: path("server.crt"),
        server_key: path("server.key"),
        server_ca: path("server.crt"),
    }
}

impl Member {
    fn start(etcd: &Path, dir: &Path, address: IpAddr, setting: &Setting) -> Self {
        let options = serde_json::from_str(setting.options).expect("an object");
        let options = Options::parse(&options).expect("options within their bounds");
        let (client_port, peer_port) = (free_port(address), free_port(address));
        let name = MemberName::new("etcd-0");
        let read = |file| fs::read_to_string(dir.join(file)).expect("a file");
        fs::write(
            dir.join("clients.pem"),
            read("server.crt") + &read("server.key"),
        )
        .expect("a file");
        let text = EtcdConfig {
            name: &name,
            address,
            client_port,
            peer_port,
            bootstrap: Bootstrap {
                initial_cluster: &format!("{name}={}", https_url(address, peer_port)),
                existing: false,
                token: "a token of this test",
            },
            shown: ClientCertificate::Pair,
            paths: &paths(dir, etcd),
            tuning: options.tuning(1 << 30),
        }
        .render();
        let config = dir.join("etcd.yaml");
        fs::write(&config, text).expect("a file");
        let log = dir.join("log");
        // etcd ends with this test, however the test ends.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(etcd)
            .arg("--config-file")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a file"))
            .spawn()
            .expect("setpriv is installed");
        Self {
            program: etcd.to_owned(),
            process,
            dir: dir.to_owned(),
            log,
            address,
            client_port,
            peer_port,
        }
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect((self.address, self.client_port)).is_err() {
            let ended = self.process.try_wait().expect("our own child");
            assert_eq!(ended, None, "etcd ended:\n{self}");
            assert!(Instant::now() < deadline, "etcd does not listen:\n{self}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clients and peers need a certificate, and two doors are not there even
    /// for those who have one.
    fn assert_guarded(&self) {
        let health = self.get(self.client_port, "/health", true);
        assert!(health.contains(r#""health":"true""#), "{health:?}\n{self}");
        let anonymous = self.get(self.client_port, "/health", false);
        assert!(!anonymous.contains("HTTP"), "{anonymous:?}\n{self}");
        let peer = self.get(self.peer_port, "/members", true);
        assert!(peer.contains("etcd-0"), "{peer:?}\n{self}");
        let anonymous = self.get(self.peer_port, "/members", false);
        assert!(!anonymous.contains("HTTP"), "{anonymous:?}\n{self}");
        // Elsewhere the gateway answers a GET with 501, and pprof with 200.
        for path in ["/v3/kv/range", "/debug/pprof/"] {
            let answer = self.get(self.client_port, path, true);
            assert!(answer.contains(" 404 "), "{path}: {answer:?}\n{self}");
        }
    }

    /// What etcd says at its start that its settings are.
    fn assert_settings(&self, of: &Setting) {
        let log = fs::read_to_string(&self.log).expect("a log");
        let mut lines = log.lines();
        let settings = lines.find(|line| line.contains(r#""starting an etcd server""#));
        let settings = settings.expect("etcd says what its settings are");
        for setting in [
            r#""name":"etcd-0""#,
            r#""initial-cluster-state":"new""#,
            r#""initial-cluster-token":"a token of this test""#,
            r#""pre-vote":true"#,
        ]
        .iter()
        .chain(of.said)
        {
            assert!(settings.contains(setting), "{setting} is not in {settings}");
        }
        assert!(!log.contains("deprecated"), "etcd warns:\n{self}");
    }

    /// What a page answers, to somebody with or without a certificate.
    fn get(&self, port: u16, path: &str, with_certificate: bool) -> String {
        let mut client = Command::new("openssl");
        client
            .args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                "-CAfile",
                "server.crt",
            ])
            .args(["-connect", &SocketAddr::new(self.address, port).to_string()])
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if with_certificate {
            client.args(["-cert", "server.crt", "-key", "server.key"]);
        }
        let mut client = client.spawn().expect("openssl is installed");
        let mut input = client.stdin.take().expect("a pipe");
        // A client that is refused may be gone before it reads.
        let _ = write!(
            input,
            "GET {path} HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\r\n"
        );
        let output = client.wait_with_output().expect("our own child");
        drop(input);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl fmt::Display for Member {
    /// The program and its log, for a failure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        write!(f, "{} at {}:\n{log}", self.program.display(), self.address)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens at. It is never given twice, and none of those
/// that the system gives to whoever connects to somebody.
fn free_port(address: IpAddr) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(port < 30_000, "no port is free");
        if TcpListener::bind((address, port)).is_ok() {
            return port;
        }
    }
}

#[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
