//! What keeps a service from the rest of its machine, as lines of systemd's
//! definition of it. To change a line restarts the services of all charms, so the
//! text stands once.

macro_rules! machine_protected {
    () => {
        "ProtectHome=yes\n\
         PrivateTmp=yes\n\
         PrivateDevices=yes\n\
         ProtectClock=yes\n\
         ProtectControlGroups=yes\n\
         ProtectHostname=yes\n\
         ProtectKernelLogs=yes\n\
         ProtectKernelModules=yes\n\
         ProtectKernelTunables=yes\n"
    };
}

macro_rules! process_restricted {
    () => {
        "LockPersonality=yes\n\
         MemoryDenyWriteExecute=yes\n\
         RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n\
         RestrictNamespaces=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         SystemCallArchitectures=native\n"
    };
}

/// What a service neither sees nor changes of its machine.
pub const MACHINE_PROTECTED: &str = machine_protected!();

/// What no process of a service may do.
pub const PROCESS_RESTRICTED: &str = process_restricted!();

/// All of it, for a server with a user of its own: it writes only where its
/// definition says so (`ReadWritePaths=`), and can never become more than it is.
pub const SERVER: &str = concat!(
    "ProtectSystem=strict\n",
    "# systemd 252 leaves it writable when cgroups are protected as well.\n",
    "ReadOnlyPaths=/run\n",
    machine_protected!(),
    "NoNewPrivileges=yes\n",
    "CapabilityBoundingSet=\n",
    "AmbientCapabilities=\n",
    process_restricted!(),
    "SystemCallFilter=@system-service\n",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_setting_or_a_comment_and_stands_once() {
        for text in [MACHINE_PROTECTED, PROCESS_RESTRICTED, SERVER] {
            let mut lines: Vec<_> = text.lines().collect();
            assert!(text.ends_with('\n'));
            for line in &lines {
                assert!(line.starts_with("# ") || line.contains('='), "{line:?}");
            }
            let number = lines.len();
            lines.sort_unstable();
            lines.dedup();
            assert_eq!(lines.len(), number);
        }
        assert!(SERVER.contains(MACHINE_PROTECTED) && SERVER.contains(PROCESS_RESTRICTED));
    }
}
