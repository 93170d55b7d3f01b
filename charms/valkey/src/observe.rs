//! Reads, and nothing else.

mod juju;
mod nodes;

pub use juju::{OWN_SECRET, juju};
pub use nodes::{node_target, nodes, open_sentinel, open_server};
