//! Steps of a restart of one member, in its turn.

use etcd_charm::facts::LockName;

use super::{Next, Running, World};
use crate::steps::TurnStep;

impl World {
    pub(super) fn restart_in_turn(
        &mut self,
        unit: usize,
        hook: &mut Running,
        step: TurnStep,
    ) -> Next {
        match step {
            TurnStep::Lock => {
                if self.etcd.locks.contains_key(&LockName::Restart) {
                    // What a hook that got no turn has kept back is nothing.
                    return Next::Over;
                }
                self.etcd.locks.insert(LockName::Restart, unit);
            }
            TurnStep::WriteTrust(text) => self.write_trust(unit, &text),
            TurnStep::MoveLeader(member) => self.etcd.leader = Some(member),
            TurnStep::Stop => {
                self.stop(unit);
                self.units[unit].stopped_by_hook = true;
                self.judge_stop(unit);
            }
            TurnStep::Start => {
                self.start(unit);
                hook.restarted = true;
                if !self.answers() {
                    return Next::Failed;
                }
            }
            TurnStep::Unlock => {
                self.etcd.locks.remove(&LockName::Restart);
            }
        }
        Next::Further
    }
}
