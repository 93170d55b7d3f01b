//! A world whose charm can be killed at any of its system calls: `dispatch` and
//! `systemctl` are small scripts in front of the real ones. The program itself
//! is as it is shipped and has no hook for a test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use etcd_charm_world::{Programs, UnitName, World, WorldOptions};

use crate::support::{options, say};

/// A world and the scripts that do harm in it.
pub(crate) struct Harness {
    /// The world; dropped first.
    pub(crate) world: World,
    directory: tempfile::TempDir,
}

impl Harness {
    /// A world without any unit.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("crash-").tempdir().unwrap();
        let at = directory.path();
        let charm = std::env::var("CRASH_CHARM");
        let charm = charm.as_deref().unwrap_or(env!("CARGO_BIN_EXE_etcd-charm"));
        // The options are used up, so that only one hook is harmed. The traced
        // thread is the first one: all sockets and files are its business.
        let dispatch = format!(
            "#!/bin/sh\narmed={at}/strace-$(echo $JUJU_UNIT_NAME | tr / -)\nif [ -s $armed ]; then\n  \
             options=$(cat $armed)\n  rm $armed\n  exec strace -qq $options {charm}\nfi\n\
             exec {charm}\n",
            at = at.display(),
        );
        script(&at.join("dispatch"), &dispatch);
        let world = World::new(WorldOptions {
            dispatch: at.join("dispatch"),
            ..options(Programs::oldest())
        });
        Self { world, directory }
    }

    /// Deploys etcd with one unit; nothing has run yet.
    pub(crate) fn deploy(&mut self) -> UnitName {
        let unit = self.world.deploy();
        self.intercept(&unit);
        unit
    }

    /// Adds a unit; nothing has run yet.
    pub(crate) fn add_unit(&mut self) -> UnitName {
        let unit = self.world.add_unit();
        self.intercept(&unit);
        unit
    }

    /// Puts a script before the unit's `systemctl` that can kill its caller.
    fn intercept(&mut self, unit: &UnitName) {
        let front = self.directory.path().join(unit.with_dash());
        fs::create_dir(&front).unwrap();
        let real = self.world.machines[unit].path_dir().join("systemctl");
        let text = format!(
            "#!/bin/sh\nreal={real}\narmed={armed}\nif [ -e $armed ]; then\n  \
             for word in \"$@\"; do case $word in start|restart)\n    \
             when=$(cat $armed); rm $armed\n    case $when in\n    \
             before) kill -9 $PPID;;\n    \
             during) setsid $real \"$@\" </dev/null >/dev/null 2>&1 & sleep 0.05; kill -9 $PPID;;\n    \
             after) $real \"$@\" >/dev/null 2>&1; kill -9 $PPID;;\n    \
             esac\n    exit 1;;\n  esac; done\nfi\nexec $real \"$@\"\n",
            real = real.display(),
            armed = self.start_file(unit).display(),
        );
        script(&front.join("systemctl"), &text);
        self.world.model.add_unit_path(unit.clone(), front);
    }

    /// What this file says is how the unit's next hook is traced.
    pub(crate) fn strace_file(&self, unit: &UnitName) -> PathBuf {
        let number = unit.with_dash();
        self.directory.path().join(format!("strace-{number}"))
    }

    /// What this file says is when the unit's next start of etcd kills the hook.
    pub(crate) fn start_file(&self, unit: &UnitName) -> PathBuf {
        let number = unit.with_dash();
        self.directory.path().join(format!("start-{number}"))
    }

    /// Takes the restarts that were made for certificates as paid for, as if hours
    /// had passed: one world sees more of them than are allowed in an hour.
    pub(crate) fn settle_accounts(&self, units: &[UnitName]) {
        for unit in units {
            let own = self.world.root(unit).join("etc/etcd-charm");
            let file = own.join(unit.with_dash()).join("unit.json");
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.lines().map(|line| {
                match line.trim_start().starts_with("\"restarts_paid_until\"") {
                    true => "  \"restarts_paid_until\": null,",
                    false => line,
                }
            });
            fs::write(file, lines.collect::<Vec<_>>().join("\n")).unwrap();
        }
    }

    /// Where a trace goes.
    pub(crate) fn trace_file(&self) -> PathBuf {
        self.directory.path().join("trace")
    }
}

fn script(path: &Path, text: &str) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o755))
        .unwrap();
}

/// Whether a process can be killed at a system call on this machine. Where it
/// cannot, a line says so, and under `CI` that is a failure.
pub(crate) fn can_trace(what: &str) -> bool {
    let works = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        assert!(
            std::env::var_os("CI").is_none(),
            "strace does not work here, and nothing may be skipped"
        );
        say(&format!(
            "SKIPPED {what}: all points, since strace does not work here"
        ));
    }
    works
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
