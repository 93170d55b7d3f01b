//! All policy, and nothing but policy: from what was observed to the changes of
//! the trust store, to what relations are told, and to what an operator should
//! know. Nothing in here looks at a clock, opens a file or a socket, or reads the
//! environment.

pub mod access;
pub mod answer;
pub mod credentials;

use std::collections::BTreeSet;

use certificates::Fingerprint;
use juju_hooks::AppName;

use crate::certificate::CertificateRefusal;
use crate::facts::{Entry, Juju, Lxd};
use crate::relation::ListRefusal;
use access::Step;
use answer::Changes;
use credentials::{Connection, CredentialProblem};

/// Most projects that certificates can be restricted to.
const MAX_PROJECTS: usize = 100;

/// What to do, with no choice left in it, and what an operator should know.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Changes of the trust store, in this order.
    pub steps: Vec<Step>,
    /// What relations are told, once there is nothing left to change.
    pub changes: Changes,
    /// What an operator should know.
    pub report: Report,
}

/// What an operator should know.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Why nothing can be done.
    pub problem: Option<Problem>,
    /// What is refused or cannot be read, by application.
    pub notices: Vec<Notice>,
    /// How many certificates of ours are in the trust store.
    pub registered: usize,
    /// What they are restricted to.
    pub projects: Projects,
    /// Entries whose holders replaced the certificate, and which are removed.
    pub replaced: usize,
}

/// Why nothing can be done. The texts are in [`crate::explain`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Problem {
    /// LXD shows another certificate than the one that is pinned.
    AnotherServer {
        /// The one that was expected.
        expected: Box<Fingerprint>,
        /// The one that it shows.
        shown: Box<Fingerprint>,
    },
    /// How LXD is reached is not known.
    Credentials(CredentialProblem),
    /// The credentials are not trusted for everything.
    NotTrusted(String),
    /// LXD has no address on the network.
    NotListening,
    /// An option cannot be used.
    Projects,
    /// LXD refused a change of an entry, in its own words.
    Refused(String),
    /// LXD does not answer.
    Unreachable {
        /// Where it was looked for.
        place: String,
        /// Why.
        reason: String,
    },
}

/// Something about one application that is no failure of ours.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Notice {
    /// One of its certificates is refused.
    Certificate(Option<AppName>, CertificateRefusal),
    /// Its list is refused.
    List(Option<AppName>, ListRefusal),
    /// LXD refused one of its certificates, in its own words.
    Refused(Option<AppName>, String),
    /// Its databags cannot be read.
    Unreadable(Option<AppName>, String),
}

/// The projects that certificates are restricted to; none is full access.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Projects(BTreeSet<String>);

impl Projects {
    /// Reads option `restricted-projects`: names, separated by commas.
    ///
    /// # Errors
    /// A name that LXD has for no project, or too many of them.
    pub fn read(option: Option<&str>) -> Result<Self, Problem> {
        let names: BTreeSet<String> = option
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let fits = |name: &String| {
            let is_plain = |c: char| !(c.is_control() || c.is_whitespace() || "/\"'*".contains(c));
            name.len() <= 63 && name.chars().all(is_plain)
        };
        match names.len() <= MAX_PROJECTS && names.iter().all(fits) {
            true => Ok(Self(names)),
            false => Err(Problem::Projects),
        }
    }

    /// Whether there are any.
    pub fn restrict(&self) -> bool {
        !self.0.is_empty()
    }

    /// Their names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    fn are_of(&self, entry: &Entry) -> bool {
        entry.restricted == self.restrict() && (!self.restrict() || entry.projects == self.0)
    }
}

/// Makes the plan for what was observed. While there are steps left, nothing is
/// told: what was not read back from LXD is not true yet.
pub fn plan(juju: &Juju, connection: &Connection, lxd: &Lxd) -> Plan {
    let projects = match Projects::read(juju.options.projects.as_deref()) {
        Ok(projects) => projects,
        Err(problem) => return Plan::stopped(problem),
    };
    let wanted = access::wanted(juju, lxd);
    let steps = match juju.leader {
        true => access::plan(juju, lxd, &wanted, &projects),
        false => Vec::new(),
    };
    let ours = lxd
        .entries
        .values()
        .filter_map(|entry| access::ours(juju, entry));
    let mut report = Report {
        problem: None,
        registered: ours.count(),
        notices: wanted.notices.clone(),
        replaced: access::replaced_by_holders(juju, lxd),
        projects,
    };
    let changes = match answer::nodes(connection, lxd, &report.projects) {
        Ok(nodes) if steps.is_empty() => answer::plan(juju, lxd, &wanted, &nodes),
        Ok(_) => Changes::new(),
        Err(problem) => {
            report.problem = Some(problem);
            Changes::new()
        }
    };
    Plan {
        steps,
        changes,
        report,
    }
}

impl Plan {
    /// A plan to do nothing, for a reason.
    pub fn stopped(problem: Problem) -> Self {
        Self {
            report: Report {
                problem: Some(problem),
                ..Report::default()
            },
            ..Self::default()
        }
    }
}
