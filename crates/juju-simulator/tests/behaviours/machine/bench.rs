//! What all tests use: a machine in a directory of its own, commands on it, and small programs to run as services.

use std::env;
use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use juju_simulator::machine::{Machine, Package, ServiceState};

/// Long enough for a loaded computer; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const HELPER: &str = "SIMULATED_MACHINE_TEST_HELPER";

/// A machine whose directory is removed with it.
pub(crate) struct Bench {
    machine: Option<Machine>,
    directory: PathBuf,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::in_directory(new_directory())
    }

    pub(crate) fn in_directory(directory: PathBuf) -> Self {
        let programs = directory.join("programs");
        fs::create_dir_all(&programs).expect("a directory");
        fs::write(programs.join("server"), "#!/bin/sh\n").expect("a program");
        let package = Package::new("server", "1.2-3")
            .program(programs.join("server"))
            .service("server")
            .user("server");
        let packages = vec![package, Package::new("client", "1.2-3")];
        Self {
            machine: Some(Machine::new(directory.join("machine"), packages).expect("a machine")),
            directory,
        }
    }

    pub(crate) fn machine(&self) -> &Machine {
        self.machine
            .as_ref()
            .expect("the machine is there until it is dropped")
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut words = line.split(' ');
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(self.machine().path_dir().join(program));
        command
            .args(words)
            .envs([self.machine().environment()])
            .stdin(Stdio::null());
        command
    }

    /// Runs a command, its words separated by single spaces.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        let output = self.command(line).output().expect("a stand-in");
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn succeed(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert_eq!(outcome.code, 0, "{line}: {outcome:?}");
        outcome.stdout
    }

    pub(crate) fn fail(&self, line: &str, code: i32) -> String {
        let outcome = self.run(line);
        assert_eq!(outcome.code, code, "{line}: {outcome:?}");
        outcome.stderr
    }

    /// Writes a unit file with these lines in its service section, as a charm would, and reloads.
    pub(crate) fn unit(&self, name: &str, service: &str) {
        let file = self
            .machine()
            .root()
            .join(format!("etc/systemd/system/{name}.service"));
        let text = format!("[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n");
        fs::write(file, text).expect("a unit file");
        self.succeed("systemctl daemon-reload");
    }

    pub(crate) fn wait_for(
        &self,
        name: &str,
        wanted: impl FnMut(&ServiceState) -> bool,
    ) -> ServiceState {
        match self.machine().wait_for(name, PATIENCE, wanted) {
            Ok(state) => state,
            Err(state) => panic!("{name} is {state:?}"),
        }
    }

    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.machine().service_log(name)).unwrap_or_default()
    }

    /// A path on the test's side, for services to write to.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn drop_machine(&mut self) {
        self.machine = None;
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.drop_machine();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub(crate) fn new_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("simulated-machine-{}-{count}", std::process::id()))
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A process that nobody has waited for yet is a zombie, which runs no more.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        sleep(Duration::from_millis(10));
    }
}

/// The `ExecStart=` and `Environment=` lines of a service that is this program in another role.
pub(crate) fn helper(role: &str) -> String {
    let program = env::current_exe().expect("own path");
    format!(
        "ExecStart={}\nEnvironment={HELPER}={role}\n",
        program.display()
    )
}

/// This program as a test host of its own, to be killed.
pub(crate) fn host_command(directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("own path"));
    command
        .env(HELPER, "host")
        .env("DIRECTORY", directory)
        .stdout(Stdio::piped());
    command
}

pub(crate) fn run_as_helper() -> Option<ExitCode> {
    match env::var(HELPER).ok()?.as_str() {
        "ready" => say_ready(Duration::ZERO),
        "ready-later" => say_ready(Duration::from_millis(400)),
        "never-ready" => {}
        "host" => {
            let bench = Bench::in_directory(PathBuf::from(env::var_os("DIRECTORY")?));
            bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
            bench.succeed("systemctl start sleeper");
            let state = bench.machine().service("sleeper");
            let mut stdout = std::io::stdout();
            writeln!(stdout, "{}", state.main_pid?).ok()?;
            sleep(Duration::from_secs(1000));
        }
        _ => return None,
    }
    sleep(Duration::from_secs(1000));
    Some(ExitCode::SUCCESS)
}

fn say_ready(after: Duration) {
    sleep(after);
    let path = env::var_os("NOTIFY_SOCKET").expect("a socket to notify");
    let socket = UnixDatagram::unbound().expect("a socket");
    socket
        .send_to(b"STATUS=serving\nREADY=1", path)
        .expect("a listener");
}
