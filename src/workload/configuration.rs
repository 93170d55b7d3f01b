//! The content of files that this charm writes, as pure functions: the same
//! values give the same text, byte by byte, so that a text that differs is a
//! reason to act.

pub mod credentials;
pub mod etcd_config;
pub mod systemd_unit;

pub use etcd_config::{
    Bootstrap, ClientCertificate, EtcdConfig, https_url, noted_server_trust, notes,
};
pub use systemd_unit::systemd_unit;
