//! What the files of the service should hold, and at which ports its etcd serves.

#[cfg(test)]
mod tests;

use crate::facts::machine::Documents;
use crate::facts::observed::Observed;
use crate::facts::{Bootstrap, Known, MemberName};
use crate::tls::digest;
use crate::workload::configuration::etcd_config::port_of;
use crate::workload::configuration::{self, ClientCertificate, EtcdConfig, systemd_unit};

/// The texts of the files; `None` while something that stands in them is not known yet,
/// and in a pass that did not look.
pub fn wanted(observed: &Observed) -> Option<Documents> {
    let machine = &observed.machine;
    let paths = machine.service_paths.as_ref()?;
    let bootstrap = machine.bootstrap.as_ref()?;
    let name = observed.member();
    let config = EtcdConfig {
        name: &name,
        address: machine.address.as_ref()?.parse().ok()?,
        client_port: observed.options.client_port,
        peer_port: match machine.has_data() {
            true => observed.options.peer_port,
            // etcd starts for the first time only with the words that the
            // others know; another port follows when it has.
            false => bootstrap_port(bootstrap, &name).unwrap_or(observed.options.peer_port),
        },
        bootstrap: configuration::Bootstrap {
            initial_cluster: &bootstrap.initial_cluster,
            existing: bootstrap.existing,
            token: &bootstrap.token,
        },
        shown: ClientCertificate::Pair,
        paths,
        tuning: observed.options.tuning(observed.quota),
    };
    let server_trust = machine.server_ca.as_deref().unwrap_or_default();
    let notes = configuration::notes(&paths.etcd, &digest(server_trust.as_bytes()));
    let mut text = config.render() + &notes;
    // Earlier revisions had no certificate for clients alone. Nothing is restarted to
    // have one before somebody else is to sign it, or something else is changed.
    if !matches!(observed.provider, Known::Known(Some(_))) {
        let shown = ClientCertificate::OfPeers;
        let earlier = EtcdConfig { shown, ..config }.render() + &notes;
        if earlier == machine.written.configuration {
            text = earlier;
        }
    }
    Some(Documents {
        configuration: text,
        service: systemd_unit(&observed.unit.to_string(), paths),
    })
}

/// The peer port in the words with which a member was bootstrapped.
pub fn bootstrap_port(bootstrap: &Bootstrap, member: &MemberName) -> Option<u16> {
    let entries = bootstrap.initial_cluster.split(',');
    let mut own = entries.filter_map(|entry| {
        let (name, url) = entry.split_once('=')?;
        (name == member.as_str()).then_some(url)
    });
    own.next().and_then(port_of)
}

/// Whether the running etcd has read another configuration than it should.
pub fn is_outdated(observed: &Observed) -> bool {
    let loaded = observed.machine.loaded_configuration.as_ref();
    loaded.is_some_and(|loaded| {
        wanted(observed).is_some_and(|wanted| wanted.configuration != *loaded)
    })
}
