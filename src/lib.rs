//! The etcd charm: operates etcd on the units of a Juju application and gives
//! related applications access to it.
//!
//! Every hook is the same five steps (see [`reconcile`]): observe, plan,
//! apply, publish, report. What decides is pure and lives in [`plan`]; what
//! reads is in [`observe`]; what writes is in [`apply`].

pub mod action;
pub mod apply;
pub mod connection;
pub mod context;
pub mod etcd;
pub mod explain;
pub mod facts;
pub mod hook;
pub mod log;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod relation;
pub mod workload;

pub use certificates as tls;
pub use juju_hooks as juju;
