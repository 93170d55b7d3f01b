//! etcd's own tool for snapshot files: `etcdutl`, and `etcdctl` before 3.5.

use std::path::Path;
use std::time::Duration;

use machine::{Command, Commands};
use serde::Deserialize;

use super::MachineError;
use super::error::CommandError;
use super::package::Installed;
use super::release::version;

/// The first version whose tool can raise the revision.
const RAISES_REVISIONS: (u32, u32) = (3, 6);

/// By how much revisions are raised: more than a busy cluster writes in the
/// time that lies between a snapshot and its restoration.
const RAISE: &str = "1000000000";

/// How long the tool may take: it reads all of a database, and writes it anew.
/// The largest that etcd advises has 8 GiB.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a snapshot holds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotContent {
    /// The revision of the keys.
    pub revision: i64,
    /// The number of entries, history included.
    pub total_key: i64,
}

/// What a member is restored as: the only one of a new cluster.
#[derive(Clone, Debug)]
pub struct RestoredAs<'a> {
    /// The name of the member.
    pub name: &'a str,
    /// Where its peers will reach it.
    pub peer_url: &'a str,
    /// Makes the cluster another one than all before.
    pub token: &'a str,
}

/// Reads what a snapshot holds.
///
/// # Errors
/// It is no database of etcd.
pub fn content(
    commands: &Commands,
    programs: &Installed,
    file: &Path,
) -> Result<SnapshotContent, MachineError> {
    let failed = || MachineError::command(format!("read the snapshot {}", file.display()));
    let said = tool(commands, programs)
        .args(["snapshot", "status", "--write-out=json"])
        .arg(file)
        .run()
        .map_err(failed())?;
    serde_json::from_str(said.stdout.trim()).map_err(|_| failed()(said.failure()))
}

/// Makes the data of a member from a snapshot. Where the tool can, revisions
/// are raised, and everything before is marked as compacted: a client that
/// watches from a revision which the snapshot does not know is told to read
/// anew, where it would wait for events that never come.
///
/// # Errors
/// The tool refused; then the directory is not to be used.
pub fn restore(
    commands: &Commands,
    programs: &Installed,
    file: &Path,
    data_dir: &Path,
    member: &RestoredAs<'_>,
) -> Result<(), MachineError> {
    let mut command = tool(commands, programs)
        .args(["snapshot", "restore"])
        .arg(file)
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--name", member.name])
        .args(["--initial-advertise-peer-urls", member.peer_url])
        .args(["--initial-cluster-token", member.token])
        .arg("--initial-cluster")
        .arg(format!("{}={}", member.name, member.peer_url));
    if raises_revisions(commands, programs)
        .map_err(MachineError::command("ask etcd its version"))?
    {
        command = command.args(["--bump-revision", RAISE, "--mark-compacted"]);
    }
    command
        .run()
        .map(drop)
        .map_err(MachineError::command(format!(
            "restore the snapshot {}",
            file.display()
        )))
}

/// Whether restored revisions lie above all that clients have seen.
///
/// # Errors
/// etcd does not run on this machine.
pub fn raises_revisions(commands: &Commands, programs: &Installed) -> Result<bool, CommandError> {
    let version = version(commands, &programs.etcd)?;
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let version = (
        numbers.next().flatten().unwrap_or(0),
        numbers.next().flatten().unwrap_or(0),
    );
    Ok(programs.etcdutl.is_some() && version >= RAISES_REVISIONS)
}

fn tool(commands: &Commands, programs: &Installed) -> Command {
    commands
        .command(programs.etcdutl.as_ref().unwrap_or(&programs.etcdctl))
        // 3.4 speaks version 3 by default, and can be told otherwise.
        .env("ETCDCTL_API", "3")
        .within(LIMIT)
}
