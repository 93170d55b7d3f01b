//! One hook of one unit, carried out step by step. Writes to etcd and to the
//! machine are done at once; those to Juju are kept back until the hook has
//! succeeded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use etcd_charm::facts::observed::{Clients, Disconnection, Pass, Peers};
use etcd_charm::facts::{
    ClientRecord, Databag, Ledger, LedgerWrite, LockName, Member, MemberId, MemberIdentity,
    MemberName, RelationId, RequestKey, SecretUri,
};
use etcd_charm::plan::access::AccessStep;
use etcd_charm::plan::machine::MachineStep;
use etcd_charm::plan::membership::MembershipStep;
use etcd_charm::plan::publish::{Changes, DepartedRequest, PlannedSecret, RelationPublication};
use etcd_charm::plan::restart::{Restart, RestartStep};
use etcd_charm::plan::{self, Stage};
use etcd_charm::relation::{self, ETCD_CLIENT, SecretGroup};
use etcd_charm::tls::TrustBundle;

use super::pool::{POOL, server};
use super::steps::{Step, publication_steps, restart_steps};
use super::world::{OurSecret, World};

/// As the driver has it: more stages than this undo each other.
const MAX_ROUNDS: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HookKind {
    /// `update-status` and its like.
    Full,
    /// The unit goes away.
    Stop,
    /// Something about one relation, or its end.
    Client(RelationId),
    /// A secret of a requirer has changed: that of one of its requests.
    Secret(RelationId, usize),
}

impl HookKind {
    pub(crate) fn pass(self) -> Pass {
        match self {
            Self::Full => Pass::Full,
            Self::Client(_) | Self::Secret(..) | Self::Stop => Pass::Event,
        }
    }
}

/// A hook under way.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) kind: HookKind,
    pub(crate) leader: bool,
    pub(crate) peers: Option<Peers>,
    pub(crate) clients: Option<Clients>,
    pub(crate) first_ledger: Option<Ledger>,
    pub(crate) granted: bool,
    pub(crate) restarted: bool,
    pub(crate) disconnection: Disconnection,
    rounds: usize,
    steps: VecDeque<Step>,
    /// What is kept back.
    writes: Vec<JujuWrite>,
    /// Whether it did anything at all.
    pub(crate) is_busy: bool,
}

#[derive(Clone, Debug)]
enum JujuWrite {
    Own(RelationId, Changes),
    AddSecret(String, OurSecret),
    SetSecret(SecretUri, BTreeMap<String, String>),
    RemoveSecret(SecretUri),
    App(Changes),
    Unit(Changes),
}

/// How a hook goes on after a step.
enum Next {
    Further,
    Over,
    Failed,
}

impl World {
    /// Starts a hook, if none of this unit is under way.
    pub(crate) fn begin(&mut self, unit: usize, kind: HookKind) {
        if self.units[unit].hook.is_some() || self.units[unit].has_left {
            return;
        }
        let peers = (kind == HookKind::Full).then(|| self.peers(unit));
        self.units[unit].hook = Some(Running {
            kind,
            leader: self.leader == unit && kind != HookKind::Stop,
            peers,
            clients: None,
            first_ledger: None,
            granted: false,
            restarted: false,
            disconnection: Disconnection::Untried,
            rounds: 0,
            steps: VecDeque::new(),
            writes: Vec::new(),
            is_busy: false,
        });
    }

    /// One step of the hook under way. `false` once there is none.
    pub(crate) fn advance(&mut self, unit: usize) -> bool {
        let Some(mut hook) = self.units[unit].hook.take() else {
            return false;
        };
        let next = match hook.steps.pop_front() {
            None => self.plan(unit, &mut hook),
            Some(step) => self.apply_stage(unit, &mut hook, step),
        };
        match next {
            Next::Further => self.units[unit].hook = Some(hook),
            Next::Over | Next::Failed => {}
        }
        true
    }

    /// Carries a hook out to its end. Whether it did anything.
    pub(crate) fn run(&mut self, unit: usize, kind: HookKind) -> bool {
        while self.advance(unit) {}
        self.begin(unit, kind);
        let mut is_busy = false;
        while let Some(hook) = &self.units[unit].hook {
            is_busy |= hook.is_busy;
            self.advance(unit);
        }
        is_busy
    }

    /// Kills a hook. Where Juju was committing already, new secrets may exist
    /// although nothing else does.
    pub(crate) fn kill(&mut self, unit: usize, keeps_secrets: bool) {
        let Some(hook) = self.units[unit].hook.take() else {
            return;
        };
        if keeps_secrets {
            for write in hook.writes {
                if let JujuWrite::AddSecret(label, secret) = write {
                    self.ours.insert(label, secret);
                }
            }
        }
    }

    /// Locks of hooks that were killed: their leases end.
    pub(crate) fn expire_locks(&mut self) {
        let units = &self.units;
        self.etcd
            .locks
            .retain(|_, holder| units[*holder].hook.is_some());
    }

    fn plan(&mut self, unit: usize, hook: &mut Running) -> Next {
        hook.rounds += 1;
        if hook.rounds > MAX_ROUNDS {
            self.fault(format!("a hook of unit {unit} comes to no rest"));
            return Next::Failed;
        }
        self.see_settled(unit);
        let observed = self.observe(unit, hook);
        let plan = plan::plan(&observed);
        match plan.stage {
            Stage::Machine(steps) => hook.steps.extend(steps.into_iter().map(Step::Machine)),
            Stage::Disconnect(revision) => hook.steps.push_back(Step::Disconnect(revision)),
            Stage::Membership(step) => hook.steps.push_back(Step::Membership(step)),
            Stage::Access(steps) => {
                hook.steps.extend(steps.into_iter().map(Step::Access));
                hook.granted = true;
            }
            // The world has no relation of an older interface.
            Stage::Issue(_) => self.fault(format!("unit {unit} issues to nobody")),
            Stage::Restart(RestartStep::ReadPending) => hook.steps.push_back(Step::ReadPending),
            Stage::Restart(step @ (RestartStep::Prove | RestartStep::FallBack)) => {
                self.fault(format!(
                    "unit {unit} doubts what it has seen to serve: {step:?}"
                ));
            }
            Stage::Restart(RestartStep::Record(trust)) => {
                let member = observed.member();
                let write = LedgerWrite::Member(member, trust);
                hook.steps.push_back(Step::Ledger(vec![write]));
            }
            Stage::Restart(RestartStep::Restart(Restart::AtOnce)) => {
                if self.answers() {
                    self.fault(format!("unit {unit} takes no turn although etcd answers"));
                }
                hook.steps.push_back(Step::RestartAtOnce);
            }
            Stage::Restart(RestartStep::Restart(Restart::InTurn(restart))) => {
                self.judge_restart(unit);
                // A hook waits for its turn for less time than a lease lasts,
                // so only the lock of one that had died before can be over.
                self.expire_locks();
                hook.steps.extend(restart_steps(&observed, &restart));
            }
            Stage::FreeLock(lock) => {
                self.etcd.locks.retain(|held, _| *held != lock.name);
            }
            Stage::Disarm(alarms) => {
                self.fault(format!("unit {unit} lowers {alarms:?}"));
            }
            Stage::Stop => hook.steps.push_back(Step::Leave),
            Stage::Publish(publication) => {
                hook.steps.extend(publication_steps(&publication));
                hook.is_busy |= hook.steps.len() > 1;
                return Next::Further;
            }
        }
        hook.is_busy = true;
        Next::Further
    }

    fn apply_stage(&mut self, unit: usize, hook: &mut Running, step: Step) -> Next {
        let needs_etcd = !matches!(
            step,
            Step::Machine(_)
                | Step::Membership(MembershipStep::Join(_))
                | Step::ReadPending
                | Step::WriteTrust(_)
                | Step::Stop
                | Step::Start
                | Step::RestartAtOnce
                | Step::Leave
                | Step::Bootstrap
                | Step::Answer(_)
                | Step::RemoveSecret(_)
                | Step::Departed(_)
                | Step::Peers(..)
                | Step::Commit
        );
        if needs_etcd && !self.answers() {
            return Next::Failed;
        }
        match step {
            Step::Machine(step) => self.change_machine(unit, step),
            Step::Membership(step) => {
                if matches!(step, MembershipStep::Promote(_)) {
                    hook.restarted = true;
                }
                return self.change_membership(unit, step);
            }
            Step::Access(step) => {
                if !self.change_access(step) {
                    hook.steps.clear();
                }
            }
            Step::Disconnect(revision) => {
                hook.disconnection = Disconnection::Done;
                let seen = &mut self.units[unit].machine.disconnected;
                *seen = revision.or(*seen);
                self.reconnect(unit);
            }
            Step::ReadPending => {
                let mut clients = hook.clients.take().unwrap_or_default();
                self.read_pending(&mut clients);
                hook.clients = Some(clients);
            }
            Step::Lock => {
                if self.etcd.locks.contains_key(&LockName::Restart) {
                    // What a hook that got no turn has kept back is nothing.
                    return Next::Over;
                }
                self.etcd.locks.insert(LockName::Restart, unit);
            }
            Step::Ledger(writes) => {
                for write in &writes {
                    self.write_ledger(write);
                }
            }
            Step::WriteTrust(text) => self.write_trust(unit, &text),
            Step::MoveLeader(member) => self.etcd.leader = Some(member),
            Step::Stop => {
                self.stop(unit);
                self.units[unit].stopped_by_hook = true;
                self.judge_stop(unit);
            }
            Step::Start => {
                self.start(unit);
                hook.restarted = true;
                if !self.answers() {
                    return Next::Failed;
                }
            }
            Step::RestartAtOnce => {
                self.stop(unit);
                self.start(unit);
            }
            Step::Leave => {
                self.depart(unit);
                return Next::Over;
            }
            Step::Unlock => {
                self.etcd.locks.remove(&LockName::Restart);
            }
            Step::Bootstrap => {
                let secret = self.new_secret();
                let member = MemberName::of(&super::world::unit_name(unit));
                let changes = [
                    ("pki", secret.as_str()),
                    ("seed", member.as_str()),
                    ("token", "token-of-this-world"),
                ];
                let changes = changes.map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
                hook.writes.push(JujuWrite::App(changes.into()));
            }
            Step::Answer(publication) => self.answer(hook, &publication),
            Step::RemoveSecret(uri) => hook.writes.push(JujuWrite::RemoveSecret(uri)),
            Step::Departed(DepartedRequest { key, labels }) => {
                let mut is_clean = true;
                for label in labels {
                    if let Some(secret) = self.ours.get(&label) {
                        is_clean = false;
                        hook.writes
                            .push(JujuWrite::RemoveSecret(secret.uri.clone()));
                    }
                }
                if is_clean {
                    self.write_ledger(&LedgerWrite::ForgetRecord(key));
                }
            }
            Step::Peers(app, own) => {
                hook.writes.push(JujuWrite::App(app));
                hook.writes.push(JujuWrite::Unit(own));
            }
            Step::Commit => {
                self.commit(unit, hook);
                return Next::Over;
            }
        }
        Next::Further
    }

    fn change_machine(&mut self, unit: usize, step: MachineStep) {
        match step {
            MachineStep::WriteTrust(text) => return self.write_trust(unit, &text),
            MachineStep::Start => return self.start(unit),
            _ => {}
        }
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
            MachineStep::WriteTrust(_) | MachineStep::Start => {}
        }
    }

    fn write_trust(&mut self, unit: usize, text: &str) {
        // etcd exits at its start on a file that it cannot parse.
        match TrustBundle::parse(text) {
            Ok(bundle) => self.units[unit].machine.written_leaves = Some(bundle.leaves()),
            Err(error) => self.fault(format!("unit {unit} wrote a bad trust file: {error}")),
        }
    }

    fn change_membership(&mut self, unit: usize, step: MembershipStep) -> Next {
        match step {
            MembershipStep::EnableAuthentication => {
                self.etcd.authentication = true;
                self.etcd
                    .users
                    .insert("root".into(), ["root".into()].into());
                self.etcd.roles.insert("root".into(), BTreeSet::new());
            }
            MembershipStep::AddLearner(peer_url) => {
                // As etcd itself does with its strict check.
                if self.etcd.members.iter().any(|member| member.learner) {
                    return Next::Failed;
                }
                let id = self.etcd.members.iter().map(|member| member.id).max();
                let id = MemberId(id.unwrap_or_default().0 + 1);
                let cluster = 9;
                let identity = MemberIdentity {
                    member: id,
                    cluster,
                };
                self.units[unit].machine.identity = Some(identity);
                self.etcd.members.push(Member {
                    id,
                    name: None,
                    peer_urls: vec![peer_url],
                    client_urls: Vec::new(),
                    learner: true,
                });
            }
            MembershipStep::Move(id, peer_url) => {
                for member in &mut self.etcd.members {
                    if member.id == id {
                        member.peer_urls = vec![peer_url.clone()];
                    }
                }
            }
            MembershipStep::MoveLeader(id) => self.etcd.leader = Some(id),
            MembershipStep::Remove(id, _) => self.remove_member(id),
            MembershipStep::Join(bootstrap) => {
                self.units[unit].machine.bootstrap = Some(bootstrap);
                self.units[unit].machine.may_begin = true;
            }
            MembershipStep::Promote(id) => {
                for member in &mut self.etcd.members {
                    if member.id == id {
                        member.learner = false;
                    }
                }
            }
        }
        Next::Further
    }

    /// `false` where somebody else was first.
    fn change_access(&mut self, step: AccessStep) -> bool {
        use etcd_charm::facts::Permission;
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

    fn write_ledger(&mut self, write: &LedgerWrite) {
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

    fn answer(&mut self, hook: &mut Running, publication: &RelationPublication) {
        let mut made = BTreeMap::new();
        let mut verified = Vec::new();
        for answer in &publication.answers {
            if answer.is_verified() {
                continue;
            }
            let user = self.ensure_secret(hook, &answer.user, &mut made);
            let tls = self.ensure_secret(hook, &answer.tls, &mut made);
            if user && tls {
                let record = ClientRecord {
                    answer: Some(answer.digest.clone()),
                    ..answer.record.clone()
                };
                verified.push(LedgerWrite::Record(answer.key.clone(), record));
            }
        }
        let mut changes = publication.changes(&made);
        if publication.makes_encryption_key {
            let key = RequestKey {
                relation: publication.relation,
                request: None,
            };
            let secret = PlannedSecret {
                label: relation::secret_label(ETCD_CLIENT, &key, SecretGroup::Encryption),
                content: BTreeMap::new(),
                description: String::new(),
                uri: None,
                may_exist: true,
            };
            let mut made = BTreeMap::new();
            self.ensure_secret(hook, &secret, &mut made);
            let uri = made.values().next().map(|uri| uri.as_str().to_owned());
            changes.insert(relation::ENCRYPTION_SECRET.to_owned(), uri);
        }
        if !changes.is_empty() {
            hook.writes
                .push(JujuWrite::Own(publication.relation, changes));
        }
        if !verified.is_empty() {
            // After everything that is published, as the charm does it.
            let at = hook.steps.len() - 1;
            hook.steps.insert(at, Step::Ledger(verified));
        }
    }

    /// `true` if it stood already.
    fn ensure_secret(
        &mut self,
        hook: &mut Running,
        secret: &PlannedSecret,
        made: &mut BTreeMap<String, SecretUri>,
    ) -> bool {
        let content: BTreeMap<String, String> = secret
            .content
            .iter()
            .map(|(key, value)| (key.clone(), value.expose().clone()))
            .collect();
        let found = match &secret.uri {
            Some(uri) => self.ours.values().find(|ours| ours.uri == *uri),
            None if secret.may_exist => self.ours.get(&secret.label),
            None => None,
        };
        if let Some(found) = found {
            made.insert(secret.label.clone(), found.uri.clone());
            if found.content != content {
                let write = JujuWrite::SetSecret(found.uri.clone(), content);
                hook.writes.push(write);
                return false;
            }
            return secret.uri.is_some();
        }
        // Juju refuses a label that is taken, at once.
        if self.ours.contains_key(&secret.label) {
            self.fault(format!("secret {} is made twice", secret.label));
        }
        let uri = self.new_secret();
        made.insert(secret.label.clone(), uri.clone());
        let new = OurSecret { uri, content };
        hook.writes
            .push(JujuWrite::AddSecret(secret.label.clone(), new));
        false
    }

    fn commit(&mut self, unit: usize, hook: &mut Running) {
        let before: BTreeMap<_, _> = self
            .relations
            .iter()
            .map(|(id, client)| (*id, client.own.clone()))
            .collect();
        let secrets = self.ours.clone();
        for write in std::mem::take(&mut hook.writes) {
            match write {
                JujuWrite::Own(relation, changes) => {
                    if let Some(client) = self.relations.get_mut(&relation) {
                        change(&mut client.own, changes);
                    }
                }
                JujuWrite::AddSecret(label, secret) => {
                    self.ours.insert(label, secret);
                }
                JujuWrite::SetSecret(uri, content) => {
                    for ours in self.ours.values_mut() {
                        if ours.uri == uri {
                            ours.content = content.clone();
                        }
                    }
                }
                JujuWrite::RemoveSecret(uri) => self.ours.retain(|_, ours| ours.uri != uri),
                JujuWrite::App(changes) => change(&mut self.peer_app, changes),
                JujuWrite::Unit(changes) => change(&mut self.units[unit].bag, changes),
            }
        }
        let granted: BTreeSet<_> = self.etcd.ledger.grants().map(|(key, _)| key).collect();
        for (id, client) in &mut self.relations {
            let answers = relation::read_own(&client.own);
            client.answered.extend(answers.into_keys());
            client.answered.retain(|request| {
                let (relation, request) = (*id, request.clone());
                granted.contains(&RequestKey { relation, request })
            });
        }
        self.judge_commit(&before, &secrets);
    }
}

fn change(bag: &mut Databag, changes: Changes) {
    for (key, value) in changes {
        match value {
            Some(value) if !value.is_empty() => bag.insert(key, value),
            _ => bag.remove(&key),
        };
    }
}
