//! What a provider of `etcd_client` has to do right, sentence by sentence. Each
//! story bears the number of the sentence that it holds the charm to.

pub(crate) mod across_models;
pub(crate) mod answers;
pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod life;
pub(crate) mod prefixes;
pub(crate) mod requests;
