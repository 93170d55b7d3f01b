//! What the distribution's packages of etcd bring, and what their scripts do.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::supervisor::Supervisor;
use crate::unit_files::Found;
use crate::wire::Answer;

/// The service that the distribution's package brings, enables and starts.
pub(crate) const DISTRIBUTION_SERVICE: &str = "etcd";

/// It only sleeps: many machines run at once, and the real one would always take the same port. That it runs is enough
/// for a test to see.
const DISTRIBUTION_UNIT: &str = "[Unit]\nDescription=etcd - highly-available key value store\n\n\
    [Service]\nType=simple\nExecStart=/bin/sleep infinity\nRestart=on-abnormal\n\n\
    [Install]\nWantedBy=multi-user.target\n";

/// What the package's files and its scripts do.
pub(super) fn configure(supervisor: &Arc<Supervisor>, package: &str) -> io::Result<()> {
    let paths = &supervisor.paths;
    let root = &paths.root;
    let program = match package {
        "etcd-server" => "etcd",
        "etcd-client" => "etcdctl",
        _ => return Ok(()),
    };
    put_program(
        &supervisor.options.etcd_bin_dir.join(program),
        &root.join("usr/bin").join(program),
    )?;
    // The tool for data at rest, which etcd has since 3.5.
    let tool = supervisor.options.etcd_bin_dir.join("etcdutl");
    if package == "etcd-client" && tool.is_file() {
        put_program(&tool, &root.join("usr/bin/etcdutl"))?;
    }
    if package != "etcd-server" {
        return Ok(());
    }
    supervisor.lock().accounts.add_user("etcd");
    let data = root.join("var/lib/etcd");
    fs::create_dir_all(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    fs::write(
        root.join("etc/default/etcd"),
        "# see \"systemctl cat etcd\"\n",
    )?;
    let file = paths
        .package_units()
        .join(format!("{DISTRIBUTION_SERVICE}.service"));
    fs::write(&file, DISTRIBUTION_UNIT)?;
    supervisor.daemon_reload();
    // A masked unit is neither enabled nor started.
    if let Found::File(file, _) = paths.find_unit(DISTRIBUTION_SERVICE) {
        paths.enable(
            DISTRIBUTION_SERVICE,
            &file,
            &["multi-user.target".to_owned()],
        )?;
        if !starts_are_forbidden(&root.join("usr/sbin/policy-rc.d")) {
            // The package's script goes on whatever comes of it.
            let _ = supervisor.start(DISTRIBUTION_SERVICE);
        }
    }
    Ok(())
}

/// A hard link where that is possible: etcd is large, and machines are many.
fn put_program(source: &Path, target: &Path) -> io::Result<()> {
    if fs::symlink_metadata(target).is_ok() {
        fs::remove_file(target)?;
    }
    let source = source
        .canonicalize()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", source.display())))?;
    fs::hard_link(&source, target).or_else(|_| fs::copy(&source, target).map(drop))
}

/// Debian's way to install a service without starting it: a script that exits with 101.
fn starts_are_forbidden(policy: &Path) -> bool {
    let mut script = Command::new(policy);
    script
        .args([DISTRIBUTION_SERVICE, "start"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    script
        .status()
        .is_ok_and(|status| status.code() == Some(101))
}

pub(super) fn remove(supervisor: &Arc<Supervisor>, names: &[&str]) -> Answer {
    let root = &supervisor.paths.root;
    for &name in names {
        if !supervisor.lock().packages.remove(name) {
            continue;
        }
        if name == "etcd-server" {
            let _ = supervisor.stop(DISTRIBUTION_SERVICE);
            let _ = supervisor.paths.disable(DISTRIBUTION_SERVICE);
            let unit = supervisor
                .paths
                .package_units()
                .join(format!("{DISTRIBUTION_SERVICE}.service"));
            for file in [
                unit,
                root.join("usr/bin/etcd"),
                root.join("etc/default/etcd"),
            ] {
                let _ = fs::remove_file(file);
            }
        } else {
            let _ = fs::remove_file(root.join("usr/bin/etcdctl"));
            let _ = fs::remove_file(root.join("usr/bin/etcdutl"));
        }
    }
    Answer::silence()
}
