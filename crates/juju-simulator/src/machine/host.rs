//! The machine as a test holds it.

use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::machine::Signal;
use crate::machine::commands;
use crate::machine::package::Package;
use crate::machine::paths::Paths;
use crate::machine::service::{Active, Service, ServiceState};
use crate::machine::stand_in::{COMMANDS, SOCKET_VARIABLE};
use crate::machine::supervisor::Supervisor;
use crate::wire::{read_fields, text};

/// A running machine. Dropping it kills every process on it.
pub struct Machine {
    supervisor: Arc<Supervisor>,
    socket: PathBuf,
    closing: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Machine {
    /// Sets the machine up and switches it on.
    ///
    /// Everything of it lies below the directory (`root`, `stand-ins`, `log`), which is the test's to remove. The
    /// packages are what its distribution has.
    ///
    /// # Errors
    /// Fails if the directory, the links that serve as commands, or the socket cannot be made.
    pub fn new(directory: impl AsRef<Path>, packages: Vec<Package>) -> io::Result<Self> {
        let paths = Paths::create(directory.as_ref())?;
        let executable = crate::tool_program()?;
        for command in COMMANDS {
            let link = paths.stand_ins.join(command);
            if link.symlink_metadata().is_err() {
                symlink(&executable, link)?;
            }
        }
        let socket = paths.new_socket("control");
        let listener = UnixListener::bind(&socket)?;
        let supervisor = Supervisor::new(packages, paths);
        let closing = Arc::new(AtomicBool::new(false));
        let server = {
            let (supervisor, closing) = (Arc::clone(&supervisor), Arc::clone(&closing));
            thread::spawn(move || serve(&listener, &supervisor, &closing))
        };
        Ok(Self {
            supervisor,
            socket,
            closing,
            server: Some(server),
        })
    }

    /// What stands for `/` on this machine.
    pub fn root(&self) -> &Path {
        &self.supervisor.paths.root
    }

    /// The directory of the stand-ins, for the front of PATH.
    pub fn path_dir(&self) -> &Path {
        &self.supervisor.paths.stand_ins
    }

    /// What a process on this machine needs in its environment beside PATH: a variable and its value.
    pub fn environment(&self) -> (&'static str, String) {
        (SOCKET_VARIABLE, self.socket.display().to_string())
    }

    /// Every command that was called, with its arguments, in order.
    pub fn calls(&self) -> Vec<Vec<String>> {
        self.supervisor.lock().calls.clone()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.supervisor.lock().calls.clear();
    }

    /// The state of a service, named with or without `.service`. One that nobody ever mentioned is inactive.
    pub fn service(&self, name: &str) -> ServiceState {
        self.supervisor
            .lock()
            .services
            .get(stem(name))
            .map_or_else(initial_state, Service::state)
    }

    /// Waits until the service's state is as wanted, and returns it.
    ///
    /// # Errors
    /// Gives the state as it is when the time limit is over.
    pub fn wait_for(
        &self,
        name: &str,
        limit: Duration,
        mut wanted: impl FnMut(&ServiceState) -> bool,
    ) -> Result<ServiceState, ServiceState> {
        let state = self.supervisor.lock();
        let (mut state, reached) = self.supervisor.wait_until(state, Some(limit), |state| {
            wanted(&state.service(stem(name)).state())
        });
        let service = state.service(stem(name)).state();
        if reached { Ok(service) } else { Err(service) }
    }

    /// Sends a signal to the processes of a service, as if it came from nowhere; returns whether it has any.
    pub fn kill_service(&self, name: &str, signal: Signal) -> bool {
        self.supervisor.signal(stem(name), signal)
    }

    /// Halts the processes of a service; they keep their sockets and answer nothing.
    pub fn pause_service(&self, name: &str) -> bool {
        self.kill_service(name, Signal::STOP)
    }

    /// Lets a halted service go on.
    pub fn resume_service(&self, name: &str) -> bool {
        self.kill_service(name, Signal::CONT)
    }

    /// Where the output of a service goes.
    pub fn service_log(&self, name: &str) -> PathBuf {
        self.supervisor.paths.service_log(stem(name))
    }

    /// Cuts the power: every process is gone at once, and commands fail until the machine is switched on again.
    pub fn power_off(&self) {
        self.supervisor.power_off();
    }

    /// Boots: starts what is enabled, without waiting for it.
    pub fn power_on(&self) {
        let mut state = self.supervisor.lock();
        if !std::mem::take(&mut state.off) {
            return;
        }
        drop(state);
        for name in self.supervisor.paths.wanted_at_boot() {
            let supervisor = Arc::clone(&self.supervisor);
            thread::spawn(move || {
                // What became of it is in the state of the service.
                let _ = supervisor.start(&name);
            });
        }
    }

    /// The packages that are installed, in order of their names.
    pub fn packages(&self) -> Vec<String> {
        self.supervisor.lock().packages.iter().cloned().collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        self.supervisor.close();
        // The server looks at the flag whenever somebody calls.
        if UnixStream::connect(&self.socket).is_ok() {
            let _ = self.server.take().map(JoinHandle::join);
        }
    }
}

/// Answers commands, each in a thread of its own, so that none waits for another.
fn serve(listener: &UnixListener, supervisor: &Arc<Supervisor>, closing: &AtomicBool) {
    for stream in listener.incoming() {
        if closing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(mut stream) = stream else { continue };
        let supervisor = Arc::clone(supervisor);
        thread::spawn(move || {
            let argv = read_fields(&mut stream)
                .and_then(|fields| fields.into_iter().map(text).collect::<io::Result<_>>());
            if let Ok(argv) = argv {
                // A command that was killed meanwhile does not listen.
                let _ = commands::run(&supervisor, argv)
                    .into_reply()
                    .send(&mut stream);
            }
        });
    }
}

fn initial_state() -> ServiceState {
    ServiceState {
        active: Active::Inactive,
        result: "success".to_owned(),
        ..ServiceState::default()
    }
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".service").unwrap_or(name)
}
