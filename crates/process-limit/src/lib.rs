//! Waiting for the process of another program, and for no longer than is good:
//! one that hangs must not hang the unit with it.

use std::io::{self, Read, Write as _};
use std::process::{Child, Output};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The pause between two looks at a process that has closed its output and is
/// about to end; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Gives the process its input and waits for its end. `None` if that has not come
/// within the limit: then it is killed.
///
/// # Errors
/// What it writes cannot be read.
pub fn output(
    mut child: Child,
    input: Option<Vec<u8>>,
    limit: Duration,
) -> io::Result<Option<Output>> {
    let deadline = Instant::now() + limit;
    // Input is written beside the reading of output: a program that fills its
    // output before it has read everything would otherwise wait for us while we
    // wait for it.
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        thread::spawn(move || {
            // A program that ends without reading has said why.
            let _ = pipe.write_all(&input);
        });
    }
    // Threads of their own, which nobody has to join: a program that hangs, or
    // leaves another behind, may hold its output open for ever.
    let pipes = [read(child.stdout.take()), read(child.stderr.take())];
    let mut texts = Vec::new();
    for pipe in pipes {
        match pipe.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => texts.push(text?),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return give_up(child);
            }
        }
    }
    let Some(status) = ended(&mut child, deadline)? else {
        return give_up(child);
    };
    let stderr = texts.pop().unwrap_or_default();
    let stdout = texts.pop().unwrap_or_default();
    Ok(Some(Output {
        status,
        stdout,
        stderr,
    }))
}

/// Waits until the process has ended; `None` if it has not at this time.
///
/// # Errors
/// The system cannot tell.
pub fn ended(child: &mut Child, deadline: Instant) -> io::Result<Option<std::process::ExitStatus>> {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn give_up(mut child: Child) -> io::Result<Option<Output>> {
    child.kill()?;
    // It does not outlive the signal, unless the kernel itself waits for a disk
    // or a file server; then nobody could end it.
    let soon = Instant::now() + Duration::from_secs(1);
    ended(&mut child, soon).map(|_| None)
}

fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = channel();
    let read = move || {
        let mut text = Vec::new();
        let read = pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut text));
        // Nobody listens any more once the time is over.
        let _ = sender.send(read.map(|_| text));
    };
    thread::spawn(read);
    receiver
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn shell(script: &str) -> Child {
        Command::new("/bin/sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell")
    }

    #[test]
    fn input_and_both_outputs_may_be_larger_than_a_pipe() {
        let input = vec![b'x'; 1 << 20];
        let child = shell("head -c 500000 /dev/zero; cat; head -c 300000 /dev/zero >&2; exit 7");
        let output = output(child, Some(input), Duration::from_secs(60));
        let output = output.expect("readable").expect("in time");
        assert_eq!(output.stdout.len(), 500_000 + (1 << 20));
        assert_eq!(output.stderr.len(), 300_000);
        assert_eq!(output.status.code(), Some(7));
    }

    #[test]
    fn whatever_hangs_is_waited_for_no_longer_than_allowed() {
        for script in [
            "exec sleep 60",
            // Its output is closed, and it goes on.
            "exec sleep 60 >&- 2>&-",
            // It has ended, and something that it started has its output.
            "sleep 60 & exit 0",
        ] {
            let begun = Instant::now();
            let output = output(shell(script), None, Duration::from_millis(200));
            assert!(output.expect("it can be waited for").is_none(), "{script}");
            assert!(begun.elapsed() < Duration::from_secs(20), "{script}");
        }
    }
}
