//! Makes a server of the distribution run with a configuration of ours.

use std::path::Path;
use std::time::Duration;

use machine::files::{Owner, PUBLIC_FILE, ensure_file};
use machine::{Commands, MachineError, Service, Started, daemon_reload, hardening, install};

fn main() -> Result<(), MachineError> {
    let commands = Commands::new();
    // What the package would start by itself never runs.
    install(&commands, &["redis-server"], &["redis-server.service"])?;
    let definition = format!(
        "[Service]\nUser=redis\nExecStart=/usr/bin/redis-server\n{}",
        hardening::SERVER
    );
    let path = Path::new("/etc/systemd/system/ours.service");
    if ensure_file(path, definition.as_bytes(), PUBLIC_FILE, Owner::Charm)? {
        daemon_reload(&commands)?;
    }
    let service: Service<'_> = Service::new(&commands, "ours.service");
    service.enable()?;
    match service.start(Duration::from_secs(30))? {
        Started::Ready | Started::Pending => Ok(()),
    }
}
