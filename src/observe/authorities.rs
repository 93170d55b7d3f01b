//! The secret with the certificate authorities.

use super::ObserveError;
use crate::context::Context;
use crate::juju::SecretContent;
use crate::model::{Secret, SecretUri, Timestamp};
use crate::plan::authorities::{Authorities, Rotation};
use crate::plan::observed::Peers;
use crate::tls::{Authority, IssueError, OwnCertificate};

/// The label of the secret with the certificate authorities.
pub const AUTHORITIES_LABEL: &str = "etcd-charm.authorities";

/// What stands in the secret besides the two authorities while that of the
/// servers is being replaced.
const NEXT: (&str, &str) = ("server-ca-next-cert", "server-ca-next-key");
const NEXT_FROM: &str = "server-ca-next-from";
const PREVIOUS: &str = "server-ca-previous-cert";

/// Reads the authorities; `None` until the leader has made them and they can be
/// read.
///
/// # Errors
/// A hook tool failed, or somebody has changed the secret.
pub(super) fn read(context: &Context, peers: &Peers) -> Result<Option<Authorities>, ObserveError> {
    let Some(uri) = peers.app.get("pki") else {
        return Ok(None);
    };
    let Ok(secret) = uri.parse::<SecretUri>() else {
        return Ok(None);
    };
    // Right after its creation a secret may not be readable yet by the others.
    let Ok(content) = context.tools.secret_get(&secret, context.latest())? else {
        return Ok(None);
    };
    let damaged = |source| ObserveError::Authorities {
        secret: uri.clone(),
        source,
    };
    parse(&content).map(Some).map_err(damaged)
}

/// The authorities, for an event in which they are seldom needed; `None` if
/// this unit cannot read them.
///
/// # Errors
/// A hook tool failed, or somebody has changed the secret.
pub fn of_application(context: &Context) -> Result<Option<Authorities>, ObserveError> {
    let tools = &context.tools;
    let read = tools.secret_get_by_label(AUTHORITIES_LABEL, context.latest())?;
    let damaged = |source| ObserveError::Authorities {
        secret: AUTHORITIES_LABEL.to_owned(),
        source,
    };
    let parsed = read.ok().map(|content| parse(&content).map_err(damaged));
    parsed.transpose()
}

fn parse(content: &SecretContent) -> Result<Authorities, IssueError> {
    let load = |(certificate, key): (&str, &str)| {
        let certificate = content.get(certificate).unwrap_or_default();
        let key = content.get(key).unwrap_or_default().to_owned();
        Authority::load(certificate, Secret::new(key))
    };
    let rotation = match (content.get(NEXT.0), content.get(PREVIOUS)) {
        (Some(_), _) => {
            let from = content.get(NEXT_FROM).and_then(|from| from.parse().ok());
            Some(Rotation::Next {
                authority: load(NEXT)?,
                // Who cannot say when has waited long enough.
                from: Timestamp(from.unwrap_or_default()),
            })
        }
        (None, Some(certificate)) => {
            OwnCertificate::read(certificate)?;
            Some(Rotation::Previous(certificate.to_owned()))
        }
        (None, None) => None,
    };
    Ok(Authorities {
        server: load(("server-ca-cert", "server-ca-key"))?,
        admin: load(("admin-ca-cert", "admin-ca-key"))?,
        rotation,
    })
}

/// The content of the secret that holds these authorities.
pub fn content(authorities: &Authorities) -> SecretContent {
    let Authorities {
        server,
        admin,
        rotation,
    } = authorities;
    let mut content = vec![
        ("server-ca-cert", server.certificate.clone()),
        ("server-ca-key", server.key().expose().clone()),
        ("admin-ca-cert", admin.certificate.clone()),
        ("admin-ca-key", admin.key().expose().clone()),
    ];
    match rotation {
        Some(Rotation::Next { authority, from }) => content.extend([
            (NEXT.0, authority.certificate.clone()),
            (NEXT.1, authority.key().expose().clone()),
            (NEXT_FROM, from.0.to_string()),
        ]),
        Some(Rotation::Previous(certificate)) => content.push((PREVIOUS, certificate.clone())),
        None => {}
    }
    content.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_of_a_replacement_is_read_as_it_was_written() {
        let now = Timestamp(1_800_000_000);
        let authority = |name| Authority::create(name, now, 1000).expect("an authority");
        let mut authorities = Authorities {
            server: authority("server"),
            admin: authority("admin"),
            rotation: None,
        };
        let next = authority("next");
        for rotation in [
            None,
            Some(Rotation::Next {
                authority: next.clone(),
                from: now,
            }),
            Some(Rotation::Previous(next.certificate)),
        ] {
            authorities.rotation = rotation;
            let written = content(&authorities);
            let read = parse(&written).expect("authorities");
            assert_eq!(content(&read), written);
            assert_eq!(read.server_trust(), authorities.server_trust());
        }
    }
}
