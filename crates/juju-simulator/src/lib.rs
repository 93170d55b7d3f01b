//! One Juju model, simulated strictly, that runs charms as real processes.
//!
//! A test deploys charms from their directories, relates them, and lets hooks
//! run. Each hook is a process with exactly the environment that Juju gives it.
//! Its hook tools are links to [a small program](tool_program), or where that is gone to the
//! test's own executable, which therefore calls [`run_as_tool`] first thing in `main`; so a
//! test has its own `main` (`harness = false`). What a tool writes is kept back until the hook exits 0,
//! who may read and write what, which events follow from it and in what order,
//! is as in Juju's own sources, which the comments cite.
//!
//! Other applications can be puppets without a process, whose part the test
//! plays by hand. A unit may get a [machine](machine::Machine) of its own, with
//! services that really run. Time stands still, chance comes from a seed, and hooks run
//! one after the other.
//!
//! Nobody but the test is served by a half-right world, so what Juju refuses
//! is refused with Juju's text where a charm asked, and with a panic where the
//! test did.

mod action;
mod address;
mod args;
pub mod base64;
mod charm;
mod client;
mod cloud;
mod commit;
mod commit_secret;
mod configure;
mod context;
mod deploy;
mod env;
mod fault;
mod format;
pub mod harness;
mod hook;
mod inspect;
mod lifecycle;
pub mod machine;
pub mod meter;
mod model;
mod name;
mod names;
mod program;
mod puppet;
mod random;
mod relation;
mod remove;
mod report;
mod run;
mod schedule;
mod secret;
mod server;
mod settle;
mod tool;
mod unit;
mod user_secret;
mod volume;
mod wire;

pub use action::ActionResult;
pub use charm::Charm;
pub use commit::Change;
pub use deploy::Deployment;
pub use fault::Call;
pub use hook::Hook;
pub use inspect::{AgentState, SecretView};
pub use model::{JujuVersion, Model, Options};
pub use name::{RelationId, UnitName};
pub use program::tool_program;
pub use report::{Exit, HookRun, ToolCall};
pub use secret::{Grant, Owner, Subject, short_uri};
pub use settle::NotSettled;
pub use unit::{RemoteSide, Status};

/// Behaves as a hook tool, as a command of a [machine](machine::Machine), or as a
/// `dispatch` that [measures](meter) if this program was started as such by a
/// simulated unit. Call it first thing in `main`, and return its exit code.
#[must_use]
pub fn run_as_tool() -> Option<std::process::ExitCode> {
    client::run_as_hook_tool()
        .or_else(machine::run_as_command)
        .or_else(meter::run_as_dispatch)
}
