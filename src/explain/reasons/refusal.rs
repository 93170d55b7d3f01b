//! Why an action is refused, in words: one sentence that says what to do.

use super::{not_ended, not_safe};
use crate::explain::status::{of_unit, wait_text};
use crate::facts::authorities::AuthorityKind;
use crate::facts::observed::NotEnded;
use crate::facts::{CommonName, NameRefusal};
use crate::plan::refusal::{ArchiveHolds, OwnFault, RecreationRefusal, Refusal};
use crate::plan::{Report, Wait};

/// Why an action does not do what it is asked for.
pub fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NewerFormat => wait_text(&Wait::NewerFormat).1,
        Refusal::NoAuthorities => "the certificate authorities cannot be read yet; wait until the \
             unit is active"
            .to_owned(),
        Refusal::Name(name, reason) => no_name(name, reason),
        Refusal::Superseded(name) => {
            format!("common name {name} was changed by somebody else meanwhile: run it again")
        }
        Refusal::Archive { unit, path, holds } => {
            let (path, holds) = (path.display(), archive_holds(holds));
            format!(
                "{path} {holds}: fetch it if it is needed, remove it by `juju ssh {unit} sudo rm \
                 {path}`, and run this again"
            )
        }
        Refusal::OfRelation(name) => format!(
            "common name {name} is that of a relation, and ends with it: remove the relation"
        ),
        Refusal::NotIssued(name) => format!(
            "common name {name} has no certificates of generate-client-certificates; list-clients \
             shows which there are, and reserve=true keeps a name of which the record is lost"
        ),
        Refusal::Unrecorded(name, alarm) => format!(
            "the rights of {name} are gone for as long as the alarm {alarm} is raised, which keeps \
             it from being recorded: end the alarm, then run this again"
        ),
        Refusal::Rotating(kind) => format!(
            "{} is being replaced already: `juju status` shows how far",
            authority(*kind)
        ),
        Refusal::NoClientAuthority => {
            "there is no CA of clients yet: it is made when a certificate is asked for".to_owned()
        }
        Refusal::KeysStay(report) => format!(
            "not now: {}; the keys are replaced when this is over",
            status(report)
        ),
        Refusal::AlarmsStay(lines) => format!(
            "raised still or again: {}; deal with the cause first, for NOSPACE by `compact` and \
             `defrag`",
            lines.join("; ")
        ),
        Refusal::Unsafe(member, reason) => format!(
            "it is not safe now to make {member} busy: {}; see the action `health`",
            not_safe(*reason)
        ),
        Refusal::RestartLocked => {
            "another unit restarts its member: run it again in a minute".to_owned()
        }
        Refusal::LeaderMoved(than) => {
            format!("another member than {than} has just come to lead: run it again")
        }
        Refusal::Recreation(reason) => no_recreation(reason),
        Refusal::Exists(path) => format!("{} exists already: run it again", path.display()),
    }
}

/// Why nobody can be issued credentials in this name, and what else to do.
pub fn no_name(name: &CommonName, refusal: &NameRefusal) -> String {
    let why = match refusal {
        NameRefusal::Reserved => "is reserved; choose another one".to_owned(),
        NameRefusal::Credentials(range) => format!(
            "has credentials for {range} already; choose another one, or run \
             revoke-client-certificates first"
        ),
        NameRefusal::Revoked(free) => {
            format!("was revoked and can be used again after {free}; choose another one")
        }
        NameRefusal::Signed(app) => {
            format!("is that of certificates of {app}; choose another one")
        }
        NameRefusal::Held(_, requirer) => format!("is held by {requirer}; choose another one"),
        NameRefusal::SignedRevoked(free) => {
            format!("is that of revoked certificates until {free}; choose another one")
        }
        NameRefusal::Releasing => {
            "is free once no member trusts its old certificate; choose another one".to_owned()
        }
        NameRefusal::Unmanaged | NameRefusal::Unknown => {
            return format!(
                "etcd has a user or role {name} that is not the charm's; choose another common \
                 name"
            );
        }
    };
    format!("common name {name} {why}")
}

/// What is left of credentials that were revoked; `lingering` is why what was open
/// could not be ended.
pub fn after_revocation(lingering: Option<&NotEnded>) -> String {
    match lingering {
        None => "requests are refused, and what was open here has ended; it ends at the other \
                 units within seconds"
            .to_owned(),
        Some(reason) => format!(
            "requests are refused; a watch that is open ends when its member restarts, at the next \
             update-status: {}",
            not_ended(reason)
        ),
    }
}

fn archive_holds(holds: &ArchiveHolds) -> String {
    match holds {
        ArchiveHolds::CredentialsOf(owner) => format!("holds the credentials of {owner}"),
        ArchiveHolds::Unknown => "is there and was not made last by this action".to_owned(),
    }
}

fn authority(kind: AuthorityKind) -> &'static str {
    match kind {
        AuthorityKind::Servers => "the servers' authority",
        AuthorityKind::Administrators => "the administrators' authority",
        AuthorityKind::Clients => "the clients' CA",
    }
}

fn no_recreation(reason: &RecreationRefusal) -> String {
    match reason {
        RecreationRefusal::NotSetUp => {
            "this unit is not set up yet: wait until `juju status` says more".to_owned()
        }
        RecreationRefusal::Resumed(report) => format!(
            "an earlier restore was cut short, and was gone on with instead (now: {}); run this \
             again if it is still wanted",
            status(report)
        ),
        RecreationRefusal::HasMajority => {
            "the cluster has its majority, so there is nothing to rebuild: `restore` goes back to \
             a snapshot"
                .to_owned()
        }
        RecreationRefusal::NobodyAnswers => {
            "no member answers: bring one back, or run this with use-own-data=true if this unit's \
             machine has the newest data there is"
                .to_owned()
        }
        RecreationRefusal::Unconfirmed => {
            "this ends the old cluster for good, with whatever only the silent members have: if \
             their machines do not come back, run it with confirm=true"
                .to_owned()
        }
        RecreationRefusal::NoData => {
            "this unit has no data of a member: if another has, remove this one, and run it again \
             on the one that leads then"
                .to_owned()
        }
        RecreationRefusal::NotServed(fault, is_served) => not_served(fault, *is_served),
        RecreationRefusal::Locked => {
            "another restore is running: wait until it has ended; one that was cut short gives way \
             within half an hour"
                .to_owned()
        }
        RecreationRefusal::Useless(error) => {
            format!("the snapshot was tried out and is of no use, so nothing was changed: {error}")
        }
        RecreationRefusal::Unfinished(report) => format!(
            "the new cluster is not there yet, and every hook goes on with it: {}",
            status(report)
        ),
    }
}

fn not_served(fault: &OwnFault, is_served: bool) -> String {
    let error = match fault {
        OwnFault::NoAddress => {
            return "this unit has no address yet: wait until it is active".to_owned();
        }
        OwnFault::NoVote => "this unit's member has no vote yet".to_owned(),
        OwnFault::Fails(error) => error.to_string(),
    };
    let advice = if is_served {
        "but others do: bring it back, or remove this unit and run this again on the one that leads \
         then"
    } else {
        "and nobody else does, so nothing can be saved, and other members cannot be stopped in an \
         orderly way: bring the machines back, run `rebuild-cluster` if they are gone, or restore \
         with skip-backup=true if there is nothing worth saving"
    };
    format!("this unit's member does not serve ({error}), {advice}")
}

/// What a unit says of itself.
fn status(report: &Report) -> String {
    of_unit(report).message
}
