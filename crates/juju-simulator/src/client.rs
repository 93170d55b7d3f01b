//! The other side of a hook tool: a program that was started under its name.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use crate::wire::{Reply, Request};

/// Behaves as a hook tool if this program was started under a hook tool's name
/// inside a hook.
pub(crate) fn run_as_hook_tool() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let started_as = args.next()?;
    let tool = std::path::Path::new(&started_as)
        .file_name()?
        .to_str()?
        .to_owned();
    if !crate::names::NAMES.contains(&tool.as_str()) {
        return None;
    }
    let socket = std::env::var_os("JUJU_AGENT_SOCKET_ADDRESS")?;
    let Ok(args) = args
        .map(std::ffi::OsString::into_string)
        .collect::<Result<Vec<_>, _>>()
    else {
        return Some(failed("an argument is not UTF-8"));
    };
    let mut request = Request {
        context: std::env::var("JUJU_CONTEXT_ID").unwrap_or_default(),
        directory: std::env::current_dir()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        tool,
        args,
        stdin: None,
    };
    // Juju's tools send standard input only to a command that reads it.
    if request
        .args
        .iter()
        .any(|arg| arg == "-" || arg == "--file=-")
    {
        let mut stdin = Vec::new();
        if std::io::stdin().read_to_end(&mut stdin).is_ok() {
            request.stdin = Some(stdin);
        }
    }
    let answer = UnixStream::connect(socket).and_then(|mut stream| {
        request.send(&mut stream)?;
        Reply::receive(&mut stream)
    });
    let reply = match answer {
        Ok(reply) => reply,
        Err(error) => return Some(failed(&error.to_string())),
    };
    // Nobody is left to hear of an error when the hook closed its end.
    let _ = std::io::stdout()
        .write_all(&reply.stdout)
        .and_then(|()| std::io::stdout().flush());
    let _ = std::io::stderr().write_all(&reply.stderr);
    Some(ExitCode::from(u8::try_from(reply.code).unwrap_or(1)))
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "ERROR {why}");
    ExitCode::FAILURE
}
