//! Steps on the machine of one unit.

use etcd_charm::plan::machine::MachineStep;
use etcd_charm::tls::TrustBundle;

use super::World;
use crate::pool::{POOL, server};

impl World {
    pub(super) fn change_machine(&mut self, unit: usize, step: MachineStep) {
        let machine = &mut self.units[unit].machine;
        match step {
            MachineStep::Install(_) => machine.is_installed = true,
            MachineStep::StoreAuthorities(trust) => {
                machine.server_ca = Some(trust.server);
                machine.admin_ca = Some(trust.admin);
            }
            MachineStep::IssueServer(issuance) => {
                machine.server_certificate = Some(server(&issuance.names));
            }
            MachineStep::IssueAdmin(..) => machine.admin_certificate = Some(POOL.admin.clone()),
            MachineStep::Bootstrap(bootstrap) => {
                machine.bootstrap = Some(bootstrap);
                machine.may_begin = true;
            }
            MachineStep::Note(identity) => machine.identity = Some(identity),
            MachineStep::Configure(documents) => machine.written = documents,
            MachineStep::TakeOver(..) => panic!("no cluster of this world is gone"),
            MachineStep::Quarantine(_) => panic!("no cluster of this world is over"),
            // The world has no provider, and no pair of files.
            MachineStep::StoreProviderTrust(_)
            | MachineStep::Request(..)
            | MachineStep::ForgetRequest
            | MachineStep::Show(_)
            | MachineStep::KeysReplaced => panic!("nobody else signs for members"),
            MachineStep::WriteTrust(text) => self.write_trust(unit, &text),
            MachineStep::Start => self.start(unit),
        }
    }

    pub(super) fn write_trust(&mut self, unit: usize, text: &str) {
        // etcd exits at its start on a file that it cannot parse.
        match TrustBundle::parse(text) {
            Ok(bundle) => self.units[unit].machine.written_leaves = Some(bundle.leaves()),
            Err(error) => self.fault(format!("unit {unit} wrote a bad trust file: {error}")),
        }
    }
}
