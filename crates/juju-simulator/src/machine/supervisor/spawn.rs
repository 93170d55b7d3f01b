//! Starting processes, so that none of them outlives the machine.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::process::Pid;

use super::Supervisor;

/// Becomes the given program, if the given process is still the parent.
const ONLY_WITH_PARENT: &str = "[ \"$PPID\" = \"$0\" ] && exec \"$@\"";

/// A process to start, and where to send what came of it.
pub(super) struct SpawnRequest {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

impl Supervisor {
    /// Starts a process of a service. The state is locked meanwhile, so that a power cut cannot miss it.
    pub(super) fn spawn(
        &self,
        name: &str,
        argv: &[String],
        environment: &BTreeMap<String, String>,
    ) -> io::Result<(Child, Pid)> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.paths.service_log(name))?;
        // The kernel kills the process as soon as the thread that started it is gone, however that came about; the
        // shell in between ends at once if that had happened before the kernel was told to.
        let mut command = Command::new("setpriv");
        command
            .args([
                "--pdeathsig",
                "KILL",
                "--",
                "/bin/sh",
                "-c",
                ONLY_WITH_PARENT,
            ])
            .arg(std::process::id().to_string())
            .args(argv)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .current_dir("/");
        let (reply, answer) = channel();
        let request = SpawnRequest { command, reply };
        let spawner = self.spawner.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = spawner
            .as_ref()
            .is_some_and(|spawner| spawner.send(request).is_ok());
        let child = if sent {
            answer.recv().map_err(io::Error::other)??
        } else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(io::ErrorKind::InvalidData)?;
        Ok((child, pid))
    }
}

/// Starts processes, for the whole life of the machine in one thread: the kernel takes that thread for their parent.
pub(super) fn start_processes(requests: &Receiver<SpawnRequest>) {
    for mut request in requests {
        let _ = request.reply.send(request.command.spawn());
    }
}
