//! The side of the command: a test program that was started as `systemctl` and the like.

use std::env;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use crate::wire::{Answer, SOCKET_VARIABLE, write_texts};

/// The names under which a stand-in answers.
pub(crate) const COMMANDS: [&str; 9] = [
    "apt-get",
    "chown",
    "dpkg-query",
    "getent",
    "groupadd",
    "id",
    "systemctl",
    "useradd",
    "usermod",
];

/// Does the work of a stand-in if this process was started as one, and returns how to exit; else returns `None`.
///
/// A test program calls it first thing in `main`, because the stand-ins of a [`Machine`](crate::Machine) are links to
/// the program that made the machine.
pub fn run_as_stand_in() -> Option<ExitCode> {
    let mut argv = env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let name = Path::new(&argv.next()?).file_name()?.to_str()?.to_owned();
    if !COMMANDS.contains(&name.as_str()) {
        return None;
    }
    let socket = env::var_os(SOCKET_VARIABLE)?;
    let argv: Vec<String> = std::iter::once(name.clone()).chain(argv).collect();
    let answer = ask(Path::new(&socket), &argv).unwrap_or_else(|error| {
        Answer::error(
            1,
            format!("{name}: the simulated machine does not answer: {error}"),
        )
    });
    // Whoever started this command may have stopped listening, which is nothing to report.
    let _ = io::stdout().write_all(answer.stdout.as_bytes());
    let _ = io::stderr().write_all(answer.stderr.as_bytes());
    Some(ExitCode::from(answer.code))
}

fn ask(socket: &Path, argv: &[String]) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    write_texts(&mut stream, argv)?;
    Answer::read(&mut stream)
}
