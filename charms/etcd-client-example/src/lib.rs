//! A charm that uses etcd: it asks for a prefix over a relation, has its client
//! certificate signed by etcd or makes one of its own, writes and watches a key, and
//! shows in its status that it can and since when.
//!
//! Every hook is the same: read what there is, ask for what is wanted, try etcd,
//! report. The relation is [`data_requirer`]'s work; this is what is left for a
//! charm to do.

mod certificate;
mod etcd;
pub mod explain;
mod measure;
mod options;
pub mod reconcile;
mod since;
