//! Codec of the peer relation: what units of this application tell each other, and
//! what the leader tells them all. Every key of these databags stands here and
//! nowhere else.
//!
//! A key that this revision does not know is left as it is: it may be of a newer
//! one. One that says something else than before comes with a higher format,
//! see [`FORMAT`].

use std::collections::BTreeMap;

use crate::facts::{Databag, MemberName, UnitName};

/// The format that this revision writes. The first one is not written down, so no
/// databag changes by it.
pub const FORMAT: u32 = 1;

const ADDRESS: &str = "address";
const ADMIN_CA: &str = "admin-ca";
const AUTHORITIES: &str = "authorities";
const BOOTSTRAPPED: &str = "founded";
const CLIENT_PORT: &str = "client-port";
const CLUSTER: &str = "cluster";
const CONFIGURATION: &str = "configuration";
const FORMAT_KEY: &str = "format";
const GENERATION: &str = "generation";
/// Juju's own word, there before the unit has run a hook.
const INGRESS_ADDRESS: &str = "ingress-address";
const INITIAL_MEMBER: &str = "seed";
const ISSUED: &str = "issued";
const LEADER: &str = "leader";
const MEMBER: &str = "member";
const PKI: &str = "pki";
const PROVIDER_CA: &str = "provider-ca";
const PROVIDER_FROM: &str = "provider-ca-from";
const PROVIDER_TRUST: &str = "provider-ca-trusted";
const SERVER_CA: &str = "server-ca";
const SETTLED: &str = "settled";
const TOKEN: &str = "token";
const TRUST: &str = "trust";
const VOTE: &str = "vote";

/// What a flag is written as; whatever it is, it counts.
const TRUE: &str = "true";

/// Changes of a databag: a value to set, or `None` to delete the key.
pub type Changes = BTreeMap<String, Option<String>>;

/// Which cluster of this application a databag tells of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Generation {
    /// 0 for the one of the deployment, and more for each that was recreated.
    pub number: u64,
    /// The token of that cluster.
    pub token: Option<String>,
    /// The member that bootstraps it, or did.
    pub initial_member: Option<MemberName>,
}

/// What one unit tells the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnitData {
    /// The format of this databag; 0 where it is not said.
    pub format: u32,
    /// Where its member is, or is to be.
    pub address: Option<String>,
    /// Where Juju says that it is.
    pub ingress_address: Option<String>,
    /// The port at which its member serves clients.
    pub client_port: Option<u16>,
    /// A digest of the leaves that its etcd has loaded: it is there from the first
    /// start of a member on.
    pub trust: Option<String>,
    /// Its member.
    pub member: Option<String>,
    /// The cluster that its member is of.
    pub generation: Generation,
    /// Which authorities of the servers its etcd has loaded, and which one signed
    /// its certificate.
    pub server_ca: Option<String>,
    /// The same of those of the administrators.
    pub admin_ca: Option<String>,
    /// The authorities of a provider whose certificates its member shows to
    /// clients, or would like to, PEM.
    pub provider_ca: Option<String>,
    /// A digest of those that it checks members with, and tells its own relations.
    pub provider_trust: Option<String>,
    /// A digest of the configuration that its etcd has loaded.
    pub configuration: Option<String>,
    /// Whether its member has a vote.
    pub has_vote: bool,
}

/// What the leader tells all units.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ApplicationData {
    /// The format of this databag; 0 where it is not said.
    pub format: u32,
    /// The secret with the authorities.
    pub authorities_secret: Option<String>,
    /// A digest of the authorities that are in force.
    pub authorities: Option<String>,
    /// The cluster that is in force.
    pub generation: Generation,
    /// Whether there is a cluster.
    pub is_bootstrapped: bool,
    /// The identifier of that cluster.
    pub cluster: Option<String>,
    /// A digest of the leaves of all grants.
    pub trust: Option<String>,
    /// Changes when rights were taken away.
    pub settled: Option<String>,
    /// The authorities of providers that members may show certificates of, PEM.
    pub provider_ca: Option<String>,
    /// From when they may, in seconds since 1970.
    pub provider_from: Option<i64>,
    /// The identity of a relation that was issued last.
    pub issued: Option<String>,
    /// The unit that wrote here last, so that others can say who leads. Another may
    /// have come to lead and not have written yet.
    pub leader: Option<UnitName>,
}

impl Generation {
    fn read(bag: &Databag) -> Self {
        let number = bag.get(GENERATION).and_then(|text| text.parse().ok());
        Self {
            // A databag from before there were any names none.
            number: number.unwrap_or(0),
            token: bag.get(TOKEN).cloned(),
            initial_member: bag.get(INITIAL_MEMBER).map(MemberName::new),
        }
    }

    fn entries(&self) -> [Entry; 3] {
        let number = (self.number > 0).then(|| self.number.to_string());
        let initial_member = self.initial_member.as_ref();
        [
            (GENERATION, number),
            (TOKEN, self.token.clone()),
            (INITIAL_MEMBER, initial_member.map(ToString::to_string)),
        ]
    }
}

impl UnitData {
    /// Reads the databag of a unit.
    pub fn read(bag: &Databag) -> Self {
        let text = |key| bag.get(key).cloned();
        Self {
            format: format(bag),
            address: text(ADDRESS),
            ingress_address: text(INGRESS_ADDRESS),
            client_port: bag.get(CLIENT_PORT).and_then(|port| port.parse().ok()),
            trust: text(TRUST),
            member: text(MEMBER),
            generation: Generation::read(bag),
            server_ca: text(SERVER_CA),
            admin_ca: text(ADMIN_CA),
            provider_ca: text(PROVIDER_CA),
            provider_trust: text(PROVIDER_TRUST),
            configuration: text(CONFIGURATION),
            has_vote: bag.contains_key(VOTE),
        }
    }

    /// What changes the databag of a unit so that it says this as well; what is
    /// not known here stays as it is.
    pub fn changes(&self, current: &Self) -> Changes {
        differences(self.entries(), &current.entries())
    }

    fn entries(&self) -> Vec<Entry> {
        let Self {
            format: _,
            address,
            // Juju writes it.
            ingress_address: _,
            client_port,
            trust,
            member,
            generation,
            server_ca,
            admin_ca,
            provider_ca,
            provider_trust,
            configuration,
            has_vote,
        } = self;
        let mut entries = vec![
            (ADDRESS, address.clone()),
            (CLIENT_PORT, client_port.map(|port| port.to_string())),
            (TRUST, trust.clone()),
            (MEMBER, member.clone()),
            (SERVER_CA, server_ca.clone()),
            (ADMIN_CA, admin_ca.clone()),
            (PROVIDER_CA, provider_ca.clone()),
            (PROVIDER_TRUST, provider_trust.clone()),
            (CONFIGURATION, configuration.clone()),
            (VOTE, has_vote.then(|| TRUE.to_owned())),
        ];
        entries.extend(generation.entries());
        entries
    }
}

impl ApplicationData {
    /// Reads the databag of the application.
    pub fn read(bag: &Databag) -> Self {
        let text = |key| bag.get(key).cloned();
        Self {
            format: format(bag),
            authorities_secret: text(PKI),
            authorities: text(AUTHORITIES),
            generation: Generation::read(bag),
            is_bootstrapped: bag.contains_key(BOOTSTRAPPED),
            cluster: text(CLUSTER),
            trust: text(TRUST),
            settled: text(SETTLED),
            provider_ca: text(PROVIDER_CA),
            provider_from: bag.get(PROVIDER_FROM).and_then(|text| text.parse().ok()),
            issued: text(ISSUED),
            leader: bag.get(LEADER).and_then(|name| name.parse().ok()),
        }
    }

    /// What changes the databag of the application so that it says this as well;
    /// what is not known here stays as it is.
    pub fn changes(&self, current: &Self) -> Changes {
        differences(self.entries(), &current.entries())
    }

    fn entries(&self) -> Vec<Entry> {
        let Self {
            format: _,
            authorities_secret,
            authorities,
            generation,
            is_bootstrapped,
            cluster,
            trust,
            settled,
            provider_ca,
            provider_from,
            issued,
            leader,
        } = self;
        let mut entries = vec![
            (PKI, authorities_secret.clone()),
            (AUTHORITIES, authorities.clone()),
            (BOOTSTRAPPED, is_bootstrapped.then(|| TRUE.to_owned())),
            (CLUSTER, cluster.clone()),
            (TRUST, trust.clone()),
            (SETTLED, settled.clone()),
            (PROVIDER_CA, provider_ca.clone()),
            (PROVIDER_FROM, provider_from.map(|from| from.to_string())),
            (ISSUED, issued.clone()),
            (LEADER, leader.as_ref().map(ToString::to_string)),
        ];
        entries.extend(generation.entries());
        entries
    }
}

/// What says, or takes back, which leaves the etcd of a unit has loaded.
pub fn trust_change(digest: Option<String>) -> (String, Option<String>) {
    (TRUST.to_owned(), digest)
}

/// What takes back which identity was issued last.
pub fn issued_is_over() -> (String, Option<String>) {
    (ISSUED.to_owned(), None)
}

/// What takes back whose certificates a member shows, or wants to.
pub fn provider_is_over() -> (String, Option<String>) {
    (PROVIDER_CA.to_owned(), None)
}

/// What takes back from when certificates of providers may be shown.
pub fn provider_is_closed() -> (String, Option<String>) {
    (PROVIDER_FROM.to_owned(), None)
}

/// A key, and its value if there is one.
type Entry = (&'static str, Option<String>);

/// A format that makes no sense here is none that this revision knows.
fn format(bag: &Databag) -> u32 {
    let text = bag.get(FORMAT_KEY);
    text.map_or(0, |text| text.parse().unwrap_or(u32::MAX))
}

fn differences(wanted: impl IntoIterator<Item = Entry>, current: &[Entry]) -> Changes {
    wanted
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .filter(|entry| !current.contains(entry))
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(pairs: &[(&str, &str)]) -> Databag {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    /// As units that run today have written it: no key is ever renamed.
    const UNIT: &[(&str, &str)] = &[
        ("address", "10.0.0.1"),
        ("admin-ca", "01 02"),
        ("client-port", "2379"),
        ("configuration", "03"),
        ("generation", "7"),
        ("member", "ab"),
        ("provider-ca", "07"),
        ("provider-ca-trusted", "08"),
        ("seed", "etcd-0"),
        ("server-ca", "04 05"),
        ("token", "token"),
        ("trust", "06"),
        ("vote", "true"),
    ];

    const APPLICATION: &[(&str, &str)] = &[
        ("authorities", "01"),
        ("cluster", "ab"),
        ("founded", "true"),
        ("generation", "7"),
        ("issued", "etcd-charm:db-1"),
        ("leader", "etcd/1"),
        ("pki", "secret:pki"),
        ("provider-ca", "03"),
        ("provider-ca-from", "5"),
        ("seed", "etcd-0"),
        ("settled", "77"),
        ("token", "token"),
        ("trust", "02"),
    ];

    #[test]
    fn what_is_written_is_read_under_the_names_of_today() {
        let written = |changes: Changes| -> Databag {
            let set = |(key, value): (String, Option<String>)| (key, value.expect("a value"));
            changes.into_iter().map(set).collect()
        };
        let unit = UnitData::read(&bag(UNIT));
        assert_eq!(written(unit.changes(&UnitData::default())), bag(UNIT));
        assert_eq!(unit.changes(&unit), Changes::new());
        let application = ApplicationData::read(&bag(APPLICATION));
        let changes = application.changes(&ApplicationData::default());
        assert_eq!(written(changes), bag(APPLICATION));
        assert_eq!(application.changes(&application), Changes::new());
    }

    #[test]
    fn what_makes_no_sense_says_nothing() {
        let odd = [("client-port", "x"), ("generation", "-1"), ("later", "y")];
        assert_eq!(UnitData::read(&bag(&odd)), UnitData::default());
    }

    #[test]
    fn a_newer_format_is_seen() {
        for (text, expected) in [("1", 1), ("2", 2), ("2.1", u32::MAX), ("", u32::MAX)] {
            let bag = bag(&[("format", text)]);
            assert_eq!(UnitData::read(&bag).format, expected, "{text:?}");
            assert_eq!(ApplicationData::read(&bag).format, expected, "{text:?}");
        }
        assert_eq!(UnitData::read(&bag(UNIT)).format, 0);
    }
}
