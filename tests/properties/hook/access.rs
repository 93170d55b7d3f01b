//! Steps in etcd's users and roles, and in the ledger.

use etcd_charm::facts::{CommonName, IssuedRecord, LedgerWrite, Permission};
use etcd_charm::plan::access::AccessStep;

use super::World;

impl World {
    /// `false` where somebody else was first.
    pub(super) fn change_access(&mut self, step: AccessStep) -> bool {
        let etcd = &mut self.etcd;
        match step {
            AccessStep::Claim(name, claim, record) => {
                if etcd.ledger.names.contains_key(&name) {
                    return false;
                }
                let holder = claim.holder.clone();
                self.write_ledger(&LedgerWrite::Name(name, claim));
                self.write_ledger(&LedgerWrite::Record(holder, *record));
            }
            AccessStep::ClaimIssued(name, record) => {
                return self.replace_issued(name, None, *record);
            }
            AccessStep::ReplaceIssued(name, seen, record) => {
                return self.replace_issued(name, Some(*seen), *record);
            }
            AccessStep::Ledger(writes) => {
                for write in &writes {
                    self.write_ledger(write);
                }
            }
            AccessStep::Unsettle => etcd.ledger.settled = None,
            AccessStep::AddRole(name) => {
                etcd.roles.entry(name.to_string()).or_default();
            }
            AccessStep::GrantPermission(name, range) => {
                let read_write = true;
                // A permission for the same range is replaced.
                if let Some(role) = etcd.roles.get_mut(name.as_str()) {
                    role.retain(|permission| permission.range != range);
                    role.insert(Permission { read_write, range });
                }
            }
            AccessStep::RevokePermission(name, range) => {
                if let Some(role) = etcd.roles.get_mut(name.as_str()) {
                    role.retain(|permission| permission.range != range);
                }
            }
            AccessStep::AddUser(name) => {
                etcd.users.entry(name.to_string()).or_default();
            }
            AccessStep::GrantRole(name) => {
                if let Some(user) = etcd.users.get_mut(name.as_str()) {
                    user.insert(name.to_string());
                }
            }
            AccessStep::RevokeRole(name, role) => {
                if let Some(user) = etcd.users.get_mut(name.as_str()) {
                    user.remove(&role);
                }
            }
            AccessStep::DeleteUser(name) => {
                etcd.users.remove(name.as_str());
            }
            AccessStep::TakeRole(..) | AccessStep::LockRoot => {
                self.fault(format!("{step:?} where nobody can become root"));
            }
            AccessStep::DeleteRole(name) => {
                etcd.roles.remove(name.as_str());
                for roles in etcd.users.values_mut() {
                    roles.remove(name.as_str());
                }
            }
        }
        self.open_all();
        true
    }

    fn replace_issued(
        &mut self,
        name: CommonName,
        seen: Option<IssuedRecord>,
        record: IssuedRecord,
    ) -> bool {
        let is_as_seen = self.etcd.ledger.issued.get(&name) == seen.as_ref();
        if is_as_seen {
            self.write_ledger(&LedgerWrite::Issued(name, record));
        }
        is_as_seen
    }

    pub(super) fn write_ledger(&mut self, write: &LedgerWrite) {
        self.etcd.ledger.apply(write);
        if *write == LedgerWrite::Settle {
            self.etcd.revision += 1;
            self.etcd.ledger.settled = Some(self.etcd.revision);
        }
        if let LedgerWrite::Record(key, record) = write
            && let Some(grant) = &record.grant
        {
            self.witness
                .granted_for
                .entry(grant.fingerprint.clone())
                .or_default()
                .insert(key.clone());
        }
    }
}
