//! A world without machines: it holds what etcd, Juju and the units hold, and
//! carries plans out one step at a time, so that hooks of several units can be
//! interleaved and killed anywhere. It decides nothing, and checks only what is
//! true of the real thing as well: etcd without quorum answers nobody, and what
//! a hook writes to Juju exists once the hook has succeeded.

use std::collections::{BTreeMap, BTreeSet};

use etcd_charm::facts::machine::Machine;
use etcd_charm::facts::observed::{
    AcrossModels, Certificate, ClientRelation, Clients, Leaves, Observed, Pass, PeerRelation,
    Peers, PrefixPolicy, Repaired, Scope, request_key,
};
use etcd_charm::facts::options::Options;
use etcd_charm::facts::reason::CertificateFault;
use etcd_charm::facts::tuning::{CLIENT_PORT, PEER_PORT};
use etcd_charm::facts::{
    Access, Bootstrap, Cluster, CommonName, Databag, Fingerprint, KeyRange, Known, Ledger,
    LockName, Member, MemberData, MemberId, MemberIdentity, MemberName, MemberStatus, NoAnswer,
    Permission, Reason, RelationId, RequestId, RequestKey, SecretId, SecretUri, UnitName,
};
use etcd_charm::juju::SecretUnavailable;
use etcd_charm::plan::access;
use etcd_charm::plan::configuration::bootstrap_port;
use etcd_charm::plan::members::member_url;
use etcd_charm::relation::peer::{ApplicationData, UnitData};
use etcd_charm::relation::{self, OfferedCertificate};
use etcd_charm::workload::configuration::etcd_config::ports_in;

use super::hook::{HookKind, Running};
use super::pool::{NOW, POOL, address};

/// What etcd and Juju hold, and every unit.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) etcd: Etcd,
    pub(crate) units: Vec<Unit>,
    pub(crate) leader: usize,
    pub(crate) peer_app: Databag,
    pub(crate) relations: BTreeMap<RelationId, Client>,
    /// What we had written on relations that are gone.
    pub(crate) gone: BTreeMap<RelationId, Databag>,
    /// Secrets of requirers; `None` is one that cannot be read yet.
    pub(crate) offered: BTreeMap<SecretId, Option<String>>,
    /// Our secrets, by their labels.
    pub(crate) ours: BTreeMap<String, OurSecret>,
    pub(crate) policy: PrefixPolicy,
    /// The option `peer-port`; a change of it is one of the configuration, too.
    pub(crate) peer_port: u16,
    /// Units that have left, with their addresses.
    pub(crate) departed: BTreeMap<MemberName, Option<String>>,
    /// Nobody reaches etcd, although it runs.
    pub(crate) blackout: bool,
    pub(crate) next_secret: u32,
    pub(crate) witness: Witness,
}

/// What happened that a judge wants to know and no state shows any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness {
    /// For which requests each leaf was ever granted.
    pub(crate) granted_for: BTreeMap<Fingerprint, BTreeSet<RequestKey>>,
    /// Names whose user or role was changed by hand since the last rest.
    pub(crate) damaged: BTreeSet<String>,
    /// Users and roles made by hand, as they have to stay.
    pub(crate) foreign: BTreeMap<String, Access>,
    /// What went wrong on the way, for the judge to find.
    pub(crate) faults: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Etcd {
    pub(crate) ledger: Ledger,
    pub(crate) users: BTreeMap<String, BTreeSet<String>>,
    pub(crate) roles: BTreeMap<String, BTreeSet<Permission>>,
    pub(crate) members: Vec<Member>,
    pub(crate) authentication: bool,
    /// Who holds which lock.
    pub(crate) locks: BTreeMap<LockName, usize>,
    pub(crate) leader: Option<MemberId>,
    /// Of the last time when rights were settled.
    pub(crate) revision: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) machine: Machine,
    pub(crate) bag: Databag,
    pub(crate) hook: Option<Running>,
    /// It has left, and takes part in nothing any more.
    pub(crate) has_left: bool,
    /// Stopped by a restart that is under way.
    pub(crate) stopped_by_hook: bool,
    /// What users watch at this unit's member: each what it may read when it
    /// begins to, and from then on for as long as its connection lasts.
    pub(crate) watched: BTreeSet<(String, KeyRange)>,
}

/// One relation, with both databags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) remote: Databag,
    pub(crate) own: Databag,
    pub(crate) cross_model: bool,
    /// The requests that have a grant and were told of it once.
    pub(crate) answered: BTreeSet<Option<RequestId>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OurSecret {
    pub(crate) uri: SecretUri,
    pub(crate) content: BTreeMap<String, String>,
}

pub(crate) fn unit_name(unit: usize) -> UnitName {
    format!("etcd/{unit}").parse().expect("a unit's name")
}

/// The secret of a requirer for one of its requests.
pub(crate) fn requirer_secret(relation: RelationId, request: usize) -> SecretId {
    let id = format!("{:020}", relation.0 as usize * 10 + request);
    id.parse().expect("digits are a secret's id")
}

impl World {
    pub(crate) fn new(units: usize) -> Self {
        let units = (0..units).map(|unit| Unit {
            machine: Machine {
                address: Some(address(unit)),
                has_storage: true,
                ..Machine::default()
            },
            bag: Databag::new(),
            hook: None,
            has_left: false,
            stopped_by_hook: false,
            watched: BTreeSet::new(),
        });
        Self {
            etcd: Etcd::default(),
            units: units.collect(),
            leader: 0,
            peer_app: Databag::new(),
            relations: BTreeMap::new(),
            gone: BTreeMap::new(),
            offered: BTreeMap::new(),
            ours: BTreeMap::new(),
            policy: PrefixPolicy::Shared,
            peer_port: PEER_PORT,
            departed: BTreeMap::new(),
            blackout: false,
            next_secret: 0,
            witness: Witness::default(),
        }
    }

    pub(crate) fn fault(&mut self, text: impl Into<String>) {
        self.witness.faults.push(text.into());
    }

    /// The unit whose member this is.
    pub(crate) fn unit_of(&self, member: &Member) -> Option<usize> {
        (0..self.units.len()).find(|unit| {
            let begin = format!("https://{}:", address(*unit));
            member.peer_urls.iter().any(|url| url.starts_with(&begin))
        })
    }

    pub(crate) fn is_up(&self, member: &Member) -> bool {
        self.unit_of(member)
            .is_some_and(|unit| self.units[unit].machine.is_up())
    }

    /// Whether etcd answers.
    pub(crate) fn answers(&self) -> bool {
        let voters = self.etcd.members.iter().filter(|member| !member.learner);
        let up = voters.clone().filter(|member| self.is_up(member)).count();
        !self.blackout && up > voters.count() / 2
    }

    /// What users may read now.
    pub(crate) fn readable(&self) -> BTreeSet<(String, KeyRange)> {
        let of_user = |(user, roles): (&String, &BTreeSet<String>)| {
            let permissions = roles.iter().filter_map(|role| self.etcd.roles.get(role));
            let ranges = permissions.flatten();
            ranges
                .map(|permission| (user.clone(), permission.range.clone()))
                .collect::<Vec<_>>()
        };
        self.etcd.users.iter().flat_map(of_user).collect()
    }

    /// Whoever may read something watches it, at every member.
    pub(crate) fn open_all(&mut self) {
        let readable = self.readable();
        for unit in self.units.iter_mut().filter(|unit| unit.machine.is_up()) {
            unit.watched.extend(readable.clone());
        }
    }

    /// The connections to a unit's member end, and are made again.
    pub(crate) fn reconnect(&mut self, unit: usize) {
        self.units[unit].watched = self.readable();
    }

    /// What a unit sees first it takes over as done.
    pub(crate) fn see_settled(&mut self, unit: usize) {
        let settled = self.etcd.ledger.settled;
        let can_ask = self.answers() && self.units[unit].machine.admin_ca.is_some();
        let seen = &mut self.units[unit].machine.disconnected;
        if can_ask && seen.is_none() {
            *seen = settled;
        }
    }

    pub(crate) fn observe(&self, unit: usize, hook: &mut Running) -> Observed {
        let pass = hook.kind.pass();
        let mut machine = self.units[unit].machine.clone();
        if pass == Pass::Full {
            machine.authorities = self
                .peer_app
                .contains_key("pki")
                .then(|| POOL.authorities.clone());
            machine.service_paths = Some(POOL.service_paths.clone());
            // One that was never started runs as little as one that was stopped.
            machine.is_running = Some(machine.is_up());
        } else {
            // What a pass over one relation does not read.
            machine = Machine {
                address: machine.address,
                bootstrap: machine.bootstrap,
                identity: machine.identity,
                server_ca: machine.server_ca,
                admin_ca: machine.admin_ca,
                written_leaves: machine.written_leaves,
                loaded_leaves: machine.loaded_leaves,
                disconnected: machine.disconnected,
                ..Machine::default()
            };
        }
        let can_ask = machine.admin_ca.is_some();
        let mut cluster = match self.answers() && can_ask {
            true => Known::Known(self.cluster(unit, pass, hook.leader)),
            false => Known::Unknown(NoAnswer::NoLeader),
        };
        if let Known::Known(cluster) = &cluster {
            if hook.first_ledger.is_none() {
                hook.first_ledger = Some(cluster.ledger.clone());
            }
            if hook.clients.is_none() {
                hook.clients = Some(self.clients(hook.kind, hook.leader, &cluster.ledger));
            }
        }
        let mut clients = hook.clients.clone().unwrap_or_default();
        if let (Some(first), Known::Known(cluster)) = (&hook.first_ledger, &cluster) {
            let now = cluster.ledger.clients.keys();
            clients.fresh = now
                .filter(|key| !first.clients.contains_key(key))
                .cloned()
                .collect();
        }
        clients.server_ca = machine.server_ca.clone();
        let mut observed = Observed {
            now: NOW,
            unit: unit_name(unit),
            leader: hook.leader,
            stopping: hook.kind == HookKind::Stop,
            told_ends: BTreeMap::new(),
            departed: self.departed.clone(),
            units: None,
            pass,
            is_regular: pass == Pass::Full,
            machine,
            peers: match &hook.peers {
                Some(peers) => peers.clone().into(),
                None => PeerRelation::Unread,
            },
            unreachable: BTreeMap::new(),
            provider: Known::Known(None),
            cluster: cluster.clone(),
            clients,
            options: Options {
                prefix_policy: self.policy,
                peer_port: self.peer_port,
                ..Options::default()
            },
            refused_option: None,
            granted: hook.granted,
            restarted: hook.restarted,
            disconnection: hook.disconnection.clone(),
            quota: u64::MAX,
            repaired: Repaired::default(),
            recalled: Default::default(),
        };
        if let (Known::Known(cluster), true) = (&mut cluster, hook.leader) {
            for name in access::names_of_interest(&observed, &cluster.ledger) {
                let access = self.access(&name);
                cluster.access.insert(name, access);
            }
        }
        observed.cluster = cluster;
        observed
    }

    pub(crate) fn access(&self, name: &CommonName) -> Access {
        Access {
            user: self.etcd.users.get(name.as_str()).cloned(),
            role: self.etcd.roles.get(name.as_str()).cloned(),
        }
    }

    fn cluster(&self, unit: usize, pass: Pass, leader: bool) -> Cluster {
        let members = self.etcd.members.clone();
        // The member of this unit, or the first that answers in its place.
        let asked = members
            .iter()
            .find(|member| self.unit_of(member) == Some(unit) && self.is_up(member))
            .or_else(|| members.iter().find(|member| self.is_up(member)))
            .expect("a member answers");
        let answering = match members.len() {
            1 => BTreeSet::new(),
            _ => members
                .iter()
                .filter(|member| member.name.is_some() && self.is_up(member))
                .map(|member| member.id)
                .collect(),
        };
        let locks = self.etcd.locks.iter().map(|(name, unit)| {
            let holder = unit_name(*unit).to_string();
            (*name, holder)
        });
        Cluster {
            status: MemberStatus {
                member: asked.id,
                leader: self.etcd.leader,
                version: "3.6.14".parse().expect("a version"),
                learner: asked.learner,
                alarms: BTreeSet::new(),
            },
            answering,
            authentication: (leader && pass == Pass::Full).then_some(self.etcd.authentication),
            ledger: Ledger {
                locks: locks.collect(),
                ..self.etcd.ledger.clone()
            },
            access: BTreeMap::new(),
            audit: None,
            rights_revision: None,
            members,
        }
    }

    pub(crate) fn peers(&self, unit: usize) -> Peers {
        let others = self.units.iter().enumerate();
        Peers {
            app: ApplicationData::read(&self.peer_app),
            own: UnitData::read(&self.units[unit].bag),
            others: others
                .filter(|(other, state)| *other != unit && !state.has_left)
                .map(|(other, state)| {
                    (
                        MemberName::of(&unit_name(other)),
                        UnitData::read(&state.bag),
                    )
                })
                .collect(),
        }
    }

    fn clients(&self, kind: HookKind, leader: bool, ledger: &Ledger) -> Clients {
        let mut clients = Clients::default();
        if !leader {
            return clients;
        }
        let mut only = |id: RelationId| {
            clients.scope = Scope::Only([id].into());
            if let Some(relation) = self.relations.get(&id) {
                clients.relations.insert(id, self.read(id, relation));
            } else if let Some(own) = self.gone.get(&id) {
                clients.broken.insert(id, own.clone());
                clients.ended = Some(id);
            }
        };
        match kind {
            HookKind::Full => {
                clients.scope = Scope::All;
                clients.pending_is_read = true;
                let relations = self.relations.iter();
                clients.relations = relations
                    .map(|(id, relation)| (*id, self.read(*id, relation)))
                    .collect();
            }
            HookKind::Stop => {}
            HookKind::Client(id) => only(id),
            HookKind::Secret(id, request) => {
                let secret = requirer_secret(id, request);
                // A relation on record that is gone is left to its own hook.
                // Each secret is named by one relation in this world.
                if let Some(id) = ledger.relations_of_secret(&secret).first()
                    && self.relations.contains_key(id)
                {
                    only(*id);
                }
            }
        }
        clients
    }

    pub(crate) fn read_pending(&self, clients: &mut Clients) {
        clients.pending_is_read = true;
        let Scope::Only(scope) = &mut clients.scope else {
            return;
        };
        let on_record: BTreeSet<_> = self.etcd.ledger.clients.keys().collect();
        for (id, relation) in &self.relations {
            let is_known = on_record.iter().any(|key| key.relation == *id) || scope.contains(id);
            if !is_known {
                scope.insert(*id);
                clients.relations.insert(*id, self.read(*id, relation));
            }
        }
    }

    fn read(&self, id: RelationId, relation: &Client) -> ClientRelation {
        let asked = relation::read(&relation.remote);
        let asked = asked.map_err(Reason::Relation);
        let mut certificates = BTreeMap::new();
        if let Ok(Some(asked)) = &asked {
            for entry in &asked.requests {
                let Ok(request) = &entry.outcome else {
                    continue;
                };
                let certificate = match &request.certificate {
                    OfferedCertificate::None => Certificate::Absent,
                    OfferedCertificate::Clear(text) => Certificate::Text(text.clone()),
                    OfferedCertificate::Encrypted(_) => {
                        Certificate::Unreadable(CertificateFault::ForeignKey)
                    }
                    OfferedCertificate::Secret(uri) => match self.offered.get(uri.id()) {
                        Some(Some(text)) => Certificate::Text(text.clone()),
                        _ => {
                            let unavailable = SecretUnavailable::NoAccess;
                            Certificate::Unreadable(CertificateFault::Secret(unavailable))
                        }
                    },
                };
                certificates.insert(request_key(id, entry), certificate);
            }
        }
        let is_incomplete = certificates
            .values()
            .any(|certificate| *certificate == Certificate::Absent);
        ClientRelation {
            app: format!("app{id}").parse().ok(),
            asked,
            own: relation.own.clone(),
            is_noted: false,
            across_models: (relation.cross_model
                && is_incomplete
                && !relation.own.contains_key(relation::ENCRYPTION_SECRET))
            .then_some(AcrossModels::Offered),
            is_ending: false,
            refused_share: None,
            certificates,
        }
    }

    /// Starts the member of a unit: it reads the files that are written.
    pub(crate) fn start(&mut self, unit: usize) {
        // etcd compares its own URL with the words only where it has no data.
        if !self.units[unit].machine.has_data()
            && self.words(unit) != words_in(&self.units[unit].machine.written.configuration)
        {
            self.fault(format!(
                "unit {unit} starts with other words than its bootstrap's"
            ));
        }
        self.reconnect(unit);
        let machine = &mut self.units[unit].machine;
        let is_first = !machine.has_data();
        if is_first && !std::mem::take(&mut machine.may_begin) {
            self.fault(format!("unit {unit} starts without its data"));
        }
        let machine = &mut self.units[unit].machine;
        machine.is_running = Some(true);
        if is_first {
            let first = MemberIdentity {
                member: MemberId(1),
                cluster: 9,
            };
            machine.data = MemberData::Of(machine.identity.unwrap_or(first));
        }
        machine.loaded_leaves = machine.written_leaves.clone();
        machine.loaded_configuration = Some(machine.written.configuration.clone());
        self.units[unit].stopped_by_hook = false;
        let bootstrap = self.units[unit].machine.bootstrap.clone();
        if let Some(
            bootstrap @ Bootstrap {
                existing: false, ..
            },
        ) = &bootstrap
            && self.etcd.members.is_empty()
        {
            let port = bootstrap_port(bootstrap, &MemberName::of(&unit_name(unit)));
            let port = port.expect("words with this unit's URL");
            self.etcd.members.push(Member {
                id: MemberId(1),
                name: None,
                peer_urls: vec![member_url(&address(unit), port)],
                client_urls: Vec::new(),
                learner: false,
            });
        }
        let found = (0..self.etcd.members.len())
            .find(|at| self.unit_of(&self.etcd.members[*at]) == Some(unit));
        match found {
            Some(at) => {
                let member = &mut self.etcd.members[at];
                member.name = Some(MemberName::of(&unit_name(unit)));
                member.client_urls = vec![member_url(&address(unit), CLIENT_PORT)];
            }
            None => self.fault(format!("unit {unit} started as nobody's member")),
        }
        self.elect();
    }

    pub(crate) fn stop(&mut self, unit: usize) {
        self.units[unit].machine.is_running = Some(false);
        self.elect();
    }

    /// A unit goes away for good, with its machine.
    pub(crate) fn depart(&mut self, unit: usize) {
        self.stop(unit);
        self.units[unit].has_left = true;
        self.units[unit].stopped_by_hook = false;
        self.units[unit].hook = None;
        let address = Some(address(unit));
        self.departed
            .insert(MemberName::of(&unit_name(unit)), address);
        if self.leader == unit {
            let rest = self.units.iter().position(|unit| !unit.has_left);
            self.leader = rest.expect("a unit is left");
        }
    }

    /// etcd takes a member off its list, if what remains has a quorum.
    pub(crate) fn remove_member(&mut self, id: MemberId) {
        let rest = self.etcd.members.iter().filter(|member| member.id != id);
        let voters: Vec<_> = rest.filter(|member| !member.learner).collect();
        let up = voters.iter().filter(|member| self.is_up(member)).count();
        if up <= voters.len() / 2 {
            self.fault(format!("without member {id} there is no quorum"));
        }
        self.etcd.members.retain(|member| member.id != id);
        self.elect();
    }

    fn elect(&mut self) {
        let leads = |member: &Member| !member.learner && member.name.is_some();
        let kept = self
            .etcd
            .members
            .iter()
            .find(|member| Some(member.id) == self.etcd.leader && self.is_up(member));
        let next = kept.or_else(|| {
            let mut members = self.etcd.members.iter();
            members.find(|member| leads(member) && self.is_up(member))
        });
        self.etcd.leader = next.map(|member| member.id);
    }

    /// The words with which a unit's member should start once it was bootstrapped, and
    /// its port for peers.
    pub(crate) fn words(&self, unit: usize) -> Option<(String, u16)> {
        let machine = &self.units[unit].machine;
        let bootstrap = machine.bootstrap.as_ref()?;
        let port = match machine.has_data() {
            true => self.peer_port,
            false => bootstrap_port(bootstrap, &MemberName::of(&unit_name(unit)))?,
        };
        Some((bootstrap.initial_cluster.clone(), port))
    }

    pub(crate) fn new_secret(&mut self) -> SecretUri {
        self.next_secret += 1;
        let text = format!("secret:ours{:016}", self.next_secret);
        text.parse().expect("a secret's URI")
    }
}

/// The same, as they stand in a configuration.
pub(crate) fn words_in(configuration: &str) -> Option<(String, u16)> {
    let mut lines = configuration.lines();
    let words = lines.find_map(|line| line.strip_prefix("initial-cluster: "))?;
    Some((words.to_owned(), ports_in(configuration)?.peer))
}

/// What a member trusts right now, if it runs.
pub(crate) fn trusted(unit: &Unit) -> Leaves {
    match (&unit.machine.loaded_leaves, unit.machine.is_up()) {
        (Some(leaves), true) => leaves.clone(),
        _ => Leaves::new(),
    }
}
