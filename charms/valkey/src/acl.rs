//! Who may do what: the grammar of what clients ask for, and the rules that make
//! it so. All of it is pure; the rules are applied one by one as arguments of
//! `ACL SETUSER`, never by writing a file.

mod grant;
mod internal;
mod pattern;

pub use grant::{Grant, unexpected_commands};
pub use internal::{
    DEFAULT_USER, INTERNAL_PREFIX, Internal, MARKER, OPERATOR, PEER, REFERENCE, REPLICATION,
    SENTINEL, client_on_sentinel, client_on_server,
};
pub use pattern::{InvalidPattern, Pattern};

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

/// A user as it is to be on one kind of node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// SHA-256 of its passwords; without any it cannot log in.
    pub hashes: BTreeSet<String>,
    /// Patterns of keys, with their `~`.
    pub keys: BTreeSet<String>,
    /// Patterns of channels, with their `&`.
    pub channels: BTreeSet<String>,
    /// What it may call, as rules in their order.
    pub commands: Vec<String>,
}

impl User {
    /// The rules that make any user of this name exactly this one.
    pub fn rules(&self) -> Vec<String> {
        let mut rules = vec!["reset".to_owned()];
        rules.push(if self.hashes.is_empty() { "off" } else { "on" }.to_owned());
        rules.extend(self.hashes.iter().map(|hash| format!("#{hash}")));
        rules.push("resetchannels".to_owned());
        rules.extend(self.commands.iter().cloned());
        rules.extend(self.keys.iter().chain(&self.channels).cloned());
        rules
    }
}

/// How a server keeps a password: SHA-256, in hexadecimal digits.
pub fn password_hash(password: &str) -> String {
    let digest = Sha256::digest(password);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
