//! A stand between the charm and LXD's socket that loses a request, or the
//! answer to one.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Loss {
    /// The request: LXD never hears of it.
    Request,
    /// The answer: LXD has done what was asked.
    Answer,
}

/// Loses one request, and passes all others on.
pub(crate) struct Proxy {
    pub(crate) socket: PathBuf,
    seen: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens in a directory; the request of that number (from 1) is lost.
    pub(crate) fn start(directory: &Path, lxd: &Path, nth: usize, loss: Loss) -> Self {
        let socket = directory.join(format!("proxy-{nth}-{loss:?}"));
        let listener = UnixListener::bind(&socket).expect("a socket");
        let seen = Arc::new(AtomicUsize::new(0));
        let (lxd, count) = (lxd.to_owned(), seen.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { break };
                let server = UnixStream::connect(&lxd).expect("LXD is there");
                pass(client, server, &count, nth, loss);
            }
        });
        Self { socket, seen }
    }

    /// How many requests came so far.
    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// Passes one connection on, request by request: the charm sends the next only
/// when it has the answer to the one before.
fn pass(
    mut client: UnixStream,
    mut server: UnixStream,
    count: &AtomicUsize,
    nth: usize,
    loss: Loss,
) {
    let mut back = server.try_clone().expect("a second handle");
    let mut to_client = client.try_clone().expect("a second handle");
    let (sender, lost) = std::sync::mpsc::channel::<()>();
    let answers = std::thread::spawn(move || {
        let mut buffer = [0_u8; 64 * 1024];
        while let Ok(read) = back.read(&mut buffer)
            && read > 0
        {
            // From the moment that the request to lose is passed on, nothing comes
            // back.
            if lost.try_recv().is_ok() || to_client.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // Whoever waits for an answer sees the end instead.
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    let mut buffer = [0_u8; 64 * 1024];
    while let Ok(read) = client.read(&mut buffer)
        && read > 0
    {
        let is_start = [&b"GET "[..], b"POST ", b"PATCH ", b"DELETE "]
            .iter()
            .any(|method| buffer[..read].starts_with(method));
        if is_start && count.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            match loss {
                Loss::Request => break,
                Loss::Answer => sender.send(()).expect("somebody listens"),
            }
        }
        if server.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Ends of streams that have ended already are fine.
    let _ = client.shutdown(std::net::Shutdown::Both);
    let _ = server.shutdown(std::net::Shutdown::Both);
    answers.join().expect("the other direction has ended");
}
