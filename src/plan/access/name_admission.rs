//! Whether a common name may be had: the one admission of names, whoever asks.

use super::kept::free_after;
use super::name_owner::NameOwner;
use crate::facts::{
    AppName, Cluster, CommonName, Fingerprint, IssuedRecord, IssuedState, Ledger, NameClaim,
    NameRefusal, Prefix, RelationId, RequestKey, SignedName,
};

/// Who wants a common name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Applicant<'a> {
    /// A request for access.
    Request {
        /// Which one.
        key: &'a RequestKey,
        /// The application that made it, if that is known.
        app: Option<&'a AppName>,
        /// The certificate that it shows.
        leaf: &'a Fingerprint,
    },
    /// An application that asks for certificates in it.
    Signing {
        /// Over which relation.
        relation: RelationId,
        /// Which one.
        app: &'a AppName,
    },
    /// An operator who asks for credentials for these keys; for all keys of clients
    /// where there is no prefix.
    Operator(Option<&'a Prefix>),
}

/// Whether this name may be had, by the ledger and by what was looked up of the
/// cluster. The record of the credentials that are renewed, if there are any.
///
/// # Errors
/// Why not.
pub(super) fn admit<'l>(
    name: &CommonName,
    applicant: Applicant<'_>,
    app: &AppName,
    cluster: &Cluster,
    ledger: &'l Ledger,
) -> Result<Option<&'l IssuedRecord>, NameRefusal> {
    let owner = NameOwner::of(name, app, cluster, ledger);
    match owner {
        NameOwner::Reserved => return Err(NameRefusal::Reserved),
        NameOwner::Issued(record) => return applicant.beside_issued(record).map(Some),
        NameOwner::Request(_) | NameOwner::Unmanaged | NameOwner::Nobody | NameOwner::Unknown => {}
    }
    if let Some(record) = ledger.signed.get(name)
        && applicant.beside_signed(record)?
    {
        return Ok(None);
    }
    match owner {
        NameOwner::Request(claim) => applicant.beside_request(claim, ledger)?,
        NameOwner::Unmanaged => return Err(NameRefusal::Unmanaged),
        NameOwner::Unknown => return Err(NameRefusal::Unknown),
        NameOwner::Nobody | NameOwner::Reserved | NameOwner::Issued(_) => {}
    }
    Ok(None)
}

impl Applicant<'_> {
    /// Credentials are renewed by an operator for the same keys, and by nobody else.
    /// Those that were never handed over may be for other keys by now.
    fn beside_issued(self, record: &IssuedRecord) -> Result<&IssuedRecord, NameRefusal> {
        match (self, record.state) {
            (_, IssuedState::Revoked) => Err(NameRefusal::Revoked(free_after(record.not_after))),
            (Self::Operator(_), IssuedState::Unfinished) => Ok(record),
            (Self::Operator(prefix), _) if record.prefix.as_ref() == prefix => Ok(record),
            _ => Err(NameRefusal::Credentials(record.range())),
        }
    }

    /// A name for which the charm has signed certificates is that of one
    /// application, which may ask for access in it. Whether it is the applicant's
    /// so that nothing else has to be asked.
    fn beside_signed(self, record: &SignedName) -> Result<bool, NameRefusal> {
        match self {
            Self::Signing { relation, .. } if record.relation == relation => Ok(true),
            Self::Request { app, .. } if app == Some(&record.app) && !record.is_revoked => {
                Ok(false)
            }
            Self::Request { .. } | Self::Signing { .. } if record.is_revoked => {
                Err(NameRefusal::SignedRevoked(free_after(record.not_after)))
            }
            _ => Err(NameRefusal::Signed(record.app.clone())),
        }
    }

    fn beside_request(self, claim: &NameClaim, ledger: &Ledger) -> Result<(), NameRefusal> {
        let holder = &claim.holder;
        match self {
            // With the very same leaf nobody is let in who should not be; with any
            // other, an old certificate would be the new user.
            Self::Request { leaf, .. } if claim.releasing => {
                match claim.leaves.iter().all(|other| other == leaf) {
                    true => Ok(()),
                    false => Err(NameRefusal::Releasing),
                }
            }
            Self::Request { key, .. } if holder == key => Ok(()),
            // With access by a certificate of its own; it may change the way.
            Self::Signing { app, .. } if app_on_record(ledger, holder) == Some(app) => Ok(()),
            Self::Signing { .. } if claim.releasing => Err(NameRefusal::Releasing),
            _ => Err(NameRefusal::Held(holder.clone(), ledger.requirer(holder))),
        }
    }
}

fn app_on_record<'l>(ledger: &'l Ledger, key: &RequestKey) -> Option<&'l AppName> {
    let record = ledger.clients.get(key)?;
    record.app.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{IssuedRecord, KeyRange, Purpose};
    use crate::plan::testing::{Bench, DAY, NOW, key, leaf};

    fn name(text: &str) -> CommonName {
        text.parse().expect("a name")
    }

    /// `held` is `app1`'s, `leaving` was; `signed` and `revoked` are `app2`'s over
    /// relation 2; `tool` is an operator's, `begun` was begun, `gone` revoked.
    fn bench() -> Bench {
        let mut bench = Bench::new(1);
        bench.ask_as(1, "/app/", "of-app1", 1);
        bench.access();
        for (text, releasing) in [("held", false), ("leaving", true)] {
            let claim = NameClaim {
                holder: key(1),
                leaves: [leaf(text, 1)].into(),
                releasing,
            };
            bench.cluster.ledger.names.insert(name(text), claim);
        }
        for (text, is_revoked) in [("signed", false), ("revoked", true)] {
            let record = SignedName {
                relation: RelationId(2),
                app: "app2".parse().expect("a name"),
                not_after: NOW,
                ended_at: None,
                is_revoked,
            };
            bench.cluster.ledger.signed.insert(name(text), record);
        }
        for (text, state) in [
            ("tool", IssuedState::InForce),
            ("begun", IssuedState::Unfinished),
            ("gone", IssuedState::Revoked),
        ] {
            let record = IssuedRecord {
                purpose: Purpose::Operator,
                prefix: None,
                fingerprint: None,
                issuer: None,
                issued_at: NOW,
                not_after: NOW,
                ended_at: None,
                state,
                archive: None,
            };
            bench.cluster.ledger.issued.insert(name(text), record);
        }
        for text in ["free", "signed", "revoked"] {
            bench.user(text);
        }
        bench.user("by-hand").user = Some([].into());
        bench
    }

    fn refusal(bench: &Bench, text: &str, applicant: Applicant<'_>) -> Option<NameRefusal> {
        let (app, cluster) = (bench.observed.unit.app(), &bench.cluster);
        admit(&name(text), applicant, app, cluster, &cluster.ledger).err()
    }

    #[test]
    fn what_nobody_may_have_is_refused_to_all_alike() {
        let bench = bench();
        let app = "app3".parse().expect("a name");
        let relation = RelationId(3);
        let (key, leaf) = (key(3), leaf("leaving", 9));
        let request = Applicant::Request {
            key: &key,
            app: Some(&app),
            leaf: &leaf,
        };
        let signing = Applicant::Signing {
            relation,
            app: &app,
        };
        for (text, refused) in [
            ("root", NameRefusal::Reserved),
            ("etcd-0", NameRefusal::Reserved),
            ("etcd-charm:db-1", NameRefusal::Reserved),
            ("by-hand", NameRefusal::Unmanaged),
            ("unknown", NameRefusal::Unknown),
            ("gone", NameRefusal::Revoked(NOW.plus_seconds(DAY))),
        ] {
            for applicant in [request, signing, Applicant::Operator(None)] {
                let found = refusal(&bench, text, applicant);
                assert_eq!(found.as_ref(), Some(&refused), "{text} {applicant:?}");
            }
        }
        for applicant in [request, signing, Applicant::Operator(None)] {
            assert_eq!(refusal(&bench, "free", applicant), None);
            let held = refusal(&bench, "held", applicant);
            assert!(matches!(held, Some(NameRefusal::Held(..))), "{held:?}");
        }
        for applicant in [request, signing] {
            let found = refusal(&bench, "tool", applicant);
            let keys = KeyRange::of_clients();
            assert_eq!(found, Some(NameRefusal::Credentials(keys.clone())));
            let found = refusal(&bench, "begun", applicant);
            assert_eq!(found, Some(NameRefusal::Credentials(keys)));
            let found = refusal(&bench, "leaving", applicant);
            assert_eq!(found, Some(NameRefusal::Releasing));
            let found = refusal(&bench, "revoked", applicant);
            assert!(matches!(found, Some(NameRefusal::SignedRevoked(_))));
        }
    }

    #[test]
    fn whose_name_it_is_may_have_it() {
        let bench = bench();
        let [app1, app2] = ["app1", "app2"].map(|text| text.parse().expect("a name"));
        let (key, old) = (key(1), leaf("leaving", 1));
        let request = |app, leaf| Applicant::Request {
            key: &key,
            app: Some(app),
            leaf,
        };
        assert_eq!(refusal(&bench, "held", request(&app1, &old)), None);
        // With the very same leaf it is the same client.
        assert_eq!(refusal(&bench, "leaving", request(&app1, &old)), None);
        assert_eq!(refusal(&bench, "signed", request(&app2, &old)), None);
        let signing = |relation, app| Applicant::Signing {
            relation: RelationId(relation),
            app,
        };
        assert_eq!(refusal(&bench, "signed", signing(2, &app2)), None);
        assert_eq!(refusal(&bench, "revoked", signing(2, &app2)), None);
        assert_eq!(refusal(&bench, "held", signing(1, &app1)), None);
        // Another relation of the same application is another client.
        let signed = Some(NameRefusal::Signed(app2.clone()));
        assert_eq!(refusal(&bench, "signed", signing(3, &app2)), signed);
        assert_eq!(refusal(&bench, "signed", Applicant::Operator(None)), signed);
        for text in ["tool", "begun"] {
            assert_eq!(refusal(&bench, text, Applicant::Operator(None)), None);
        }
        let prefix = Prefix::new("/x/").expect("a prefix");
        let other = Applicant::Operator(Some(&prefix));
        assert_eq!(refusal(&bench, "begun", other), None);
        let refused = refusal(&bench, "tool", other);
        assert!(matches!(refused, Some(NameRefusal::Credentials(_))));
    }
}
