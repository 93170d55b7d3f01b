//! `certificate_transfer`: certificates to trust, offered to whoever asks.
//!
//! Version 1 stands in the databag of the provider's application. A requirer
//! that does not say `version: 1` may read version 0, which stands in the
//! databag of the provider's leading unit.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{Databag, normalized};

/// What is written for these certificates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// The databag of the application.
    pub application: Databag,
    /// The databag of the leading unit; empty where version 1 is enough.
    pub unit: Databag,
}

/// The keys of the unit's databag, for a reader that has to clear them.
pub const UNIT_KEYS: [&str; 4] = ["certificate", "ca", "chain", "version"];

/// Offers certificates to a requirer whose application has written `theirs`.
///
/// An empty set says that none is to be trusted any more.
#[must_use]
pub fn offer(certificates: &BTreeSet<String>, theirs: &Databag) -> Offer {
    let sorted: BTreeSet<_> = certificates.iter().map(|pem| normalized(pem)).collect();
    let list = json!(sorted).to_string();
    let version = |number: u8| ("version".to_owned(), number.to_string());
    let application = [("certificates".to_owned(), list.clone()), version(1)].into();
    let reads_v1 = theirs.get("version").is_some_and(|said| said.trim() == "1");
    let unit = match sorted.first() {
        Some(first) if !reads_v1 => [
            // Bare, as the library of version 0 writes and reads them.
            ("certificate".to_owned(), first.clone()),
            ("ca".to_owned(), first.clone()),
            ("chain".to_owned(), list),
            version(0),
        ]
        .into(),
        _ => Databag::new(),
    };
    Offer { application, unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|pem| (*pem).to_owned()).collect()
    }

    #[test]
    fn who_reads_version_1_gets_nothing_else() {
        let theirs = [("version".to_owned(), "1".to_owned())].into();
        let offer = offer(&set(&["b\n", "a"]), &theirs);
        assert_eq!(offer.application["certificates"], r#"["a","b"]"#);
        assert_eq!(offer.application["version"], "1");
        assert!(offer.unit.is_empty());
    }

    #[test]
    fn who_says_nothing_gets_both() {
        for theirs in [
            Databag::new(),
            [("version".to_owned(), "0".to_owned())].into(),
        ] {
            let offer = offer(&set(&["a", "b"]), &theirs);
            assert_eq!(offer.application["certificates"], r#"["a","b"]"#);
            assert_eq!(offer.unit["ca"], "a");
            assert_eq!(offer.unit["chain"], r#"["a","b"]"#);
            assert_eq!(offer.unit["version"], "0");
            assert!(
                offer
                    .unit
                    .keys()
                    .all(|key| UNIT_KEYS.contains(&key.as_str()))
            );
        }
    }

    #[test]
    fn none_is_said_and_not_left_standing() {
        let offer = offer(&BTreeSet::new(), &Databag::new());
        assert_eq!(offer.application["certificates"], "[]");
        assert!(offer.unit.is_empty());
    }
}
