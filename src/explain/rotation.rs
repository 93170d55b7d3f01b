//! What an operator is told who has an authority replaced.

use crate::facts::Timestamp;
use crate::facts::authorities::AuthorityKind;
use crate::plan::authorities::rotation::{RotationProgress, RotationStage};

/// How far replacements have come, in one text; `None` where nothing is replaced.
pub fn progress(rotations: &[RotationProgress]) -> Option<String> {
    let all: Vec<_> = rotations.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn one(RotationProgress { kind, stage }: &RotationProgress) -> String {
    let authority = match kind {
        AuthorityKind::Servers => "servers' CA",
        AuthorityKind::Administrators => "administrators' authority",
        AuthorityKind::Clients => "clients' CA",
    };
    let next = match stage {
        RotationStage::Behind(members) => format!("waiting for {}", members.join(", ")),
        RotationStage::SignsFrom(from) => format!("the next one signs from {from}"),
        RotationStage::AboutToSign => "the next one is about to sign".to_owned(),
        RotationStage::Removing => "removing the previous one".to_owned(),
        RotationStage::Ends(until) => format!("the previous one ends {until}"),
        RotationStage::EndsAfter(until) => format!("the previous one ends after {until}"),
        RotationStage::Shown(apps) => format!("{} must show what it signed", apps.join(", ")),
    };
    format!("replacing the {authority}: {next}")
}

/// What happens next, and when the next authority of servers signs from.
pub fn begun(kind: AuthorityKind, from: Timestamp) -> String {
    match kind {
        AuthorityKind::Servers => format!(
            "The next authority is being made known to all members and clients; it signs from \
             {from} on. `juju status` shows how far it has come."
        ),
        AuthorityKind::Administrators => {
            "The next authority is being made known to all members, and then signs anew for all \
             units and relations. Credentials of people and tools have to be made anew, by \
             generate-client-certificates, once `juju status` says when they end."
                .to_owned()
        }
        AuthorityKind::Clients => {
            "The next CA is being made known to all members, and then signs anew for all \
             applications related over `certificates`. The present one is dropped when each of \
             them that has access shows its new certificate; `juju status` says who does not."
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_has_come_is_told_of_each_authority() {
        let at = Timestamp(1_800_000_000);
        let two = || vec!["a".to_owned(), "b".to_owned()];
        let said = |kind, stage| progress(&[RotationProgress { kind, stage }]);
        for (kind, stage, text) in [
            (
                AuthorityKind::Servers,
                RotationStage::Behind(two()),
                "replacing the servers' CA: waiting for a, b",
            ),
            (
                AuthorityKind::Servers,
                RotationStage::SignsFrom(at),
                "replacing the servers' CA: the next one signs from 2027-01-15T08:00:00Z",
            ),
            (
                AuthorityKind::Servers,
                RotationStage::Removing,
                "replacing the servers' CA: removing the previous one",
            ),
            (
                AuthorityKind::Administrators,
                RotationStage::AboutToSign,
                "replacing the administrators' authority: the next one is about to sign",
            ),
            (
                AuthorityKind::Administrators,
                RotationStage::Ends(at),
                "replacing the administrators' authority: the previous one ends \
                 2027-01-15T08:00:00Z",
            ),
            (
                AuthorityKind::Clients,
                RotationStage::EndsAfter(at),
                "replacing the clients' CA: the previous one ends after 2027-01-15T08:00:00Z",
            ),
            (
                AuthorityKind::Clients,
                RotationStage::Shown(two()),
                "replacing the clients' CA: a, b must show what it signed",
            ),
        ] {
            assert_eq!(said(kind, stage).as_deref(), Some(text));
        }
        assert_eq!(progress(&[]), None);
    }
}
