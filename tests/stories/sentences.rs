//! What a provider of `etcd_client` has to do right, sentence by sentence. Each
//! story bears the number of the sentence that it holds the charm to.

mod across_models;
mod answers;
mod certificates;
mod cluster;
mod life;
mod prefixes;
mod requests;

use libtest_mimic::Trial;

pub(crate) fn stories() -> Vec<Trial> {
    [
        answers::stories(),
        requests::stories(),
        certificates::stories(),
        prefixes::stories(),
        life::stories(),
        cluster::stories(),
        across_models::stories(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
