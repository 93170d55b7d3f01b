//! The definition of the service that runs etcd.

use machine::hardening::SERVER;

use crate::facts::machine::ServicePaths;

/// By this argument the service calls the charm's program; Juju gives none.
pub const GUARD: &str = "before-start";

/// The definition of the service of this Juju unit, whose name is for whoever lists the
/// machine's services. The configuration that it starts etcd with must name the copy of
/// the trust file.
pub fn systemd_unit(unit: &str, paths: &ServicePaths) -> String {
    let guard = guard(unit, paths);
    let unit = specifiers_escaped(unit);
    let architecture = architecture();
    // Variables are not looked for in the name of a program.
    let etcd = word(paths.etcd.as_str());
    let config = config(paths);
    let data = word(paths.data_dir.as_str());
    let loaded = argument(paths.loaded_dir.as_str());
    let wanted_config = argument(paths.wanted_config.as_str());
    let wanted_trust = argument(paths.wanted_trust.as_str());
    // The comments go along: an operator reads them where questions arise.
    format!(
        "\
# Written by the charm, which will overwrite changes.
[Unit]
Description=etcd of the Juju unit {unit}
Documentation=https://etcd.io/docs
Wants=network-online.target
After=network-online.target
RequiresMountsFor={data}
# Never give up: what etcd waits for (a volume, an address) may come late.
StartLimitIntervalSec=0

[Service]
Type=notify
User=etcd
Group=etcd
UMask=0077
{architecture}\
# What etcd reads is copied right before each start, whoever starts it. So the
# copies are what the running etcd has loaded, and the charm can rely on them.
ExecStartPre=+/usr/bin/install -d -m 0755 {loaded}
ExecStartPre=+/usr/bin/install -m 0644 {wanted_config} {wanted_trust} {loaded}
# The charm lets etcd start only with the data of this unit's own member: with
# any other, or none, it would forget what it has promised to the others.
ExecStartPre=+{guard}
ExecStart={etcd} {config}
Restart=always
RestartSec=2s
# A member is ready when the cluster has a quorum, which may take long, and
# killing it meanwhile would not help.
TimeoutStartSec=infinity
# etcd gives its clients 7 s to hang up, and stops at once otherwise. Some releases
# never do while packets to another member are dropped, and nobody can be elected as
# long as they try. A kill loses nothing that was acknowledged.
TimeoutStopSec=15s
LimitNOFILE=65536

# A missing data directory is a failure and not the start of an empty member.
ReadWritePaths={data}
{SERVER}
[Install]
WantedBy=multi-user.target
"
    )
}

/// The call of the charm's program that looks at the data before etcd starts.
fn guard(unit: &str, paths: &ServicePaths) -> String {
    [
        word(paths.charm.as_str()),
        GUARD.to_owned(),
        argument(paths.root.as_str()),
        argument(unit),
        argument(paths.data_dir.as_str()),
    ]
    .join(" ")
}

/// The argument that names the copy of the configuration.
fn config(paths: &ServicePaths) -> String {
    let name = paths.wanted_config.as_path().file_name();
    let loaded = paths.loaded_dir.as_path().join(name.unwrap_or_default());
    argument(&format!("--config-file={}", loaded.display()))
}

/// etcd 3.4 refuses to start on arm64 unless it is told that we know. Later
/// versions support it, and only log that they do not know the variable.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "Environment=ETCD_UNSUPPORTED_ARCH=arm64\n"
    } else {
        ""
    }
}

/// One argument of a command: a word in which systemd finds no variables.
fn argument(text: &str) -> String {
    word(text).replace('$', "$$")
}

/// One word, quoted where systemd would split or unquote it, and without
/// specifiers.
fn word(text: &str) -> String {
    let text = specifiers_escaped(text);
    let plain = |c: char| c.is_alphanumeric() || "/._-=:@%+,$".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn specifiers_escaped(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::facts::machine::testing::{path, service_paths};

    fn unit(etcd: &Path, data_dir: &Path) -> String {
        let paths = ServicePaths {
            charm: path("/var/lib/juju/agents/unit-etcd-0/charm/dispatch"),
            etcd: etcd.try_into().expect("a path"),
            data_dir: data_dir.try_into().expect("a path"),
            ..service_paths()
        };
        systemd_unit("etcd/0", &paths)
    }

    #[test]
    fn every_value_has_its_place() {
        let text = unit(Path::new("/usr/bin/etcd"), Path::new("/srv/data"));
        let line = |start: &str| {
            let mut lines = text.lines().filter(|line| line.starts_with(start));
            lines.next().unwrap_or_default().to_owned()
        };
        assert_eq!(
            line("Description="),
            "Description=etcd of the Juju unit etcd/0"
        );
        assert_eq!(
            line("ExecStart="),
            "ExecStart=/usr/bin/etcd --config-file=/run/etcd-charm/etcd-0/loaded/etcd.yaml"
        );
        assert_eq!(
            line("ExecStartPre=+/usr/bin/install -m"),
            "ExecStartPre=+/usr/bin/install -m 0644 /etc/etcd-charm/etcd-0/wanted/etcd.yaml \
             /etc/etcd-charm/etcd-0/wanted/trust.pem /run/etcd-charm/etcd-0/loaded"
        );
        assert_eq!(
            line("ExecStartPre=+/var"),
            "ExecStartPre=+/var/lib/juju/agents/unit-etcd-0/charm/dispatch before-start / etcd/0 \
             /srv/data"
        );
        assert_eq!(line("ReadWritePaths="), "ReadWritePaths=/srv/data");
        assert_eq!(line("RequiresMountsFor="), "RequiresMountsFor=/srv/data");
        assert_eq!(line("ReadOnlyPaths="), "ReadOnlyPaths=/run");
        assert!(!text.contains(['{', '}']));
    }

    #[test]
    fn odd_paths_stay_one_word() {
        assert_eq!(argument("/a b/c"), r#""/a b/c""#);
        assert_eq!(argument(r#"/a"b\c"#), r#""/a\"b\\c""#);
        assert_eq!(argument("/100%/$HOME"), "/100%%/$$HOME");
        assert_eq!(word("/100%/$HOME"), "/100%%/$HOME");
        assert_eq!(argument("/a;b"), r#""/a;b""#);
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn systemd_understands_it() {
        if Command::new("systemd-analyze")
            .arg("--version")
            .output()
            .is_err()
        {
            eprintln!("skipped: no systemd-analyze on this machine");
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let odd = dir.path().join("o d%d $HOME");
        fs::create_dir(&odd).expect("a directory");
        let etcd = odd.join("etcd");
        fs::write(&etcd, "#!/bin/sh\n").expect("a program");
        fs::set_permissions(&etcd, Permissions::from_mode(0o755)).expect("executable");
        let file = dir.path().join("etcd-charm-etcd-0.service");
        fs::write(&file, unit(&etcd, &odd)).expect("written");
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&file)
            .output()
            .expect("systemd-analyze runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // It also speaks of other units of the machine; ours must not occur.
        assert!(!said.contains("etcd-charm-etcd-0"), "{said}");
    }
}
