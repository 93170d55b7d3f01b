//! Identifiers of a model, as types that are compared whole.

use std::fmt;

/// The name of a unit, such as `etcd/0`. Names are ordered as strings, as Juju
/// orders them: `a/10` comes before `a/2`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(String);

impl UnitName {
    /// Unit `number` of `application`.
    #[must_use]
    pub fn new(application: &str, number: u32) -> Self {
        Self(format!("{application}/{number}"))
    }

    /// Reads `application/number`, or gives `None` if the text is no unit name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (application, number) = text.split_once('/')?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = number == "0" || !number.starts_with('0');
        (is_application_name(application) && digits && canonical).then(|| Self(text.to_owned()))
    }

    /// The application's part of the name.
    #[must_use]
    pub fn application(&self) -> &str {
        self.0
            .split_once('/')
            .map_or("", |(application, _)| application)
    }

    /// The unit's number in its application.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0
            .split_once('/')
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or(0)
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as directories and members carry it: `etcd-0`.
    #[must_use]
    pub fn with_dash(&self) -> String {
        self.0.replace('/', "-")
    }
}

/// Juju's rule for application names: parts of lower-case letters and digits
/// joined by hyphens, each part with a letter in it.
pub(crate) fn is_application_name(text: &str) -> bool {
    let starts = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase());
    let allowed = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    starts && allowed && !text.ends_with('-')
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&Self> for UnitName {
    fn from(name: &Self) -> Self {
        name.clone()
    }
}

impl From<&str> for UnitName {
    /// # Panics
    /// Panics if the text is no unit name; a test wrote it, so it is a mistake.
    fn from(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|| panic!("{text:?} is no unit name"))
    }
}

impl From<&String> for UnitName {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

/// The number of a relation, unique in its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationId(pub u32);

impl fmt::Display for RelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
