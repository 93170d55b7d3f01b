//! What the leader has decided: who the first primary is, and who has access.
//! It is in the application's databag of the peer relation, where all units read
//! it, and Juju writes it together with everything else that a hook wrote, or
//! not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use certificates::Timestamp;
use juju_hooks::{Databag, RelationId, UnitName};
use serde::{Deserialize, Serialize};

use crate::acl::Pattern;

const CLUSTER: &str = "cluster";
const CLIENTS: &str = "clients";
const NOTICES: &str = "notices";

/// What the leader has decided.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ledger {
    /// Who was made the primary by decision, and not by the sentinels.
    pub appointment: Option<Appointment>,
    /// The unit that may restart with another program.
    pub turn: Option<UnitName>,
    /// The number of the set of users; each change makes it larger.
    pub revision: u64,
    /// The step in replacing the application's own secret that the set is of.
    pub step: u64,
    /// Who has access, by relation.
    pub clients: BTreeMap<RelationId, Access>,
    /// What is to be said about relations. It is kept since most hooks look at
    /// one of them alone, or at none.
    pub notices: BTreeMap<RelationId, Vec<Said>>,
}

/// What is to be said about one relation.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Said {
    /// Whether something was asked for that is not given.
    pub refusal: bool,
    /// The text.
    pub text: String,
}

/// A primary by decision. Units obey each appointment once; from then on the
/// sentinels decide.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Appointment {
    /// The number of the appointment.
    pub epoch: u64,
    /// Where the primary is.
    pub address: IpAddr,
}

/// What one relation has.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Access {
    /// By request; of version 0 there is one, with an empty name.
    pub grants: BTreeMap<String, Granted>,
    /// The digest of what the relation was told; empty before that.
    #[serde(default)]
    pub told: String,
    /// Who is at the other end, so that Juju need not be asked for each relation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The requests that were answered in it.
    #[serde(default)]
    pub answered: BTreeSet<String>,
}

impl Access {
    /// Whether some request has a user that its relation was not told of.
    pub fn has_unanswered(&self) -> bool {
        let mut requests = self.grants.keys();
        requests.any(|request| !self.answered.contains(request))
    }
}

/// One user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Granted {
    /// Its keys and channels.
    #[serde(with = "as_text")]
    pub pattern: Pattern,
    /// The salt of the request.
    pub salt: String,
    /// SHA-256 of its passwords: one, and two while they change.
    pub hashes: BTreeSet<String>,
    /// A password that ends at this time, by its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring: Option<Retiring>,
    /// The secret with its name and password.
    pub user: String,
    /// The secret about TLS.
    pub tls: String,
    /// What that secret says, in a word.
    pub tls_says: String,
}

/// A password that works beside its successor for a while.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Retiring {
    /// Its hash.
    pub hash: String,
    /// When it ends, in seconds since 1970.
    pub until: i64,
}

#[derive(Default, Deserialize, Serialize)]
struct Cluster {
    #[serde(default)]
    appointment: Option<Appointment>,
    #[serde(default)]
    turn: Option<String>,
    #[serde(default)]
    revision: u64,
    #[serde(default)]
    step: u64,
}

impl Ledger {
    /// Reads the databag; what cannot be understood is as if it were not there,
    /// since nobody but the charm writes it.
    pub fn read(bag: &Databag) -> Self {
        let parse = |key: &str| bag.get(key).map(String::as_str).unwrap_or_default();
        let cluster: Cluster = serde_json::from_str(parse(CLUSTER)).unwrap_or_default();
        let clients: BTreeMap<String, Access> =
            serde_json::from_str(parse(CLIENTS)).unwrap_or_default();
        let notices: BTreeMap<String, Vec<Said>> =
            serde_json::from_str(parse(NOTICES)).unwrap_or_default();
        Self {
            appointment: cluster.appointment,
            turn: cluster.turn.and_then(|unit| unit.parse().ok()),
            revision: cluster.revision,
            step: cluster.step,
            clients: clients
                .into_iter()
                .filter_map(|(id, access)| Some((id.parse().ok()?, access)))
                .collect(),
            notices: notices
                .into_iter()
                .filter_map(|(id, said)| Some((id.parse().ok()?, said)))
                .collect(),
        }
    }

    /// What has to be written so that the databag says this instead of `before`.
    pub fn changes(&self, before: &Self) -> BTreeMap<String, Option<String>> {
        let texts = |ledger: &Self| {
            let cluster = Cluster {
                appointment: ledger.appointment.clone(),
                turn: ledger.turn.as_ref().map(ToString::to_string),
                revision: ledger.revision,
                step: ledger.step,
            };
            let clients: BTreeMap<_, _> = ledger
                .clients
                .iter()
                .map(|(id, access)| (id.to_string(), access))
                .collect();
            let notices: BTreeMap<_, _> = ledger
                .notices
                .iter()
                .map(|(id, said)| (id.to_string(), said))
                .collect();
            [
                (CLUSTER, serde_json::to_string(&cluster)),
                (CLIENTS, serde_json::to_string(&clients)),
                (NOTICES, serde_json::to_string(&notices)),
            ]
            .map(|(key, text)| (key, text.expect("texts and numbers are JSON")))
        };
        let (new, old) = (texts(self), texts(before));
        let differ = new.into_iter().zip(old).filter(|(new, old)| new != old);
        differ
            .map(|((key, text), _)| (key.to_owned(), Some(text)))
            .collect()
    }

    /// Lets passwords end whose time is over.
    pub fn retire(&mut self, now: Timestamp) {
        let grants = self.clients.values_mut();
        for granted in grants.flat_map(|access| access.grants.values_mut()) {
            if let Some(retiring) = granted.retiring.take_if(|retiring| retiring.until < now.0) {
                granted.hashes.remove(&retiring.hash);
                self.revision += 1;
            }
        }
    }

    /// The name of the user of a request.
    pub fn user_name(relation: RelationId, request: &str) -> String {
        match request {
            "" => format!("relation-{relation}"),
            request => format!("relation-{relation}-{request}"),
        }
    }

    /// The relations of which something was refused.
    pub fn refused(&self) -> impl Iterator<Item = RelationId> {
        let refused = self.notices.iter();
        let refused = refused.filter(|(_, said)| said.iter().any(|said| said.refusal));
        refused.map(|(id, _)| *id)
    }

    /// All grants, with the names of their users.
    pub fn users(&self) -> impl Iterator<Item = (String, &Granted)> {
        self.clients.iter().flat_map(|(relation, access)| {
            let grants = access.grants.iter();
            grants.map(|(request, granted)| (Self::user_name(*relation, request), granted))
        })
    }
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::acl::Pattern;

    pub(super) fn serialize<S: Serializer>(pattern: &Pattern, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(pattern)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Pattern, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        let granted = Granted {
            pattern: "a:*".parse().expect("a pattern"),
            salt: "s".to_owned(),
            hashes: ["1f".to_owned()].into(),
            retiring: None,
            user: "secret:u".to_owned(),
            tls: "secret:t".to_owned(),
            tls_says: "false".to_owned(),
        };
        let access = Access {
            grants: [("id".to_owned(), granted)].into(),
            told: "x".to_owned(),
            app: Some("a".to_owned()),
            answered: ["id".to_owned()].into(),
        };
        Ledger {
            appointment: Some(Appointment {
                epoch: 1,
                address: [10, 0, 0, 1].into(),
            }),
            turn: "valkey/2".parse().ok(),
            revision: 7,
            step: 3,
            clients: [(RelationId(10), access)].into(),
            notices: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let changes = ledger().changes(&Ledger::default());
        let bag = changes
            .into_iter()
            .map(|(key, text)| (key, text.unwrap_or_default()))
            .collect();
        assert_eq!(Ledger::read(&bag), ledger());
        assert!(ledger().changes(&ledger()).is_empty());
    }

    #[test]
    fn only_what_differs_is_written() {
        let more = Ledger {
            revision: 8,
            ..ledger()
        };
        let changes = more.changes(&ledger());
        assert_eq!(changes.keys().collect::<Vec<_>>(), [CLUSTER]);
    }

    #[test]
    fn a_password_ends_at_its_time() {
        let mut ledger = ledger();
        let access = ledger.clients.get_mut(&RelationId(10)).expect("a client");
        let granted = access.grants.get_mut("id").expect("a grant");
        granted.hashes.insert("2e".to_owned());
        granted.retiring = Some(Retiring {
            hash: "1f".to_owned(),
            until: 100,
        });
        ledger.retire(Timestamp(100));
        assert_eq!(ledger.revision, 7);
        ledger.retire(Timestamp(101));
        let hashes = ledger
            .users()
            .next()
            .map(|(_, granted)| granted.hashes.clone());
        assert_eq!(hashes, Some(["2e".to_owned()].into()));
        assert_eq!(ledger.revision, 8);
    }

    #[test]
    fn names_are_made_of_whole_numbers() {
        assert_eq!(Ledger::user_name(RelationId(1), ""), "relation-1");
        assert_eq!(Ledger::user_name(RelationId(10), "ab"), "relation-10-ab");
        let name = ledger().users().next().map(|(name, _)| name);
        assert_eq!(name.as_deref(), Some("relation-10-id"));
    }
}
