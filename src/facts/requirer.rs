//! Who asks for access, as an operator knows them.

use std::fmt;

use super::AppName;

/// The other side of a relation. The number of a relation is in no view that
/// an operator has, so it is called by its application.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Requirer {
    /// An application of this model.
    Application(AppName),
    /// One of another model, whose name Juju does not tell.
    OtherModel,
    /// One that was not noted: a request on record from before names were.
    Unknown,
}

impl From<Option<&AppName>> for Requirer {
    fn from(app: Option<&AppName>) -> Self {
        match app {
            Some(app) if app.is_of_another_model() => Self::OtherModel,
            Some(app) => Self::Application(app.clone()),
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Requirer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(app) => app.fmt(f),
            Self::OtherModel => f.write_str("an application of another model"),
            Self::Unknown => f.write_str("an application"),
        }
    }
}
