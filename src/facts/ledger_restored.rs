//! What a ledger that was restored with a snapshot has to learn of the time since:
//! a certificate does not become unissued with the data.

use std::collections::{BTreeMap, BTreeSet};

use super::{AppName, ClientRecord, CommonName, IssuedRecord, Ledger, LedgerWrite, SignedName};

impl Ledger {
    /// What has to be written into this ledger, which is that of a snapshot, so
    /// that it knows of every identity that was issued or revoked since: a
    /// certificate does not become unissued with the data. The names whose user
    /// and role are not what they should be until the next full pass, too.
    pub fn keep_issued(
        &self,
        issued: &BTreeMap<CommonName, IssuedRecord>,
    ) -> (BTreeSet<CommonName>, Vec<LedgerWrite>) {
        let news = issued
            .iter()
            .filter(|(name, record)| self.issued.get(name) != Some(record));
        let mut names = BTreeSet::new();
        let mut writes = Vec::new();
        for (name, record) in news {
            // A client had the name then, and it was free again before this was
            // issued: it asks anew, and is refused the name.
            writes.extend(self.free_where(name, |_| true));
            writes.push(LedgerWrite::Issued(name.clone(), record.clone()));
            names.insert(name.clone());
        }
        (names, writes)
    }

    /// What has to be written into this ledger, which is that of a snapshot, so
    /// that it knows in which names certificates are valid: `signed` is what was
    /// known right before, or `None` where no member could tell. Then what
    /// applications are `answered` over their relations counts, and nothing is
    /// forgotten. The names whose users and roles are not to be trusted until the
    /// next full pass, too.
    pub fn keep_signed(
        &self,
        signed: Option<&BTreeMap<CommonName, SignedName>>,
        answered: &BTreeMap<CommonName, SignedName>,
    ) -> (BTreeSet<CommonName>, Vec<LedgerWrite>) {
        let mut names: BTreeSet<_> = self.signed.keys().cloned().collect();
        let mut writes = Vec::new();
        let Some(signed) = signed else {
            for (name, record) in answered {
                names.insert(name.clone());
                writes.extend(self.without_others(name, &record.app));
                let known = self.signed.get(name).map(|known| known.not_after);
                let record = SignedName {
                    not_after: known.map_or(record.not_after, |known| known.max(record.not_after)),
                    ..record.clone()
                };
                writes.push(LedgerWrite::Signed(name.clone(), record));
            }
            return (names, writes);
        };
        // Nobody could have had the name since, were its certificates not over.
        let over = self
            .signed
            .keys()
            .filter(|name| !signed.contains_key(*name));
        writes.extend(over.cloned().map(LedgerWrite::ForgetSigned));
        for (name, record) in signed {
            names.insert(name.clone());
            writes.extend(self.without_others(name, &record.app));
            if self.signed.get(name) != Some(record) {
                writes.push(LedgerWrite::Signed(name.clone(), record.clone()));
            }
        }
        (names, writes)
    }

    /// What the snapshot says of a name for others than this application: it was
    /// over before the name was signed for.
    fn without_others(&self, name: &CommonName, app: &AppName) -> Vec<LedgerWrite> {
        let mut writes = Vec::new();
        if self.issued.contains_key(name) {
            writes.push(LedgerWrite::ForgetIssued(name.clone()));
        }
        writes.extend(self.free_where(name, |holder| holder.app.as_ref() != Some(app)));
        writes
    }

    /// Takes a name from the request that holds it, if its record is such a one.
    fn free_where(
        &self,
        name: &CommonName,
        is_such: impl FnOnce(&ClientRecord) -> bool,
    ) -> Vec<LedgerWrite> {
        let Some(claim) = self.names.get(name) else {
            return Vec::new();
        };
        let before = self.clients.get(&claim.holder).cloned().unwrap_or_default();
        if !is_such(&before) {
            return Vec::new();
        }
        let record = ClientRecord {
            grant: None,
            answer: None,
            ..before
        };
        vec![
            LedgerWrite::Record(claim.holder.clone(), record),
            LedgerWrite::FreeName(name.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::issued::tests::record as issued_record;
    use super::super::signed::tests::record;
    use super::super::{IssuedState, NameClaim, Purpose, RelationId, RequestKey, Timestamp};
    use super::*;

    fn name(text: &str) -> CommonName {
        text.parse().expect("a name")
    }

    #[test]
    fn a_snapshot_learns_of_what_was_issued_since() {
        let with = |state| IssuedRecord {
            state,
            ..issued_record(Purpose::Operator)
        };
        let issued = [
            (name("kept"), with(IssuedState::InForce)),
            (name("over"), with(IssuedState::Revoked)),
            (name("revoked"), with(IssuedState::InForce)),
        ];
        let mut snapshot = Ledger {
            issued: issued.into(),
            ..Ledger::default()
        };
        let holder = RequestKey {
            relation: RelationId(7),
            request: None,
        };
        let claim = NameClaim {
            holder: holder.clone(),
            leaves: BTreeSet::new(),
            releasing: false,
        };
        snapshot.names.insert(name("since"), claim);
        let asked = ClientRecord {
            answer: Some("told".to_owned()),
            ..ClientRecord::default()
        };
        snapshot.clients.insert(holder.clone(), asked);
        let now = [
            (name("kept"), with(IssuedState::InForce)),
            (name("revoked"), with(IssuedState::Revoked)),
            (name("since"), with(IssuedState::InForce)),
        ];
        let (names, writes) = snapshot.keep_issued(&now.into());
        assert_eq!(names, [name("revoked"), name("since")].into());
        for write in &writes {
            snapshot.apply(write);
        }
        let states: Vec<_> = snapshot
            .issued
            .values()
            .map(|record| record.state)
            .collect();
        let (force, revoked) = (IssuedState::InForce, IssuedState::Revoked);
        assert_eq!(states, [force, revoked, revoked, force]);
        assert!(snapshot.names.is_empty());
        assert_eq!(snapshot.clients[&holder], ClientRecord::default());
    }

    #[test]
    fn a_snapshot_learns_whose_names_are_and_what_was_revoked() {
        let holder = |relation| RequestKey {
            relation: RelationId(relation),
            request: None,
        };
        let mut snapshot = Ledger {
            signed: [
                (name("kept"), record("app", false)),
                (name("over"), record("app", false)),
                (name("revoked"), record("app", false)),
            ]
            .into(),
            ..Ledger::default()
        };
        // Held by another application then, and by the same one.
        for (relation, held, app) in [(1, "since", "other"), (2, "kept", "app")] {
            let claim = NameClaim {
                holder: holder(relation),
                leaves: BTreeSet::new(),
                releasing: false,
            };
            snapshot.names.insert(name(held), claim);
            let asked = ClientRecord {
                app: app.parse().ok(),
                ..ClientRecord::default()
            };
            snapshot.clients.insert(holder(relation), asked);
        }
        let now = [
            (name("kept"), record("app", false)),
            (name("revoked"), record("app", true)),
            (name("since"), record("app", false)),
        ]
        .into();
        let (names, writes) = snapshot.keep_signed(Some(&now), &BTreeMap::new());
        let all = ["kept", "over", "revoked", "since"].map(name);
        assert_eq!(names, all.into(), "no user of these is trusted");
        for write in &writes {
            snapshot.apply(write);
        }
        assert_eq!(snapshot.signed, now);
        let held: Vec<_> = snapshot.names.keys().map(CommonName::as_str).collect();
        assert_eq!(held, ["kept"]);
    }

    #[test]
    fn where_nobody_can_tell_nothing_is_forgotten() {
        let snapshot = Ledger {
            signed: [(name("kept"), record("app", false))].into(),
            ..Ledger::default()
        };
        let (names, writes) = snapshot.keep_signed(None, &BTreeMap::new());
        assert_eq!(names, [name("kept")].into());
        assert_eq!(writes, []);
    }

    #[test]
    fn where_nobody_can_tell_what_is_answered_is_known() {
        let mut snapshot = Ledger {
            signed: [
                (name("kept"), record("app", false)),
                (name("renewed"), record("app", false)),
            ]
            .into(),
            ..Ledger::default()
        };
        let mut earlier = record("app", false);
        earlier.not_after = Timestamp(1_700_000_000);
        let answered = [
            (name("renewed"), earlier),
            (name("since"), record("other", false)),
        ]
        .into();
        let (names, writes) = snapshot.keep_signed(None, &answered);
        assert_eq!(names, ["kept", "renewed", "since"].map(name).into());
        for write in &writes {
            snapshot.apply(write);
        }
        assert_eq!(snapshot.signed[&name("since")], record("other", false));
        let renewed = snapshot.signed[&name("renewed")].not_after;
        assert_eq!(renewed, record("app", false).not_after);
    }
}
