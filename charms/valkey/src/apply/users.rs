//! Makes the users of one node, a server or a sentinel, those that are wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::acl::{DEFAULT_USER, MARKER, REFERENCE, User};
use crate::valkey::{Account, Connection, ValkeyError, accounts};

/// What became of the users of a node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UsersOutcome {
    /// The node has exactly the wanted ones.
    Done {
        /// How many had to be changed or removed.
        changed: usize,
    },
    /// The node has a newer set than this one, from another unit.
    Newer(u64),
}

/// The commands of a node.
///
/// # Errors
/// It does not answer.
pub async fn commands_of(connection: &mut Connection) -> Result<BTreeSet<String>, ValkeyError> {
    let list = connection.call(&["COMMAND", "LIST"]).await?;
    Ok(list.texts().map(str::to_owned).collect())
}

/// The number of the set of users that a node has; 0 if it never got one.
///
/// # Errors
/// It does not answer.
pub async fn revision_of(connection: &mut Connection) -> Result<u64, ValkeyError> {
    Ok(marker(&accounts(connection).await?))
}

/// Gives the node exactly the users of set number `revision`: missing ones are
/// made, different ones replaced in one step, others removed, which ends their
/// connections. A node that has a newer set keeps it: hooks of several units run
/// at the same time, and one of them may not know yet what the leader has done.
///
/// # Errors
/// The node does not answer, or refuses a rule.
pub async fn ensure_users(
    connection: &mut Connection,
    wanted: &[User],
    revision: u64,
) -> Result<UsersOutcome, ValkeyError> {
    let present = accounts(connection).await?;
    let has = marker(&present);
    if has > revision {
        return Ok(UsersOutcome::Newer(has));
    }
    let mut changed = 0;
    if has < revision {
        mark(connection, revision).await?;
        changed += 1;
    }
    // Access goes before anything else can fail.
    let names: BTreeSet<&str> = wanted.iter().map(|user| user.name.as_str()).collect();
    for name in present.keys() {
        let stays = [DEFAULT_USER, MARKER].contains(&name.as_str());
        if !stays && !names.contains(name.as_str()) {
            connection.call(&["ACL", "DELUSER", name]).await?;
            changed += 1;
        }
    }
    let closed = Account::default();
    if present
        .get(DEFAULT_USER)
        .is_none_or(|is| !is_closed(is, &closed))
    {
        set(connection, DEFAULT_USER, &["reset".to_owned()]).await?;
        changed += 1;
    }
    let mut forms = BTreeMap::new();
    for user in wanted {
        let form = match forms.get(&user.commands) {
            Some(form) => form,
            None => {
                let form = form_of(connection, &user.commands).await?;
                forms.entry(user.commands.clone()).or_insert(form)
            }
        };
        let account = Account {
            on: !user.hashes.is_empty(),
            nopass: false,
            hashes: user.hashes.clone(),
            keys: user.keys.clone(),
            channels: user.channels.clone(),
            commands: form.clone(),
            other: BTreeSet::new(),
        };
        if present.get(&user.name) != Some(&account) {
            set(connection, &user.name, &user.rules()).await?;
            changed += 1;
        }
    }
    // A change that a killed hook made is perhaps not kept yet.
    if changed > 0 {
        connection.call(&["ACL", "SAVE"]).await?;
    }
    Ok(UsersOutcome::Done { changed })
}

/// The user that nobody has logged in as can do nothing.
fn is_closed(account: &Account, closed: &Account) -> bool {
    let commands = account.commands == "-@all";
    let rest = Account {
        commands: String::new(),
        ..account.clone()
    };
    commands && rest == *closed
}

/// How the node writes these rules.
async fn form_of(connection: &mut Connection, commands: &[String]) -> Result<String, ValkeyError> {
    let mut rules = vec!["reset".to_owned()];
    rules.extend_from_slice(commands);
    set(connection, REFERENCE, &rules).await?;
    let answer = connection.call(&["ACL", "GETUSER", REFERENCE]).await?;
    connection.call(&["ACL", "DELUSER", REFERENCE]).await?;
    let form = answer.field("commands").and_then(|form| form.text());
    let form = form.ok_or_else(|| connection.unexpected("ACL GETUSER says something else"))?;
    Ok(form.to_owned())
}

async fn mark(connection: &mut Connection, revision: u64) -> Result<(), ValkeyError> {
    let rules = ["reset".to_owned(), format!("&{revision}")];
    set(connection, MARKER, &rules).await
}

fn marker(present: &BTreeMap<String, Account>) -> u64 {
    let channels = present.get(MARKER).map(|marker| &marker.channels);
    let number = channels.into_iter().flatten().next();
    number
        .and_then(|number| number.strip_prefix('&')?.parse().ok())
        .unwrap_or(0)
}

/// One user, by all its rules or by none of them.
async fn set(connection: &mut Connection, name: &str, rules: &[String]) -> Result<(), ValkeyError> {
    let mut words = vec!["ACL", "SETUSER", name];
    words.extend(rules.iter().map(String::as_str));
    connection.call(&words).await?;
    Ok(())
}
