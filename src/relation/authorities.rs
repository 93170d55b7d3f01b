//! The content of the secret with the certificate authorities, which the peer databag
//! of the application names. What is stored is never renamed.

use crate::facts::authorities::{Authorities, GraceRotation, Rotation};
use crate::facts::{Secret, Timestamp};
use crate::juju::SecretContent;
use crate::tls::{Authority, IssueError, OwnCertificate};

/// The label of the secret.
pub const AUTHORITIES_LABEL: &str = "etcd-charm.authorities";

/// What stands in the secret besides the two authorities while that of the
/// servers is being replaced.
const NEXT: (&str, &str) = ("server-ca-next-cert", "server-ca-next-key");
const NEXT_FROM: &str = "server-ca-next-from";
const PREVIOUS: &str = "server-ca-previous-cert";

/// The authority that signs for clients; secrets of earlier revisions have none.
const CLIENT: (&str, &str) = ("client-ca-cert", "client-ca-key");

/// The keys of what stands there while an authority is replaced whose certificates are
/// let in for a while.
struct GraceKeys {
    next: (&'static str, &'static str),
    grace_seconds: &'static str,
    previous: &'static str,
    until: &'static str,
}

const ADMIN_ROTATION: GraceKeys = GraceKeys {
    next: ("admin-ca-next-cert", "admin-ca-next-key"),
    grace_seconds: "admin-ca-next-grace-seconds",
    previous: "admin-ca-previous-cert",
    until: "admin-ca-previous-until",
};

const CLIENT_ROTATION: GraceKeys = GraceKeys {
    next: ("client-ca-next-cert", "client-ca-next-key"),
    grace_seconds: "client-ca-next-grace-seconds",
    previous: "client-ca-previous-cert",
    until: "client-ca-previous-until",
};

impl GraceKeys {
    fn parse(&self, content: &SecretContent) -> Result<Option<GraceRotation>, IssueError> {
        let seconds = |key| content.get(key).and_then(|text| text.parse().ok());
        let previous = content.get(self.previous);
        Ok(match (content.get(self.next.0), previous) {
            (Some(_), _) => Some(GraceRotation::Next {
                authority: load(content, self.next)?,
                grace_seconds: seconds(self.grace_seconds).unwrap_or_default(),
            }),
            (None, Some(certificate)) => {
                OwnCertificate::read(certificate)?;
                Some(GraceRotation::Previous {
                    certificate: certificate.to_owned(),
                    until: Timestamp(seconds(self.until).unwrap_or_default()),
                })
            }
            (None, None) => None,
        })
    }

    fn content(&self, rotation: &GraceRotation) -> Vec<(&'static str, String)> {
        match rotation {
            GraceRotation::Next {
                authority,
                grace_seconds,
            } => vec![
                (self.next.0, authority.certificate.clone()),
                (self.next.1, authority.key().expose().clone()),
                (self.grace_seconds, grace_seconds.to_string()),
            ],
            GraceRotation::Previous { certificate, until } => vec![
                (self.previous, certificate.clone()),
                (self.until, until.0.to_string()),
            ],
        }
    }
}

fn load(content: &SecretContent, keys: (&str, &str)) -> Result<Authority, IssueError> {
    let certificate = content.get(keys.0).unwrap_or_default();
    let key = content.get(keys.1).unwrap_or_default().to_owned();
    Authority::load(certificate, Secret::new(key))
}

/// Reads the content of the secret.
///
/// # Errors
/// Somebody has changed it: a certificate or a key cannot be read, or they do not
/// belong together.
pub fn parse(content: &SecretContent) -> Result<Authorities, IssueError> {
    let rotation = match (content.get(NEXT.0), content.get(PREVIOUS)) {
        (Some(_), _) => {
            let from = content.get(NEXT_FROM).and_then(|from| from.parse().ok());
            Some(Rotation::Next {
                authority: load(content, NEXT)?,
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
        server: load(content, ("server-ca-cert", "server-ca-key"))?,
        admin: load(content, ("admin-ca-cert", "admin-ca-key"))?,
        client: match content.get(CLIENT.0) {
            Some(_) => Some(load(content, CLIENT)?),
            None => None,
        },
        rotation,
        admin_rotation: ADMIN_ROTATION.parse(content)?,
        client_rotation: CLIENT_ROTATION.parse(content)?,
    })
}

/// The content of the secret that holds these authorities.
pub fn content(authorities: &Authorities) -> SecretContent {
    let Authorities {
        server,
        admin,
        client,
        rotation,
        admin_rotation,
        client_rotation,
    } = authorities;
    let mut content = vec![
        ("server-ca-cert", server.certificate.clone()),
        ("server-ca-key", server.key().expose().clone()),
        ("admin-ca-cert", admin.certificate.clone()),
        ("admin-ca-key", admin.key().expose().clone()),
    ];
    if let Some(client) = client {
        content.push((CLIENT.0, client.certificate.clone()));
        content.push((CLIENT.1, client.key().expose().clone()));
    }
    match rotation {
        Some(Rotation::Next { authority, from }) => content.extend([
            (NEXT.0, authority.certificate.clone()),
            (NEXT.1, authority.key().expose().clone()),
            (NEXT_FROM, from.0.to_string()),
        ]),
        Some(Rotation::Previous(certificate)) => content.push((PREVIOUS, certificate.clone())),
        None => {}
    }
    if let Some(rotation) = admin_rotation {
        content.extend(ADMIN_ROTATION.content(rotation));
    }
    if let Some(rotation) = client_rotation {
        content.extend(CLIENT_ROTATION.content(rotation));
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
            client: None,
            rotation: None,
            admin_rotation: None,
            client_rotation: None,
        };
        let content_of = |authorities: &Authorities| {
            content(&parse(&content(authorities)).expect("authorities"))
        };
        assert_eq!(content_of(&authorities), content(&authorities));
        authorities.client = Some(authority("clients"));
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
        for rotation in steps_with_grace(authority("next administrators"), now) {
            authorities.admin_rotation = Some(rotation);
            let written = content(&authorities);
            let read = parse(&written).expect("authorities");
            assert_eq!(content(&read), written);
            assert_eq!(read.admin_trust(), authorities.admin_trust());
            assert_eq!(read.client_trust(), authorities.client_trust());
        }
        for rotation in steps_with_grace(authority("next clients"), now) {
            authorities.client_rotation = Some(rotation);
            let written = content(&authorities);
            let read = parse(&written).expect("authorities");
            assert_eq!(content(&read), written);
            assert_eq!(read.signing_trust(), authorities.signing_trust());
        }
    }

    fn steps_with_grace(next: Authority, now: Timestamp) -> [GraceRotation; 2] {
        let previous = GraceRotation::Previous {
            certificate: next.certificate.clone(),
            until: now,
        };
        let next = GraceRotation::Next {
            authority: next,
            grace_seconds: 60,
        };
        [next, previous]
    }
}
