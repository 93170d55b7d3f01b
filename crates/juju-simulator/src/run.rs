//! Running a hook as a process, and answering its tools meanwhile.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::context::{Context, Kind};
use crate::fault::{Call, Effect, Fault};
use crate::model::Model;
use crate::name::UnitName;
use crate::report::{Exit, HookRun, ToolCall};
use crate::server::Server;
use crate::wire::{Reply, Request};

pub(crate) enum Event {
    Call(Request, UnixStream),
    Exited(ExitStatus),
}

pub(crate) fn kill_group(group: u32) {
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // The group may have ended by itself, which is what we want.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// What a tool hears.
enum Answer {
    Reply(Reply),
    /// Nothing, for as long as the hook runs.
    Hang,
    /// Nothing: a fault has killed the hook.
    Killed,
}

/// What became of the process.
struct Outcome {
    exit: Exit,
    skipped: bool,
    timed_out: bool,
    stdout: String,
    stderr: String,
    environment: Vec<(String, String)>,
}

impl Model {
    /// Runs one hook or action from the environment to the commit. What the
    /// result means to the unit's agent is the callers' business.
    pub(crate) fn execute(&mut self, context: &mut Context) -> HookRun {
        let started = Instant::now();
        let name = match &context.kind {
            Kind::Hook(_) => self.hook_name(&context.unit, &context.kind),
            Kind::Action { name, .. } => format!("action {name}"),
        };
        self.trace(&format!("{}: {name}", context.unit));
        let outcome = self
            .process(context)
            .unwrap_or_else(|error| panic!("{} {name}: {error}", context.unit));
        let Outcome {
            exit,
            skipped,
            timed_out,
            stdout,
            stderr,
            environment,
        } = outcome;
        self.unit_mut(&context.unit)
            .faults
            .retain(|fault| !matches!(fault.call, Call::Nth(_)));
        let (committed, commit_error, changes) = if exit == Exit::Code(0) {
            match self.commit(context) {
                Ok(changes) => (true, None, changes),
                Err((error, changes)) => (false, Some(error), changes),
            }
        } else {
            (false, None, Vec::new())
        };
        self.trace(&format!(
            "{}: {name} ended: {exit:?} committed={committed} {commit_error:?}",
            context.unit
        ));
        if self.trace && !stderr.is_empty() {
            self.trace(&format!("{}: {name} stderr: {stderr}", context.unit));
        }
        HookRun {
            unit: context.unit.clone(),
            name,
            hook: match &context.kind {
                Kind::Hook(hook) => Some(hook.clone()),
                Kind::Action { .. } => None,
            },
            environment,
            calls: std::mem::take(&mut context.calls),
            exit,
            skipped,
            timed_out,
            stdout,
            stderr,
            log: std::mem::take(&mut context.log),
            committed,
            commit_error,
            changes,
            duration: started.elapsed(),
        }
    }

    fn process(&mut self, context: &mut Context) -> io::Result<Outcome> {
        let directory = self.unit(&context.unit).directory.clone();
        let socket = self.socket_path(&directory);
        let environment = self.environment(context, &socket);
        let dispatch = environment
            .iter()
            .find(|(key, _)| key == "JUJU_DISPATCH_PATH");
        let by_name = dispatch.map(|(_, path)| path.clone()).unwrap_or_default();
        let charm = directory.join("charm");
        let Some(program) = ["dispatch", &by_name]
            .iter()
            .map(|name| charm.join(name))
            .find(|path| runnable(path))
        else {
            return Ok(Outcome {
                exit: Exit::Code(0),
                skipped: true,
                timed_out: false,
                stdout: String::new(),
                stderr: String::new(),
                environment,
            });
        };
        let (sender, events) = channel();
        let server = Server::start(&socket, sender.clone())?;
        let outputs = [directory.join("stdout"), directory.join("stderr")];
        let mut command = Command::new(&program);
        // Files and not pipes: a daemon that the hook leaves behind may hold
        // its outputs open, and must not hold us.
        command
            .env_clear()
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .current_dir(&charm)
            .stdin(Stdio::null())
            .stdout(File::create(&outputs[0])?)
            .stderr(File::create(&outputs[1])?)
            .process_group(0);
        let mut child = spawn(&mut command)?;
        let group = child.id();
        self.running = Some(group);
        let waiter = std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // The receiver waits for this message and for nothing after it.
                let _ = sender.send(Event::Exited(status));
            }
        });
        let (status, timed_out) = self.serve(context, &events, group)?;
        self.running = None;
        // The waiter ends with the process, so joining cannot hang.
        let _ = waiter.join();
        drop(server);
        let [stdout, stderr] = outputs.map(|path| lossy(&std::fs::read(path).unwrap_or_default()));
        let exit = status
            .code()
            .map_or_else(|| Exit::Signal(status.signal().unwrap_or(0)), Exit::Code);
        Ok(Outcome {
            exit,
            skipped: false,
            timed_out,
            stdout,
            stderr,
            environment,
        })
    }

    /// Unix sockets have short names; a deep model directory gets one elsewhere.
    fn socket_path(&mut self, directory: &Path) -> PathBuf {
        let path = directory.join("agent.socket");
        if path.as_os_str().len() < 100 {
            return path;
        }
        self.next_run += 1;
        std::env::temp_dir().join(format!(
            "juju-{}-{}-{}.socket",
            std::process::id(),
            &self.uuid[..8],
            self.next_run
        ))
    }

    fn serve(
        &mut self,
        context: &mut Context,
        events: &Receiver<Event>,
        group: u32,
    ) -> io::Result<(ExitStatus, bool)> {
        let deadline = Instant::now() + self.options.hook_timeout;
        let mut timed_out = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = if timed_out {
                events.recv().ok()
            } else {
                events.recv_timeout(left).ok()
            };
            match event {
                Some(Event::Exited(status)) => return Ok((status, timed_out)),
                Some(Event::Call(request, mut stream)) => {
                    match self.answer(context, request, group) {
                        // A tool that was killed meanwhile does not read its answer.
                        Answer::Reply(reply) => drop(reply.send(&mut stream)),
                        Answer::Hang => context.hanging.push(stream),
                        Answer::Killed => {}
                    }
                }
                None if timed_out => return Err(io::Error::other("the process is lost")),
                None => {
                    timed_out = true;
                    kill_group(group);
                }
            }
        }
    }

    /// Answers one call.
    fn answer(&mut self, context: &mut Context, request: Request, group: u32) -> Answer {
        if request.context != context.id {
            let [expected, got] =
                [&context.id, &request.context].map(|id| crate::format::quote(id));
            let stderr = format!("ERROR bad request: expected context id {expected}, got {got}\n");
            return Answer::Reply(failed(1, stderr));
        }
        let number = context.calls.len() + 1;
        let faults = &mut self.unit_mut(&context.unit).faults;
        let (due, rest): (Vec<Fault>, Vec<Fault>) = std::mem::take(faults)
            .into_iter()
            .partition(|fault| fault.call.is(number, &request.tool, &request.args));
        *faults = rest;
        if due
            .iter()
            .any(|fault| matches!(fault.effect, Effect::KillBefore))
        {
            kill_group(group);
            return Answer::Killed;
        }
        let hangs = due.iter().any(|fault| matches!(fault.effect, Effect::Hang));
        let failure = due.iter().find_map(|fault| match &fault.effect {
            Effect::Fail { code, stderr } => Some(failed(*code, stderr.clone())),
            Effect::Hang => Some(failed(-1, String::new())),
            _ => None,
        });
        let reply = failure.unwrap_or_else(|| crate::tool::call(self, context, &request));
        let call = ToolCall {
            writes: crate::tool::writes(&request.tool, &request.args),
            tool: request.tool,
            args: request.args,
            stdin: request.stdin.as_deref().map(lossy),
            exit_code: reply.code,
            stdout: lossy(&reply.stdout),
            stderr: lossy(&reply.stderr),
        };
        self.trace(&format!(
            "  {} {:?} -> {} {:?} {:?}",
            call.tool, call.args, call.exit_code, call.stdout, call.stderr
        ));
        context.calls.push(call);
        if self.after_call(context, due) {
            // The answer is held back, or the hook could win the race and exit 0.
            kill_group(group);
            return Answer::Killed;
        }
        match hangs {
            true => Answer::Hang,
            false => Answer::Reply(reply),
        }
    }

    /// What faults do once a call was carried out; whether one kills the hook.
    fn after_call(&mut self, context: &Context, due: Vec<Fault>) -> bool {
        let mut killed = false;
        for fault in due {
            match fault.effect {
                Effect::After(action) => action(self),
                Effect::KillAfter => killed = true,
                Effect::Fail { .. } | Effect::Hang if matches!(fault.call, Call::Each { .. }) => {
                    self.unit_mut(&context.unit).faults.push(fault);
                }
                Effect::Fail { .. } | Effect::Hang | Effect::KillBefore => {}
            }
        }
        killed
    }

    /// Makes the unit's own charm directory: directories are real, files are
    /// links. An executable is never copied, because a copy that another thread's
    /// fork still has open for writing cannot be run.
    pub(crate) fn install_charm(&mut self, unit: &UnitName) {
        let charm = &self.application(unit.application()).charm;
        let Some(source) = &charm.directory else {
            return;
        };
        let target = self.unit(unit).directory.join("charm");
        let made = std::fs::remove_dir_all(&target).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        });
        made.and_then(|()| match &charm.dispatch {
            Some(program) => link_dispatch(source, program, &target),
            None => link_tree(source, &target),
        })
        .and_then(|()| {
            charm.files.iter().try_for_each(|(name, file)| {
                std::os::unix::fs::symlink(file.canonicalize()?, target.join(name))
            })
        })
        .unwrap_or_else(|error| panic!("charm of {unit}: {error}"));
    }
}

fn link_dispatch(source: &Path, program: &Path, target: &Path) -> io::Result<()> {
    std::fs::create_dir_all(target)?;
    for name in crate::charm::FILES {
        let file = source.join(name);
        if file.exists() {
            std::os::unix::fs::symlink(file.canonicalize()?, target.join(name))?;
        }
    }
    std::os::unix::fs::symlink(program.canonicalize()?, target.join("dispatch"))
}

fn link_tree(source: &Path, target: &Path) -> io::Result<()> {
    std::fs::create_dir_all(target)?;
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        let to = target.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_tree(&entry.path(), &to)?;
        } else {
            std::os::unix::fs::symlink(entry.path().canonicalize()?, to)?;
        }
    }
    Ok(())
}

fn runnable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Another thread of the test may be between fork and exec while it still holds
/// a freshly written script open; the kernel then says "text file busy".
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..200 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
    command.spawn()
}

pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The reply of a call that fails.
fn failed(code: i32, stderr: String) -> Reply {
    Reply {
        code,
        stdout: Vec::new(),
        stderr: stderr.into_bytes(),
    }
}
