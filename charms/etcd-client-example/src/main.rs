//! The program that Juju runs as `dispatch`, for every hook and every action.

use std::io::Write as _;
use std::process::ExitCode;

use etcd_client_example::{explain, reconcile};
use juju_hooks::{Environment, Hook};

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
    let environment = Environment::of_process();
    let hook = Hook::read(&environment)?;
    let root = environment.get("ETCD_CLIENT_EXAMPLE_ROOT").unwrap_or("/");
    // One thread is enough for one hook.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(reconcile::run(&hook, root.as_ref()))?)
}
