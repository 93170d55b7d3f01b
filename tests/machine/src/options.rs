//! What a test decides about a machine.

use std::env;
use std::io;
use std::path::PathBuf;

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Everything of the machine lies below it: `root`, `stand-ins`, `log`. It is the test's to remove.
    pub directory: PathBuf,
    /// Where `etcd` and `etcdctl` of the distribution's packages lie.
    pub etcd_bin_dir: PathBuf,
    /// The version that the distribution's packages say they have.
    pub package_version: String,
    /// The program behind the stand-ins; it calls [`run_as_stand_in`](crate::run_as_stand_in) in its `main`.
    pub stand_in: PathBuf,
}

impl MachineOptions {
    /// A machine whose stand-ins are this very program.
    pub fn new(
        directory: impl Into<PathBuf>,
        etcd_bin_dir: impl Into<PathBuf>,
    ) -> io::Result<Self> {
        Ok(Self {
            directory: directory.into(),
            etcd_bin_dir: etcd_bin_dir.into(),
            package_version: "3.4.23-4+b4".to_owned(),
            stand_in: env::current_exe()?,
        })
    }
}

/// How `apt-get` fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Apt {
    /// It works.
    #[default]
    Works,
    /// The archive cannot be reached: downloads fail.
    NoNetwork,
    /// The package lists were never fetched: packages are not known until `apt-get update`.
    NoLists,
    /// Another process holds the lock: it fails at once.
    Locked,
    /// It hangs until this is changed.
    Frozen,
}
