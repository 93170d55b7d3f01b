//! Common names in which the charm signs certificates on request, over
//! `tls-certificates`. Every member trusts the authority that signs them, so only
//! the user of that name decides what they open: a name belongs to the
//! application that asked for it until the last certificate in it has ended, and
//! to nobody else before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{AppName, ClientRecord, CommonName, Ledger, LedgerWrite, RelationId, Timestamp};

/// Whose a name is, and until when. The name is its key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SignedName {
    /// The relation over which it was asked for.
    pub relation: RelationId,
    /// The application that asked for it, the only one that may have access in
    /// this name.
    pub app: AppName,
    /// When the last of its certificates stops being valid: written before one is
    /// signed, so no certificate is valid for longer.
    pub not_after: Timestamp,
    /// When it was first seen to have ended: a clock may have been wrong, so
    /// nothing ends at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Nobody asks for it any more: nobody has access in this name until its
    /// certificates have ended, by whatever certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_revoked: bool,
}

/// Why requests for certificates of one relation are refused, for an operator. The
/// relation is its key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unsigned {
    /// The application that made them.
    pub app: AppName,
    /// Why the first of them is refused.
    pub reason: String,
    /// How many others are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Unsigned {
    /// All of it in one line.
    pub fn reason(&self) -> String {
        match self.others {
            0 => self.reason.clone(),
            others => format!("{}; so are {others} other requests", self.reason),
        }
    }
}

impl Ledger {
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
        if let Some(claim) = self.names.get(name) {
            let before = self.clients.get(&claim.holder).cloned().unwrap_or_default();
            if before.app.as_ref() != Some(app) {
                let record = ClientRecord {
                    grant: None,
                    answer: None,
                    ..before
                };
                writes.push(LedgerWrite::Record(claim.holder.clone(), record));
                writes.push(LedgerWrite::FreeName(name.clone()));
            }
        }
        writes
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NameClaim, RequestKey};
    use super::*;

    fn name(text: &str) -> CommonName {
        text.parse().expect("a name")
    }

    fn record(app: &str, is_revoked: bool) -> SignedName {
        SignedName {
            relation: RelationId(7),
            app: app.parse().expect("a name"),
            not_after: Timestamp(1_800_000_000),
            ended_at: None,
            is_revoked,
        }
    }

    #[test]
    fn a_record_is_stored_in_words_that_stay() {
        for (record, text) in [
            (
                record("app", false),
                r#"{"relation":7,"app":"app","not-after":1800000000}"#,
            ),
            (
                record("app", true),
                r#"{"relation":7,"app":"app","not-after":1800000000,"is-revoked":true}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&record).expect("JSON"), text);
            let read: SignedName = serde_json::from_str(text).expect("a record");
            assert_eq!(read, record);
        }
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
