//! What one run works with: the hook, the tools, this machine, the time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::facts::observed::Leaves;
use crate::facts::{Ledger, LedgerKeys, LedgerPoint, RecalledLeaves, Relation, Timestamp};
use crate::hook::{self, Hook};
use crate::juju::{Revision, ToolError, Tools};
use crate::relation::CLUSTER;
use crate::workload::kept_ledger::EtcdRun;
use crate::workload::kept_trust::{TrustFiles, TrustStamp};
use crate::workload::{Commands, Paths, UnitState, WorkloadError, layout};

/// The authorities and the leaves of a trust file; `None` of one that is none.
pub type LeavesOfTrust = Option<(Leaves, Leaves)>;

/// Everything that reads and writes need, made once for each run.
pub struct Context {
    /// Why the charm runs.
    pub hook: Hook,
    /// Hook tools.
    pub tools: Tools,
    /// Commands of this machine.
    pub commands: Commands,
    /// Where this unit's files lie.
    pub paths: Paths,
    /// This program, which the service asks before it starts etcd.
    pub program: PathBuf,
    /// What this unit remembers.
    pub unit_state: UnitState,
    /// The time of the hook, read once.
    pub now: Timestamp,
    /// Calls made to etcd so far, by connections that are closed again.
    pub etcd_calls: u32,
    /// Client URLs of members that let a call of this hook run out of time. Each
    /// further call would cost as much.
    pub unreachable: RefCell<BTreeSet<String>>,
    /// The trust file that was loaded when it was read last, and who is in it: no round
    /// of a hook but one that restarts the member finds another.
    pub loaded_trust: RefCell<Option<(String, LeavesOfTrust)>>,
    /// What the trust files said when they were looked at last.
    pub trust_files: RefCell<Option<(TrustStamp, TrustFiles)>>,
    /// Whether later hooks find that in memory as well.
    pub keeps_trust: Cell<bool>,
    /// The certificates on record, as far as this hook has read them.
    pub recalled: RecalledLeaves,
    /// In which run of this unit's etcd the ledger was read last; `None` where another
    /// member told it.
    pub etcd_run: RefCell<Option<EtcdRun>>,
    /// The point of the ledger that is kept for later hooks, as far as this one knows.
    pub kept_point: Cell<Option<LedgerPoint>>,
    /// The ledger as a round of this hook has read it and left it for the next one, over
    /// another connection; whoever takes it reads what has changed since.
    pub known_ledger: Cell<Option<(Ledger, LedgerPoint)>>,
    /// How many records of the ledger this hook has read, see
    /// [`Ledger::records_read`].
    pub records_read: Cell<usize>,
    /// Whether reading a secret must leave what Juju remembers of that as it is:
    /// after a look alone, the hook that tells of a new revision has to come yet.
    pub is_preview: bool,
}

/// The run could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// Directories or local facts.
    #[error("failed to prepare this machine")]
    Workload(#[source] WorkloadError),
    /// Where this program is.
    #[error("failed to find this program")]
    Program(#[source] std::io::Error),
    /// The private directory for secrets.
    #[error("failed to prepare the hook tools")]
    Tools(#[source] ToolError),
}

impl Context {
    /// Prepares a run: directories, hook tools, what this unit remembers.
    ///
    /// # Errors
    /// The machine's file system is at fault.
    pub fn new(hook: Hook) -> Result<Self, ContextError> {
        let paths = Paths::new(&hook.root, &hook.unit);
        layout::ensure_layout(&paths).map_err(|error| ContextError::Workload(error.into()))?;
        let tools =
            Tools::new(&hook.search_path, &paths.handover_dir()).map_err(ContextError::Tools)?;
        Ok(Self {
            unit_state: UnitState::read(&paths).map_err(ContextError::Workload)?,
            program: hook::program().map_err(ContextError::Program)?,
            commands: Commands::new(),
            tools,
            paths,
            hook,
            now: SystemTime::now().into(),
            etcd_calls: 0,
            unreachable: RefCell::default(),
            loaded_trust: RefCell::default(),
            trust_files: RefCell::default(),
            keeps_trust: Cell::default(),
            recalled: RecalledLeaves::default(),
            etcd_run: RefCell::default(),
            kept_point: Cell::default(),
            known_ledger: Cell::default(),
            records_read: Cell::default(),
            is_preview: false,
        })
    }

    /// Which revision of a secret is read: the latest in any case.
    pub fn latest(&self) -> Revision {
        match self.is_preview {
            true => Revision::Peek,
            false => Revision::Refresh,
        }
    }

    /// The peer relation: there is one from shortly after the installation on, for
    /// the life of the application.
    ///
    /// # Errors
    /// The hook tool failed.
    pub fn peer_relation(&self) -> Result<Option<Relation>, ToolError> {
        if let Some(id) = self.unit_state.peer_relation {
            let endpoint = CLUSTER;
            return Ok(Some(Relation { endpoint, id }));
        }
        Ok(self.tools.relation_ids(CLUSTER)?.first().copied())
    }

    /// The run of this unit's etcd that there is now, if it can be told from others.
    pub fn etcd_run_now(&self) -> Option<EtcdRun> {
        let identity = self.unit_state.identity?;
        EtcdRun::now(&self.paths, &self.program, identity, &self.ledger_keys())
    }

    /// Where this application's ledger lies in etcd.
    pub fn ledger_keys(&self) -> LedgerKeys {
        LedgerKeys::new(&self.hook.model, self.hook.unit.app())
    }
}
