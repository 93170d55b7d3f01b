//! Where things lie below a machine's directory.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The kernel takes socket paths of up to 107 bytes.
const SOCKET_PATH_LIMIT: usize = 107;

#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) root: PathBuf,
    pub(crate) stand_ins: PathBuf,
    pub(crate) log: PathBuf,
    sockets: PathBuf,
    sockets_handle: File,
}

impl Paths {
    pub(crate) fn create(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let root = directory.join("root");
        for below in [
            "etc/default",
            "etc/systemd/system",
            "lib/systemd/system",
            "usr/bin",
            "var/lib",
            "run",
            "tmp",
        ] {
            fs::create_dir_all(root.join(below))?;
        }
        let [stand_ins, log, sockets] =
            ["stand-ins", "log", "sockets"].map(|name| directory.join(name));
        for made in [&stand_ins, &log, &sockets] {
            fs::create_dir_all(made)?;
        }
        let sockets_handle = File::open(&sockets)?;
        Ok(Self {
            root,
            stand_ins,
            log,
            sockets,
            sockets_handle,
        })
    }

    /// The path of a new socket that this process is about to bind.
    ///
    /// Where the directory's own path is too long for a socket, the path leads through the open directory instead.
    pub(crate) fn new_socket(&self, name: &str) -> PathBuf {
        let path = self.sockets.join(name);
        let _ = fs::remove_file(&path);
        if path.as_os_str().len() <= SOCKET_PATH_LIMIT {
            return path;
        }
        PathBuf::from(format!(
            "/proc/{}/fd/{}/{name}",
            std::process::id(),
            self.sockets_handle.as_raw_fd()
        ))
    }

    /// Units of the administrator (and of the charm), which have precedence over those of packages.
    pub(crate) fn own_units(&self) -> PathBuf {
        self.root.join("etc/systemd/system")
    }

    pub(crate) fn package_units(&self) -> PathBuf {
        self.root.join("lib/systemd/system")
    }

    /// What is started at boot.
    pub(crate) fn wants(&self, target: &str) -> PathBuf {
        self.own_units().join(format!("{target}.wants"))
    }

    pub(crate) fn service_log(&self, name: &str) -> PathBuf {
        self.log.join(format!("{name}.log"))
    }
}
