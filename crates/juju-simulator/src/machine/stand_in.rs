//! The side of the command: a test program that was started as `systemctl` and the like.

use std::env;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use crate::wire::{Reply, write_fields};

/// The variable by which a stand-in finds its machine.
pub(crate) const SOCKET_VARIABLE: &str = "SIMULATED_MACHINE_SOCKET";

/// The names under which a stand-in answers.
pub(crate) const COMMANDS: [&str; 5] = ["apt-get", "chown", "id", "systemctl", "useradd"];

/// Does the work of a stand-in if this process was started as one, and returns how to exit; else returns `None`.
pub(crate) fn run_as_command() -> Option<ExitCode> {
    let mut argv = env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let name = Path::new(&argv.next()?).file_name()?.to_str()?.to_owned();
    if !COMMANDS.contains(&name.as_str()) {
        return None;
    }
    let socket = env::var_os(SOCKET_VARIABLE)?;
    let argv: Vec<String> = std::iter::once(name.clone()).chain(argv).collect();
    let answer = ask(Path::new(&socket), &argv).unwrap_or_else(|error| Reply {
        code: 1,
        stdout: Vec::new(),
        stderr: format!("{name}: the simulated machine does not answer: {error}\n").into_bytes(),
    });
    // Whoever started this command may have stopped listening, which is nothing to report.
    let _ = io::stdout().write_all(&answer.stdout);
    let _ = io::stderr().write_all(&answer.stderr);
    Some(ExitCode::from(u8::try_from(answer.code).unwrap_or(1)))
}

fn ask(socket: &Path, argv: &[String]) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket)?;
    let fields: Vec<&[u8]> = argv.iter().map(String::as_bytes).collect();
    write_fields(&mut stream, &fields)?;
    Reply::receive(&mut stream)
}
