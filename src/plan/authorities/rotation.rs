//! Whether an authority may be replaced now, and how that begins.

use crate::facts::authorities::{Authorities, AuthorityKind, GraceRotation, Rotation};
use crate::facts::{CommonName, IssuedState, Ledger, Purpose, Timestamp};
use crate::plan::refusal::Refusal;
use crate::tls::Authority;

/// What an operator asks to be replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RotationRequest {
    /// Which authority.
    pub kind: AuthorityKind,
    /// How long others have to take over what changes.
    pub grace_seconds: i64,
}

impl RotationRequest {
    /// Whether the replacement may begin.
    ///
    /// # Errors
    /// There is no such authority, or it is being replaced already.
    pub fn admit(self, authorities: &Authorities) -> Result<(), Refusal> {
        let is_rotating = match self.kind {
            AuthorityKind::Servers => authorities.rotation.is_some(),
            AuthorityKind::Administrators => authorities.admin_rotation.is_some(),
            AuthorityKind::Clients if authorities.client.is_none() => {
                return Err(Refusal::NoClientAuthority);
            }
            AuthorityKind::Clients => authorities.client_rotation.is_some(),
        };
        match is_rotating {
            true => Err(Refusal::Rotating(self.kind)),
            false => Ok(()),
        }
    }

    /// When the next authority of the servers may begin to sign.
    pub fn signs_from(self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.grace_seconds)
    }

    /// The authorities as they are stored first, with the one that takes over.
    pub fn begin(self, authorities: &Authorities, next: Authority, now: Timestamp) -> Authorities {
        let authorities = authorities.clone();
        let (authority, grace_seconds) = (next, self.grace_seconds);
        match self.kind {
            AuthorityKind::Servers => Authorities {
                rotation: Some(Rotation::Next {
                    authority,
                    from: self.signs_from(now),
                }),
                ..authorities
            },
            AuthorityKind::Administrators => Authorities {
                admin_rotation: Some(GraceRotation::Next {
                    authority,
                    grace_seconds,
                }),
                ..authorities
            },
            AuthorityKind::Clients => Authorities {
                client_rotation: Some(GraceRotation::Next {
                    authority,
                    grace_seconds,
                }),
                ..authorities
            },
        }
    }
}

/// How far the replacement of an authority has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RotationProgress {
    /// Which authority.
    pub kind: AuthorityKind,
    /// What is next.
    pub stage: RotationStage,
}

/// What is next in the replacement of an authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RotationStage {
    /// These members have not followed yet.
    Behind(Vec<String>),
    /// The next one signs from then on.
    SignsFrom(Timestamp),
    /// The next one is about to sign.
    AboutToSign,
    /// The previous one is being removed.
    Removing,
    /// The previous one ends then.
    Ends(Timestamp),
    /// The previous one ends after that, when nobody shows what it signed.
    EndsAfter(Timestamp),
    /// These applications still show what the previous one signed.
    Shown(Vec<String>),
}

/// The credentials of people and tools that end with the authority of the
/// administrators.
pub fn ending_credentials(ledger: &Ledger) -> impl Iterator<Item = &CommonName> {
    let of_operators = ledger.issued.iter().filter(|(_, record)| {
        record.purpose == Purpose::Operator && record.state != IssuedState::Revoked
    });
    of_operators.map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{Bench, NOW};

    #[test]
    fn each_authority_is_replaced_once_at_a_time_and_beside_the_others() {
        let kinds = [
            AuthorityKind::Servers,
            AuthorityKind::Administrators,
            AuthorityKind::Clients,
        ];
        let request = |kind| RotationRequest {
            kind,
            grace_seconds: 60,
        };
        let bench = Bench::new(1);
        let next = &bench.authorities().server;
        for kind in kinds {
            assert_eq!(request(kind).admit(bench.authorities()), Ok(()));
            let begun = request(kind).begin(bench.authorities(), next.clone(), NOW);
            for other in kinds {
                let expected = match other == kind {
                    true => Err(Refusal::Rotating(kind)),
                    false => Ok(()),
                };
                assert_eq!(request(other).admit(&begun), expected, "{kind:?} {other:?}");
            }
            if let Some(Rotation::Next { from, .. }) = begun.rotation {
                assert_eq!(from, NOW.plus_seconds(60));
            }
        }
        let without = Authorities {
            client: None,
            ..bench.authorities().clone()
        };
        let refusal = Err(Refusal::NoClientAuthority);
        assert_eq!(request(AuthorityKind::Clients).admit(&without), refusal);
    }
}
