//! A stand-in for the agent's hook tools: real processes that record how they
//! were called and print what a test told them to.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::runner::Tools;

/// Records each argument on a line of `<tool>.argv`, standard input in
/// `<tool>.stdin`, and the mode and content of every file that an argument hands
/// over in `<tool>.files`; then answers from `<tool>.stdout`, `.stderr`, `.code`.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
me="$here/$(basename "$0")"
: > "$me.files"
for arg in "$@"; do
    printf '%s\n' "$arg"
    case "$arg" in
    *'#file='*)
        file=${arg#*#file=}
        { stat -c %a "$file"; cat "$file"; echo; } >> "$me.files" ;;
    esac
done > "$me.argv"
if [ -e "$me.hangs" ]; then exec sleep 60; fi
cat > "$me.stdin"
cat "$me.stdout" 2>/dev/null
cat "$me.stderr" >&2 2>/dev/null
exit "$(cat "$me.code" 2>/dev/null || echo 0)"
"#;

/// A directory with stand-ins, removed at the end of the test.
pub(super) struct Fake(PathBuf);

impl Fake {
    /// Stand-ins of the given names, which succeed and print nothing.
    pub(super) fn new(tools: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("hook-tools-{}-{number}", std::process::id()));
        fs::create_dir(&directory).expect("a new directory");
        for tool in tools {
            // Written by another process: were the file open for writing here
            // while a parallel test forks, its execution would fail (ETXTBSY).
            let status = Command::new("/bin/sh")
                .args(["-c", r#"printf %s "$1" > "$2" && chmod 755 "$2""#, "sh"])
                .args([SCRIPT.as_ref(), directory.join(tool).as_os_str()])
                .status()
                .expect("a shell");
            assert!(status.success());
        }
        Self(directory)
    }

    /// One stand-in that succeeds with `stdout`.
    pub(super) fn printing(tool: &str, stdout: &str) -> Self {
        let fake = Self::new(&[tool]);
        fs::write(fake.path(&format!("{tool}.stdout")), stdout).expect("a file");
        fake
    }

    /// One stand-in that fails with `stderr` and an exit code.
    pub(super) fn failing(tool: &str, code: u8, stderr: &str) -> Self {
        let fake = Self::new(&[tool]);
        fs::write(fake.path(&format!("{tool}.stderr")), stderr).expect("a file");
        fs::write(fake.path(&format!("{tool}.code")), code.to_string()).expect("a file");
        fake
    }

    /// One stand-in that does not end.
    pub(super) fn hanging(tool: &str) -> Self {
        let fake = Self::new(&[tool]);
        fs::write(fake.path(&format!("{tool}.hangs")), "").expect("a file");
        fake
    }

    /// A runner that finds these stand-ins and nothing else.
    pub(super) fn tools(&self) -> Tools {
        Tools::new(&OsString::from(&self.0), &self.path("handover")).expect("a runner")
    }

    /// The arguments of the tool's last call.
    pub(super) fn argv(&self, tool: &str) -> Vec<String> {
        let text = self.recorded(tool, "argv");
        text.split_terminator('\n').map(str::to_owned).collect()
    }

    /// What the tool's last call read, or was handed over: see [`SCRIPT`].
    pub(super) fn recorded(&self, tool: &str, what: &str) -> String {
        fs::read_to_string(self.path(&format!("{tool}.{what}"))).expect("the tool was called")
    }

    /// A path inside the directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where content is handed over.
    pub(super) fn left_over_files(&self) -> usize {
        fs::read_dir::<&Path>(&self.path("handover"))
            .expect("the runner made it")
            .count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
