//! The content of the secret with the certificate authorities, which the peer databag
//! of the application names. What is stored is never renamed.

use crate::facts::authorities::{AdminRotation, Authorities, ClientRotation, Rotation};
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

/// The same of that of the administrators.
const ADMIN_NEXT: (&str, &str) = ("admin-ca-next-cert", "admin-ca-next-key");
const ADMIN_NEXT_GRACE: &str = "admin-ca-next-grace-seconds";
const ADMIN_PREVIOUS: &str = "admin-ca-previous-cert";
const ADMIN_PREVIOUS_UNTIL: &str = "admin-ca-previous-until";

/// The same of that of clients.
const CLIENT_NEXT: (&str, &str) = ("client-ca-next-cert", "client-ca-next-key");
const CLIENT_NEXT_GRACE: &str = "client-ca-next-grace-seconds";
const CLIENT_PREVIOUS: &str = "client-ca-previous-cert";
const CLIENT_PREVIOUS_UNTIL: &str = "client-ca-previous-until";

/// Reads the content of the secret.
///
/// # Errors
/// Somebody has changed it: a certificate or a key cannot be read, or they do not
/// belong together.
pub fn parse(content: &SecretContent) -> Result<Authorities, IssueError> {
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
    let seconds = |key| content.get(key).and_then(|text| text.parse().ok());
    let admin_rotation = match (content.get(ADMIN_NEXT.0), content.get(ADMIN_PREVIOUS)) {
        (Some(_), _) => Some(AdminRotation::Next {
            authority: load(ADMIN_NEXT)?,
            grace_seconds: seconds(ADMIN_NEXT_GRACE).unwrap_or_default(),
        }),
        (None, Some(certificate)) => {
            OwnCertificate::read(certificate)?;
            Some(AdminRotation::Previous {
                certificate: certificate.to_owned(),
                until: Timestamp(seconds(ADMIN_PREVIOUS_UNTIL).unwrap_or_default()),
            })
        }
        (None, None) => None,
    };
    let client_rotation = match (content.get(CLIENT_NEXT.0), content.get(CLIENT_PREVIOUS)) {
        (Some(_), _) => Some(ClientRotation::Next {
            authority: load(CLIENT_NEXT)?,
            grace_seconds: seconds(CLIENT_NEXT_GRACE).unwrap_or_default(),
        }),
        (None, Some(certificate)) => {
            OwnCertificate::read(certificate)?;
            Some(ClientRotation::Previous {
                certificate: certificate.to_owned(),
                until: Timestamp(seconds(CLIENT_PREVIOUS_UNTIL).unwrap_or_default()),
            })
        }
        (None, None) => None,
    };
    Ok(Authorities {
        server: load(("server-ca-cert", "server-ca-key"))?,
        admin: load(("admin-ca-cert", "admin-ca-key"))?,
        client: match content.get(CLIENT.0) {
            Some(_) => Some(load(CLIENT)?),
            None => None,
        },
        rotation,
        admin_rotation,
        client_rotation,
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
    match admin_rotation {
        Some(AdminRotation::Next {
            authority,
            grace_seconds,
        }) => content.extend([
            (ADMIN_NEXT.0, authority.certificate.clone()),
            (ADMIN_NEXT.1, authority.key().expose().clone()),
            (ADMIN_NEXT_GRACE, grace_seconds.to_string()),
        ]),
        Some(AdminRotation::Previous { certificate, until }) => content.extend([
            (ADMIN_PREVIOUS, certificate.clone()),
            (ADMIN_PREVIOUS_UNTIL, until.0.to_string()),
        ]),
        None => {}
    }
    match client_rotation {
        Some(ClientRotation::Next {
            authority,
            grace_seconds,
        }) => content.extend([
            (CLIENT_NEXT.0, authority.certificate.clone()),
            (CLIENT_NEXT.1, authority.key().expose().clone()),
            (CLIENT_NEXT_GRACE, grace_seconds.to_string()),
        ]),
        Some(ClientRotation::Previous { certificate, until }) => content.extend([
            (CLIENT_PREVIOUS, certificate.clone()),
            (CLIENT_PREVIOUS_UNTIL, until.0.to_string()),
        ]),
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
        let next = authority("next administrators");
        for rotation in [
            AdminRotation::Next {
                authority: next.clone(),
                grace_seconds: 60,
            },
            AdminRotation::Previous {
                certificate: next.certificate,
                until: now,
            },
        ] {
            authorities.admin_rotation = Some(rotation);
            let written = content(&authorities);
            let read = parse(&written).expect("authorities");
            assert_eq!(content(&read), written);
            assert_eq!(read.admin_trust(), authorities.admin_trust());
            assert_eq!(read.client_trust(), authorities.client_trust());
        }
        let next = authority("next clients");
        for rotation in [
            ClientRotation::Next {
                authority: next.clone(),
                grace_seconds: 60,
            },
            ClientRotation::Previous {
                certificate: next.certificate,
                until: now,
            },
        ] {
            authorities.client_rotation = Some(rotation);
            let written = content(&authorities);
            let read = parse(&written).expect("authorities");
            assert_eq!(content(&read), written);
            assert_eq!(read.signing_trust(), authorities.signing_trust());
        }
    }
}
