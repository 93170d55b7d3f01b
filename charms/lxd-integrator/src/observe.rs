//! What Juju and LXD say. Nothing in here changes anything.

mod cloud;
mod juju;
mod lxd;

pub use juju::juju;
pub use lxd::lxd;
