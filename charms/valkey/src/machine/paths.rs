//! Where things are.

use std::path::{Path, PathBuf};

use juju_hooks::UnitName;

/// The places of one unit.
#[derive(Clone, Debug)]
pub struct Paths {
    root: PathBuf,
    unit: String,
}

impl Paths {
    /// Below this root.
    pub fn new(root: impl Into<PathBuf>, unit: &UnitName) -> Self {
        Self {
            root: root.into(),
            unit: unit.to_string().replace('/', "-"),
        }
    }

    /// What stands for `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All that is this unit's; only root writes in it.
    pub fn base(&self) -> PathBuf {
        self.root.join("var/lib/valkey-charm").join(&self.unit)
    }

    /// The server's own directory: its configuration, which it rewrites itself,
    /// its access list and its socket.
    pub fn server(&self) -> PathBuf {
        self.base().join("server")
    }

    /// The same of the sentinel.
    pub fn sentinel(&self) -> PathBuf {
        self.base().join("sentinel")
    }

    /// Certificates and keys.
    pub fn tls(&self) -> PathBuf {
        self.base().join("tls")
    }

    /// The server's socket.
    pub fn server_socket(&self) -> PathBuf {
        self.server().join("socket")
    }

    /// The sentinel's socket.
    pub fn sentinel_socket(&self) -> PathBuf {
        self.sentinel().join("socket")
    }

    /// What the watcher logs in with.
    pub fn login(&self) -> PathBuf {
        self.base().join("login")
    }

    /// The number of the last appointment that was carried out.
    pub fn obeyed(&self) -> PathBuf {
        self.base().join("obeyed")
    }

    /// While it is there, the watcher asks for a hook.
    pub fn again(&self) -> PathBuf {
        self.base().join("again")
    }

    /// What Juju shows of this unit.
    pub fn shown(&self) -> PathBuf {
        self.base().join("shown")
    }

    /// For secrets that are handed to hook tools.
    pub fn private(&self) -> PathBuf {
        self.root.join("run/valkey-charm").join(&self.unit)
    }

    /// The program of the distribution.
    pub fn program(&self) -> PathBuf {
        self.root.join("usr/bin/valkey-server")
    }

    /// The definition of a service.
    pub fn unit_file(&self, service: &str) -> PathBuf {
        let name = self.service(service);
        self.root.join("etc/systemd/system").join(name)
    }

    /// The name of a service: `server`, `sentinel` or `watch`.
    pub fn service(&self, service: &str) -> String {
        format!("valkey-charm-{}-{service}.service", self.unit)
    }
}
