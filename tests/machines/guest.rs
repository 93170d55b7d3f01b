//! One machine: a Debian with systemd, booted by `systemd-nspawn`.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use crate::patience::eventually;

/// Where a run has everything that is its own, see `enter`.
pub(crate) const PLACE: &str = "/mnt";

/// Where the simulated Juju keeps its files. It is at the same place in every
/// machine, so that the hooks in there find their tools and their storage.
pub(crate) const JUJU: &str = "/mnt/juju";

/// With this exit code `systemd-nspawn` wants to be started again.
const REBOOT: i32 = 133;

/// Many times what is seen on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(180);

/// A machine that is on, or was.
pub(crate) struct Guest {
    name: String,
    address: String,
    nspawn: Option<Child>,
}

impl Guest {
    /// A machine that was never on.
    pub(crate) fn new(name: &str, address: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: address.to_owned(),
            nspawn: None,
        }
    }

    /// Turns it on, and waits until its systemd can be talked to.
    pub(crate) fn boot(&mut self) {
        assert!(self.nspawn.is_none(), "{} is on", self.name);
        let directory = self.directory();
        let tool = crate::tool_program().unwrap();
        let charm = crate::PROGRAM;
        let console = Path::new(PLACE).join(format!("{}.console", self.name));
        let console = File::options()
            .create(true)
            .append(true)
            .open(console)
            .unwrap();
        let nspawn = Command::new(root().join("tests/machines/boot"))
            .args([&self.name, &format!("{}/24", self.address)])
            .arg(format!("--bind={JUJU}"))
            // The hook tools are links to it.
            .arg(format!("--bind-ro={}", tool.display()))
            .arg(format!("--bind-ro={charm}:/charm/dispatch"))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        let pid = nspawn.id();
        self.nspawn = Some(nspawn);
        eventually(&format!("the boot of {}", self.name), PATIENCE, || {
            let first = first_process(pid)?;
            fs::write(directory.join("leader"), first.to_string()).unwrap();
            let there = self.try_run(&["test", "-S", "/run/systemd/private"]);
            there.status.success().then_some(())
        });
        self.show_handover();
    }

    /// Juju's agent is on the unit's machine and reads the files there that a
    /// hook hands to its tools. The simulated one is not, so it finds them by a
    /// link into the machine.
    fn show_handover(&self) {
        let directory = Path::new(crate::RUNTIME);
        let link = directory.join(&self.name);
        fs::create_dir_all(directory).unwrap();
        drop(fs::remove_file(&link));
        let leader = self.leader();
        let target = format!("/proc/{leader}/root{}", link.display());
        symlink(target, link).unwrap();
    }

    /// Waits until all that starts with the machine has started or failed.
    pub(crate) fn wait_until_started(&self) {
        let seconds = PATIENCE.as_secs().to_string();
        let asked = self.try_run(&[
            "timeout",
            &seconds,
            "systemctl",
            "is-system-running",
            "--wait",
        ]);
        let word = text(&asked.stdout);
        // What fails on the kernel of this host, and is none of the charm's,
        // does not count.
        let is_up = ["running", "degraded"].contains(&word.trim());
        assert!(is_up, "{} does not start: {word}{}", self.name, self.jobs());
    }

    /// Cuts the power: the kernel ends all processes of the machine at once,
    /// and nobody gets to write anything.
    pub(crate) fn cut_power(&mut self) {
        let mut nspawn = self.nspawn.take().expect("it is on");
        let leader = self.leader();
        let killed = Command::new("sh")
            .args(["-c", "kill -KILL \"$0\"", &leader])
            .status()
            .unwrap();
        assert!(killed.success());
        // It was told of no shutdown, so it says that something went wrong.
        assert!(!nspawn.wait().unwrap().success());
        self.is_off();
    }

    /// Asks it to reboot; [`Guest::wait_until_off`] and [`Guest::boot`] are what
    /// the hardware does then.
    pub(crate) fn reboot(&self) {
        // The connection to systemd may end before its answer is there.
        drop(self.try_run(&["systemctl", "--no-block", "reboot"]));
    }

    /// Waits until it has shut down for its reboot.
    pub(crate) fn wait_until_off(&mut self) {
        let mut nspawn = self.nspawn.take().expect("it is on");
        let status: ExitStatus = eventually("the end of a machine", PATIENCE, || {
            nspawn.try_wait().unwrap()
        });
        assert_eq!(status.code(), Some(REBOOT), "{} ended", self.name);
        self.is_off();
    }

    fn is_off(&self) {
        let leader = self.leader();
        fs::remove_file(self.directory().join("leader")).unwrap();
        eventually("the end of all processes", PATIENCE, || {
            (!Path::new("/proc").join(&leader).exists()).then_some(())
        });
    }

    /// Runs a command in the machine as root, and leaves it to the caller what
    /// its exit code means.
    pub(crate) fn try_run(&self, words: &[&str]) -> Output {
        let leader = self.leader();
        Command::new("nsenter")
            .args(["--target", &leader, "--mount", "--uts", "--ipc", "--net"])
            .args(["--pid", "--cgroup", "--"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command prints that is run in the machine as root.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{}: {words:?}: {}\n{stdout}{stderr}",
            self.name,
            output.status
        );
        stdout.trim_end().to_owned()
    }

    /// Its files, as long as no other file system lies over them, as in `/run`.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory().join("tree")
    }

    /// Asserts that a process is this user's, and has no rights besides.
    pub(crate) fn assert_confined(&self, process: &str, user: &str) {
        let status = self.run(&["cat", &format!("/proc/{process}/status")]);
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        assert_eq!(field("NoNewPrivs:"), "1");
        // Filtered, as opposed to strict or not at all.
        assert_eq!(field("Seccomp:"), "2");
        for set in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set).trim_start_matches('0'), "", "{set}");
        }
        let user = self.run(&["id", "-u", user]);
        assert_eq!(field("Uid:").split_whitespace().next(), Some(&*user));
    }

    /// What its etcd logged last, for whoever reads a failure.
    pub(crate) fn last_words(&self) -> String {
        if self.nspawn.is_none() {
            return "the machine is off\n".to_owned();
        }
        let log = self.try_run(&["journalctl", "--no-pager", "--lines=12", "--output=cat"]);
        text(&log.stdout)
    }

    fn jobs(&self) -> String {
        let jobs = self.try_run(&["systemctl", "--no-pager", "list-jobs"]);
        format!("{}{}", text(&jobs.stdout), self.last_words())
    }

    /// The number of its first process, as it is seen from here.
    fn leader(&self) -> String {
        fs::read_to_string(self.directory().join("leader")).unwrap()
    }

    fn directory(&self) -> PathBuf {
        Path::new(PLACE).join("machines").join(&self.name)
    }
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(crate::ROOT)
}

/// The child of `systemd-nspawn` that is the first process of a machine; it has
/// other children before.
fn first_process(nspawn: u32) -> Option<u32> {
    let children = format!("/proc/{nspawn}/task/{nspawn}/children");
    let children = fs::read_to_string(children).unwrap_or_default();
    children.split_whitespace().find_map(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let ids = status.lines().find(|line| line.starts_with("NSpid:"))?;
        let is_first = ids.split_whitespace().last() == Some("1");
        is_first.then(|| pid.parse().ok())?
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
