//! What the operator has set, and what is asked of the provider for it.

use certificates::CommonName;
use data_requirer::{CertificatePolicy, ClientCertificate, Dialect, Wish};
use juju_hooks::{Hook, RelationId, ToolError, Tools};
use thiserror::Error;

const DAY: i64 = 24 * 3600;

/// The options of the charm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Options {
    /// The keys that are asked for.
    pub(crate) prefix: String,
    /// Which version of the interface is spoken.
    pub(crate) dialect: Dialect,
    certificate_days: i64,
}

/// An option has a value that is not one of its own.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum InvalidOption {
    #[error("option certificate-days must be between 1 and 3650")]
    CertificateDays,
    #[error("option interface-version must be v0 or v1")]
    InterfaceVersion,
    #[error("option prefix must not be empty")]
    Prefix,
}

impl Options {
    /// Reads and checks all options.
    pub(crate) fn observe(tools: &Tools) -> Result<Result<Self, InvalidOption>, ToolError> {
        let set = tools.config_get()?;
        let text = |key: &str| {
            set.get(key)
                .and_then(|value| value.as_str())
                .unwrap_or_default()
        };
        let days = set.get("certificate-days").and_then(|value| value.as_i64());
        Ok(Self::check(text("prefix"), text("interface-version"), days))
    }

    fn check(prefix: &str, version: &str, days: Option<i64>) -> Result<Self, InvalidOption> {
        let certificate_days = days.filter(|days| (1..=3650).contains(days));
        Ok(Self {
            prefix: match prefix {
                "" => return Err(InvalidOption::Prefix),
                prefix => prefix.to_owned(),
            },
            dialect: match version {
                "v0" => Dialect::V0,
                "v1" => Dialect::V1,
                _ => return Err(InvalidOption::InterfaceVersion),
            },
            certificate_days: certificate_days.ok_or(InvalidOption::CertificateDays)?,
        })
    }

    /// What is asked of the provider over this relation, with a certificate that the
    /// charm makes. It is renewed when a third of its time is left.
    pub(crate) fn wish(&self, hook: &Hook, relation: RelationId) -> Wish {
        let valid_seconds = self.certificate_days * DAY;
        Wish {
            resource: self.prefix.clone(),
            certificate: ClientCertificate::Made(CertificatePolicy {
                common_name: common_name(hook, relation),
                valid_seconds,
                renew_before_seconds: valid_seconds / 3,
            }),
        }
    }
}

/// A name that no other client of the provider has: applications of other models
/// may be called the same and have relations of the same number.
pub(crate) fn common_name(hook: &Hook, relation: RelationId) -> CommonName {
    let app: String = hook.unit.app().as_str().chars().take(40).collect();
    let model = &hook.model.as_str()[..8];
    let name = format!("{app}-{relation}-{model}");
    name.parse().expect("at most 60 printable characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked() {
        let options = Options::check("/a/", "v0", Some(3)).expect("they are in order");
        assert_eq!(options.dialect, Dialect::V0);
        for (options, refusal) in [
            (Options::check("", "v1", Some(1)), InvalidOption::Prefix),
            (
                Options::check("/", "1", Some(1)),
                InvalidOption::InterfaceVersion,
            ),
            (
                Options::check("/", "v1", Some(0)),
                InvalidOption::CertificateDays,
            ),
            (
                Options::check("/", "v1", None),
                InvalidOption::CertificateDays,
            ),
        ] {
            assert_eq!(options, Err(refusal));
        }
    }
}
