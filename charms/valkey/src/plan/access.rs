//! Who is given access: each request is judged by itself, whoever has access
//! keeps it, and what is refused has a reason.

use juju_hooks::{AppName, RelationId};

use super::Notice;
use crate::acl::{Grant, Pattern};
use crate::facts::{Juju, Known};
use crate::plan::options::Options;
use crate::relation::ledger::Ledger;
use crate::relation::wire::{self, Request};

/// Most users of all relations together: the access list stays small enough to
/// be read in a hook, and the ledger fits into a databag.
const MAX_USERS: usize = 1000;

/// What changes in the ledger.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// Users that are to be made.
    pub make: Vec<Make>,
    /// Requests that are gone.
    pub remove: Vec<(RelationId, String)>,
    /// What an operator should know.
    pub notices: Vec<(RelationId, Notice)>,
}

/// A user that is to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Make {
    /// For this relation.
    pub relation: RelationId,
    /// For this request.
    pub request: String,
    /// Its salt.
    pub salt: String,
    /// Its keys and channels.
    pub pattern: Pattern,
}

/// Compares what is asked for, in the relations that were looked at, with what
/// was granted.
pub fn plan(juju: &Juju) -> Changes {
    let mut changes = Changes::default();
    let ledger = &juju.ledger;
    for (relation, access) in &ledger.clients {
        if !juju.scope.contains(*relation) {
            continue;
        }
        let asked = match juju.relations.get(relation) {
            // What cannot be read is not gone.
            Some(client) => match &client.bag {
                Known::Known(bag) => Some(wire::read(bag)),
                Known::Unknown(_) => continue,
            },
            None => None,
        };
        let gone = access.grants.keys().filter(|id| match &asked {
            None => true,
            // What cannot be understood is not gone either.
            Some(asked) if !asked.malformed.is_empty() => false,
            Some(asked) => asked.requests.iter().all(|request| request.id != **id),
        });
        changes
            .remove
            .extend(gone.map(|id| (*relation, id.clone())));
    }
    for (relation, client) in &juju.relations {
        let Known::Known(bag) = &client.bag else {
            let notice = Notice::Unreadable(client.app.clone());
            changes.notices.push((*relation, notice));
            continue;
        };
        let asked = wire::read(bag);
        let app = &client.app;
        let malformed = asked.malformed.iter();
        changes.notices.extend(
            malformed.map(|problem| (*relation, Notice::Malformed(app.clone(), problem.clone()))),
        );
        for request in &asked.requests {
            judge(juju, *relation, app.as_ref(), request, &mut changes);
        }
    }
    changes
}

fn judge(
    juju: &Juju,
    relation: RelationId,
    app: Option<&AppName>,
    request: &Request,
    changes: &mut Changes,
) {
    let app = || app.cloned();
    let pattern = request.resource.parse::<Pattern>();
    let access = juju.ledger.clients.get(&relation);
    if let Some(granted) = access.and_then(|access| access.grants.get(&request.id)) {
        if pattern.as_ref() != Ok(&granted.pattern) {
            changes.notices.push((relation, Notice::Changed(app())));
        }
        tell(relation, &granted.pattern, app(), changes);
        return;
    }
    if request.entity {
        changes.notices.push((relation, Notice::Entity(app())));
        return;
    }
    let pattern = match pattern {
        Ok(pattern) => pattern,
        Err(reason) => {
            changes
                .notices
                .push((relation, Notice::Pattern(app(), reason)));
            return;
        }
    };
    if juju.options.exclusive
        && let Some(other) = met(juju, relation, &pattern, changes)
    {
        changes
            .notices
            .push((relation, Notice::Meets(app(), other)));
        return;
    }
    if juju.ledger.users().count() + changes.make.len() >= MAX_USERS {
        changes.notices.push((relation, Notice::TooMany(app())));
        return;
    }
    tell(relation, &pattern, app(), changes);
    changes.make.push(Make {
        relation,
        request: request.id.clone(),
        salt: request.salt.clone(),
        pattern,
    });
}

/// The name of the user of another relation whose keys would also be this one's.
fn met(juju: &Juju, relation: RelationId, pattern: &Pattern, changes: &Changes) -> Option<String> {
    let leaves = |id: RelationId, request: &String| {
        let removed = &changes.remove;
        removed
            .iter()
            .any(|(gone, name)| *gone == id && name == request)
    };
    let granted = juju.ledger.clients.iter().flat_map(|(id, access)| {
        let grants = access.grants.iter();
        grants.map(|(request, granted)| (*id, request, &granted.pattern))
    });
    let made = changes.make.iter();
    let made = made.map(|make| (make.relation, &make.request, &make.pattern));
    granted
        .chain(made)
        .find(|(id, request, other)| {
            *id != relation && !leaves(*id, request) && other.meets(pattern)
        })
        .map(|(id, request, _)| Ledger::user_name(id, request))
}

fn tell(relation: RelationId, pattern: &Pattern, app: Option<AppName>, changes: &mut Changes) {
    if pattern.is_everything() {
        changes.notices.push((relation, Notice::Everything(app)));
    } else if pattern.is_single() {
        changes.notices.push((relation, Notice::Single(app)));
    }
}

/// What a client with this pattern may call, given who else has access.
pub fn grant(options: &Options, ledger: &Ledger, pattern: &Pattern) -> Grant {
    let everything = pattern.is_everything();
    Grant {
        scripts: options.scripts,
        scan: options.scan || everything,
        sole: everything && ledger.clients.len() == 1,
    }
}
