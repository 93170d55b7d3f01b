//! The users of the charm itself. Each can do what its task needs; their
//! passwords are in a secret of the application.

use std::collections::BTreeSet;

use super::{Grant, User, password_hash};
use secret_value::Secret;

/// With this every name of ours begins; no client's name does.
pub const INTERNAL_PREFIX: &str = "charm-";
/// The charm itself, on servers and sentinels.
pub const OPERATOR: &str = "charm-operator";
/// Sentinels among each other.
pub const PEER: &str = "charm-peer";
/// Replicas at their primary.
pub const REPLICATION: &str = "charm-replication";
/// Sentinels at servers.
pub const SENTINEL: &str = "charm-sentinel";
/// Nobody: its channel is the number of the set of users that a node has.
pub const MARKER: &str = "charm-revision";
/// Nobody: the server is asked by it how it writes rules.
pub const REFERENCE: &str = "charm-reference";
/// Whoever does not log in; it can do nothing.
pub const DEFAULT_USER: &str = "default";

/// What a sentinel does with servers.
const SENTINEL_RULES: [&str; 18] = [
    "-@all",
    "+auth",
    "+hello",
    "+multi",
    "+exec",
    "+slaveof",
    "+replicaof",
    "+ping",
    "+subscribe",
    "+publish",
    "+info",
    "+role",
    "+config|rewrite",
    "+client|setname",
    "+client|kill",
    "+client|pause",
    "+client|unpause",
    "+script|kill",
];

/// What a sentinel does with another.
const PEER_RULES: [&str; 9] = [
    "-@all",
    "+auth",
    "+hello",
    "+ping",
    "+publish",
    "+subscribe",
    "+client|setname",
    "+sentinel|is-master-down-by-addr",
    "+sentinel|is-primary-down-by-addr",
];

/// What a client does with a sentinel: ask where the servers are, and listen
/// to changes.
const CLIENT_RULES: [&str; 26] = [
    "-@all",
    "+auth",
    "+hello",
    "+ping",
    "+role",
    "+command",
    "+client|id",
    "+client|getname",
    "+client|setname",
    "+client|setinfo",
    "+subscribe",
    "+psubscribe",
    "+unsubscribe",
    "+punsubscribe",
    "+sentinel|get-master-addr-by-name",
    "+sentinel|get-primary-addr-by-name",
    "+sentinel|master",
    "+sentinel|masters",
    "+sentinel|primary",
    "+sentinel|primaries",
    "+sentinel|myid",
    "+sentinel|replicas",
    "+sentinel|sentinels",
    "+sentinel|slaves",
    "+sentinel|ckquorum",
    "+sentinel|help",
];

/// The passwords of the charm's own users.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Internal {
    /// Of [`OPERATOR`].
    pub operator: Secret<String>,
    /// Of [`PEER`].
    pub peer: Secret<String>,
    /// Of [`REPLICATION`].
    pub replication: Secret<String>,
    /// Of [`SENTINEL`].
    pub sentinel: Secret<String>,
    /// Passwords that are accepted beside these, while they are replaced.
    pub other: Option<Box<Self>>,
}

impl Internal {
    /// The passwords of the operator, of peers, for replication and of sentinels, in
    /// this order.
    pub fn passwords(&self) -> [&Secret<String>; 4] {
        [
            &self.operator,
            &self.peer,
            &self.replication,
            &self.sentinel,
        ]
    }

    /// A user with the password that this gives, and the one beside it.
    fn user(
        &self,
        name: &str,
        password: fn(&Self) -> &Secret<String>,
        commands: Vec<String>,
    ) -> User {
        let all = [Some(self), self.other.as_deref()];
        let hashes = all.into_iter().flatten();
        User {
            name: name.to_owned(),
            hashes: hashes
                .map(|internal| password_hash(password(internal).expose()))
                .collect(),
            keys: BTreeSet::new(),
            channels: BTreeSet::new(),
            commands,
        }
    }

    /// The charm's own users on a server.
    pub fn on_server(&self, has: &BTreeSet<String>) -> Vec<User> {
        let rights = rules(&SENTINEL_RULES, has);
        let mut sentinel = self.user(SENTINEL, |own| &own.sentinel, rights);
        sentinel.channels = ["&__sentinel__:hello".to_owned()].into();
        if has.contains("failover") {
            sentinel.commands.push("+failover".to_owned());
        }
        let replication = ["-@all", "+auth", "+hello", "+ping", "+psync", "+replconf"];
        vec![
            self.operator(),
            self.user(
                REPLICATION,
                |own| &own.replication,
                rules(&replication, has),
            ),
            sentinel,
        ]
    }

    /// The charm's own users on a sentinel.
    pub fn on_sentinel(&self, has: &BTreeSet<String>) -> Vec<User> {
        let mut peer = self.user(PEER, |own| &own.peer, rules(&PEER_RULES, has));
        peer.channels = ["&__sentinel__:hello".to_owned()].into();
        vec![self.operator(), peer]
    }

    fn operator(&self) -> User {
        User {
            keys: ["~*".to_owned()].into(),
            channels: ["&*".to_owned()].into(),
            ..self.user(OPERATOR, |own| &own.operator, vec!["+@all".to_owned()])
        }
    }

    /// The access list of a node that has never run: nobody but the charm can do
    /// anything on it from its first moment. Nothing in it comes from outside.
    pub fn first_list(&self) -> String {
        let hashes = self.operator().hashes.into_iter();
        let hashes: String = hashes.map(|hash| format!("#{hash} ")).collect();
        format!(
            "user {DEFAULT_USER} off resetchannels -@all\nuser {OPERATOR} on {hashes}~* &* +@all\n"
        )
    }
}

/// What a client is on a server.
pub fn client_on_server(
    name: &str,
    hashes: &BTreeSet<String>,
    pattern: &super::Pattern,
    grant: Grant,
    has: &BTreeSet<String>,
) -> User {
    User {
        name: name.to_owned(),
        hashes: hashes.clone(),
        keys: [format!("~{pattern}")].into(),
        channels: [format!("&{pattern}")].into(),
        commands: grant.commands(has),
    }
}

/// What a client is on a sentinel.
pub fn client_on_sentinel(name: &str, hashes: &BTreeSet<String>, has: &BTreeSet<String>) -> User {
    User {
        name: name.to_owned(),
        hashes: hashes.clone(),
        keys: BTreeSet::new(),
        // What sentinels publish is about servers alone.
        channels: ["&*".to_owned()].into(),
        commands: rules(&CLIENT_RULES, has),
    }
}

/// Those rules whose commands the node has.
fn rules(all: &[&str], has: &BTreeSet<String>) -> Vec<String> {
    let known = |rule: &&&str| rule[1..].starts_with('@') || has.contains(&rule[1..]);
    all.iter()
        .filter(known)
        .map(|rule| (*rule).to_owned())
        .collect()
}
