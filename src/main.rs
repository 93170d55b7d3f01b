//! The program that Juju runs as `dispatch`, for every hook and every action; and
//! that the service of etcd asks whether it may start.

use std::path::Path;
use std::process::ExitCode;

use etcd_charm::hook::{Environment, Event, Hook, arguments};
use etcd_charm::workload::configuration::systemd_unit::GUARD;
use etcd_charm::workload::{Paths, guard};
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
    if let [word, root, unit, data_dir] = arguments().as_slice()
        && word == GUARD
    {
        let paths = Paths::new(Path::new(root), &unit.parse()?);
        return Ok(guard::before_start(&paths, Path::new(data_dir))?);
    }
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
