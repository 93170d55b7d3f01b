//! An etcd of our own that runs for a moment, on data that nobody uses yet. It
//! listens on the machine's loopback only, and dies with this process.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};
use std::{fs, io};

use machine::{Commands, MachineError};
use rustix::process::{Pid, Signal, kill_process};

use super::package::Installed;
use super::paths::Paths;

/// How long etcd may take to close its database.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// More than any database that is restored: whether it fits is for the real
/// start to say, by the option.
const QUOTA_BYTES: &str = "17179869184";

/// What a restore check runs on.
#[derive(Clone, Debug)]
pub struct CheckedData<'a> {
    /// The data.
    pub data_dir: &'a Path,
    /// The name of the member.
    pub name: &'a str,
    /// The peer URL that the member has in its own data.
    pub peer_url: &'a str,
    /// Whether to make it the only member of its cluster, whatever its data
    /// says.
    pub alone: bool,
}

/// A running restore check; dropping it kills etcd.
#[derive(Debug)]
pub struct RestoreCheck {
    child: Child,
    url: String,
}

impl RestoreCheck {
    /// Starts etcd. Only whoever has a certificate of the admin authority is
    /// let in.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(
        commands: &Commands,
        programs: &Installed,
        paths: &Paths,
        of: &CheckedData<'_>,
    ) -> Result<Self, MachineError> {
        let log = paths.restore_check_log();
        let file = File::create(&log).map_err(MachineError::file("create", &log))?;
        let [client, peer] = [free_port()?, free_port()?];
        let url = format!("https://127.0.0.1:{client}");
        // If this process is killed, so is etcd: nothing may hold the data open
        // that the next run removes.
        let mut command = commands
            .command("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&programs.etcd)
            .args(["--name", of.name, "--data-dir"])
            .arg(of.data_dir)
            .args(["--listen-client-urls", &url])
            .args(["--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &format!("https://127.0.0.1:{peer}")])
            .args(["--initial-advertise-peer-urls", of.peer_url])
            .arg("--initial-cluster")
            .arg(format!("{}={}", of.name, of.peer_url))
            .args(["--quota-backend-bytes", QUOTA_BYTES])
            .args(["--logger", "zap", "--log-outputs", "stderr"]);
        for (kind, trusted) in [("", paths.admin_ca()), ("peer-", paths.server_ca())] {
            command = command
                .arg(format!("--{kind}client-cert-auth"))
                .arg(format!("--{kind}cert-file"))
                .arg(paths.server_certificate())
                .arg(format!("--{kind}key-file"))
                .arg(paths.server_key())
                .arg(format!("--{kind}trusted-ca-file"))
                .arg(trusted);
        }
        if of.alone {
            command = command.arg("--force-new-cluster");
        }
        if cfg!(target_arch = "aarch64") {
            command = command.env("ETCD_UNSUPPORTED_ARCH", "arm64");
        }
        let child = command.start(file).map_err(MachineError::command(
            "start etcd to check the restored data",
        ))?;
        Ok(Self { child, url })
    }

    /// Where it serves clients, once it does.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it said last, if it has ended by itself.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn ended(&mut self, paths: &Paths) -> io::Result<Option<String>> {
        Ok(self
            .child
            .try_wait()?
            .map(|status| format!("it ended with {status}: {}", last_words(paths))))
    }

    /// Ends it as systemd would: by a signal, on which it closes its database, and
    /// by force where that takes too long.
    ///
    /// # Errors
    /// It could not be ended.
    pub fn stop(mut self) -> Result<(), MachineError> {
        self.end().map_err(MachineError::file("end", "etcd"))
    }

    fn end(&mut self) -> io::Result<()> {
        // A process that has ended keeps its number until it is waited for.
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (Some(id), None) = (id, self.child.try_wait()?) {
            kill_process(id, Signal::TERM)?;
        }
        if process_limit::ended(&mut self.child, Instant::now() + STOP_LIMIT)?.is_none() {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for RestoreCheck {
    fn drop(&mut self) {
        // It has ended, or ends now; there is nobody to tell if neither is so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last line that etcd wrote.
fn last_words(paths: &Paths) -> String {
    let log = fs::read(paths.restore_check_log()).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines = log.lines().rev();
    let mut telling = lines.filter(|line| line.contains("error") || line.contains("panic"));
    let line = telling.next().unwrap_or_default();
    line.chars().take(400).collect()
}

/// A port of the loopback that nobody uses at this moment.
fn free_port() -> Result<u16, MachineError> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(MachineError::file("find a free port of", "127.0.0.1"))
}
