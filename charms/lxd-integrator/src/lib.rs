//! The LXD integrator: registers the client certificates of related
//! applications in LXD's trust store, tells them where LXD is, and takes the
//! certificates back when they go.
//!
//! Every hook is the same five steps (see [`reconcile`]): observe, plan, apply,
//! publish, report. What decides is pure and lives in [`plan`]; what reads is in
//! [`observe`]; what writes is in [`apply`].

pub mod action;
pub mod apply;
pub mod certificate;
pub mod entry;
pub mod explain;
pub mod facts;
pub mod lxd;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod relation;
