//! Faults a test can plant: failing tools, killed hooks, lost leadership, lost events.

use std::fmt;
use std::time::Duration;

use crate::model::Model;
use crate::name::{RelationId, UnitName};

/// Which tool call a fault waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The n-th call, counted from 1, of the next hook.
    Nth(usize),
    /// The next call of this tool, in whichever hook.
    Tool(String),
    /// Every call of a tool with an argument that contains a text, until
    /// [`Model::mend_tools`].
    Each {
        /// The tool.
        tool: String,
        /// The text; an empty one means all calls.
        about: String,
    },
}

impl Call {
    /// Every call of `tool` with an argument that contains `about`.
    #[must_use]
    pub fn each(tool: &str, about: &str) -> Self {
        Self::Each {
            tool: tool.to_owned(),
            about: about.to_owned(),
        }
    }

    pub(crate) fn is(&self, number: usize, tool: &str, args: &[String]) -> bool {
        match self {
            Self::Nth(nth) => *nth == number,
            Self::Tool(name) => name == tool,
            Self::Each { tool: name, about } => {
                name == tool && (about.is_empty() || args.iter().any(|arg| arg.contains(about)))
            }
        }
    }
}

impl From<usize> for Call {
    fn from(number: usize) -> Self {
        Self::Nth(number)
    }
}

impl From<&str> for Call {
    fn from(tool: &str) -> Self {
        Self::Tool(tool.to_owned())
    }
}

/// Done to a model while a hook runs. Models move between threads.
pub(crate) type During = Box<dyn FnOnce(&mut Model) + Send>;

pub(crate) enum Effect {
    Fail { code: i32, stderr: String },
    Hang,
    KillBefore,
    KillAfter,
    After(During),
}

pub(crate) struct Fault {
    pub(crate) call: Call,
    pub(crate) effect: Effect,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault at {:?}", self.call)
    }
}

impl Model {
    fn plant(&mut self, unit: impl Into<UnitName>, call: impl Into<Call>, effect: Effect) {
        let fault = Fault {
            call: call.into(),
            effect,
        };
        self.unit_mut(&unit.into()).faults.push(fault);
    }

    /// Lets one tool call fail with this exit code and standard error, without
    /// carrying it out.
    pub fn fail_tool_call(
        &mut self,
        unit: impl Into<UnitName>,
        call: impl Into<Call>,
        code: i32,
        stderr: &str,
    ) {
        self.plant(
            unit,
            call,
            Effect::Fail {
                code,
                stderr: stderr.to_owned(),
            },
        );
    }

    /// Lets a tool call hang: it is not carried out, and its process waits for an
    /// answer until the hook is over.
    pub fn hang_tool_call(&mut self, unit: impl Into<UnitName>, call: impl Into<Call>) {
        self.plant(unit, call, Effect::Hang);
    }

    /// Ends the faults at every call of a tool.
    pub fn mend_tools(&mut self, unit: impl Into<UnitName>) {
        let faults = &mut self.unit_mut(&unit.into()).faults;
        faults.retain(|fault| !matches!(fault.call, Call::Each { .. }));
    }

    /// Lets a commit refuse, with this text, every grant of a secret over a
    /// relation, for a reason that no tool tells; `None` ends that.
    pub fn refuse_grants(&mut self, relation: RelationId, text: Option<&str>) {
        match text {
            Some(text) => self.refused_grants.insert(relation, text.to_owned()),
            None => self.refused_grants.remove(&relation),
        };
    }

    /// Lets a neighbour on the unit's machine open a TCP port, which no unit
    /// there can open any more.
    pub fn open_port_of_neighbour(&mut self, unit: impl Into<UnitName>, port: u16) {
        self.unit_mut(&unit.into()).ports_of_neighbours.insert(port);
    }

    /// Kills the hook's process group with SIGKILL once the call was carried out.
    pub fn kill_after_tool_call(&mut self, unit: impl Into<UnitName>, call: impl Into<Call>) {
        self.plant(unit, call, Effect::KillAfter);
    }

    /// Kills the hook's process group with SIGKILL when the call arrives, which
    /// is then not carried out.
    pub fn kill_before_tool_call(&mut self, unit: impl Into<UnitName>, call: impl Into<Call>) {
        self.plant(unit, call, Effect::KillBefore);
    }

    /// Does something in the model right after a tool call was carried out,
    /// while the hook goes on: the world moves under a running hook.
    pub fn after_tool_call(
        &mut self,
        unit: impl Into<UnitName>,
        call: impl Into<Call>,
        action: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        self.plant(unit, call, Effect::After(Box::new(action)));
    }

    /// Moves leadership to another living unit right after a tool call. Without
    /// one the application has no leader until [`Model::set_leader`].
    pub fn lose_leadership_after_call(&mut self, unit: impl Into<UnitName>, call: impl Into<Call>) {
        let unit = unit.into();
        let loser = unit.clone();
        self.after_tool_call(unit, call, move |model| model.elect_other(&loser));
    }

    /// Lets the next commit of the unit's hook fail although the hook exited 0.
    /// In 3.6 the secrets of the hook are written all the same, because they
    /// are outside of its transaction (Juju's `uniter.go` commitHookChangesForOneUnit).
    pub fn fail_next_commit(&mut self, unit: impl Into<UnitName>) {
        let unit = unit.into();
        self.fail_commit.insert(unit);
    }

    /// Restarts a unit's agent: `start` is run again, and nothing is told twice.
    /// With `swallow_secret_changed` new revisions that were not told yet never
    /// are, because the agent takes the latest ones as handled when it starts
    /// (Juju's `secrets/secrets.go` init).
    pub fn agent_restart(&mut self, unit: impl Into<UnitName>, swallow_secret_changed: bool) {
        let name = unit.into();
        if swallow_secret_changed {
            let latest: Vec<(String, u32)> = self
                .secrets
                .values()
                .map(|s| (s.id.clone(), s.latest))
                .collect();
            let unit = self.unit_mut(&name);
            for (id, revision) in latest {
                if let Some(local) = unit.agent.secrets.get_mut(&id) {
                    local.handled = revision;
                }
            }
        }
        let agent = &mut self.unit_mut(&name).agent;
        // A first start that is still due stays so.
        agent.start_queued |= agent.started;
        for relation in agent.relations.values_mut() {
            relation.cache.clear();
        }
    }

    /// Gives hooks another time until they are killed than [`Options::hook_timeout`].
    pub fn set_hook_timeout(&mut self, timeout: Duration) {
        self.options.hook_timeout = timeout;
    }
}
