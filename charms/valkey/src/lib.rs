//! The Valkey charm: operates Valkey with Sentinel on its units, and gives each
//! related application a user of its own for its own keys.
//!
//! Every hook is the same five steps (see [`reconcile`]): observe, plan, apply,
//! publish, report. What decides is pure and lives in [`plan`] and [`acl`]; what
//! reads is in [`observe`]; what writes is in [`apply`].

pub mod acl;
pub mod action;
pub mod apply;
pub mod explain;
pub mod facts;
pub mod machine;
pub mod observe;
pub mod plan;
pub mod program;
pub mod reconcile;
pub mod relation;
pub mod render;
pub mod valkey;
pub mod watch;
