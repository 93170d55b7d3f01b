//! The program that Juju runs as `dispatch`, for every hook and every action. As
//! a service of the machine it watches the sentinel.

use std::io::Write as _;
use std::process::ExitCode;

use juju_hooks::{Environment, Event, Hook};
use valkey_charm::{action, explain, reconcile, watch};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "{}", explain::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    // One thread is enough for one hook.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let arguments = juju_hooks::arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let ["watch", root, unit] = arguments[..] {
        runtime.block_on(watch::run(root.as_ref(), &unit.parse()?));
        return Ok(());
    }
    let environment = Environment::of_process();
    let hook = Hook::read(&environment)?;
    let root = environment.get("VALKEY_CHARM_ROOT").unwrap_or("/").into();
    match hook.event.clone() {
        Event::Action(name) => runtime.block_on(action::run(hook, root, &name))?,
        _ => runtime.block_on(reconcile::run(hook, root))?,
    }
    Ok(())
}
