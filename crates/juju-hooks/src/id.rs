//! Identifiers. Each is a type of its own and is compared whole: relation 1 is
//! not relation 10, and `app/1` is not `app/10`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text that is not the identifier it should be.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("not a {kind}: {text:?}")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

impl InvalidId {
    /// An error about `text`, cut so that a hostile text cannot flood a log, or
    /// push what else there is to say out of a status: at 80 characters as they
    /// are shown, since one may be shown as ten.
    pub fn new(kind: &'static str, text: &str) -> Self {
        let mut room = 80;
        let fits = |c: &char| {
            let width = c.escape_debug().count();
            room = usize::saturating_sub(room, width);
            room > 0
        };
        Self {
            kind,
            text: text.chars().take_while(fits).collect(),
        }
    }
}

/// An endpoint of the charm, as `metadata.yaml` names it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint(pub &'static str);

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The number of a relation, unique in its model and never used again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RelationId(pub u32);

impl FromStr for RelationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        number(text)
            .map(Self)
            .ok_or_else(|| InvalidId::new("relation id", text))
    }
}

/// A number as it is written: `07` and `+7` would be second names for 7.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for RelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A relation as hook tools want it named: `db:5`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Relation {
    /// The endpoint on our side.
    pub endpoint: Endpoint,
    /// The relation's number.
    pub id: RelationId,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint, self.id)
    }
}

/// The UUID of a model.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelUuid(String);

impl ModelUuid {
    /// The UUID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelUuid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_uuid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("model UUID", text))
        }
    }
}

impl fmt::Display for ModelUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The name of an application, as deployed.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppName(String);

impl AppName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for an application of another model that consumes an offer
    /// of this one: Juju calls it `remote-` and 32 hexadecimal digits, which no
    /// operator has ever seen. One whose offer this model consumes has a name of the
    /// operator's.
    pub fn is_of_another_model(&self) -> bool {
        let digits = self.0.strip_prefix("remote-");
        digits.is_some_and(|digits| {
            digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }
}

impl TryFrom<String> for AppName {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AppName> for String {
    fn from(name: AppName) -> Self {
        name.0
    }
}

impl FromStr for AppName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("application name", text))
        }
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a unit: `app/0`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName {
    app: AppName,
    number: u32,
}

impl UnitName {
    /// The application that the unit belongs to.
    pub fn app(&self) -> &AppName {
        &self.app
    }

    /// The number of the unit, which Juju never gives to another unit of the application.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl TryFrom<String> for UnitName {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UnitName> for String {
    fn from(name: UnitName) -> Self {
        name.to_string()
    }
}

impl FromStr for UnitName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidId::new("unit name", text);
        let (app, unit) = text.split_once('/').ok_or_else(invalid)?;
        Ok(Self {
            app: app.parse().map_err(|_| invalid())?,
            number: number(unit).ok_or_else(invalid)?,
        })
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_a_line_of_a_hostile_text() {
        for text in ["\u{10ffff}".repeat(90), "X".repeat(90), "\0".repeat(90)] {
            let error = text.parse::<AppName>().expect_err("no name");
            assert!(error.to_string().chars().count() <= 115, "{error}");
        }
    }

    #[test]
    fn a_relation_has_one_number() {
        assert_eq!("10".parse(), Ok(RelationId(10)));
        for text in ["", "+10", "010", "-1", "db:10"] {
            assert!(text.parse::<RelationId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_application_of_another_model_has_a_made_up_name() {
        let digits = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        for (text, is_made_up) in [
            (format!("remote-{digits}"), true),
            (format!("remote-{digits}0"), false),
            ("remote-0a1b".to_owned(), false),
            (digits.to_owned(), false),
        ] {
            let name: AppName = text.parse().expect("a name");
            assert_eq!(name.is_of_another_model(), is_made_up, "{text}");
        }
    }

    #[test]
    fn a_unit_has_an_application_and_one_number() {
        let unit: UnitName = "app/10".parse().expect("a unit name");
        assert_eq!((unit.app().as_str(), unit.number()), ("app", 10));
        assert_eq!(unit.to_string(), "app/10");
        for text in ["app", "app/x", "app/+1", "/1", "app/"] {
            assert!(text.parse::<UnitName>().is_err(), "{text:?}");
        }
    }
}
