//! Every certificate of the corpus, sent by a requirer to the real program with
//! a real etcd: one that is refused changes nothing for anybody, and one that
//! is accepted opens exactly what it should.
//!
//! A plain run sends every certificate. With `HOSTILE_SWEEP=all` each is sent
//! over both versions of the interface, and to each version of etcd.

pub(crate) mod accepted;
#[path = "../certificates/corpus.rs"]
mod corpus;
pub(crate) mod refused;
mod support;
