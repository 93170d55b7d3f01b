//! The one place where hook tools are started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::ToolError;
use super::handover::Handover;

/// How long a tool may take. Each is one request to the agent and a few of the
/// agent to its controller: milliseconds, and some seconds on one that is busy.
const LIMIT: Duration = Duration::from_secs(30);

/// How long each may take once one has not ended in time, so that a hook ends
/// within minutes however many calls it makes.
const LIMIT_AFTER_ONE_HUNG: Duration = Duration::from_secs(3);

/// How long after a reading call that failed the same call is made again.
const PAUSE: Duration = Duration::from_millis(200);

/// The hook tools of the running hook.
///
/// Tools inherit the environment of this process: they find their agent by
/// `JUJU_CONTEXT_ID` and `JUJU_AGENT_SOCKET_ADDRESS`, which are not ours to
/// interpret.
#[derive(Debug)]
pub struct Tools {
    directories: Vec<PathBuf>,
    pub(super) handover: Handover,
    calls: Mutex<BTreeMap<&'static str, u32>>,
    has_hung: AtomicBool,
}

impl Tools {
    /// A runner that looks for tools in the directories of `path` (the value of
    /// the environment variable `PATH`) and hands secret content over in the
    /// directory `handover`, which is made where it is missing, closed to other
    /// users, and emptied of what a killed predecessor may have left.
    ///
    /// The directory must be absolute, since the agent opens the files and has a
    /// working directory of its own; it must belong to one unit alone, and its
    /// parent must not be writable for other users.
    ///
    /// # Errors
    /// [`ToolError::Handover`] if the directory cannot be prepared.
    pub fn new(path: &OsStr, handover: &Path) -> Result<Self, ToolError> {
        Ok(Self {
            directories: std::env::split_paths(path)
                .filter(|directory| directory.is_absolute())
                .collect(),
            handover: Handover::new(handover)?,
            calls: Mutex::default(),
            has_hung: AtomicBool::new(false),
        })
    }

    /// How many tools have been started so far.
    pub fn calls(&self) -> u32 {
        self.calls_by_tool().iter().map(|(_, count)| count).sum()
    }

    /// How often each tool has been started so far, by name.
    pub fn calls_by_tool(&self) -> Vec<(&'static str, u32)> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().map(|(tool, count)| (*tool, *count)).collect()
    }

    fn count(&self, tool: &'static str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(tool).or_default() += 1;
    }

    /// Begins a call of `tool`.
    pub(super) fn call(&self, tool: &'static str) -> Call<'_> {
        Call {
            tools: self,
            tool,
            shown: Vec::new(),
            hidden: Vec::new(),
            stdin: None,
            limit: LIMIT,
        }
    }

    /// The tool's absolute path, links unresolved: the program behind all hook
    /// tools is one, and goes by the name that it was started with.
    fn find(&self, tool: &'static str) -> Result<PathBuf, ToolError> {
        self.directories
            .iter()
            .map(|directory| directory.join(tool))
            .find(|file| {
                file.metadata()
                    .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
            })
            .ok_or_else(|| ToolError::Start {
                tool,
                source: io::Error::new(io::ErrorKind::NotFound, "no such tool on PATH"),
            })
    }
}

/// A call in the making.
#[must_use = "a call does nothing before it is run"]
pub(super) struct Call<'t> {
    tools: &'t Tools,
    tool: &'static str,
    shown: Vec<OsString>,
    hidden: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    limit: Duration,
}

impl Call<'_> {
    /// Adds an argument that an error may show.
    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments that an error may show.
    pub(super) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.shown
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds text that is free in form and stays out of errors: it follows all
    /// other arguments, after a `--`, so that it is never taken for an option. A
    /// NUL character, which no argument can hold, is replaced.
    pub(super) fn text(mut self, text: &str) -> Self {
        if self.hidden.is_empty() {
            self.hidden.push("--".into());
        }
        self.hidden.push(text.replace('\0', "\u{fffd}").into());
        self
    }

    /// What the tool reads from its standard input.
    pub(super) fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// Lets the tool take longer than others: it moves files.
    pub(super) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the tool for its output as JSON. All tools with such an output only
    /// read, so one that fails without an answer is run once more.
    pub(super) fn json<T: DeserializeOwned>(mut self) -> Result<T, ToolError> {
        let tool = self.tool;
        self.shown.insert(0, "--format=json".into());
        let output = match self.attempt() {
            Err(error) if error.may_pass() => {
                thread::sleep(PAUSE);
                self.attempt()?
            }
            output => output?,
        };
        serde_json::from_slice(&output).map_err(|source| ToolError::parse(tool, source))
    }

    /// Runs the tool for its output as text, without the newline that most tools
    /// end it with.
    pub(super) fn output(self) -> Result<String, ToolError> {
        let tool = self.tool;
        let output = String::from_utf8(self.run()?)
            // The bytes themselves may be anything and stay out of the error.
            .map_err(|error| ToolError::parse(tool, error.utf8_error()))?;
        Ok(output.strip_suffix('\n').unwrap_or(&output).to_owned())
    }

    /// Runs the tool for its stdout.
    pub(super) fn run(self) -> Result<Vec<u8>, ToolError> {
        self.attempt()
    }

    fn attempt(&self) -> Result<Vec<u8>, ToolError> {
        let program = self.tools.find(self.tool)?;
        self.tools.count(self.tool);
        let limit = match self.tools.has_hung.load(Ordering::Relaxed) {
            true => LIMIT_AFTER_ONE_HUNG,
            false => self.limit,
        };
        let output = self.execute(&program, limit);
        let output = output.map_err(|source| ToolError::Start {
            tool: self.tool,
            source,
        })?;
        let Some(output) = output else {
            self.tools.has_hung.store(true, Ordering::Relaxed);
            return Err(ToolError::Hung {
                call: self.shown(),
                seconds: limit.as_secs(),
            });
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(ToolError::Failed {
            call: self.shown(),
            status: output.status,
            stderr: readable(&output.stderr),
        })
    }

    fn execute(&self, program: &Path, limit: Duration) -> io::Result<Option<Output>> {
        let child = Command::new(program)
            .args(&self.shown)
            .args(&self.hidden)
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        process_limit::output(child, self.stdin.clone(), limit)
    }

    fn shown(&self) -> String {
        let args = self.shown.iter().map(|arg| arg.to_string_lossy());
        std::iter::once(self.tool.into())
            .chain(args)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Text from stderr for an error: without Juju's own `ERROR`, and at most 2000
/// characters, which is far more than any message of a hook tool.
fn readable(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    let text = text.strip_prefix("ERROR ").unwrap_or(text);
    text.chars().take(2_000).collect()
}
