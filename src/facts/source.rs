//! Where etcd comes from.

use std::path::PathBuf;

/// Where etcd is to come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// An archive as etcd releases it.
    Archive(PathBuf),
    /// The packages of the machine's distribution.
    Distribution,
}
