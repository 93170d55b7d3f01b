//! The program that Juju runs as `dispatch`, for every hook and every action.

use std::process::ExitCode;

use etcd_charm::hook::{Environment, Event, Hook};
use etcd_charm::{action, log, reconcile};

fn main() -> ExitCode {
    let result = run();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let hook = Hook::read(&Environment::of_process())?;
    log::start(&hook.event);
    // One thread is enough for one hook, and a second would be memory for
    // nothing.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match hook.event.clone() {
        Event::Action(name) => runtime.block_on(action::run(hook, &name))?,
        _ => runtime.block_on(reconcile::run(hook))?,
    }
    Ok(())
}
