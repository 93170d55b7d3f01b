//! One hook of one unit, carried out step by step. Writes to etcd and to the
//! machine are done at once; those to Juju are kept back until the hook has
//! succeeded.

#[path = "hook/access.rs"]
mod access;
#[path = "hook/machine.rs"]
mod machine;
#[path = "hook/membership.rs"]
mod membership;
#[path = "hook/publish.rs"]
mod publish;
#[path = "hook/restart.rs"]
mod restart;

use std::collections::VecDeque;

use etcd_charm::facts::observed::{Clients, Disconnection, Pass, Peers};
use etcd_charm::facts::{Ledger, LedgerWrite, RelationId};
use etcd_charm::plan::membership::MembershipStep;
use etcd_charm::plan::restart::{Restart, RestartStep};
use etcd_charm::plan::{self, Stage};

use super::steps::{Step, publication_steps, restart_steps};
use super::world::World;
use publish::JujuWrite;

/// As the driver has it: more stages than this undo each other.
const MAX_ROUNDS: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HookKind {
    /// `update-status` and its like.
    Full,
    /// The unit goes away.
    Stop,
    /// Something about one relation, or its end.
    Client(RelationId),
    /// A secret of a requirer has changed: that of one of its requests.
    Secret(RelationId, usize),
}

impl HookKind {
    pub(crate) fn pass(self) -> Pass {
        match self {
            Self::Full => Pass::Full,
            Self::Client(_) | Self::Secret(..) | Self::Stop => Pass::Event,
        }
    }
}

/// A hook under way.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) kind: HookKind,
    pub(crate) leader: bool,
    pub(crate) peers: Option<Peers>,
    pub(crate) clients: Option<Clients>,
    pub(crate) first_ledger: Option<Ledger>,
    pub(crate) granted: bool,
    pub(crate) restarted: bool,
    pub(crate) disconnection: Disconnection,
    rounds: usize,
    steps: VecDeque<Step>,
    /// What is kept back.
    writes: Vec<JujuWrite>,
    /// Whether it did anything at all.
    pub(crate) is_busy: bool,
}

/// How a hook goes on after a step.
enum Next {
    Further,
    Over,
    Failed,
}

impl World {
    /// Starts a hook, if none of this unit is under way.
    pub(crate) fn begin(&mut self, unit: usize, kind: HookKind) {
        if self.units[unit].hook.is_some() || self.units[unit].has_left {
            return;
        }
        let peers = (kind == HookKind::Full).then(|| self.peers(unit));
        self.units[unit].hook = Some(Running {
            kind,
            leader: self.leader == unit && kind != HookKind::Stop,
            peers,
            clients: None,
            first_ledger: None,
            granted: false,
            restarted: false,
            disconnection: Disconnection::Untried,
            rounds: 0,
            steps: VecDeque::new(),
            writes: Vec::new(),
            is_busy: false,
        });
    }

    /// One step of the hook under way. `false` once there is none.
    pub(crate) fn advance(&mut self, unit: usize) -> bool {
        let Some(mut hook) = self.units[unit].hook.take() else {
            return false;
        };
        let next = match hook.steps.pop_front() {
            None => self.plan(unit, &mut hook),
            Some(step) => self.apply_stage(unit, &mut hook, step),
        };
        match next {
            Next::Further => self.units[unit].hook = Some(hook),
            Next::Over | Next::Failed => {}
        }
        true
    }

    /// Carries a hook out to its end. Whether it did anything.
    pub(crate) fn run(&mut self, unit: usize, kind: HookKind) -> bool {
        while self.advance(unit) {}
        self.begin(unit, kind);
        let mut is_busy = false;
        while let Some(hook) = &self.units[unit].hook {
            is_busy |= hook.is_busy;
            self.advance(unit);
        }
        is_busy
    }

    /// Kills a hook. Where Juju was committing already, new secrets may exist
    /// although nothing else does.
    pub(crate) fn kill(&mut self, unit: usize, keeps_secrets: bool) {
        let Some(hook) = self.units[unit].hook.take() else {
            return;
        };
        if keeps_secrets {
            self.keep_secrets(hook.writes);
        }
    }

    /// Locks of hooks that were killed: their leases end.
    pub(crate) fn expire_locks(&mut self) {
        let units = &self.units;
        self.etcd
            .locks
            .retain(|_, holder| units[*holder].hook.is_some());
    }

    fn plan(&mut self, unit: usize, hook: &mut Running) -> Next {
        hook.rounds += 1;
        if hook.rounds > MAX_ROUNDS {
            self.fault(format!("a hook of unit {unit} comes to no rest"));
            return Next::Failed;
        }
        self.see_settled(unit);
        let observed = self.observe(unit, hook);
        let plan = plan::plan(&observed);
        match plan.stage {
            Stage::Machine(steps) => hook.steps.extend(steps.into_iter().map(Step::Machine)),
            Stage::Disconnect(revision) => hook.steps.push_back(Step::Disconnect(revision)),
            Stage::Membership(step) => hook.steps.push_back(Step::Membership(step)),
            Stage::Access(steps) => {
                hook.steps.extend(steps.into_iter().map(Step::Access));
                hook.granted = true;
            }
            // The world has no relation of an older interface.
            Stage::Issue(_) => self.fault(format!("unit {unit} issues to nobody")),
            Stage::Restart(RestartStep::ReadPending) => hook.steps.push_back(Step::ReadPending),
            Stage::Restart(step @ (RestartStep::Prove | RestartStep::FallBack)) => {
                self.fault(format!(
                    "unit {unit} doubts what it has seen to serve: {step:?}"
                ));
            }
            Stage::Restart(RestartStep::Record(trust)) => {
                let member = observed.member();
                let write = LedgerWrite::Member(member, trust);
                hook.steps.push_back(Step::Ledger(vec![write]));
            }
            Stage::Restart(RestartStep::Restart(Restart::AtOnce)) => {
                if self.answers() {
                    self.fault(format!("unit {unit} takes no turn although etcd answers"));
                }
                hook.steps.push_back(Step::RestartAtOnce);
            }
            Stage::Restart(RestartStep::Restart(Restart::InTurn(restart))) => {
                self.judge_restart(unit);
                // A hook waits for its turn for less time than a lease lasts,
                // so only the lock of one that had died before can be over.
                self.expire_locks();
                hook.steps.extend(restart_steps(&observed, &restart));
            }
            Stage::FreeLock(lock) => {
                self.etcd.locks.retain(|held, _| *held != lock.name);
            }
            Stage::Disarm(alarms) => {
                self.fault(format!("unit {unit} lowers {alarms:?}"));
            }
            Stage::Stop => hook.steps.push_back(Step::Leave),
            Stage::Publish(publication) => {
                hook.steps.extend(publication_steps(&publication));
                hook.is_busy |= hook.steps.len() > 1;
                return Next::Further;
            }
        }
        hook.is_busy = true;
        Next::Further
    }

    fn apply_stage(&mut self, unit: usize, hook: &mut Running, step: Step) -> Next {
        if step.needs_etcd() && !self.answers() {
            return Next::Failed;
        }
        match step {
            Step::Machine(step) => self.change_machine(unit, step),
            Step::Membership(step) => {
                if matches!(step, MembershipStep::Promote(_)) {
                    hook.restarted = true;
                }
                return self.change_membership(unit, step);
            }
            Step::Access(step) => {
                if !self.change_access(step) {
                    hook.steps.clear();
                }
            }
            Step::Disconnect(revision) => {
                hook.disconnection = Disconnection::Done;
                let seen = &mut self.units[unit].machine.disconnected;
                *seen = revision.or(*seen);
                self.reconnect(unit);
            }
            Step::ReadPending => {
                let mut clients = hook.clients.take().unwrap_or_default();
                self.read_pending(&mut clients);
                hook.clients = Some(clients);
            }
            Step::Turn(step) => return self.restart_in_turn(unit, hook, step),
            Step::RestartAtOnce => {
                self.stop(unit);
                self.start(unit);
            }
            Step::Ledger(writes) => {
                for write in &writes {
                    self.write_ledger(write);
                }
            }
            Step::Leave => {
                self.depart(unit);
                return Next::Over;
            }
            Step::Publish(step) => return self.publish(unit, hook, step),
        }
        Next::Further
    }
}
