//! What is asked of a server.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Address, Connection, ValkeyError, Value};

/// What a server is at the moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Role {
    /// It takes writes. How far it has come is a number of bytes.
    Primary {
        /// How far it has come.
        offset: u64,
        /// The replicas that are connected.
        replicas: Vec<IpAddr>,
    },
    /// It follows another.
    Replica {
        /// Whom it follows.
        of: Address,
        /// How far it has come.
        offset: u64,
        /// Whether it is connected.
        link: Link,
    },
}

/// How a replica stands to its primary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// It has what the primary has, and gets what is new.
    Up,
    /// It copies what the primary has.
    Syncing,
    /// It is not connected.
    Down,
}

impl Connection {
    /// What the server is at the moment (`ROLE`).
    ///
    /// # Errors
    /// The server does not answer, or not as it is known to.
    pub async fn role(&mut self) -> Result<Role, ValkeyError> {
        let answer = self.call(&["ROLE"]).await?;
        role(&answer).ok_or_else(|| self.unexpected("ROLE says something else"))
    }

    /// One section of `INFO`, by name.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn info(&mut self, section: &str) -> Result<BTreeMap<String, String>, ValkeyError> {
        let answer = self.call(&["INFO", section]).await?;
        let lines = answer.text().unwrap_or_default().lines();
        let pairs = lines.filter_map(|line| line.split_once(':'));
        Ok(pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect())
    }

    /// Gives options the values that are wanted, those alone that differ, and
    /// lets the server keep them. Returns which were changed.
    ///
    /// # Errors
    /// The server refuses a value; then none is changed.
    pub async fn ensure_config(
        &mut self,
        wanted: &BTreeMap<&'static str, String>,
    ) -> Result<Vec<&'static str>, ValkeyError> {
        let mut question = vec!["CONFIG", "GET"];
        question.extend(wanted.keys());
        let present = self.call(&question).await?;
        let differs = |(name, value): &(&&'static str, &String)| {
            present.field(name).and_then(Value::text) != Some(value.as_str())
        };
        let changes: Vec<_> = wanted.iter().filter(differs).collect();
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut order = vec!["CONFIG", "SET"];
        for (name, value) in &changes {
            order.extend([**name, value.as_str()]);
        }
        self.call(&order).await?;
        self.call(&["CONFIG", "REWRITE"]).await?;
        Ok(changes.iter().map(|(name, _)| **name).collect())
    }

    /// Lets the server follow another, or nobody.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn follow(&mut self, primary: Option<Address>) -> Result<(), ValkeyError> {
        match primary {
            Some(Address { host, port }) => {
                let (host, port) = (host.to_string(), port.to_string());
                self.call(&["REPLICAOF", &host, &port]).await?;
            }
            None => drop(self.call(&["REPLICAOF", "NO", "ONE"]).await?),
        }
        self.call(&["CONFIG", "REWRITE"]).await?;
        Ok(())
    }
}

fn role(answer: &Value) -> Option<Role> {
    let number = |value: &Value| match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        value => value.text()?.parse().ok(),
    };
    match answer.items() {
        [kind, offset, replicas] if kind.text() == Some("master") => Some(Role::Primary {
            offset: number(offset)?,
            replicas: replicas
                .items()
                .iter()
                .filter_map(|replica| replica.items().first()?.text()?.parse().ok())
                .collect(),
        }),
        [kind, host, port, state, offset] if kind.text() == Some("slave") => Some(Role::Replica {
            of: Address {
                host: host.text()?.parse().ok()?,
                port: u16::try_from(number(port)?).ok()?,
            },
            // It is -1 before the first synchronization.
            offset: number(offset).unwrap_or(0),
            link: match state.text()? {
                "connected" => Link::Up,
                "sync" => Link::Syncing,
                _ => Link::Down,
            },
        }),
        _ => None,
    }
}
