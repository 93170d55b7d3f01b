//! Connections that are open to a service of this machine.
//!
//! They are ended by `ss --kill`, which asks the kernel (`SOCK_DESTROY` of its
//! socket diagnosis): both sides see a reset at once. A kernel that was built
//! without it, or a container that may not, does nothing and says nothing, so it
//! is looked whether they are gone. The command is part of every Ubuntu and Debian
//! (`iproute2`); to speak netlink ourselves would be a parser of the kernel's
//! answers more, for a call that is made seldom.

use std::collections::BTreeSet;

use machine::{Commands, MachineError};

/// What came of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// None is left of those that were open.
    All,
    /// So many are still open.
    Left(usize),
}

/// Ends all established connections that others have made to this address and
/// port of ours. Who may connect again does so within milliseconds.
///
/// # Errors
/// `ss` cannot be run, so nothing is known.
pub fn end_connections(commands: &Commands, address: &str) -> Result<Ended, MachineError> {
    let open = established(commands, address, false)?;
    if open.is_empty() {
        return Ok(Ended::All);
    }
    // Those that it names are those that it has ended.
    established(commands, address, true)?;
    let left = established(commands, address, false)?;
    Ok(match left.intersection(&open).count() {
        0 => Ended::All,
        count => Ended::Left(count),
    })
}

/// The far ends of established connections to this address and port.
fn established(
    commands: &Commands,
    address: &str,
    ends: bool,
) -> Result<BTreeSet<String>, MachineError> {
    let kill = ends.then_some("--kill");
    let outcome = commands
        .command("ss")
        .args(["--no-header", "--numeric", "--tcp"])
        .args(kill)
        .args(["state", "established", "src", address])
        .outcome()
        .map_err(MachineError::command("look at the connections of clients"))?;
    // Not to be allowed to end one is told by what is left.
    if !ends {
        outcome
            .clone()
            .success()
            .map_err(MachineError::command("look at the connections of clients"))?;
    }
    // Two queues, the near end and the far end.
    let far_ends = outcome.stdout.lines();
    let far_ends = far_ends.filter_map(|line| line.split_whitespace().nth(3));
    Ok(far_ends.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Machine;
    use super::*;

    const OPEN: &str = "0 0 10.0.0.1:2379 10.0.0.9:40000";

    fn ends(script: &str) -> (Result<Ended, MachineError>, Vec<String>) {
        let machine = Machine::new();
        machine.command("ss", script);
        let ended = end_connections(&machine.commands(), "10.0.0.1:2379");
        (ended, machine.calls())
    }

    #[test]
    fn nothing_is_killed_where_nothing_is_open() {
        let (ended, calls) = ends("");
        assert_eq!(ended.expect("looked"), Ended::All);
        let listing = "ss --no-header --numeric --tcp state established src 10.0.0.1:2379";
        assert_eq!(calls, [listing]);
    }

    #[test]
    fn what_connects_anew_is_not_left() {
        let script = format!(
            "case \"$*\" in *--kill*) touch \"$root/ended\"; exit 0;; esac; \
             if [ -e \"$root/ended\" ]; then echo '0 0 10.0.0.1:2379 10.0.0.9:40001'; \
             else echo '{OPEN}'; fi"
        );
        let (ended, calls) = ends(&script);
        assert_eq!(ended.expect("looked"), Ended::All);
        assert_eq!(calls.len(), 3);
    }

    #[test]
    fn a_kernel_that_does_nothing_is_found_out() {
        let (ended, _) = ends(&format!("echo '{OPEN}'"));
        assert_eq!(ended.expect("looked"), Ended::Left(1));
        let refused = format!(
            "case \"$*\" in *--kill*) echo 'SOCK_DESTROY answers: Operation not permitted' >&2; \
             exit 1;; esac; echo '{OPEN}'"
        );
        assert_eq!(ends(&refused).0.expect("looked"), Ended::Left(1));
    }

    #[test]
    fn without_the_command_nothing_is_known() {
        let nowhere = Commands::on_path("/nonexistent");
        assert!(end_connections(&nowhere, "10.0.0.1:2379").is_err());
        assert!(ends("exit 1").0.is_err());
    }
}
