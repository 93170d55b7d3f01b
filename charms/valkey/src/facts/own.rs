//! The application's own secret: the passwords of the charm's own users and its
//! authority, and what is about to replace them.
//!
//! Whoever is shown a password or a certificate has to know it before, and each
//! unit learns of it at a time of its own. So a replacement has three steps, each
//! taken when the one before has reached every unit:
//!
//! 1. The next one is accepted beside the present one, and used by nobody.
//! 2. The next one is used; the previous one is still accepted.
//! 3. The previous one is accepted no more.

use juju_hooks::SecretContent;
use secret_value::Secret;

use crate::acl::Internal;

/// What the application keeps for its units.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnSecret {
    /// The passwords of the charm's own users; with those that are accepted beside
    /// them.
    pub internal: Internal,
    /// The authority that signs.
    pub authority: OwnAuthority,
    /// Another that is trusted beside it.
    pub other: Option<OwnAuthority>,
    /// How many steps were ever taken. Each unit tells which one it has taken.
    pub step: u64,
    /// How far a replacement is, if there is one.
    pub stage: Option<Stage>,
}

/// An authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnAuthority {
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: Secret<String>,
}

/// How far a replacement is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The next one is accepted, and is used from this time on, in seconds since
    /// 1970.
    Next(i64),
    /// The next one is used, and the previous one still accepted.
    Previous,
}

const USERS: [&str; 4] = ["operator", "peer", "replication", "sentinel"];

impl OwnSecret {
    /// All authorities that are trusted, PEM.
    pub fn trust(&self) -> String {
        let other = self.other.as_ref();
        let other = other.map_or("", |other| other.certificate.as_str());
        format!("{}{other}", self.authority.certificate)
    }

    /// Reads the secret; none if something is missing in it.
    pub fn read(content: &SecretContent) -> Option<Self> {
        let secret = |key: &str| Some(Secret::new(content.get(key)?.to_owned()));
        let users = |prefix: &str| {
            let password = |name: &str| secret(&format!("{prefix}{name}"));
            Some(Internal {
                operator: password("operator")?,
                peer: password("peer")?,
                replication: password("replication")?,
                sentinel: password("sentinel")?,
                other: None,
            })
        };
        let authority = |prefix: &str| {
            Some(OwnAuthority {
                certificate: content.get(&format!("{prefix}authority"))?.to_owned(),
                key: secret(&format!("{prefix}authority-key"))?,
            })
        };
        Some(Self {
            internal: Internal {
                other: users("other-").map(Box::new),
                ..users("")?
            },
            authority: authority("")?,
            other: authority("other-"),
            step: content
                .get("step")
                .and_then(|step| step.parse().ok())
                .unwrap_or(0),
            stage: match content.get("stage") {
                None => None,
                Some("previous") => Some(Stage::Previous),
                Some(from) => Some(Stage::Next(from.parse().ok()?)),
            },
        })
    }

    /// What the secret has to say.
    pub fn content(&self) -> SecretContent {
        let mut pairs = vec![("step".to_owned(), self.step.to_string())];
        let mut put = |prefix: &str, users: Option<&Internal>, authority: Option<&OwnAuthority>| {
            for (name, password) in users
                .iter()
                .flat_map(|users| USERS.iter().zip(users.passwords()))
            {
                pairs.push((format!("{prefix}{name}"), password.expose().clone()));
            }
            if let Some(authority) = authority {
                pairs.push((format!("{prefix}authority"), authority.certificate.clone()));
                let key = authority.key.expose().clone();
                pairs.push((format!("{prefix}authority-key"), key));
            }
        };
        put("", Some(&self.internal), Some(&self.authority));
        put(
            "other-",
            self.internal.other.as_deref(),
            self.other.as_ref(),
        );
        match self.stage {
            None => {}
            Some(Stage::Previous) => pairs.push(("stage".to_owned(), "previous".to_owned())),
            Some(Stage::Next(from)) => pairs.push(("stage".to_owned(), from.to_string())),
        }
        SecretContent::from_iter(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let password = |text: &str| Secret::new(text.to_owned());
        let users = |prefix: &str| Internal {
            operator: password(&format!("{prefix}o")),
            peer: password(&format!("{prefix}p")),
            replication: password(&format!("{prefix}r")),
            sentinel: password(&format!("{prefix}s")),
            other: None,
        };
        let authority = |text: &str| OwnAuthority {
            certificate: format!("{text} certificate\n"),
            key: password(text),
        };
        let mut own = OwnSecret {
            internal: users("a"),
            authority: authority("a"),
            other: None,
            step: 0,
            stage: None,
        };
        assert_eq!(OwnSecret::read(&own.content()), Some(own.clone()));
        assert_eq!(own.trust(), "a certificate\n");
        own.internal.other = Some(Box::new(users("b")));
        own.stage = Some(Stage::Next(77));
        own.step = 4;
        assert_eq!(OwnSecret::read(&own.content()), Some(own.clone()));
        own.internal.other = None;
        own.other = Some(authority("b"));
        own.stage = Some(Stage::Previous);
        assert_eq!(OwnSecret::read(&own.content()), Some(own.clone()));
        assert_eq!(own.trust(), "a certificate\nb certificate\n");
    }
}
