//! Who leads in etcd, which is nobody's choice but etcd's, unless a story has
//! to know.

use std::time::Instant;

use juju_simulator::UnitName;
use serde_json::Value;

use crate::etcdctl::ELECTED;
use crate::world::World;

impl World {
    /// The one of these units whose member leads the cluster.
    ///
    /// # Panics
    /// Panics if none of them comes to lead.
    #[must_use]
    pub fn raft_leader(&self, units: &[UnitName]) -> UnitName {
        let begun = Instant::now();
        loop {
            for unit in units {
                let leads = self
                    .raft_status(unit)
                    .is_some_and(|status| status["leader"] == status["header"]["member_id"]);
                if leads {
                    return unit.clone();
                }
            }
            assert!(begun.elapsed() < ELECTED, "no member leads");
        }
    }

    /// Has the member of a unit lead the cluster of these units.
    ///
    /// # Panics
    /// Panics if it does not come to lead.
    pub fn let_lead(&self, unit: &UnitName, units: &[UnitName]) {
        let begun = Instant::now();
        let status = self.raft_status(unit).expect("the member answers");
        let id = status["header"]["member_id"].as_u64().expect("a number");
        loop {
            let leader = self.raft_leader(units);
            if leader == *unit {
                return;
            }
            // Refused by one that has ceased to lead meanwhile.
            let _ = self
                .admin(&leader)
                .run(&["move-leader", &format!("{id:x}")]);
            assert!(begun.elapsed() < ELECTED, "{unit} does not come to lead");
        }
    }

    /// What a unit's member says of itself, if it answers and knows a leader.
    fn raft_status(&self, unit: &UnitName) -> Option<Value> {
        let answer = self
            .admin(unit)
            .run(&["--write-out=json", "endpoint", "status"]);
        let mut status: Value = serde_json::from_str(answer.stdout.trim()).ok()?;
        let status = status[0]["Status"].take();
        (!status["leader"].is_null()).then_some(status)
    }
}
