//! The socket that hook tools of one running hook connect to.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::run::Event;
use crate::wire::Request;

/// As in Juju, the server lives for one hook or action, and serves one call
/// after the other (Juju's `jujuc/server.go`).
pub(crate) struct Server {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(path: &Path, events: Sender<Event>) -> io::Result<Self> {
        // A killed model may have left its socket.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(mut stream) = stream else { break };
                // A tool that connects sends its request at once, or was killed.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                let Ok(request) = Request::receive(&mut stream) else {
                    continue;
                };
                if events.send(Event::Call(request, stream)).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            path: path.to_path_buf(),
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The connection wakes the thread up; it fails only if the thread is gone.
        let _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}
