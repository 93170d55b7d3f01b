//! `etcdctl`, as somebody with a certificate would use it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// `etcdctl` with one identity and its endpoints.
#[derive(Clone, Debug)]
pub struct Etcdctl {
    program: PathBuf,
    endpoints: String,
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
    patience: [&'static str; 2],
}

/// How long a connection is waited for, and a whole call.
const PATIENCE: [&str; 2] = ["--dial-timeout=2s", "--command-timeout=5s"];

/// How long a cluster may need to elect a leader, on a busy machine.
pub(crate) const ELECTED: Duration = Duration::from_secs(30);

/// What a call came to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it succeeded.
    pub ok: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Etcdctl {
    /// `etcdctl` at `program` with files for certificate, key and the
    /// servers' authority; `endpoints` are URLs joined by commas.
    pub fn new(
        program: impl Into<PathBuf>,
        endpoints: impl Into<String>,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        authority: impl Into<PathBuf>,
    ) -> Self {
        Self {
            program: program.into(),
            endpoints: endpoints.into(),
            certificate: certificate.into(),
            key: key.into(),
            authority: authority.into(),
            patience: PATIENCE,
        }
    }

    /// The same, soon out of patience: for a call that is not expected to get
    /// through, since etcdctl tries until its time is over.
    #[must_use]
    pub fn impatient(&self) -> Self {
        Self {
            patience: ["--dial-timeout=700ms", "--command-timeout=700ms"],
            ..self.clone()
        }
    }

    /// The command, with everything but what it is to do.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
        command
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints={}", self.endpoints))
            .arg(file("cert", &self.certificate))
            .arg(file("key", &self.key))
            .arg(file("cacert", &self.authority))
            .args(self.patience);
        command
    }

    /// Runs it.
    ///
    /// # Panics
    /// Panics if the program cannot be started.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Answer {
        let output = self
            .command()
            .args(args)
            .output()
            .expect("etcdctl can be started");
        Answer {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it until it succeeds: a cluster that has just lost its leader
    /// refuses, or lets a call wait for nothing, until it has elected another.
    ///
    /// # Panics
    /// Panics if it does not succeed within 30 s.
    pub fn insist(&self, args: &[&str]) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.run(args);
            if answer.ok {
                return answer;
            }
            assert!(
                begun.elapsed() < ELECTED,
                "etcdctl {args:?} failed: {}",
                answer.stderr
            );
        }
    }

    /// Runs it with these words, as one would type them.
    ///
    /// # Panics
    /// Panics if it fails.
    pub fn must(&self, line: &str) {
        let words: Vec<_> = line.split_whitespace().collect();
        let answer = self.run(&words);
        assert!(answer.ok, "etcdctl {line} failed: {}", answer.stderr);
    }

    /// Runs it with this text on its standard input.
    ///
    /// # Panics
    /// Panics if the program cannot be started.
    #[must_use]
    pub fn run_with(&self, args: &[&str], text: &str) -> Answer {
        let mut child = self
            .command()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("etcdctl can be started");
        let mut input = child.stdin.take().expect("it was asked for");
        input
            .write_all(text.as_bytes())
            .expect("etcdctl reads what it is given");
        drop(input);
        let output = child.wait_with_output().expect("etcdctl ends");
        Answer {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it for JSON.
    ///
    /// # Panics
    /// Panics if it fails.
    #[must_use]
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = vec!["--write-out=json"];
        all.extend(args);
        let answer = self.run(&all);
        assert!(answer.ok, "etcdctl {args:?} failed: {}", answer.stderr);
        serde_json::from_str(answer.stdout.trim()).expect("etcdctl writes JSON")
    }

    /// The value of a key; empty where there is none.
    ///
    /// # Panics
    /// Panics if it cannot be read.
    #[must_use]
    pub fn value(&self, key: &str) -> String {
        let lines = self.lines(&["get", "--print-value-only", "--", key]);
        lines.into_iter().next().unwrap_or_default()
    }

    /// The words of its output, one for each line.
    ///
    /// # Panics
    /// Panics if it fails.
    #[must_use]
    pub fn lines(&self, args: &[&str]) -> Vec<String> {
        let answer = self.run(args);
        assert!(answer.ok, "etcdctl {args:?} failed: {}", answer.stderr);
        answer
            .stdout
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

impl Answer {
    /// Whether nobody answered who knows of rights: the connection itself came
    /// to nothing. An etcd that hangs looks the same, so whoever relies on this
    /// also sees another get through.
    #[must_use]
    pub fn is_shut_out(&self) -> bool {
        !self.ok && !self.is_denied()
    }

    /// Whether etcd refused because of missing rights.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        !self.ok && self.stderr.contains("permission denied")
    }
}
