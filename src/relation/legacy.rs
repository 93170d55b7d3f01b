//! Codec of the legacy interfaces `etcd` and `etcd-proxy`: what each unit of the
//! provider writes into its own databag. The requirer writes nothing.
//!
//! Both hand out a certificate with its private key, in plain text. That is
//! what their requirers read, and cannot be helped.
//!
//! Every unit writes all of it. Requirers built on `charms.reactive` take each
//! key from the first unit that has it, so that one unit would do; the library
//! for newer ones (`charms.kubernetes_libs.v0.etcd`) takes any one unit and
//! looks nowhere else.

use std::collections::BTreeMap;

use crate::facts::{Databag, LegacyInterface, Member, RelationId, Secret, Version};

const CLIENT_CERT: &str = "client_cert";
const CLIENT_KEY: &str = "client_key";

/// The keys that we write, on either interface.
const KEYS: [&str; 7] = [
    "client_ca",
    CLIENT_CERT,
    CLIENT_KEY,
    "cluster",
    "cluster_string",
    "connection_string",
    "version",
];

/// Values by key, none of which is shown: a private key is among them.
pub type LegacyBag = BTreeMap<String, Secret<String>>;

/// What a requirer is given.
#[derive(Clone, Debug)]
pub struct Offer<'o> {
    /// The requirer's certificate, PEM.
    pub certificate: &'o str,
    /// Its private key, PEM.
    pub key: &'o Secret<String>,
    /// The authority that the servers are checked with, PEM.
    pub server_ca: &'o str,
    /// The members of the cluster.
    pub members: &'o [Member],
    /// The version of etcd.
    pub version: &'o Version,
}

/// The label of the secret in which certificate and key of a relation are kept
/// for all units: `db.5.identity.secret`.
pub fn identity_label(interface: LegacyInterface, relation: RelationId) -> String {
    format!("{}.{relation}.identity.secret", interface.endpoint())
}

/// The content of that secret.
pub fn identity_secret(certificate: &str, key: &Secret<String>) -> LegacyBag {
    [
        ("client-cert", Secret::new(certificate.to_owned())),
        ("client-key", key.clone()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// What is ours in the databag of this unit.
pub fn read_unit(mut bag: Databag) -> LegacyBag {
    let values = KEYS.into_iter().filter_map(|key| bag.remove_entry(key));
    values
        .map(|(key, value)| (key, Secret::new(value)))
        .collect()
}

/// Certificate and key in there, if both are.
pub fn published_identity(bag: &LegacyBag) -> Option<(&str, &Secret<String>)> {
    Some((bag.get(CLIENT_CERT)?.expose(), bag.get(CLIENT_KEY)?))
}

/// What the databag of each unit should hold.
///
/// `etcd-proxy` has had two keys for the same text: `cluster` at first, and
/// `cluster_string` in the interface's last revision. Both are written.
pub fn offer(interface: LegacyInterface, offer: &Offer<'_>) -> LegacyBag {
    let plain = |text: &str| Secret::new(text.to_owned());
    let mut bag = LegacyBag::from([
        ("client_ca".to_owned(), plain(offer.server_ca)),
        (CLIENT_CERT.to_owned(), plain(offer.certificate)),
        (CLIENT_KEY.to_owned(), offer.key.clone()),
    ]);
    match interface {
        LegacyInterface::Db => {
            let urls = connection_string(offer.members);
            bag.insert("connection_string".to_owned(), plain(&urls));
            bag.insert("version".to_owned(), plain(&offer.version.to_string()));
        }
        LegacyInterface::Proxy => {
            let cluster = cluster(offer.members);
            bag.insert("cluster".to_owned(), plain(&cluster));
            bag.insert("cluster_string".to_owned(), plain(&cluster));
        }
    }
    bag
}

/// What changes a databag from `own` to `wanted`.
pub fn differences(own: &LegacyBag, wanted: LegacyBag) -> LegacyBag {
    wanted
        .into_iter()
        .filter(|(key, value)| own.get(key) != Some(value))
        .collect()
}

/// Where clients reach the members that have a vote: `https://10.0.0.1:2379,…`,
/// sorted.
pub fn connection_string(members: &[Member]) -> String {
    let voting = members.iter().filter(|member| !member.learner);
    let mut urls: Vec<&str> = voting
        .flat_map(|member| &member.client_urls)
        .map(String::as_str)
        .collect();
    urls.sort_unstable();
    urls.dedup();
    urls.join(",")
}

/// Names and peer URLs of these members, as etcd takes them for an initial
/// cluster: `etcd-0=https://10.0.0.1:2380,…`, sorted.
fn cluster(members: &[Member]) -> String {
    let voting = members.iter().filter(|member| !member.learner);
    let mut entries: Vec<String> = voting
        .filter_map(|member| Some((member.name.as_ref()?, &member.peer_urls)))
        .flat_map(|(name, urls)| urls.iter().map(move |url| format!("{name}={url}")))
        .collect();
    entries.sort_unstable();
    entries.dedup();
    entries.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{MemberId, MemberName};

    fn member(name: Option<&str>, host: u8, learner: bool) -> Member {
        Member {
            id: MemberId(host.into()),
            name: name.map(MemberName::new),
            peer_urls: vec![format!("https://10.0.0.{host}:2380")],
            client_urls: match name {
                Some(_) => vec![format!("https://10.0.0.{host}:2379")],
                None => Vec::new(),
            },
            learner,
        }
    }

    fn written(interface: LegacyInterface, members: &[Member]) -> BTreeMap<String, String> {
        let offered = offer(
            interface,
            &Offer {
                certificate: "certificate",
                key: &Secret::new("key".to_owned()),
                server_ca: "authority",
                members,
                version: &"3.6.4".parse().expect("a version"),
            },
        );
        let shown = |(key, value): (String, Secret<String>)| (key, value.expose().clone());
        offered.into_iter().map(shown).collect()
    }

    #[test]
    fn each_interface_has_its_keys() {
        let members = [
            member(Some("etcd-1"), 2, false),
            member(Some("etcd-0"), 1, false),
            member(Some("etcd-2"), 3, true),
            member(None, 4, false),
        ];
        let expected = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let common = [
                ("client_ca", "authority"),
                ("client_cert", "certificate"),
                ("client_key", "key"),
            ];
            let all = common.iter().chain(pairs);
            all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let urls = "https://10.0.0.1:2379,https://10.0.0.2:2379";
        assert_eq!(
            written(LegacyInterface::Db, &members),
            expected(&[("connection_string", urls), ("version", "3.6.4")])
        );
        let cluster = "etcd-0=https://10.0.0.1:2380,etcd-1=https://10.0.0.2:2380";
        assert_eq!(
            written(LegacyInterface::Proxy, &members),
            expected(&[("cluster", cluster), ("cluster_string", cluster)])
        );
    }

    #[test]
    fn only_what_differs_is_written() {
        let bag = Databag::from(
            [
                ("client_key", "key"),
                ("client_cert", "certificate"),
                ("version", "3.5.0"),
                ("ingress-address", "10.0.0.1"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let own = read_unit(bag);
        assert!(!own.contains_key("ingress-address"));
        let (certificate, key) = published_identity(&own).expect("both are there");
        assert_eq!((certificate, key.expose().as_str()), ("certificate", "key"));
        let wanted = LegacyBag::from([
            ("client_key".to_owned(), Secret::new("key".to_owned())),
            ("version".to_owned(), Secret::new("3.6.4".to_owned())),
        ]);
        let changed = differences(&own, wanted);
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["version"]);
        assert!(
            !format!("{changed:?}").contains("3.6.4"),
            "values are hidden"
        );
    }

    #[test]
    fn a_label_names_one_relation() {
        let label = identity_label(LegacyInterface::Db, RelationId(5));
        assert_eq!(label, "db.5.identity.secret");
    }
}
