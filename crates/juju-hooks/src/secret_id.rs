//! Secrets of Juju, which it names in several ways.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{InvalidId, is_uuid};

/// What is the same in every form of a secret's URI: 20 characters `[0-9a-z]`.
/// Juju writes `secret:<id>` here and `secret://<model uuid>/<id>` there, so
/// secrets are compared by this alone.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretId(String);

impl SecretId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == 20
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("secret id", text))
        }
    }
}

impl TryFrom<String> for SecretId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SecretId> for String {
    fn from(id: SecretId) -> Self {
        id.0
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret's URI in one of Juju's forms (`core/secrets` `ParseURI`):
/// `secret:<id>`, `secret://<uuid>/<id>`, `<uuid>/<id>` or the bare id. It is
/// handed to hook tools as it was received; equality is that of the id.
#[derive(Clone, Debug)]
pub struct SecretUri {
    text: String,
    id: SecretId,
}

impl SecretUri {
    /// The URI as it was received.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URI as others are told it: with its scheme, which the models of other
    /// charms' libraries insist on (`secret:.*`).
    pub fn published(&self) -> String {
        match self.text.as_str() {
            text if text.starts_with("secret:") => text.to_owned(),
            text if text.contains('/') => format!("secret://{text}"),
            text => format!("secret:{text}"),
        }
    }

    /// What identifies the secret in every form.
    pub fn id(&self) -> &SecretId {
        &self.id
    }
}

impl PartialEq for SecretUri {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for SecretUri {}

impl FromStr for SecretUri {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidId::new("secret URI", text);
        let rest = text.strip_prefix("secret:").unwrap_or(text);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let id = match rest.rsplit_once('/') {
            Some((source, id)) if is_uuid(source) => id,
            Some(_) => return Err(invalid()),
            None => rest,
        };
        Ok(Self {
            text: text.to_owned(),
            id: id.parse().map_err(|_| invalid())?,
        })
    }
}

impl fmt::Display for SecretUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "cuvbv6p34trs48a10a2g";
    const UUID: &str = "9d39bbbe-d95a-405d-8573-6835864daf92";

    #[test]
    fn every_form_of_a_secret_uri_is_the_same_secret() {
        let forms = [
            format!("secret:{ID}"),
            format!("secret://{UUID}/{ID}"),
            format!("{UUID}/{ID}"),
            ID.to_owned(),
        ];
        for form in &forms {
            let uri: SecretUri = form.parse().expect(form);
            assert_eq!(uri.id().as_str(), ID);
            assert_eq!(uri.as_str(), form);
            assert!(uri.published().starts_with("secret:"));
            assert_eq!(uri.published().parse(), Ok(uri));
        }
    }

    #[test]
    fn other_texts_are_no_secret_uri() {
        for text in [
            "",
            "secret:",
            "secret:short",
            "file:cuvbv6p34trs48a10a2g",
            "secret://not-a-uuid/cuvbv6p34trs48a10a2g",
            "secret:CUVBV6P34TRS48A10A2G",
            "--label",
        ] {
            assert!(text.parse::<SecretUri>().is_err(), "{text:?}");
        }
    }
}
