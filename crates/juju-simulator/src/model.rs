//! The model: applications, units, relations, secrets, and the operator's commands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::name::{RelationId, UnitName};
use crate::random::Random;
use crate::relation::Relation;
use crate::secret::Secret;
use crate::unit::{Application, Unit};

/// The release line of Juju whose texts and orders are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "the names are version numbers")]
pub enum JujuVersion {
    /// Juju 3.6.
    V3_6,
    /// Juju 4.0.
    V4_0,
}

impl fmt::Display for JujuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_6 => "3.6",
            Self::V4_0 => "4.0",
        })
    }
}

/// How a model is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// A fresh directory for sockets, charm directories and storage. It is made
    /// if it is not there, and removed with the model.
    pub directory: PathBuf,
    /// The release line to simulate.
    pub version: JujuVersion,
    /// What random orders and identifiers are derived from.
    pub seed: u64,
    /// The model's name.
    pub name: String,
    /// Leaves the directory in place when the model is dropped.
    pub keep: bool,
    /// After this time a hook's process group is killed.
    pub hook_timeout: Duration,
    /// How often [`Model::settle`] runs a failed hook again.
    pub retries: usize,
    /// Refuses `-r endpoint:id` with an endpoint that is not the relation's.
    /// The sources of Juju read do not; being strict makes both readings pass.
    pub strict_endpoints: bool,
    /// A dying leader keeps its lease until it is gone. Without this another
    /// living unit, if there is one, takes over at once.
    pub dying_leader_keeps_lease: bool,
}

impl Options {
    /// The usual options in a directory: Juju 3.6, seed 1, two retries.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            version: JujuVersion::V3_6,
            seed: 1,
            name: "simulated".to_owned(),
            keep: false,
            hook_timeout: Duration::from_secs(120),
            retries: 2,
            strict_endpoints: true,
            dying_leader_keeps_lease: false,
        }
    }

    /// The usual options in a directory of its own under the system's temporary
    /// one, which no other model and no other process has.
    #[must_use]
    pub fn temporary() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        Self::new(std::env::temp_dir().join(format!("juju-{}-{number}", std::process::id())))
    }

    /// The same options for another release line.
    #[must_use]
    pub const fn version(mut self, version: JujuVersion) -> Self {
        self.version = version;
        self
    }

    /// The same options with another seed.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// One simulated Juju model.
#[derive(Debug)]
pub struct Model {
    pub(crate) options: Options,
    pub(crate) uuid: String,
    /// What `credential-get` prints to whom the operator trusts.
    pub(crate) cloud: Option<serde_json::Value>,
    pub(crate) random: Random,
    pub(crate) applications: BTreeMap<String, Application>,
    pub(crate) units: BTreeMap<UnitName, Unit>,
    pub(crate) relations: BTreeMap<RelationId, Relation>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) next_relation: u32,
    pub(crate) next_machine: u32,
    pub(crate) next_storage: u32,
    /// Storage that no unit has any more, and where its content is.
    pub(crate) volumes: BTreeMap<String, PathBuf>,
    pub(crate) next_run: u64,
    pub(crate) tools: PathBuf,
    pub(crate) fail_commit: BTreeSet<UnitName>,
    pub(crate) refused_grants: BTreeMap<RelationId, String>,
    /// The process group of the hook that is running, if any.
    pub(crate) running: Option<u32>,
    pub(crate) trace: bool,
}

impl Model {
    /// Makes an empty model.
    ///
    /// # Errors
    /// Fails if the directory, or the links that serve as hook tools, cannot be made.
    pub fn new(options: Options) -> io::Result<Self> {
        std::fs::create_dir_all(&options.directory)?;
        let options = Options {
            directory: options.directory.canonicalize()?,
            ..options
        };
        let tools = options.directory.join("tools");
        std::fs::create_dir_all(&tools)?;
        let executable = crate::tool_program()?;
        for tool in crate::names::NAMES {
            let link = tools.join(tool);
            if !link.exists() {
                std::os::unix::fs::symlink(&executable, link)?;
            }
        }
        let mut random = Random::new(options.seed);
        Ok(Self {
            uuid: random.uuid(),
            cloud: None,
            random,
            options,
            applications: BTreeMap::new(),
            units: BTreeMap::new(),
            relations: BTreeMap::new(),
            secrets: BTreeMap::new(),
            next_relation: 0,
            next_machine: 0,
            next_storage: 0,
            volumes: BTreeMap::new(),
            next_run: 0,
            tools,
            fail_commit: BTreeSet::new(),
            refused_grants: BTreeMap::new(),
            running: None,
            trace: std::env::var_os("SIMULATED_JUJU_TRACE").is_some_and(|value| value == "1"),
        })
    }

    /// The directory of the model.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.options.directory
    }

    /// The model's UUID.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// The UUID of the model that an application is in: this one, or for an
    /// application of another model the other one.
    pub(crate) fn uuid_of(&self, application: &str) -> &str {
        self.applications
            .get(application)
            .and_then(|application| application.remote.as_ref())
            .map_or(&self.uuid, |remote| &remote.model_uuid)
    }

    pub(crate) fn application(&self, name: &str) -> &Application {
        self.applications
            .get(name)
            .unwrap_or_else(|| panic!("there is no application {name:?}"))
    }

    pub(crate) fn application_mut(&mut self, name: &str) -> &mut Application {
        self.applications
            .get_mut(name)
            .unwrap_or_else(|| panic!("there is no application {name:?}"))
    }

    pub(crate) fn unit(&self, name: &UnitName) -> &Unit {
        self.units
            .get(name)
            .unwrap_or_else(|| panic!("there is no unit {name:?}"))
    }

    pub(crate) fn unit_mut(&mut self, name: &UnitName) -> &mut Unit {
        self.units
            .get_mut(name)
            .unwrap_or_else(|| panic!("there is no unit {name:?}"))
    }

    pub(crate) fn relation(&self, id: RelationId) -> &Relation {
        self.relations
            .get(&id)
            .unwrap_or_else(|| panic!("there is no relation {id}"))
    }

    pub(crate) fn relation_mut(&mut self, id: RelationId) -> &mut Relation {
        self.relations
            .get_mut(&id)
            .unwrap_or_else(|| panic!("there is no relation {id}"))
    }

    pub(crate) fn units_of(&self, application: &str) -> Vec<UnitName> {
        self.units
            .keys()
            .filter(|unit| unit.application() == application)
            .cloned()
            .collect()
    }

    pub(crate) fn trace(&self, text: &str) {
        if self.trace {
            use io::Write as _;
            // A test that does not want its trace has no use for this error either.
            let _ = writeln!(io::stderr(), "[juju] {text}");
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        if let Some(group) = self.running {
            crate::run::kill_group(group);
        }
        let wanted = std::thread::panicking() && std::env::var_os("KEEP").is_some();
        if !self.options.keep && !wanted {
            // Nothing depends on the directory any more, and a test has ended either way.
            let _ = std::fs::remove_dir_all(&self.options.directory);
        }
    }
}
