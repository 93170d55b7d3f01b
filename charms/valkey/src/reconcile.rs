//! Every hook is the same five steps: observe, plan, apply, publish, report.
//! State is compared, never deltas, so a hook that was killed, repeated or
//! skipped is made good by the next one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use certificates::Timestamp;
use juju_hooks::{
    Event, Hook, Lifecycle, LogLevel, Relation, RelationChange, TcpPort, ToolError, Tools,
};
use thiserror::Error;

use crate::apply::{access, cluster as places, leave, machine, own};
use crate::explain::{self, chain};
use crate::facts::{Juju, Known, Nodes, OwnSecret};
use crate::machine::{MachineError, Paths};
use crate::observe;
use crate::plan::answer::{self, PORT, SENTINEL_PORT, SENTINEL_TLS_PORT, TLS_PORT};
use crate::plan::{Problem, Report, access as admission, cluster};
use crate::relation::CLIENTS;
use crate::relation::ledger::{Ledger, Said};
use crate::valkey::ValkeyError;

/// By this name the watcher asks for a hook.
pub const SWITCHED: &str = "valkey-switched";

/// Why a hook failed; Juju runs it again.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// Access could not be recorded.
    #[error("failed to give access")]
    Access(#[from] access::AccessError),
    /// This unit could not be stopped.
    #[error("failed to leave")]
    Leave(#[source] MachineError),
    /// Juju does not say what every charm may know.
    #[error("failed to read the model")]
    Observe(#[source] ToolError),
    /// The application's own secret could not be made.
    #[error("failed to prepare the application")]
    Own(#[from] own::OwnError),
    /// What others are told could not be written.
    #[error("failed to publish to the model")]
    Publish(#[source] ToolError),
    /// The outcome could not be reported.
    #[error("failed to report to the model")]
    Report(#[source] ToolError),
    /// Hook tools cannot be used.
    #[error("failed to prepare the hook tools")]
    Tools(#[source] ToolError),
}

/// Everything that a run works with.
pub struct Run {
    /// The hook tools.
    pub tools: Tools,
    /// What Juju says. What this unit finds out of itself is put into it.
    pub juju: Juju,
    /// What the ledger said at first.
    pub before: Ledger,
    /// Where things are.
    pub paths: Paths,
    /// What an operator should know.
    pub report: Report,
    /// What all nodes said last.
    pub nodes: Nodes,
}

/// Runs one hook.
///
/// # Errors
/// See [`ReconcileError`]. Servers that do not answer are none of these: they
/// are a status, and the next hook tries again.
pub async fn run(hook: Hook, root: PathBuf) -> Result<(), ReconcileError> {
    if !concerns_us(&hook.event) {
        return Ok(());
    }
    let mut run = Run::begin(&hook, root)?;
    if is_leaving(&hook) {
        return run.leave(&hook).await;
    }
    let own = match (&run.juju.own, run.juju.peers) {
        (Some(own), _) => own.clone(),
        (None, Some(_)) if run.juju.leader => {
            own::make(&run.tools, &hook.unit, run.juju.now)?;
            return run.wait_for("the passwords to be stored");
        }
        _ => return run.wait_for("the leader"),
    };
    if let Some(problem) = run.prepare(&own, is_upgrade(&hook)).await {
        run.report.problems.push(problem);
    } else if let Err(error) = run.converge(&own).await {
        run.report.problems.push(Problem::Server(chain(&error)));
    }
    if run.juju.leader {
        run.serve(&own).await?;
    } else {
        access::give(&run.juju, &own, &run.paths, &run.juju.ledger).await;
    }
    run.publish_own().map_err(ReconcileError::Publish)?;
    run.finish().map_err(ReconcileError::Report)
}

fn concerns_us(event: &Event) -> bool {
    match event {
        Event::Other(name) => name == SWITCHED,
        Event::SecretRemove(..) | Event::Action(_) => false,
        Event::Lifecycle(_) | Event::Relation(_) | Event::SecretChanged(_) | Event::Storage(..) => {
            true
        }
    }
}

/// Whether this unit is going away: its volume is taken, or Juju says so.
fn is_leaving(hook: &Hook) -> bool {
    match &hook.event {
        Event::Lifecycle(Lifecycle::Stop | Lifecycle::Remove) | Event::Storage(_, false) => true,
        Event::Relation(event) => event.departing.as_ref() == Some(&hook.unit),
        _ => false,
    }
}

fn is_upgrade(hook: &Hook) -> bool {
    hook.event == Event::Lifecycle(Lifecycle::UpgradeCharm)
}

impl Run {
    /// Reads what Juju says.
    ///
    /// # Errors
    /// Juju does not answer.
    pub fn begin(hook: &Hook, root: PathBuf) -> Result<Self, ReconcileError> {
        let paths = Paths::new(root, &hook.unit);
        let tools =
            Tools::new(&hook.search_path, &paths.private()).map_err(ReconcileError::Tools)?;
        let now = Timestamp::from(SystemTime::now());
        let juju = observe::juju(&tools, hook, now).map_err(ReconcileError::Observe)?;
        let invalid = juju.options.invalid.iter();
        let report = Report {
            problems: invalid.map(|name| Problem::Option(name)).collect(),
            ..Report::default()
        };
        Ok(Self {
            tools,
            before: juju.ledger.clone(),
            juju,
            paths,
            report,
            nodes: Nodes::new(),
        })
    }

    fn wait_for(mut self, what: &'static str) -> Result<(), ReconcileError> {
        self.report.problems.push(Problem::Waiting(what));
        self.finish().map_err(ReconcileError::Report)
    }

    /// Makes this unit's nodes run; returns why they do not.
    async fn prepare(&mut self, own: &OwnSecret, restart_watch: bool) -> Option<Problem> {
        let juju = &self.juju;
        let Some(address) = juju.address else {
            return Some(Problem::Waiting("an address"));
        };
        let Some(storage) = &juju.storage else {
            return Some(Problem::Waiting("storage"));
        };
        let prepared = machine::ensure(juju, own, address, storage, &self.paths, restart_watch);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error @ machine::PrepareError::Program(_)) => {
                return Some(Problem::Program(chain(&error)));
            }
            Err(error) => return Some(Problem::Server(chain(&error))),
        };
        if let Err(reason) = machine::wait_until_ready(own, &self.paths).await {
            return Some(Problem::Server(reason));
        }
        if prepared.certificate
            && let Err(error) = self.reload_certificates(own).await
        {
            return Some(Problem::Server(chain(&error)));
        }
        None
    }

    /// Lets both nodes read their certificate again, which needs no restart. The
    /// same path is what tells a server to.
    async fn reload_certificates(&self, own: &OwnSecret) -> Result<(), ValkeyError> {
        let tls = self.paths.tls();
        let path = |name: &str| tls.join(name).display().to_string();
        let (certificate, key, authority) = (path("node.crt"), path("node.key"), path("ca.crt"));
        let mut nodes = places::Own::open(&self.juju, own, &self.paths).await?;
        for node in [&mut nodes.server, &mut nodes.sentinel] {
            let order = [
                "CONFIG",
                "SET",
                "tls-cert-file",
                &certificate,
                "tls-key-file",
                &key,
                "tls-ca-cert-file",
                &authority,
            ];
            node.call(&order).await?;
        }
        Ok(())
    }

    /// Gives this unit's nodes their places among the others.
    async fn converge(&mut self, own: &OwnSecret) -> Result<(), ValkeyError> {
        if let Some(member) = self.juju.members.get_mut(&self.juju.unit) {
            member.address = self.juju.address;
        }
        // Before anything else, as nodes let in each other by their users.
        let given = access::give(&self.only_own(), own, &self.paths, &self.juju.ledger).await;
        if let Some((_, reason)) = given.lacking.first() {
            self.report.problems.push(Problem::Server(reason.clone()));
        }
        if self.juju.leader {
            let nodes = observe::nodes(&self.juju, &self.paths).await;
            if let Some(appointment) = cluster::appoint(&self.juju, &nodes) {
                self.juju.ledger.appointment = Some(appointment);
            }
        }
        let settled = places::settle(&mut self.juju, own, &self.paths).await?;
        self.nodes = settled.nodes;
        let mut nodes = places::Own::open(&self.juju, own, &self.paths).await?;
        let joined = self
            .juju
            .members
            .values()
            .filter(|member| member.joined)
            .count();
        let mut wanted = self.juju.options.of_server(joined);
        if let Some(address) = self.juju.address {
            wanted.insert("bind", address.to_string());
            wanted.insert("replica-announce-ip", address.to_string());
        }
        let port = if self.juju.options.client_tls {
            0
        } else {
            PORT
        };
        wanted.insert("port", port.to_string());
        nodes.server.ensure_config(&wanted).await?;
        if self.sees_a_primary() {
            places::ensure_settings(&self.juju, own, &mut nodes.sentinel).await?;
        }
        if cluster::should_reset(&self.juju, &self.nodes) {
            self.relearn(&mut nodes.sentinel, joined).await?;
        }
        Ok(())
    }

    fn only_own(&self) -> Juju {
        Juju {
            leader: false,
            ..self.juju.clone()
        }
    }

    fn sees_a_primary(&self) -> bool {
        let node = self.nodes.get(&self.juju.unit);
        node.is_some_and(|node| matches!(node.sentinel, Known::Known(Some(_))))
    }

    /// Lets the sentinel forget nodes that are gone, and waits until it knows the
    /// others again.
    async fn relearn(
        &mut self,
        sentinel: &mut crate::valkey::Connection,
        members: usize,
    ) -> Result<(), ValkeyError> {
        sentinel
            .call(&["SENTINEL", "RESET", crate::valkey::NAME])
            .await?;
        for _ in 0..60 {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            let monitored = sentinel.monitored().await?;
            if monitored.is_some_and(|monitored| cluster::knows_all(&monitored, members)) {
                break;
            }
        }
        self.nodes = observe::nodes(&self.juju, &self.paths).await;
        Ok(())
    }

    /// Gives access to whoever may have it, and tells relations what is true.
    async fn serve(&mut self, own: &OwnSecret) -> Result<(), ReconcileError> {
        if self.juju.peers.is_none() {
            return Ok(());
        }
        let changes = admission::plan(&self.juju);
        let mut ledger = access::record(&self.tools, &self.juju, own, &changes)?;
        self.note(&changes, &mut ledger);
        let mut given = access::give(&self.juju, own, &self.paths, &ledger).await;
        if let Some(number) = given.newer {
            // A hook that did not come to its end left it there.
            ledger.revision = number + 1;
            given = access::give(&self.juju, own, &self.paths, &ledger).await;
        }
        self.juju.ledger = ledger;
        if let Some((unit, _)) = given.lacking.first() {
            let problem = Problem::Unreachable(unit.clone());
            self.report.problems.push(problem);
        }
        let told = self.tell(given.lacking.is_empty());
        told.map_err(ReconcileError::Publish)?;
        let Some(peers) = self.juju.peers else {
            return Ok(());
        };
        let changes = self.juju.ledger.changes(&self.before);
        self.tools
            .relation_set_app(peers, &changes)
            .map_err(ReconcileError::Publish)
    }

    /// Keeps what is to be said about the relations that were looked at.
    fn note(&mut self, changes: &admission::Changes, ledger: &mut Ledger) {
        let (scope, relations) = (self.juju.scope, &self.juju.relations);
        let is_old = |id| scope.contains(id) || relations.contains_key(&id);
        ledger.notices.retain(|id, _| !is_old(*id));
        for (id, notice) in &changes.notices {
            let said = Said {
                refusal: notice.is_refusal(),
                text: explain::of_notice(notice),
            };
            ledger.notices.entry(*id).or_default().push(said);
        }
    }

    /// Writes the answers that differ from what was told. Whoever has no answer
    /// yet gets one only when all nodes have its user.
    fn tell(&mut self, all_have_users: bool) -> Result<(), ToolError> {
        let primary = match cluster::primary(&self.juju, &self.nodes) {
            Known::Known(unit) => unit,
            Known::Unknown(reason) => {
                self.report.problems.push(Problem::NoPrimary(reason));
                return Ok(());
            }
        };
        let Some(servers) = answer::servers(&self.juju, &self.nodes, &primary) else {
            return Ok(());
        };
        let relations: Vec<_> = self.juju.ledger.clients.keys().copied().collect();
        for id in relations {
            let access = &self.juju.ledger.clients[&id];
            if access.told.is_empty() && (access.grants.is_empty() || !all_have_users) {
                continue;
            }
            let (answer, digest) = answer::answer(&self.juju.ledger, id, &servers);
            if digest == access.told || !all_have_users && grows(&self.before, access, id) {
                continue;
            }
            let relation = Relation {
                endpoint: CLIENTS,
                id,
            };
            match self.tools.relation_set_app(relation, &answer) {
                // It went while this hook ran.
                Err(error) if error.is_not_found() || error.is_denied() => continue,
                result => result?,
            }
            if let Some(access) = self.juju.ledger.clients.get_mut(&id) {
                access.told = digest;
            }
        }
        Ok(())
    }

    /// Tells the other units of this one.
    fn publish_own(&mut self) -> Result<(), ToolError> {
        let Some(peers) = self.juju.peers else {
            return Ok(());
        };
        let member = self.juju.members.get(&self.juju.unit);
        let address = member.and_then(|member| member.address);
        let joined = member.is_some_and(|member| member.joined);
        let bag = [
            ("address", address.map(|address| address.to_string())),
            ("joined", joined.then(|| "true".to_owned())),
            ("sees", Some(cluster::seen(self.nodes.get(&self.juju.unit)))),
        ];
        let present = self.tools.relation_get_unit(peers, &self.juju.unit)?;
        let changes: BTreeMap<_, _> = bag
            .into_iter()
            .filter(|(key, text)| {
                present.get(*key).map_or("", String::as_str) != text.as_deref().unwrap_or("")
            })
            .map(|(key, text)| (key.to_owned(), text))
            .collect();
        self.tools.relation_set_unit(peers, &changes)?;
        if present.is_empty() && address.is_some() {
            for port in [PORT, TLS_PORT, SENTINEL_PORT, SENTINEL_TLS_PORT] {
                self.tools.open_port(TcpPort(port))?;
            }
        }
        Ok(())
    }

    /// Sets the statuses.
    fn finish(mut self) -> Result<(), ToolError> {
        let own = self.nodes.get(&self.juju.unit);
        let role = own
            .and_then(|node| node.server.known())
            .map(|server| &server.role);
        self.report.primary = matches!(role, Some(crate::valkey::Role::Primary { .. }));
        self.report.clients = self.juju.ledger.users().count();
        self.report.units = self.juju.members.len();
        self.report.problems.sort();
        if self.juju.leader {
            let said = self.juju.ledger.notices.values().flatten();
            self.report.notices = said.cloned().collect();
            self.report
                .notices
                .sort_by_key(|said| std::cmp::Reverse(said.refusal));
        }
        for problem in &self.report.problems {
            self.tools
                .juju_log(LogLevel::Warning, &explain::of_problem(problem))?;
        }
        for notice in &self.report.notices {
            self.tools.juju_log(LogLevel::Info, &notice.text)?;
        }
        let (status, text) = explain::status(&self.report);
        self.tools.status_set(status, &text)?;
        if self.juju.leader {
            self.tools.status_set_application(status, &text)?;
            if let Some(server) = own.and_then(|node| node.server.known()) {
                self.tools.application_version_set(&server.version)?;
            }
        }
        Ok(())
    }

    /// Hands over, and stops.
    async fn leave(mut self, hook: &Hook) -> Result<(), ReconcileError> {
        if self.paths.base().exists() {
            if let Some(own) = self.juju.own.clone() {
                let others = self.juju.members.iter();
                let others = others.filter(|(unit, member)| **unit != hook.unit && member.joined);
                if others.count() > 0
                    && let Err(reason) = leave::hand_over(&self.juju, &own, &self.paths).await
                {
                    // Juju gives up a unit whether or not its hooks succeed.
                    let text = format!("left without handing over: {reason}");
                    let logged = self.tools.juju_log(LogLevel::Warning, &text);
                    logged.map_err(ReconcileError::Report)?;
                }
            }
            leave::stop(&self.paths).map_err(ReconcileError::Leave)?;
        }
        if let Some(peers) = self.juju.peers
            && !matches!(&hook.event, Event::Relation(event) if event.change == RelationChange::Broken)
        {
            let gone = ["joined", "sees"].map(|key| (key.to_owned(), None)).into();
            let told = self.tools.relation_set_unit(peers, &gone);
            told.or_else(|error| {
                if error.is_of_the_call() {
                    Ok(())
                } else {
                    Err(error)
                }
            })
            .map_err(ReconcileError::Publish)?;
        }
        self.report
            .problems
            .push(Problem::Waiting("the end of this unit"));
        self.nodes = Nodes::new();
        self.finish().map_err(ReconcileError::Report)
    }
}

/// Whether a relation has a user now that it had not before this run.
fn grows(
    before: &Ledger,
    access: &crate::relation::ledger::Access,
    id: juju_hooks::RelationId,
) -> bool {
    let had = before.clients.get(&id);
    access
        .grants
        .keys()
        .any(|request| had.is_none_or(|had| !had.grants.contains_key(request)))
}
