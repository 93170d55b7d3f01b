//! A charm of a few lines of shell, deployed, configured and looked at, with a service on its machine.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;

use juju_simulator::machine::{Active, Machine};
use juju_simulator::{Charm, Model, Options};

const METADATA: &str = "
name: hello
config:
  options:
    whom: {type: string, default: world}
";

const DISPATCH: &str = "#!/bin/sh
[ \"$JUJU_HOOK_NAME\" = start ] && systemctl start hello
status-set active \"hello $(config-get whom)\"
";

const UNIT: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

fn main() -> ExitCode {
    // Where they cannot be a program of their own, hook tools and the commands of the machine are this one.
    if let Some(code) = juju_simulator::run_as_tool() {
        return code;
    }
    match hello() {
        Ok(message) if writeln!(std::io::stdout(), "{message}").is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn hello() -> Result<String, Box<dyn Error>> {
    let mut model = Model::new(Options::temporary())?;
    let charm = model.directory().join("hello");
    fs::create_dir(&charm)?;
    fs::write(charm.join("metadata.yaml"), METADATA)?;
    fs::write(charm.join("dispatch"), DISPATCH)?;
    fs::set_permissions(charm.join("dispatch"), fs::Permissions::from_mode(0o755))?;
    let machine = Machine::new(model.directory().join("machine"), Vec::new())?;
    let unit_file = "etc/systemd/system/hello.service";
    fs::write(machine.root().join(unit_file), UNIT)?;

    let unit = model.deploy("hello", Charm::at(charm));
    model.put_on_machine(unit.clone(), &machine);
    model.settle(10)?;
    assert_eq!(machine.service("hello").active, Active::Active);
    model.set_config("hello", "whom", "Juju");
    model.settle(10)?;
    Ok(model.unit_status(unit).message)
}
