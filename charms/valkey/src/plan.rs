//! All policy, and nothing but policy. Nothing in here looks at a clock, opens a
//! file or a socket, or reads the environment.

pub mod access;
pub mod advisory;
pub mod answer;
pub mod cluster;
pub mod options;
pub mod restart;
pub mod rotation;
#[cfg(test)]
pub(crate) mod testing;

use juju_hooks::AppName;

use crate::acl::InvalidPattern;
use crate::relation::ledger::Said;

/// What an operator should know.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Why something cannot be done now.
    pub problems: Vec<Problem>,
    /// What is refused or cannot be read, by application.
    pub notices: Vec<Said>,
    /// How many clients have access.
    pub clients: usize,
    /// How many units take part.
    pub units: usize,
    /// Whether this unit has the primary.
    pub primary: bool,
    /// A unit that does not answer, and that nobody waits for.
    pub lost: Option<String>,
    /// What goes on over several hooks.
    pub progress: Option<String>,
}

/// Why something cannot be done now, the most urgent first.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Problem {
    /// An option has a value that is not one of its values.
    Option(&'static str),
    /// There is no program, for this reason.
    Program(String),
    /// The server of this unit does not run, for this reason.
    Server(String),
    /// Nobody knows which server is the primary.
    NoPrimary(String),
    /// A unit does not answer, so that it cannot get users.
    Unreachable(String),
    /// The archive that the operator attached cannot be used, for this reason.
    Archive(String),
    /// This unit cannot restart with another program now, for this reason.
    Restart(String),
    /// Something that comes by itself is not there yet.
    Waiting(&'static str),
}

impl Problem {
    /// Whether it may end without any event of Juju: nodes answer again, or agree.
    pub fn ends_by_itself(&self) -> bool {
        match self {
            Self::Server(_) | Self::NoPrimary(_) | Self::Unreachable(_) | Self::Restart(_) => true,
            Self::Option(_) | Self::Program(_) | Self::Archive(_) | Self::Waiting(_) => false,
        }
    }
}

/// Something about one application that is no failure of ours.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Notice {
    /// What it asks for has changed, which it must not.
    Changed(Option<AppName>),
    /// It asks for a kind of user that there is not.
    Entity(Option<AppName>),
    /// What it wrote cannot be understood.
    Malformed(Option<AppName>, String),
    /// Its keys are also another's, and that is not allowed.
    Meets(Option<AppName>, String),
    /// What it asks for is no pattern.
    Pattern(Option<AppName>, InvalidPattern),
    /// There are too many requests.
    TooMany(Option<AppName>),
    /// Its databag cannot be read.
    Unreadable(Option<AppName>),
    /// It sees the keys of all clients.
    Everything(Option<AppName>),
    /// It has one single key.
    Single(Option<AppName>),
}

impl Notice {
    /// Whether something was asked for that is not given.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Everything(_) | Self::Single(_))
    }
}
