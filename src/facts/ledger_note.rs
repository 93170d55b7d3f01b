//! The ledger as a note that a unit keeps for its next hook: what was read of etcd, in
//! a form that is read many times as fast as what etcd sends. A note is this very
//! program's, so its form may be another one in each revision.
//!
//! The values of etcd stay what is read of record: a note holds what was made of them,
//! and each of its parts goes through the same checks again.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::note_bytes::{NoteReader, NoteWriter};
use super::{
    ClientRecord, Condition, Fingerprint, Grant, KnownLeaf, Ledger, LedgerPoint, MemberName,
    MemberTrust, NameClaim, Pace, RecalledLeaves, RelationId, RequestKey, SignedName, Timestamp,
};

/// A note of the ledger as it was at this point, and of what is known of the
/// certificates in it.
pub fn write(ledger: &Ledger, point: &LedgerPoint, recalled: &RecalledLeaves) -> Vec<u8> {
    let Ledger {
        clients,
        names,
        issued,
        signed,
        unsigned,
        members,
        paces,
        locks: _,
        settled,
        newer_format: _,
    } = ledger;
    let mut note = NoteWriter::default();
    write_point(&mut note, point);
    write_all(&mut note, clients, |note, key, record| {
        write_key(note, key);
        write_client(note, record, recalled);
    });
    write_all(&mut note, names, |note, name, claim| {
        note.text(name.as_str());
        write_claim(note, claim);
    });
    write_all(&mut note, signed, |note, name, record| {
        note.text(name.as_str());
        write_signed(note, record);
    });
    write_all(&mut note, members, |note, name, trust| {
        note.text(name.as_str());
        write_member(note, trust);
    });
    write_all(&mut note, paces, |note, relation, pace| {
        note.count(relation.0 as usize);
        write_pace(note, pace);
    });
    // Few, or seldom there.
    write_json(&mut note, &issued.iter().collect::<Vec<_>>());
    write_json(&mut note, &unsigned.iter().collect::<Vec<_>>());
    note.option(*settled, NoteWriter::signed);
    note.finish()
}

/// Whether all of this ledger goes into a note: locks come and go too quickly, and of
/// one of a newer format nothing was read.
pub fn is_for_a_note(ledger: &Ledger) -> bool {
    ledger.locks.is_empty() && ledger.newer_format.is_none()
}

/// What a note holds; `None` if it is damaged, or none. What is known of certificates is
/// added to what was `recalled`.
pub fn read(note: &[u8], recalled: &RecalledLeaves) -> Option<(Ledger, LedgerPoint)> {
    let mut note = NoteReader::new(note)?;
    let point = read_point(&mut note)?;
    let ledger = Ledger {
        clients: read_all(&mut note, |note| {
            Some((read_key(note)?, read_client(note, recalled)?))
        })?,
        names: read_all(&mut note, |note| Some((note.parsed()?, read_claim(note)?)))?,
        signed: read_all(&mut note, |note| Some((note.parsed()?, read_signed(note)?)))?,
        members: read_all(&mut note, |note| {
            Some((MemberName::new(note.text()?), read_member(note)?))
        })?,
        paces: read_all(&mut note, |note| {
            Some((read_relation(note)?, read_pace(note)?))
        })?,
        issued: read_json::<Vec<_>>(&mut note)?.into_iter().collect(),
        unsigned: read_json::<Vec<_>>(&mut note)?.into_iter().collect(),
        settled: note.option(NoteReader::signed)?,
        locks: BTreeMap::new(),
        newer_format: None,
    };
    note.is_empty().then_some((ledger, point))
}

fn write_all<K, V>(
    note: &mut NoteWriter,
    all: &BTreeMap<K, V>,
    write: impl Fn(&mut NoteWriter, &K, &V),
) {
    note.count(all.len());
    for (key, value) in all {
        write(note, key, value);
    }
}

fn read_all<K: Ord, V>(
    note: &mut NoteReader<'_>,
    read: impl Fn(&mut NoteReader<'_>) -> Option<(K, V)>,
) -> Option<BTreeMap<K, V>> {
    let count = note.count()?;
    let all: BTreeMap<K, V> = (0..count).map(|_| read(note)).collect::<Option<_>>()?;
    // No key stands there twice.
    (all.len() == count).then_some(all)
}

fn write_json(note: &mut NoteWriter, value: &impl Serialize) {
    let json = serde_json::to_vec(value).expect("records have no failing serializer");
    note.bytes(&json);
}

fn read_json<T: DeserializeOwned>(note: &mut NoteReader<'_>) -> Option<T> {
    serde_json::from_slice(note.bytes()?).ok()
}

fn write_point(note: &mut NoteWriter, point: &LedgerPoint) {
    let LedgerPoint {
        cluster,
        revision,
        keys,
        fence,
    } = point;
    note.number(*cluster);
    note.signed(*revision);
    note.signed(*keys);
    note.signed(*fence);
}

fn read_point(note: &mut NoteReader<'_>) -> Option<LedgerPoint> {
    Some(LedgerPoint {
        cluster: note.number()?,
        revision: note.signed()?,
        keys: note.signed()?,
        fence: note.signed()?,
    })
}

fn write_key(note: &mut NoteWriter, RequestKey { relation, request }: &RequestKey) {
    note.count(relation.0 as usize);
    note.option(request.as_ref(), |note, id| note.text(id.as_str()));
}

fn read_key(note: &mut NoteReader<'_>) -> Option<RequestKey> {
    Some(RequestKey {
        relation: read_relation(note)?,
        request: note.option(NoteReader::parsed)?,
    })
}

fn read_relation(note: &mut NoteReader<'_>) -> Option<RelationId> {
    let id = u32::try_from(note.count()?).ok()?;
    Some(RelationId(id))
}

fn write_client(note: &mut NoteWriter, record: &ClientRecord, recalled: &RecalledLeaves) {
    let ClientRecord {
        app,
        grant,
        condition,
        secret,
        answer,
        departed,
        ungranted,
    } = record;
    note.option(app.as_ref(), |note, app| note.text(app.as_str()));
    note.option(grant.as_ref(), |note, grant| {
        write_grant(note, grant);
        note.option(recalled.noted(grant), |note, known| {
            note.number(known.text);
            note.count(known.named_bytes);
        });
    });
    note.option(condition.as_ref(), |note, condition| {
        note.flag(matches!(condition, Condition::Refused(_)));
        note.text(condition.reason());
    });
    note.option(secret.as_ref(), |note, secret| note.text(secret.as_str()));
    note.option(answer.as_ref(), |note, answer| note.text(answer));
    note.flag(*departed);
    note.flag(*ungranted);
}

fn read_client(note: &mut NoteReader<'_>, recalled: &RecalledLeaves) -> Option<ClientRecord> {
    Some(ClientRecord {
        app: note.option(NoteReader::parsed)?,
        grant: note.option(|note| {
            let grant = read_grant(note)?;
            let known = note.option(|note| {
                Some(KnownLeaf {
                    text: note.number()?,
                    named_bytes: note.count()?,
                })
            })?;
            if let Some(known) = known {
                recalled.note(grant.fingerprint.clone(), known);
            }
            Some(grant)
        })?,
        condition: note.option(|note| {
            let is_refused = note.flag()?;
            let reason = note.text()?.to_owned();
            Some(match is_refused {
                true => Condition::Refused(reason),
                false => Condition::Waiting(reason),
            })
        })?,
        secret: note.option(NoteReader::parsed)?,
        answer: note.option(|note| note.text().map(str::to_owned))?,
        departed: note.flag()?,
        ungranted: note.flag()?,
    })
}

fn write_grant(note: &mut NoteWriter, grant: &Grant) {
    let Grant {
        common_name,
        prefix,
        certificate,
        issuer,
        fingerprint,
        not_after,
        granted_at,
    } = grant;
    note.text(common_name.as_str());
    note.text(prefix.as_str());
    note.text(certificate);
    note.option(issuer.as_ref(), write_fingerprint);
    write_fingerprint(note, fingerprint);
    note.signed(not_after.0);
    note.signed(granted_at.0);
}

fn read_grant(note: &mut NoteReader<'_>) -> Option<Grant> {
    Some(Grant {
        common_name: note.parsed()?,
        prefix: note.parsed()?,
        certificate: note.text()?.to_owned(),
        issuer: note.option(read_fingerprint)?,
        fingerprint: read_fingerprint(note)?,
        not_after: Timestamp(note.signed()?),
        granted_at: Timestamp(note.signed()?),
    })
}

fn write_fingerprint(note: &mut NoteWriter, fingerprint: &Fingerprint) {
    note.text(fingerprint.as_str());
}

fn read_fingerprint(note: &mut NoteReader<'_>) -> Option<Fingerprint> {
    note.text()?.to_owned().try_into().ok()
}

fn write_claim(note: &mut NoteWriter, claim: &NameClaim) {
    let NameClaim {
        holder,
        leaves,
        releasing,
    } = claim;
    write_key(note, holder);
    write_leaves(note, leaves);
    note.flag(*releasing);
}

fn read_claim(note: &mut NoteReader<'_>) -> Option<NameClaim> {
    Some(NameClaim {
        holder: read_key(note)?,
        leaves: read_leaves(note)?,
        releasing: note.flag()?,
    })
}

type Leaves = std::collections::BTreeSet<Fingerprint>;

/// Writes fingerprints of certificates.
pub fn write_leaves(note: &mut NoteWriter, leaves: &Leaves) {
    note.count(leaves.len());
    for leaf in leaves {
        write_fingerprint(note, leaf);
    }
}

/// Reads what [`write_leaves`] has written.
pub fn read_leaves(note: &mut NoteReader<'_>) -> Option<Leaves> {
    let count = note.count()?;
    (0..count).map(|_| read_fingerprint(note)).collect()
}

fn write_member(note: &mut NoteWriter, trust: &MemberTrust) {
    let MemberTrust {
        loaded,
        starting,
        client_authorities,
    } = trust;
    write_leaves(note, loaded);
    note.option(starting.as_ref(), write_leaves);
    write_leaves(note, client_authorities);
}

fn read_member(note: &mut NoteReader<'_>) -> Option<MemberTrust> {
    Some(MemberTrust {
        loaded: read_leaves(note)?,
        starting: note.option(read_leaves)?,
        client_authorities: read_leaves(note)?,
    })
}

fn write_signed(note: &mut NoteWriter, record: &SignedName) {
    let SignedName {
        relation,
        app,
        not_after,
        ended_at,
        is_revoked,
    } = record;
    note.count(relation.0 as usize);
    note.text(app.as_str());
    note.signed(not_after.0);
    note.option(*ended_at, |note, at| note.signed(at.0));
    note.flag(*is_revoked);
}

fn read_signed(note: &mut NoteReader<'_>) -> Option<SignedName> {
    Some(SignedName {
        relation: read_relation(note)?,
        app: note.parsed()?,
        not_after: Timestamp(note.signed()?),
        ended_at: note.option(|note| note.signed().map(Timestamp))?,
        is_revoked: note.flag()?,
    })
}

fn write_pace(note: &mut NoteWriter, pace: &Pace) {
    let Pace {
        changes,
        last,
        shown,
    } = pace;
    note.count(*changes as usize);
    note.signed(last.0);
    note.option(shown.as_ref(), |note, shown| note.text(shown));
}

fn read_pace(note: &mut NoteReader<'_>) -> Option<Pace> {
    Some(Pace {
        changes: u32::try_from(note.count()?).ok()?,
        last: Timestamp(note.signed()?),
        shown: note.option(|note| note.text().map(str::to_owned))?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::issued::tests::record as issued;
    use super::super::note_bytes::sum;
    use super::super::signed::tests::record as signed;
    use super::super::{AppName, LockName, Purpose, Unsigned};
    use super::*;

    const POINT: LedgerPoint = LedgerPoint {
        cluster: u64::MAX,
        revision: 7,
        keys: 9,
        fence: 5,
    };

    fn leaf(digit: &str) -> Fingerprint {
        digit.repeat(64).try_into().expect("a fingerprint")
    }

    fn app(name: &str) -> AppName {
        name.parse().expect("a name")
    }

    fn key(relation: u32, request: Option<&str>) -> RequestKey {
        RequestKey {
            relation: RelationId(relation),
            request: request.map(|id| id.parse().expect("an id")),
        }
    }

    fn grant() -> Grant {
        Grant {
            common_name: "client ü".parse().expect("a name"),
            prefix: "/test\"\n".parse().expect("a prefix"),
            certificate: "-----BEGIN\nCERTIFICATE\n".to_owned(),
            issuer: None,
            fingerprint: leaf("a"),
            not_after: Timestamp(i64::MAX),
            granted_at: Timestamp(-1),
        }
    }

    fn clients() -> BTreeMap<RequestKey, ClientRecord> {
        let whole = ClientRecord {
            app: Some(app("app")),
            grant: Some(grant()),
            condition: Some(Condition::Refused("no".to_owned())),
            secret: Some("9m4e2mr0ui3e8a215n4g".parse().expect("an id")),
            answer: Some("5f".to_owned()),
            departed: true,
            ungranted: true,
        };
        let of_authority = ClientRecord {
            grant: Some(Grant {
                issuer: Some(leaf("b")),
                ..grant()
            }),
            condition: Some(Condition::Waiting(String::new())),
            ..ClientRecord::default()
        };
        [
            (key(1, None), whole),
            (key(10, Some("0b047bb88ba93a70")), of_authority),
            (key(11, None), ClientRecord::default()),
        ]
        .into()
    }

    fn claim(releasing: bool, leaves: &[&str]) -> NameClaim {
        NameClaim {
            holder: key(1, None),
            leaves: leaves.iter().map(|digit| leaf(digit)).collect(),
            releasing,
        }
    }

    fn pace(shown: Option<&str>) -> Pace {
        Pace {
            changes: 3,
            last: Timestamp(9),
            shown: shown.map(str::to_owned),
        }
    }

    /// With each field in each of its states.
    fn filled() -> Ledger {
        let name = |text: &str| text.parse().expect("a name");
        let trust = MemberTrust {
            loaded: [leaf("a"), leaf("b")].into(),
            starting: Some([leaf("c")].into()),
            client_authorities: [leaf("d")].into(),
        };
        let unsigned = Unsigned {
            app: app("app"),
            reason: "why".to_owned(),
            others: 2,
        };
        let revoked = SignedName {
            ended_at: Some(Timestamp(1)),
            ..signed("app", true)
        };
        let paces = [(1, None), (u32::MAX, Some("5f"))];
        let members = [("etcd-0", trust), ("etcd-1", MemberTrust::default())];
        Ledger {
            clients: clients(),
            names: [
                (name("a"), claim(false, &[])),
                (name("b"), claim(true, &["a", "b"])),
            ]
            .into(),
            issued: [(name("op"), issued(Purpose::Operator))].into(),
            signed: [(name("s"), signed("app", false)), (name("t"), revoked)].into(),
            unsigned: [(RelationId(4), unsigned)].into(),
            members: members.map(|(name, of)| (MemberName::new(name), of)).into(),
            paces: paces
                .map(|(id, shown)| (RelationId(id), pace(shown)))
                .into(),
            locks: BTreeMap::new(),
            settled: Some(7),
            newer_format: None,
        }
    }

    #[test]
    fn a_ledger_is_read_as_it_was_noted() {
        let recalled = RecalledLeaves::default();
        for ledger in [Ledger::default(), filled()] {
            let note = write(&ledger, &POINT, &recalled);
            assert_eq!(read(&note, &recalled), Some((ledger, POINT)));
        }
        assert_eq!(recalled.noted(&grant()), None);
    }

    #[test]
    fn what_is_known_of_certificates_goes_along() {
        let known = RecalledLeaves::default();
        let leaf = KnownLeaf {
            text: sum(grant().certificate.as_bytes()),
            named_bytes: 21,
        };
        known.note(grant().fingerprint, leaf);
        let note = write(&filled(), &POINT, &known);
        let recalled = RecalledLeaves::default();
        read(&note, &recalled).expect("a note");
        assert_eq!(recalled.noted(&grant()), Some(leaf));
        let other = Grant {
            certificate: "another".to_owned(),
            ..grant()
        };
        assert_eq!(recalled.noted(&other), None);
    }

    #[test]
    fn what_is_damaged_is_no_note() {
        let recalled = RecalledLeaves::default();
        let note = write(&filled(), &POINT, &recalled);
        for at in 0..note.len() {
            assert_eq!(read(&note[..at], &recalled), None, "{at}");
            let mut damaged = note.clone();
            damaged[at] ^= 0x20;
            assert_eq!(read(&damaged, &recalled), None, "{at}");
        }
    }

    #[test]
    fn what_comes_and_goes_is_not_noted() {
        assert!(is_for_a_note(&filled()));
        let mut locked = filled();
        locked.locks.insert(LockName::Restart, "etcd/1".to_owned());
        assert!(!is_for_a_note(&locked));
        let newer = Ledger {
            newer_format: Some(2),
            ..Ledger::default()
        };
        assert!(!is_for_a_note(&newer));
    }
}
