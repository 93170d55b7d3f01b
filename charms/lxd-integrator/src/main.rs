//! The program that Juju runs as `dispatch`, for every hook and every action.

use std::io::Write as _;
use std::process::ExitCode;

use juju_hooks::{Environment, Event, Hook};
use lxd_integrator::{action, reconcile};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(
                std::io::stderr(),
                "{}",
                juju_hooks::chain_once(error.as_ref())
            );
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let environment = Environment::of_process();
    let hook = Hook::read(&environment)?;
    let root = environment.get("LXD_INTEGRATOR_ROOT").unwrap_or("/").into();
    // One thread is enough for one hook.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match hook.event.clone() {
        Event::Action(name) => runtime.block_on(action::run(hook, root, &name))?,
        _ => runtime.block_on(reconcile::run(hook, root))?,
    }
    Ok(())
}
