//! A whole charm: it greets with the name of its unit, and the leader speaks
//! for the application. Packed as `dispatch`, it answers every hook.

use std::path::PathBuf;

use juju_hooks::{Environment, Event, Hook, StatusName, Tools};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hook = Hook::read(&Environment::of_process())?;
    if let Event::Action(_) = hook.event {
        return Ok(());
    }
    // Secret content is handed to hook tools in files of a directory that no
    // other user can enter.
    let private = PathBuf::from("/run").join(hook.unit.to_string().replace('/', "-"));
    let tools = Tools::new(&hook.search_path, &private)?;
    let greeting = format!("{} says hello", hook.unit);
    tools.status_set(StatusName::Active, &greeting)?;
    if tools.is_leader()? {
        tools.status_set_application(StatusName::Active, "")?;
    }
    Ok(())
}
