//! Which options are in force: those that are set, or those that were before.

use serde_json::{Map, Value};

use crate::facts::RefusalNote;
use crate::facts::options::{OptionRefusal, Options};
use crate::workload::configuration::etcd_config::Ports;

/// Options, and where they come from.
#[derive(Debug)]
pub struct Configured {
    /// Those that are in force.
    pub options: Options,
    /// The same as Juju has them; `None` if there never were valid ones.
    pub config: Option<Map<String, Value>>,
    /// Why these are not the ones that are set now.
    pub refused: Option<RefusalNote>,
    /// The same, with a sentence for each option that is wrong.
    pub refused_each: Vec<RefusalNote>,
}

impl Configured {
    /// What an earlier hook found, and why those that were set then are not these.
    pub fn before(config: Option<&Map<String, Value>>, refused: Option<&RefusalNote>) -> Self {
        let options = config.map(Options::parse);
        Self {
            // They were valid once. A revision of the charm that refuses them is
            // told so by Juju's word, and serves with its defaults until then.
            options: options.and_then(Result::ok).unwrap_or_default(),
            config: config.cloned(),
            refused: refused.cloned(),
            refused_each: refused.into_iter().cloned().collect(),
        }
    }

    /// What counts now that this is set: it, or if it is refused what counted `before`.
    pub fn choose(
        config: Map<String, Value>,
        set: Result<Options, OptionRefusal>,
        before: Self,
    ) -> Self {
        match set {
            Ok(options) => Self {
                options,
                config: Some(config),
                refused: None,
                refused_each: Vec::new(),
            },
            Err(refusal) => Self {
                refused: Some(RefusalNote::from(&refusal)),
                refused_each: refusal.each(),
                ..before
            },
        }
    }
}

/// The ports of these options that nobody but etcd of this unit may have: our own etcd
/// has those that it serves at, and no other had those that it is about to serve at
/// when they were looked at first.
pub fn new_ports(
    options: &Options,
    served: Option<Ports>,
    before: &Configured,
) -> Vec<(&'static str, u16)> {
    let mut own = Vec::new();
    if let Some(Ports { client, peer }) = served {
        own.extend([client, peer]);
    }
    if before.config.is_some() {
        own.extend([before.options.client_port, before.options.peer_port]);
    }
    let mut wanted = vec![
        ("client-port", options.client_port),
        ("peer-port", options.peer_port),
    ];
    wanted.retain(|(_, port)| !own.contains(port));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(client: u16, peer: u16) -> Map<String, Value> {
        [
            ("client-port".to_owned(), client.into()),
            ("peer-port".to_owned(), peer.into()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn ports_of_our_own_etcd_are_not_looked_at() {
        let options = Options::parse(&set(2379, 9380)).expect("options");
        let never = Configured::before(None, None);
        let both = [("client-port", 2379), ("peer-port", 9380)];
        assert_eq!(new_ports(&options, None, &never), both);
        let served = Some(Ports {
            client: 2379,
            peer: 2380,
        });
        let peer = [("peer-port", 9380)];
        assert_eq!(new_ports(&options, served, &never), peer);
        let ordered = Configured::before(Some(&set(2379, 9380)), None);
        assert_eq!(new_ports(&options, None, &ordered), []);
    }

    #[test]
    fn what_is_refused_leaves_in_force_what_was() {
        let before = || Configured::before(Some(&set(7000, 7001)), None);
        let address = "192.0.2.1".parse().expect("an address");
        let refusal = OptionRefusal::of_taken_port("peer-port", 9380, address);
        let chosen = Configured::choose(set(2379, 9380), Err(refusal), before());
        assert_eq!(chosen.options.peer_port, 7001);
        assert_eq!(chosen.config, Some(set(7000, 7001)));
        let text = "option peer-port must be a port that is free on this machine (192.0.2.1), \
                    not 9380";
        assert_eq!(chosen.refused.as_ref().map(RefusalNote::as_str), Some(text));
        assert_eq!(chosen.refused_each.len(), 1);
        assert_eq!(chosen.refused_each[0].as_str(), text);
        let options = Options::parse(&set(2379, 9380));
        let chosen = Configured::choose(set(2379, 9380), options, before());
        assert_eq!(chosen.options.peer_port, 9380);
        assert_eq!(chosen.refused, None);
    }
}
