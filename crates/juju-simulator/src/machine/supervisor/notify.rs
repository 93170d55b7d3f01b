//! The socket by which a service of `Type=notify` says that it is ready.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Supervisor;

/// How soon the listener notices that its process is gone.
const LOOK_UP: Duration = Duration::from_millis(50);

impl Supervisor {
    /// Listens for one process; returns the path that the process is to be told.
    pub(super) fn listen_for_notice(
        self: &Arc<Self>,
        name: &str,
        generation: u64,
    ) -> io::Result<PathBuf> {
        let path = self.paths.new_socket(&format!("{name}.notify"));
        let socket = UnixDatagram::bind(&path)?;
        socket.set_read_timeout(Some(LOOK_UP))?;
        let (supervisor, name) = (Arc::clone(self), name.to_owned());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let received = socket.recv(&mut buffer);
                let mut state = supervisor.lock();
                let service = state.service(&name);
                if service.generation != generation || service.exit.is_some() {
                    return;
                }
                let Ok(length) = received else { continue };
                let said = String::from_utf8_lossy(&buffer[..length]);
                service.ready |= said.lines().any(|line| line == "READY=1");
                supervisor.notify_all();
            }
        });
        Ok(path)
    }
}
