//! What happens in a world, step by step: the lives of clients, and what an
//! operator does meanwhile. After the last step the world is as it was before
//! the first, so that one world serves many lives.

use std::fs;
use std::path::PathBuf;

use etcd_charm_world::{
    Certificate, ClientAuthority, Credentials, Older, RelationId, Request, Signing, UnitName, V0,
    V1,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::crash::event_run::Action;
use crate::crash::harness::Harness;
use crate::crash::signed::{SIGNER, Signed};
use crate::crash::snapshot::{self, Aliases, Snapshot};

/// One event that changes something.
pub(crate) struct Stage {
    /// What it is.
    pub(crate) name: &'static str,
    /// What happens; hooks run afterwards.
    pub(crate) act: fn(&mut Life, &mut Harness),
    /// Whether full passes follow until there is nothing left to do. Where
    /// not, the next stage begins with what the event's own hooks left.
    pub(crate) rests: bool,
    /// What an operator runs then, if the event is one of theirs.
    pub(crate) action: Option<fn(&Life) -> Action>,
}

/// What clients do, in order.
pub(crate) const CLIENT_STAGES: &[Stage] = &[
    stage("a request of version 0", Life::request, true),
    stage("a new certificate of the same name", Life::rotate, true),
    stage("a new certificate of another name", Life::rename, true),
    stage("a relation that ends", Life::end, true),
    stage("other ports", Life::other_ports, true),
    stage("the ports of before", Life::usual_ports, true),
    stage("two requests of version 1", Life::request_two, true),
    stage("a request that is withdrawn", Life::withdraw, true),
    stage("a relation of an older interface", Life::relate_db, true),
    stage("the end of that one", Life::end_db, true),
    stage("the other relation that ends", Life::end_other, false),
    stage("the full pass that drops the leaf", |_, _| {}, true),
];

/// What an operator does, in order. The authorities come first: whatever follows
/// is told of other ones in each life.
pub(crate) const OPERATOR_STAGES: &[Stage] = &[
    Stage {
        action: Some(Life::replace_authority),
        ..stage("another authority of the servers", |_, _| {}, true)
    },
    Stage {
        action: Some(Life::replace_admin_authority),
        ..stage("another authority of the administrators", |_, _| {}, true)
    },
    Stage {
        action: Some(Life::generate),
        ..stage("credentials for a person", Life::person_comes, true)
    },
    Stage {
        action: Some(Life::revoke),
        ..stage("their end", |_, _| {}, true)
    },
    stage("the archive that is thrown away", Life::person_goes, true),
];

/// What a client does that takes its certificate from etcd, in order.
pub(crate) const SIGNED_STAGES: &[Stage] = &[
    stage("a certificate that is asked for", Life::ask_to_sign, true),
    stage("access with it", Life::request_signed, true),
    stage("its renewal with another key", Life::renew, true),
    stage("the renewed one shown", Life::show_renewed, true),
    stage("a rival that asks for its name", Life::rival_comes, true),
    stage("the end of the rival", Life::rival_goes, true),
    stage(
        "certificates that are not asked for any more",
        Life::stop_signing,
        true,
    ),
    stage("the access that ends", Life::end_signed, true),
];

const fn stage(name: &'static str, act: fn(&mut Life, &mut Harness), rests: bool) -> Stage {
    Stage {
        name,
        act,
        rests,
        action: None,
    }
}

/// Who takes part.
pub(crate) struct Life {
    /// The units of etcd.
    pub(crate) units: Vec<UnitName>,
    bystander: (RelationId, Certificate),
    v0: Option<V0>,
    v1: Option<V1>,
    db: Option<Older>,
    certificates: [Certificate; 5],
    /// Who takes its certificate from etcd, or did a moment ago.
    signed: Option<Signed>,
    rival: Option<Signing>,
    /// How many of them there were: a name that was revoked is not free again.
    signers: usize,
    /// Who has credentials, or had them a moment ago.
    person: Option<String>,
    /// How many persons there were: a name that was revoked cannot be used again.
    persons: usize,
    /// Whether an operator acts, who replaces the authorities.
    is_operated: bool,
}

impl Life {
    /// A world at rest with a client that nothing happens to.
    pub(crate) fn begin(harness: &mut Harness, units: Vec<UnitName>, stages: &[Stage]) -> Self {
        let authority = ClientAuthority::new();
        let bystander = authority.issue("bystander");
        let relation = harness.world.relate("bystander");
        let mut asking = V0::ask(
            &mut harness.world.model,
            "bystander",
            relation,
            "/bystander/",
        );
        asking.set_certificate(&mut harness.world.model, &bystander.certificate);
        harness.world.rest();
        Self {
            units,
            bystander: (relation, bystander),
            v0: None,
            v1: None,
            db: None,
            certificates: ["old", "old", "new", "one", "two"].map(|name| authority.issue(name)),
            signed: None,
            rival: None,
            signers: 0,
            person: None,
            persons: 0,
            is_operated: stages.iter().any(|stage| stage.action.is_some()),
        }
    }

    fn request(&mut self, harness: &mut Harness) {
        let relation = harness.world.relate("zero");
        let model = &mut harness.world.model;
        let mut v0 = V0::ask(model, "zero", relation, "/zero/");
        v0.set_certificate(model, &self.certificates[0].certificate);
        self.v0 = Some(v0);
    }

    fn rotate(&mut self, harness: &mut Harness) {
        self.show(harness, 1);
    }

    fn rename(&mut self, harness: &mut Harness) {
        self.show(harness, 2);
    }

    fn show(&mut self, harness: &mut Harness, number: usize) {
        let v0 = self.v0.as_mut().unwrap();
        v0.set_certificate(
            &mut harness.world.model,
            &self.certificates[number].certificate,
        );
    }

    fn other_ports(&mut self, harness: &mut Harness) {
        let model = &mut harness.world.model;
        model.set_config("etcd", "client-port", 4001);
        model.set_config("etcd", "peer-port", 4002);
    }

    fn usual_ports(&mut self, harness: &mut Harness) {
        let model = &mut harness.world.model;
        for port in ["client-port", "peer-port"] {
            model.set_config("etcd", port, serde_json::Value::Null);
        }
    }

    fn end(&mut self, harness: &mut Harness) {
        let v0 = self.v0.take().unwrap();
        harness.world.model.remove_relation(v0.relation);
    }

    fn request_two(&mut self, harness: &mut Harness) {
        let relation = harness.world.relate("one");
        let model = &mut harness.world.model;
        let requests = vec![
            Request::new("/one/", "e7cd000000000001", "salt000000000001"),
            Request::new("/two/", "e7cd000000000002", "salt000000000002"),
        ];
        let mut v1 = V1::ask(model, "one", relation, requests);
        for number in 0..2 {
            v1.set_certificate(model, number, &self.certificates[3 + number].certificate);
        }
        self.v1 = Some(v1);
    }

    fn withdraw(&mut self, harness: &mut Harness) {
        let v1 = self.v1.as_mut().unwrap();
        v1.requests.remove(0);
        v1.write(&mut harness.world.model);
    }

    fn relate_db(&mut self, harness: &mut Harness) {
        self.db = Some(harness.world.relate_db("db"));
    }

    fn end_db(&mut self, harness: &mut Harness) {
        let db = self.db.take().unwrap();
        harness.world.model.remove_relation(db.relation);
    }

    fn end_other(&mut self, harness: &mut Harness) {
        let v1 = self.v1.take().unwrap();
        harness.world.model.remove_relation(v1.relation);
    }

    fn ask_to_sign(&mut self, harness: &mut Harness) {
        self.signers += 1;
        self.signed = Some(Signed::ask(harness, self.signers));
    }

    fn signed(&mut self) -> &mut Signed {
        self.signed.as_mut().expect("somebody has asked")
    }

    fn request_signed(&mut self, harness: &mut Harness) {
        self.signed().request_access(harness);
    }

    fn renew(&mut self, harness: &mut Harness) {
        self.signed().renew(harness);
    }

    fn show_renewed(&mut self, harness: &mut Harness) {
        self.signed().show_renewed(harness);
    }

    fn rival_comes(&mut self, harness: &mut Harness) {
        self.rival = Some(self.signed().meet_rival(harness));
    }

    fn rival_goes(&mut self, harness: &mut Harness) {
        let rival = self.rival.take().unwrap();
        harness.world.model.remove_relation(rival.relation);
    }

    fn stop_signing(&mut self, harness: &mut Harness) {
        self.signed().stop_signing(harness);
    }

    fn end_signed(&mut self, harness: &mut Harness) {
        let unit = self.units[0].clone();
        self.signed().end_access(harness, &unit);
    }

    fn person_comes(&mut self, _: &mut Harness) {
        self.persons += 1;
        self.person = Some(format!("person-{:04}", self.persons));
    }

    fn generate(&self) -> Action {
        Action {
            name: "generate-client-certificates",
            parameters: json!({"common-name": self.person, "prefix": "/person/"}),
            done: None,
        }
    }

    fn revoke(&self) -> Action {
        Action {
            name: "revoke-client-certificates",
            parameters: json!({"common-name": self.person}),
            done: None,
        }
    }

    /// Nothing is left of a person but the name.
    fn person_goes(&mut self, harness: &mut Harness) {
        self.person = None;
        let admin = harness.world.admin(&self.units[0]);
        assert!(admin.run(&["del", "/person/key"]).ok);
        for unit in &self.units {
            // Only one of them has it.
            let _ = fs::remove_file(archive(harness, unit));
        }
    }

    fn replace_authority(&self) -> Action {
        Self::replace("rotate-server-ca")
    }

    fn replace_admin_authority(&self) -> Action {
        Self::replace("rotate-admin-ca")
    }

    fn replace(name: &'static str) -> Action {
        Action {
            name,
            // The next one signs at once.
            parameters: json!({"grace-minutes": 0}),
            done: Some("is being replaced already"),
        }
    }

    /// The relations that there are, and what they are called.
    pub(crate) fn relations(&self) -> Vec<(RelationId, &'static str)> {
        let v0 = self.v0.as_ref().map(|v0| (v0.relation, "zero"));
        let v1 = self.v1.as_ref().map(|v1| (v1.relation, "one"));
        let db = self.db.as_ref().map(|db| (db.relation, "db"));
        let bystander = Some((self.bystander.0, "bystander"));
        let rival = self.rival.as_ref().map(|rival| (rival.relation, "rival"));
        let signed = self.signed.iter().flat_map(Signed::relations);
        let all = [bystander, v0, v1, db, rival].into_iter().flatten();
        all.chain(signed).collect()
    }

    /// The state of the world, which must let the bystander work.
    pub(crate) fn snapshot(&self, harness: &mut Harness) -> Snapshot {
        for unit in &self.units {
            let client = harness.world.client(unit, &self.bystander.1);
            let put = client.run(&["put", "/bystander/key", "value"]);
            assert!(put.ok, "the bystander cannot write: {}", put.stderr);
        }
        let mut aliases = Aliases::new();
        let of_v0 = self.v0.as_ref().and_then(|v0| v0.secret.clone());
        let of_v1 = self.v1.iter().flat_map(|v1| v1.requests.iter());
        let secrets = of_v0
            .into_iter()
            .chain(of_v1.filter_map(|r| r.secret.clone()));
        for (number, uri) in secrets.enumerate() {
            let id = uri.rsplit([':', '/']).next().unwrap().to_owned();
            aliases.push((uri, format!("<secret of a client {number}>")));
            aliases.push((id, format!("<id of a client's secret {number}>")));
        }
        if let Some(signed) = &self.signed {
            aliases.extend(signed.aliases(harness));
            aliases.extend(snapshot::of_answers(harness, &self.units));
        }
        if let Some(person) = &self.person {
            aliases.push((person.clone(), "<person>".to_owned()));
        }
        for unit in &self.units {
            if let Ok(content) = fs::read(archive(harness, unit)) {
                let digest = snapshot::hex(&Sha256::digest(content));
                aliases.push((digest, "<archive>".to_owned()));
            }
        }
        if self.is_operated {
            aliases.extend(snapshot::of_another_authority(harness, &self.units));
        }
        let mut end = snapshot::take(harness, &self.units, &self.relations(), aliases);
        // Names of former persons stay on record until nobody can have a
        // certificate of them.
        let is_former = |key: &str| {
            key.contains("/issued/person-") || key.contains(&format!("/signed/{SIGNER}"))
        };
        end.retain(|key, _| !is_former(key));
        if let Some(signed) = &self.signed {
            let does = signed.show(harness, &self.units);
            end.insert("what its certificate opens".to_owned(), does.to_owned());
        }
        for unit in &self.units {
            if let Some(answer) = show_credentials(harness, unit) {
                end.insert("what a person may do".to_owned(), answer.to_owned());
            }
        }
        end
    }
}

/// Where the credentials for a person lie on a machine without an operator.
fn archive(harness: &Harness, unit: &UnitName) -> PathBuf {
    let own = harness.world.root(unit).join("etc/etcd-charm");
    let name = "etcd_client_credentials.tar.gz";
    own.join(unit.with_dash()).join(name)
}

/// What etcd says to somebody who has found the credentials on a machine, if
/// there are any.
fn show_credentials(harness: &Harness, unit: &UnitName) -> Option<&'static str> {
    let archive = archive(harness, unit);
    if !archive.exists() {
        return None;
    }
    let client = Credentials::unpack(&archive);
    let client = client.client(&harness.world, unit);
    let own = client.run(&["put", "/person/key", "value"]);
    let other = client.impatient().run(&["put", "/bystander/key", "stolen"]);
    assert!(!other.ok, "credentials reach what is not theirs");
    Some(if own.ok { "to write" } else { "nothing" })
}
