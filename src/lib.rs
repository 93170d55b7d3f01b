//! The etcd charm: operates etcd on the units of a Juju application and gives
//! related applications access to it.
//!
//! Every hook is the same five steps (see [`reconcile`]): observe, plan,
//! apply, publish, report. What decides is pure and lives in [`plan`]; what
//! reads is in [`observe`]; what writes is in [`apply`].

pub mod juju;
pub mod model;
pub mod relation;
pub mod tls;
