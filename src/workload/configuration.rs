//! The content of files that this charm writes, as pure functions: the same
//! values give the same text, byte by byte, so that a text that differs is a
//! reason to act.

pub mod credentials;
pub mod etcd_config;
pub mod systemd_unit;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use etcd_config::{Bootstrap, EtcdConfig, https_url, noted_server_trust, notes};
pub use systemd_unit::SystemdUnit;

/// A value that cannot be written down.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The operator gave a place that the format of the file has no words for.
    #[error("failed to write down the path {path:?}: it is not UTF-8, or has a control character")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The serializer refused, which no value of ours should make it do.
    #[error("failed to write down the configuration of etcd")]
    Yaml(#[from] serde_yaml::Error),
}

/// A path as text, if any file of ours can hold it.
fn text_of(path: &Path) -> Result<&str, RenderError> {
    path.to_str()
        .filter(|text| !text.chars().any(char::is_control))
        .ok_or_else(|| RenderError::Path {
            path: path.to_owned(),
        })
}
