//! Gives access, and takes it away: the users of all nodes, the secrets, and
//! what the ledger says of them.

use std::collections::BTreeSet;

use certificates::Fingerprint;
use juju_hooks::{Relation, SecretContent, SecretOwner, SecretUri, ToolError, Tools, UnitName};
use thiserror::Error;

use super::users::{UsersOutcome, commands_of, ensure_users, revision_of};
use crate::acl::{User, client_on_sentinel, client_on_server, password_hash};
use crate::explain::chain;
use crate::facts::{Juju, Known, Node, Nodes, OwnSecret};
use crate::machine::{MachineError, Paths, random_text};
use crate::observe;
use crate::plan::access::{Changes, grant};
use crate::plan::options::Options;
use crate::relation::CLIENTS;
use crate::relation::ledger::{Granted, Ledger};
use crate::valkey::{Connection, ValkeyError, at_once};

/// Why access could not be changed at all.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The system gives no randomness.
    #[error("failed to make a password")]
    Random(#[from] MachineError),
    /// Juju does not take a secret.
    #[error("failed to store a secret")]
    Store(#[from] ToolError),
}

/// What the secret about TLS says, in a word.
pub fn tls_says(options: &Options, own: &OwnSecret) -> String {
    match options.client_tls {
        true => Fingerprint::of_der(own.trust().as_bytes()).to_string(),
        false => "false".to_owned(),
    }
}

/// The content of the secret about TLS. It says `true` or `false`, in this
/// spelling, in both versions of the protocol.
fn tls_content(options: &Options, own: &OwnSecret) -> SecretContent {
    match options.client_tls {
        true => SecretContent::from_iter([("tls", "true"), ("tls-ca", &own.trust())]),
        false => SecretContent::from_iter([("tls", "false")]),
    }
}

/// Writes the changes into the ledger; makes the secrets of new users and
/// removes those of users that go.
///
/// # Errors
/// See [`AccessError`].
pub fn record(
    tools: &Tools,
    juju: &Juju,
    own: &OwnSecret,
    changes: &Changes,
) -> Result<Ledger, AccessError> {
    let mut ledger = juju.ledger.clone();
    for (relation, request) in &changes.remove {
        let Some(access) = ledger.clients.get_mut(relation) else {
            continue;
        };
        if let Some(granted) = access.grants.remove(request) {
            for uri in [&granted.user, &granted.tls] {
                remove_secret(tools, uri)?;
            }
        }
        if access.grants.is_empty() && !juju.relations.contains_key(relation) {
            ledger.clients.remove(relation);
        }
    }
    for make in &changes.make {
        let name = Ledger::user_name(make.relation, &make.request);
        let password = random_text()?;
        let relation = Relation {
            endpoint: CLIENTS,
            id: make.relation,
        };
        let content =
            SecretContent::from_iter([("username", name.as_str()), ("password", &password)]);
        let add = |group: &str, content: &SecretContent| {
            let label = format!(
                "{CLIENTS}.{}.{}.{group}.secret",
                make.relation, make.request
            );
            let what = format!("Access of {name}");
            let uri = tools.secret_add(&label, &what, content, SecretOwner::Application)?;
            tools.secret_grant(&uri, relation)?;
            Ok::<_, ToolError>(uri.to_string())
        };
        let granted = Granted {
            pattern: make.pattern.clone(),
            salt: make.salt.clone(),
            hashes: [password_hash(&password)].into(),
            retiring: None,
            user: add("user", &content)?,
            tls: add("tls", &tls_content(&juju.options, own))?,
            tls_says: tls_says(&juju.options, own),
        };
        let access = ledger.clients.entry(make.relation).or_default();
        access.grants.insert(make.request.clone(), granted);
    }
    if !changes.make.is_empty() || !changes.remove.is_empty() {
        ledger.revision += 1;
    }
    for (relation, access) in &mut ledger.clients {
        let client = juju.relations.get(relation);
        if let Some(app) = client.and_then(|client| client.app.as_ref()) {
            access.app = Some(app.to_string());
        }
    }
    refresh_tls(tools, juju, own, &mut ledger)?;
    Ok(ledger)
}

/// Lets the secrets about TLS say what is so now, in place.
fn refresh_tls(
    tools: &Tools,
    juju: &Juju,
    own: &OwnSecret,
    ledger: &mut Ledger,
) -> Result<(), ToolError> {
    let says = tls_says(&juju.options, own);
    let grants = ledger.clients.values_mut();
    for granted in grants.flat_map(|access| access.grants.values_mut()) {
        if granted.tls_says == says {
            continue;
        }
        if let Ok(uri) = granted.tls.parse::<SecretUri>() {
            tools.secret_set(&uri, None, &tls_content(&juju.options, own))?;
        }
        granted.tls_says.clone_from(&says);
    }
    Ok(())
}

fn remove_secret(tools: &Tools, uri: &str) -> Result<(), ToolError> {
    let Ok(uri) = uri.parse::<SecretUri>() else {
        return Ok(());
    };
    match tools.secret_exists(&uri)? {
        true => tools.secret_remove(&uri, None),
        false => Ok(()),
    }
}

/// What came of giving all nodes their users.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Given {
    /// Units whose nodes do not have the users, and why.
    pub lacking: Vec<(UnitName, String)>,
    /// The highest number of a set of users that a node has, where it is higher
    /// than ours.
    pub newer: Option<u64>,
    /// How many users were changed or removed.
    pub changed: usize,
}

/// Gives the nodes of these units the users of the ledger, all at the same time. Who
/// did not answer when `nodes` was read is not asked again.
pub async fn give(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    ledger: &Ledger,
    nodes: &Nodes,
) -> Given {
    let only_own = !juju.leader;
    let addressed = juju.members.iter().filter_map(|(unit, member)| {
        let address = if *unit == juju.unit {
            juju.address
        } else {
            member.address
        };
        let host = address.filter(|_| !only_own || *unit == juju.unit)?;
        Some((unit, host))
    });
    let asked = addressed.map(|(unit, host)| async move {
        if let Some(Node {
            server: Known::Unknown(reason),
            sentinel: Known::Unknown(_),
        }) = nodes.get(unit)
        {
            return (unit, Err(reason.clone()));
        }
        let both = async {
            let mut server = observe::open_server(juju, own, paths, unit, host).await?;
            let one = on_server(&mut server, juju, own, ledger).await?;
            let mut sentinel = observe::open_sentinel(juju, own, paths, unit, host).await?;
            let other = on_sentinel(&mut sentinel, own, ledger).await?;
            Ok::<_, ValkeyError>([one, other])
        };
        (unit, both.await.map_err(|error| chain(&error)))
    });
    let mut given = Given::default();
    for (unit, outcome) in at_once(asked).await {
        match outcome {
            Ok(outcomes) => {
                for outcome in outcomes {
                    match outcome {
                        UsersOutcome::Done { changed } => given.changed += changed,
                        UsersOutcome::Newer(number) => given.newer = given.newer.max(Some(number)),
                    }
                }
            }
            Err(reason) => given.lacking.push((unit.clone(), reason)),
        }
    }
    given
}

async fn on_server(
    server: &mut Connection,
    juju: &Juju,
    own: &OwnSecret,
    ledger: &Ledger,
) -> Result<UsersOutcome, ValkeyError> {
    let has = commands_of(server).await?;
    let mut users = own.internal.on_server(&has);
    let options = &juju.options;
    users.extend(ledger.users().map(|(name, granted)| {
        let grant = grant(options, ledger, &granted.pattern);
        client_on_server(&name, &granted.hashes, &granted.pattern, grant, &has)
    }));
    with_users(server, &users, ledger.revision).await
}

async fn on_sentinel(
    sentinel: &mut Connection,
    own: &OwnSecret,
    ledger: &Ledger,
) -> Result<UsersOutcome, ValkeyError> {
    let has: BTreeSet<String> = commands_of(sentinel).await?;
    let mut users = own.internal.on_sentinel(&has);
    let clients = ledger.users();
    users.extend(clients.map(|(name, granted)| client_on_sentinel(&name, &granted.hashes, &has)));
    with_users(sentinel, &users, ledger.revision).await
}

async fn with_users(
    connection: &mut Connection,
    users: &[User],
    revision: u64,
) -> Result<UsersOutcome, ValkeyError> {
    ensure_users(connection, users, revision).await
}

/// The number of the set of users that this unit's server has.
///
/// # Errors
/// It does not answer.
pub async fn own_revision(connection: &mut Connection) -> Result<u64, ValkeyError> {
    revision_of(connection).await
}
