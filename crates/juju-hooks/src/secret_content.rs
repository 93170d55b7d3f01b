//! What is inside a Juju secret.

use std::collections::BTreeMap;
use std::fmt;

use secret_value::Secret;

/// The content of a secret: values by key. Only keys appear in `Debug`.
///
/// Juju accepts keys of at least three characters that match
/// `^([a-z](?:-?[a-z0-9]){2,})$`, and no empty value (`juju/core/secrets`,
/// `CreateSecretData`).
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SecretContent(BTreeMap<String, Secret<String>>);

impl SecretContent {
    /// The value of `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.expose().as_str())
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All keys and their values, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.expose().as_str()))
    }

    /// Whether there is nothing in it, which Juju would not store.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

impl From<BTreeMap<String, Secret<String>>> for SecretContent {
    fn from(values: BTreeMap<String, Secret<String>>) -> Self {
        Self(values)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for SecretContent {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(values: I) -> Self {
        Self(
            values
                .into_iter()
                .map(|(key, value)| (key.into(), Secret::new(value.into())))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_keys_and_no_values() {
        let content = SecretContent::from_iter([("password", "hunter2")]);
        assert_eq!(format!("{content:?}"), r#"{"password": Secret(…)}"#);
        assert_eq!(content.get("password"), Some("hunter2"));
        assert_eq!(content.get("other"), None);
    }
}
