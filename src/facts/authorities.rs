//! The certificate authorities of an application, as their secret holds them.

use super::Timestamp;
use crate::tls::{Authority, digest};

/// The authorities of an application, with their keys.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// Signs the certificates of members.
    pub server: Authority,
    /// Signs the certificates of administrators, and those whose keys the charm
    /// makes.
    pub admin: Authority,
    /// Signs what clients ask for over `tls-certificates`; members trust it beside
    /// the one of the administrators. `None` in an application of an earlier
    /// revision, until the leader has made it.
    pub client: Option<Authority>,
    /// The other authority of the members, while one replaces another.
    pub rotation: Option<Rotation>,
    /// The other authority of the administrators, while one replaces another.
    pub admin_rotation: Option<GraceRotation>,
    /// The other authority of clients, while one replaces another.
    pub client_rotation: Option<GraceRotation>,
}

/// Which of the authorities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthorityKind {
    /// That of the members.
    Servers,
    /// That of the administrators, and of all whom the charm has issued a
    /// certificate.
    Administrators,
    /// That of clients that have asked for theirs.
    Clients,
}

impl AuthorityKind {
    /// What the next authority of this kind is called, in its own certificate.
    pub fn called(self) -> &'static str {
        match self {
            Self::Servers => "server",
            Self::Administrators => "admin",
            Self::Clients => "client",
        }
    }
}

/// How far the authority of the members is being replaced.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// There is another one, which is trusted and signs nothing yet.
    Next {
        /// The authority that will sign.
        authority: Authority,
        /// When it may begin to: clients need time to take it over.
        from: Timestamp,
    },
    /// There was another one; its certificate, PEM. Members may still show
    /// what it has signed.
    Previous(String),
}

/// How far an authority is being replaced whose certificates are let in for a while
/// after another one signs: that of the administrators, and that of clients.
#[derive(Clone, Debug)]
pub enum GraceRotation {
    /// There is another one, which is trusted and signs nothing yet.
    Next {
        /// The authority that will sign.
        authority: Authority,
        /// How long the present one is let in at least once the other signs.
        grace_seconds: i64,
    },
    /// There was another one, which signs nothing any more.
    Previous {
        /// Its certificate, PEM.
        certificate: String,
        /// Until when what it has signed is let in at least.
        until: Timestamp,
    },
}

impl GraceRotation {
    /// The certificate of the other authority, PEM.
    pub fn other(&self) -> &str {
        match self {
            Self::Next { authority, .. } => &authority.certificate,
            Self::Previous { certificate, .. } => certificate,
        }
    }
}

impl Authorities {
    /// What members are checked with, by each other, by units and by clients:
    /// certificates, PEM. The same ones are the same text whichever of them
    /// signs, so that the second step restarts nothing.
    pub fn server_trust(&self) -> String {
        let other = self.rotation.as_ref().map(|rotation| match rotation {
            Rotation::Next { authority, .. } => authority.certificate.as_str(),
            Rotation::Previous(certificate) => certificate.as_str(),
        });
        joined(&self.server.certificate, other)
    }

    /// What administrators, and everybody whom the charm has issued a certificate,
    /// are checked with.
    pub fn admin_trust(&self) -> String {
        let other = self.admin_rotation.as_ref().map(GraceRotation::other);
        joined(&self.admin.certificate, other)
    }

    /// What the certificates are checked with that clients have asked for: first the
    /// authority that signs, then the other one. `None` where there is none yet.
    pub fn signing_trust(&self) -> Option<String> {
        let present = self.client.as_ref()?.certificate.clone();
        let other = self.client_rotation.as_ref().map(GraceRotation::other);
        Some(present + other.unwrap_or_default())
    }

    /// All authorities that a member trusts for clients, administrators included.
    pub fn client_trust(&self) -> String {
        self.admin_trust() + &self.signing_trust().unwrap_or_default()
    }

    /// What tells the authority that signs for administrators from all others.
    pub fn admin_issuer(&self) -> String {
        digest(self.admin.certificate.as_bytes())
    }

    /// What the application's databag says of these authorities: when it
    /// changes, every unit reads the secret that they are in. It changes with
    /// each step of a replacement.
    pub fn announcement(&self) -> String {
        let mut published = self.server_trust() + &self.server.certificate;
        published.push_str(&self.client_trust());
        published.push_str(&self.admin.certificate);
        digest(published.as_bytes())
    }
}

/// One text of one or two certificates, in an order of their own.
fn joined(present: &str, other: Option<&str>) -> String {
    let mut certificates: Vec<_> = [present].into_iter().chain(other).collect();
    certificates.sort_unstable();
    certificates.concat()
}
