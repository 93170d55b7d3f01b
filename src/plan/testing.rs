//! For the tests of this module: a cluster at rest, requests over it, and plans
//! as short lines. Every value of a fixture differs from every other one of its
//! type, so that two of them cannot be swapped without a test noticing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex};

use super::access::AccessStep;
use super::simulate::simulate_access;
use super::{Plan, Report, Stage, access, configuration, plan};
use crate::facts::authorities::Authorities;
use crate::facts::machine::testing::service_paths;
use crate::facts::machine::{Documents, Machine};
use crate::facts::observed::{
    Certificate, ClientRelation, Clients, Disconnection, Observed, Pass, PeerRelation, Peers,
    Repaired, Scope,
};
use crate::facts::options::Options;
use crate::facts::{
    Access, ClientRecord, Cluster, Databag, Fingerprint, Known, Ledger, LedgerWrite, Member,
    MemberData, MemberIdentity, MemberName, MemberStatus, MemberTrust, NoAnswer, Reason,
    RecalledLeaves, RelationId, RequestKey, Timestamp,
};
use crate::facts::{Bootstrap, MemberId};
use crate::relation;
use crate::relation::peer::ApplicationData;
use crate::tls::{Authority, ClientCertificate, OwnCertificate, digest};

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000);
/// The revision at which rights were settled last.
pub(crate) const SETTLED: i64 = 77;
/// Which member this unit's is.
pub(crate) const IDENTITY: MemberIdentity = MemberIdentity {
    member: MemberId(100),
    cluster: 99,
};
pub(crate) const DAY: i64 = 24 * 3600;

/// What the certificate of this unit's member is for.
pub(crate) const OWN_NAMES: [&str; 4] = ["10.0.0.1", "127.0.0.1", "::1", "localhost"];

static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| Authorities {
    server: Authority::create("servers", NOW, 3650 * DAY).expect("an authority"),
    admin: Authority::create("administrators", NOW, 3650 * DAY).expect("an authority"),
    client: Some(Authority::create("clients", NOW, 3650 * DAY).expect("an authority")),
    rotation: None,
    admin_rotation: None,
    client_rotation: None,
});

/// The authority that signs what clients ask for.
pub(crate) fn client_authority() -> Option<&'static Authority> {
    AUTHORITIES.client.as_ref()
}

/// That authority, as members say that they have loaded it.
pub(crate) fn client_authorities() -> BTreeSet<Fingerprint> {
    let all = client_authority().into_iter();
    all.map(|authority| authority.own().fingerprint.clone())
        .collect()
}

/// The certificate of a client: another key for each number.
pub(crate) fn certificate(name: &str, number: u32) -> String {
    static ISSUED: Mutex<BTreeMap<(String, u32), String>> = Mutex::new(BTreeMap::new());
    let mut issued = ISSUED.lock().expect("no test panics in here");
    let key = (name.to_owned(), number);
    let new = || {
        let issued = AUTHORITIES.admin.issue_client(name, NOW, 300 * DAY);
        issued.expect("a certificate").certificate
    };
    issued.entry(key).or_insert_with(new).clone()
}

pub(crate) fn leaf(name: &str, number: u32) -> Fingerprint {
    let text = certificate(name, number);
    ClientCertificate::read_back(&text)
        .expect("a leaf")
        .fingerprint
}

/// The leaf of a client whose subject is about as long as is let in.
pub(crate) fn large_leaf(name: &str, number: u32) -> ClientCertificate {
    static ISSUED: Mutex<BTreeMap<(String, u32), String>> = Mutex::new(BTreeMap::new());
    let mut issued = ISSUED.lock().expect("no test panics in here");
    let new = || {
        let mut params = rcgen::CertificateParams::default();
        let subject = &mut params.distinguished_name;
        *subject = rcgen::DistinguishedName::new();
        subject.push(rcgen::DnType::CommonName, name);
        subject.push(rcgen::DnType::OrganizationName, "o".repeat(940));
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        let key = rcgen::KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").pem()
    };
    let text = issued.entry((name.to_owned(), number)).or_insert_with(new);
    ClientCertificate::read_back(text).expect("a leaf")
}

pub(crate) fn key(relation: u32) -> RequestKey {
    RequestKey {
        relation: RelationId(relation),
        request: None,
    }
}

/// What one hook sees, and what etcd holds.
pub(crate) struct Bench {
    pub(crate) observed: Observed,
    pub(crate) cluster: Cluster,
    pub(crate) report: Report,
}

impl Bench {
    /// A cluster at rest: this unit is `etcd/0`, leads, and has a member for
    /// each of so many units.
    pub(crate) fn new(members: u64) -> Self {
        let mut bench = Self {
            observed: observed(),
            cluster: cluster(members),
            report: Report::default(),
        };
        bench.configure();
        bench
    }

    /// The files of the service are as they should be, and etcd has read them.
    pub(crate) fn configure(&mut self) {
        let wanted = configuration::wanted(&self.observed).expect("documents");
        let machine = &mut self.observed.machine;
        machine.loaded_configuration = Some(wanted.configuration.clone());
        machine.written = wanted;
    }

    /// The authorities that this unit has read.
    pub(crate) fn authorities(&self) -> &Authorities {
        let authorities = self.observed.machine.authorities.as_ref();
        authorities.expect("a bench has authorities")
    }

    /// A relation of version 0 asks for a prefix with this certificate.
    pub(crate) fn ask(&mut self, id: u32, prefix: &str, certificate: Certificate) {
        let bag = Databag::from([
            ("prefix".to_owned(), prefix.to_owned()),
            (
                "secret-mtls".to_owned(),
                format!("secret:{:020}", u64::from(id)),
            ),
        ]);
        let before = self.observed.clients.relations.remove(&RelationId(id));
        let relation = ClientRelation {
            app: format!("app{id}").parse().ok(),
            asked: relation::read(&bag).map_err(Reason::Relation),
            own: before.map(|before| before.own).unwrap_or_default(),
            is_noted: false,
            certificates: [(key(id), certificate)].into(),
            across_models: None,
            is_ending: false,
            refused_share: None,
        };
        let relations = &mut self.observed.clients.relations;
        relations.insert(RelationId(id), relation);
    }

    pub(crate) fn ask_as(&mut self, id: u32, prefix: &str, name: &str, number: u32) {
        self.ask(id, prefix, Certificate::Text(certificate(name, number)));
    }

    /// Asks so with the first certificate of this name, and is granted it.
    pub(crate) fn serve(&mut self, id: u32, prefix: &str, name: &str) {
        self.ask_as(id, prefix, name, 1);
        self.access();
    }

    /// What the units have told each other.
    pub(crate) fn peers(&mut self) -> &mut Peers {
        self.observed.peers.read_mut().expect("peers")
    }

    /// What this unit's member began with.
    pub(crate) fn bootstrap(&mut self) -> &mut Bootstrap {
        let bootstrap = self.observed.machine.bootstrap.as_mut();
        bootstrap.expect("a bootstrap")
    }

    /// A member was unreachable for so many passes.
    pub(crate) fn give_up(&mut self, member: &str, passes: u32) {
        let unreachable = &mut self.observed.unreachable;
        unreachable.insert(MemberName::new(member), passes);
    }

    pub(crate) fn relation(&mut self, id: u32) -> &mut ClientRelation {
        let relations = &mut self.observed.clients.relations;
        relations.get_mut(&RelationId(id)).expect("a relation")
    }

    pub(crate) fn leave(&mut self, id: u32) {
        self.observed.clients.relations.remove(&RelationId(id));
    }

    pub(crate) fn record(&self, id: u32) -> &ClientRecord {
        &self.cluster.ledger.clients[&key(id)]
    }

    /// The reason on record why a request is not in force.
    pub(crate) fn condition(&self, id: u32) -> &str {
        let condition = self.record(id).condition.as_ref();
        condition.map_or("", |condition| condition.words())
    }

    /// All members trust these leaves.
    pub(crate) fn trust(&mut self, leaves: &[Fingerprint]) {
        let leaves: BTreeSet<_> = leaves.iter().cloned().collect();
        self.observed.machine.loaded_leaves = Some(leaves.clone());
        self.observed.machine.written_leaves = Some(leaves.clone());
        for trust in self.cluster.ledger.members.values_mut() {
            *trust = MemberTrust {
                loaded: leaves.clone(),
                starting: None,
                client_authorities: client_authorities(),
            };
        }
    }

    /// Plans access and carries the plan out. The steps as lines; a second plan
    /// of the same world must have none.
    pub(crate) fn access(&mut self) -> Vec<String> {
        let steps = self.access_steps();
        let lines = steps.iter().filter_map(line).collect();
        for step in steps {
            self.apply_stage(step);
        }
        self.end_connections();
        assert_eq!(self.access_steps(), [], "the plan is not idempotent");
        lines
    }

    /// As [`Bench::access`], until there is nothing to do: a name that is freed
    /// is given to who waits for it by the plan after that.
    pub(crate) fn access_all(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let steps = self.access_steps();
            if steps.is_empty() {
                self.end_connections();
                return lines;
            }
            lines.extend(steps.iter().filter_map(line));
            for step in steps {
                self.apply_stage(step);
            }
            assert!(lines.len() < 100, "{lines:?}");
        }
    }

    pub(crate) fn access_steps(&mut self) -> Vec<AccessStep> {
        for name in access::names_of_interest(&self.observed, &self.cluster.ledger) {
            self.cluster.access.entry(name).or_default();
        }
        self.report = Report::default();
        access::plan(&self.observed, &self.cluster, &mut self.report)
    }

    pub(crate) fn plan(&mut self) -> Plan {
        let mut observed = self.observed.clone();
        observed.cluster = Known::Known(self.cluster.clone());
        plan(&observed)
    }

    pub(crate) fn stage(&mut self) -> Stage {
        self.plan().stage
    }

    pub(crate) fn user(&mut self, name: &str) -> &mut Access {
        let name = name.parse().expect("a name");
        self.cluster.access.entry(name).or_default()
    }

    /// As this unit does after rights were taken away.
    fn end_connections(&mut self) {
        self.observed.machine.disconnected = self.cluster.ledger.settled;
    }

    fn apply_stage(&mut self, step: AccessStep) {
        simulate_access(&mut self.cluster, &step);
    }
}

/// A member with a vote that has started, of the unit with this number.
pub(crate) fn member(unit: u64) -> Member {
    Member {
        id: MemberId(100 + unit),
        name: Some(MemberName::new(format!("etcd-{unit}"))),
        peer_urls: vec![format!("https://10.0.0.{}:2380", unit + 1)],
        client_urls: vec![format!("https://10.0.0.{}:2379", unit + 1)],
        learner: false,
    }
}

/// One of so many members, which all answer and trust whom they should.
fn cluster(members: u64) -> Cluster {
    let members: Vec<_> = (0..members).map(member).collect();
    let trusts = members.iter().filter_map(|member| member.name.clone());
    let trust = MemberTrust {
        client_authorities: client_authorities(),
        ..MemberTrust::default()
    };
    let ledger = Ledger {
        members: trusts.map(|name| (name, trust.clone())).collect(),
        settled: Some(SETTLED),
        ..Ledger::default()
    };
    Cluster {
        answering: members.iter().map(|member| member.id).collect(),
        status: MemberStatus {
            member: MemberId(100),
            leader: Some(MemberId(100)),
            version: "3.6.14".parse().expect("a version"),
            learner: false,
            alarms: BTreeSet::new(),
        },
        members,
        authentication: Some(true),
        ledger,
        access: BTreeMap::new(),
        audit: None,
        rights_revision: None,
    }
}

/// What this unit sees in a full pass.
fn observed() -> Observed {
    Observed {
        now: NOW,
        unit: "etcd/0".parse().expect("a unit"),
        leader: true,
        stopping: false,
        departed: BTreeMap::new(),
        units: None,
        pass: Pass::Full,
        is_regular: true,
        machine: machine(),
        peers: PeerRelation::from(peers()),
        provider: Known::Known(None),
        told_ends: BTreeMap::new(),
        unreachable: BTreeMap::new(),
        cluster: Known::Unknown(NoAnswer::NoMember),
        clients: Clients {
            scope: Scope::All,
            pending_is_read: true,
            server_ca: Some("the servers' authority".to_owned()),
            ..Clients::default()
        },
        options: Options::default(),
        refused_option: None,
        granted: false,
        restarted: false,
        disconnection: Disconnection::Untried,
        quota: 2 << 30,
        repaired: Repaired::default(),
        recalled: RecalledLeaves::default(),
    }
}

/// The certificates of this unit, for its member and as administrator.
static OWN: LazyLock<(OwnCertificate, OwnCertificate)> = LazyLock::new(|| {
    let read = |text: &str| OwnCertificate::read(text).expect("a certificate");
    let san = OWN_NAMES.map(str::to_owned).into();
    let server = AUTHORITIES
        .server
        .issue_server("server", &san, NOW, 90 * DAY);
    let admin = AUTHORITIES.admin.issue_client("root", NOW, 90 * DAY);
    (
        read(&server.expect("a certificate").certificate),
        read(&admin.expect("a certificate").certificate),
    )
});

fn machine() -> Machine {
    Machine {
        disconnected: Some(SETTLED),
        refused_upgrade: None,
        refused_archive: None,
        was_tried: true,
        source: None,
        release: None,
        member_release: None,
        is_installed: true,
        address: Some("10.0.0.1".to_owned()),
        other_addresses: BTreeSet::new(),
        has_storage: true,
        data: MemberData::Of(IDENTITY),
        identity: Some(IDENTITY),
        is_whole: false,
        may_begin: false,
        bootstrap: Some(Bootstrap {
            initial_cluster: "etcd-0=https://10.0.0.1:2380".to_owned(),
            existing: false,
            token: "token".to_owned(),
            generation: 0,
        }),
        authorities: Some(AUTHORITIES.clone()),
        server_ca: Some(AUTHORITIES.server.certificate.clone()),
        loaded_server_trust: Some(digest(AUTHORITIES.server.certificate.as_bytes())),
        admin_ca: Some(AUTHORITIES.admin.certificate.clone()),
        client_ca: client_authority().map(|client| client.certificate.clone()),
        server_certificate: Some(OWN.0.clone()),
        provider_ca: String::new(),
        pending_request: None,
        served: None,
        own_pair: None,
        replaces_keys: false,
        admin_certificate: Some(OWN.1.clone()),
        service_paths: Some(service_paths()),
        // Filled in from the rest.
        loaded_configuration: None,
        written: Documents::default(),
        written_leaves: Some(BTreeSet::new()),
        loaded_leaves: Some(BTreeSet::new()),
        restarts_paid_until: None,
        is_unproven: false,
        refused_trust: None,
        loaded_authorities: Some(
            [&AUTHORITIES.admin]
                .into_iter()
                .chain(client_authority())
                .map(|authority| authority.own().fingerprint.clone())
                .collect(),
        ),
        is_running: Some(true),
        is_pending: false,
        has_failed: false,
    }
}

fn peers() -> Peers {
    let app = [
        ("pki", "secret:pki"),
        ("seed", "etcd-0"),
        ("token", "token"),
        ("founded", "true"),
    ];
    Peers {
        app: ApplicationData::read(
            &app.map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        ),
        ..Peers::default()
    }
}

/// A step in one line; `None` for what only tells how far access has come.
fn line(step: &AccessStep) -> Option<String> {
    Some(match step {
        AccessStep::Claim(name, claim, _) => format!("claim {name} for {}", claim.holder),
        AccessStep::Ledger(writes) => {
            let tells = |write: &&LedgerWrite| {
                use LedgerWrite::{ForgetPace, Pace, Settle, Unsettle};
                !matches!(write, Settle | Unsettle | Pace(..) | ForgetPace(_))
            };
            let writes: Vec<_> = writes.iter().filter(tells).map(write_line).collect();
            if writes.is_empty() {
                return None;
            }
            format!("write {}", writes.join(", "))
        }
        AccessStep::ClaimIssued(name, record) => format!("claim {name} {:?}", record.state),
        AccessStep::ReplaceIssued(name, _, record) => format!("{name} {:?}", record.state),
        AccessStep::Unsettle => return None,
        AccessStep::AddRole(name) => format!("add role {name}"),
        AccessStep::GrantPermission(name, range) => format!("permit {name} {range}"),
        AccessStep::RevokePermission(name, range) => format!("forbid {name} {range}"),
        AccessStep::AddUser(name) => format!("add user {name}"),
        AccessStep::GrantRole(name) => format!("grant role {name}"),
        AccessStep::RevokeRole(name, role) => format!("revoke role {role} of {name}"),
        AccessStep::DeleteUser(name) => format!("delete user {name}"),
        AccessStep::DeleteRole(name) => format!("delete role {name}"),
        AccessStep::TakeRole(user, role) => format!("take role {role} of {user}"),
        AccessStep::LockRoot => "lock root".to_owned(),
    })
}

fn write_line(write: &LedgerWrite) -> String {
    match write {
        LedgerWrite::Record(key, record) => {
            let what = match (&record.grant, record.departed) {
                (Some(_), _) => "granted",
                (None, true) => "departed",
                (None, false) => "not granted",
            };
            format!("{key} {what}")
        }
        LedgerWrite::ForgetRecord(key) => format!("{key} forgotten"),
        LedgerWrite::Name(name, claim) if claim.releasing => format!("{name} leaving"),
        LedgerWrite::Name(name, claim) => format!("{name} of {}", claim.holder),
        LedgerWrite::FreeName(name) => format!("{name} free"),
        LedgerWrite::Issued(name, record) => format!("{name} {:?}", record.state),
        LedgerWrite::ForgetIssued(name) => format!("{name} forgotten"),
        LedgerWrite::Signed(name, record) if record.is_revoked => format!("{name} revoked"),
        LedgerWrite::Signed(name, record) => format!("{name} of certificates of {}", record.app),
        LedgerWrite::Unsigned(relation, why) => format!("{relation} refused: {}", why.words()),
        LedgerWrite::ForgetUnsigned(relation) => format!("{relation} refused no more"),
        LedgerWrite::ForgetSigned(name) => format!("{name} forgotten"),
        LedgerWrite::Member(member, _) => format!("trust of {member}"),
        LedgerWrite::Pace(relation, pace) => format!("change {} of {relation}", pace.changes),
        LedgerWrite::ForgetPace(relation) => format!("changes of {relation} forgotten"),
        LedgerWrite::ForgetMember(member) => format!("{member} forgotten"),
        LedgerWrite::Ended(relation, _) => format!("{relation} ended"),
        LedgerWrite::ForgetEnded(relation) => format!("end of {relation} forgotten"),
        LedgerWrite::Unsettle => "unsettled".to_owned(),
        LedgerWrite::Settle => "settled".to_owned(),
    }
}
