//! The older interfaces `etcd` and `etcd-proxy`, whose providers write into the
//! databags of their units, credentials included. A requirer writes nothing.

use std::fmt;

use juju_hooks::{Databag, Relation, ToolError, Tools};
use secret_value::Secret;

use crate::Credentials;

/// Largest value that is read, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Which of the two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LegacyInterface {
    /// `etcd`: where clients connect to.
    Etcd,
    /// `etcd-proxy`: the members of the cluster and where they meet each other.
    EtcdProxy,
}

/// What the provider has told so far. Each state has all of the one before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LegacyAnswer {
    /// The relation is there (`{relation_name}.connected`).
    Connected,
    /// It is told where etcd is (`{relation_name}.available`).
    Available(Connection),
    /// And what to log in with (`{relation_name}.tls.available`).
    TlsAvailable(Connection, Credentials),
}

/// Where etcd is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// Of `etcd`: `https://10.0.0.1:2379,…`. Of `etcd-proxy`, as etcd takes it for an
    /// initial cluster: `etcd0=https://10.0.0.1:2380,…`.
    pub string: String,
    /// The version of etcd; providers of etcd 2 tell none.
    pub version: Option<String>,
}

impl LegacyAnswer {
    /// Reads what the units of the provider have written.
    ///
    /// # Errors
    /// A hook tool failed.
    pub fn observe(
        tools: &Tools,
        interface: LegacyInterface,
        relation: Relation,
    ) -> Result<Self, ToolError> {
        let mut bags = Vec::new();
        for unit in tools.relation_list(relation)? {
            bags.push(tools.relation_get_unit(relation, &unit)?);
        }
        Ok(Self::read(interface, &bags))
    }

    /// The answer in these databags of units. Units write the same, and the first
    /// that has all of something counts; certificate, key and authority are never
    /// mixed from two.
    pub fn read(interface: LegacyInterface, bags: &[Databag]) -> Self {
        let keys: &[&str] = match interface {
            LegacyInterface::Etcd => &["connection_string"],
            // The key has had both names.
            LegacyInterface::EtcdProxy => &["cluster", "cluster_string"],
        };
        let found = bags.iter().find_map(|bag| {
            let string = keys.iter().find_map(|key| value(bag, key))?;
            Some(Connection {
                string: string.to_owned(),
                version: value(bag, "version").map(str::to_owned),
            })
        });
        let Some(connection) = found else {
            return Self::Connected;
        };
        match bags.iter().find_map(credentials) {
            Some(credentials) => Self::TlsAvailable(connection, credentials),
            None => Self::Available(connection),
        }
    }
}

impl Connection {
    /// The parts of the string.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.string.split(',').filter(|part| !part.is_empty())
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.string)
    }
}

fn value<'b>(bag: &'b Databag, key: &str) -> Option<&'b str> {
    let text = bag.get(key)?;
    (1..=MAX_VALUE_BYTES).contains(&text.len()).then_some(text)
}

fn credentials(bag: &Databag) -> Option<Credentials> {
    Some(Credentials {
        ca: value(bag, "client_ca")?.to_owned(),
        certificate: value(bag, "client_cert")?.to_owned(),
        key: Secret::new(value(bag, "client_key")?.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: [(&str, &str); 3] = [
        ("client_ca", "authority"),
        ("client_cert", "certificate"),
        ("client_key", "hunter2"),
    ];

    fn bag(entries: &[(&str, &str)]) -> Databag {
        let entries = entries.iter();
        entries
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn each_state_has_all_of_the_one_before() {
        let urls = "https://10.0.0.1:2379,https://10.0.0.2:2379";
        let names = "etcd0=https://10.0.0.1:2380";
        for (interface, key, string) in [
            (LegacyInterface::Etcd, "connection_string", urls),
            (LegacyInterface::EtcdProxy, "cluster", names),
            (LegacyInterface::EtcdProxy, "cluster_string", names),
        ] {
            let read = |bags: &[Databag]| LegacyAnswer::read(interface, bags);
            assert_eq!(read(&[]), LegacyAnswer::Connected);
            assert_eq!(read(&[bag(&CREDENTIALS)]), LegacyAnswer::Connected);
            let place = bag(&[(key, string), ("version", "3.6.4")]);
            let connection = Connection {
                string: string.to_owned(),
                version: Some("3.6.4".to_owned()),
            };
            let available = LegacyAnswer::Available(connection.clone());
            assert_eq!(read(&[bag(&[]), place.clone()]), available);
            // Half of the credentials of one unit and half of another's are none.
            let halves = [
                place.clone(),
                bag(&CREDENTIALS[..2]),
                bag(&CREDENTIALS[2..]),
            ];
            assert_eq!(read(&halves), available);
            let answer = read(&[place, bag(&CREDENTIALS)]);
            let LegacyAnswer::TlsAvailable(found, credentials) = &answer else {
                panic!("all of it is there");
            };
            assert_eq!(*found, connection);
            assert_eq!(credentials.ca, "authority");
            assert!(!format!("{answer:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_empty_or_too_long_is_not_there() {
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        for text in ["", &long] {
            let bags = [bag(&[("connection_string", text)])];
            let answer = LegacyAnswer::read(LegacyInterface::Etcd, &bags);
            assert_eq!(answer, LegacyAnswer::Connected);
        }
        let connection = Connection {
            string: "a,,b".to_owned(),
            version: None,
        };
        assert_eq!(connection.parts().collect::<Vec<_>>(), ["a", "b"]);
    }
}
