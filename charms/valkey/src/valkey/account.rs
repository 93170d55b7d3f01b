//! The users of a server, as `ACL LIST` prints them. The server writes commands
//! in a form of its own, so what is wanted is compared with what the server
//! itself made of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Connection, ValkeyError};

/// One user of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// Whether it can log in.
    pub on: bool,
    /// Whether it needs no password.
    pub nopass: bool,
    /// SHA-256 of its passwords.
    pub hashes: BTreeSet<String>,
    /// Patterns of keys, with their `~` or `%`.
    pub keys: BTreeSet<String>,
    /// Patterns of channels, with their `&`.
    pub channels: BTreeSet<String>,
    /// What it may call, in the server's own words.
    pub commands: String,
    /// What it has beside that: none of ours has anything.
    pub other: BTreeSet<String>,
}

/// Words that a server adds by itself, and that change nothing.
const SILENT: [&str; 4] = ["alldbs", "resetchannels", "resetkeys", "sanitize-payload"];

impl Account {
    /// Reads one line of `ACL LIST`.
    fn parse(line: &str) -> Option<(String, Self)> {
        let mut words = line.split(' ');
        let (Some("user"), Some(name)) = (words.next(), words.next()) else {
            return None;
        };
        let mut account = Self::default();
        let mut commands = Vec::new();
        for word in words.filter(|word| !word.is_empty() && !SILENT.contains(word)) {
            match (word, word.as_bytes()[0]) {
                ("on", _) => account.on = true,
                ("off", _) => account.on = false,
                ("nopass", _) => account.nopass = true,
                (_, b'#') => drop(account.hashes.insert(word[1..].to_owned())),
                (_, b'~' | b'%') => drop(account.keys.insert(word.to_owned())),
                (_, b'&') => drop(account.channels.insert(word.to_owned())),
                (_, b'+' | b'-') => commands.push(word),
                _ => drop(account.other.insert(word.to_owned())),
            }
        }
        account.commands = commands.join(" ");
        Some((name.to_owned(), account))
    }
}

/// All users of a server, by name.
///
/// # Errors
/// The server refuses, or prints a user in another form than it is known to.
pub async fn accounts(
    connection: &mut Connection,
) -> Result<BTreeMap<String, Account>, ValkeyError> {
    let list = connection.call(&["ACL", "LIST"]).await?;
    let parsed: Option<_> = list.texts().map(Account::parse).collect();
    parsed.ok_or_else(|| connection.unexpected("a line of ACL LIST is no user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let line = "user a on sanitize-payload #1f #2e ~a:* resetchannels &a:* -@all +get";
        let (name, account) = Account::parse(line).expect("a user");
        assert_eq!(name, "a");
        assert!(account.on && !account.nopass && account.other.is_empty());
        assert_eq!(account.hashes, ["1f", "2e"].map(str::to_owned).into());
        assert_eq!(account.keys, ["~a:*".to_owned()].into());
        assert_eq!(account.channels, ["&a:*".to_owned()].into());
        assert_eq!(account.commands, "-@all +get");
        // A selector would be a second grant, and is seen.
        let (_, account) = Account::parse("user b off (~* +@all)").expect("a user");
        assert_eq!(account.other, ["(~*".to_owned()].into());
        assert!(Account::parse("role a").is_none());
    }
}
