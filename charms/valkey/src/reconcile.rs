//! Every hook is the same five steps: observe, plan, apply, publish, report.
//! State is compared, never deltas, so a hook that was killed, repeated or
//! skipped is made good by the next one.

mod leave;
mod report;
mod restart;
mod serve;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use certificates::Timestamp;
use juju_hooks::{Event, Hook, Lifecycle, RelationChange, SecretId, ToolError, Tools};
use thiserror::Error;

use crate::apply::{access, cluster as places, machine, own};
use crate::explain::chain;
use crate::facts::{Juju, Known, Nodes, OwnSecret};
use crate::machine::{Commands, MachineError, Paths, Service};
use crate::observe;
use crate::plan::answer::PORT;
use crate::plan::{Problem, Report, cluster, rotation};
use crate::program::{self, Ask, Chosen};
use crate::relation::CLIENTS;
use crate::relation::ledger::Ledger;
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
    #[error("failed to keep the application's own secret")]
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
    /// Whether Juju may show another status than this unit has set last.
    pub status_may_differ: bool,
}

impl Run {
    /// Takes the next step in replacing the application's own secret, or begins to.
    fn replace_own(&mut self, own: &OwnSecret) -> Result<(), ReconcileError> {
        if !self.juju.leader || self.juju.peers.is_none() {
            return Ok(());
        }
        self.report.progress = rotation::progress(&self.juju, own);
        let (tools, now) = (&self.tools, self.juju.now);
        if let Some(next) = rotation::next(&self.juju, own) {
            own::store(tools, &next)?;
        } else if rotation::is_due(own, now) {
            let from = now.plus_seconds(rotation::GRACE_SECONDS);
            own::begin_with_authority(tools, &self.juju.unit, own, now, from)?;
        } else {
            return Ok(());
        }
        self.ask_again();
        Ok(())
    }

    /// Lets the watcher ask for another hook: what this one has stored is used by
    /// the next one.
    pub(crate) fn ask_again(&self) {
        // Without it, the next hook of any kind goes on.
        let _ = machine::put_note(&self.paths, &self.paths.again());
    }
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
    let paths = Paths::new(root, &hook.unit);
    let tools = Tools::new(&hook.search_path, &paths.private()).map_err(ReconcileError::Tools)?;
    if let Event::SecretRemove(secret, revision) = &hook.event {
        return forget_revision(&tools, secret, *revision).map_err(ReconcileError::Publish);
    }
    let leader = tools.is_leader().map_err(ReconcileError::Observe)?;
    if !leader && is_of_a_client(&hook.event) {
        // What the leader decides reaches the others over the peer relation.
        return Ok(());
    }
    if is_upgrade(&hook) {
        // Another resource comes with this event as well.
        program::forget_asked(&paths);
    }
    let mut run = Run::begin(tools, paths, &hook, leader)?;
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
    let chosen = run.choose(&hook.event).map_err(ReconcileError::Observe)?;
    if let Some(chosen) = chosen {
        if let Some(problem) = run.prepare(&own, &chosen.path, is_upgrade(&hook)).await {
            run.report.problems.push(problem);
        } else if let Err(error) = run.converge_with(&own, &chosen).await {
            run.report.problems.push(Problem::Server(chain(&error)));
        }
    }
    if run.juju.leader {
        run.serve(&own).await?;
    } else {
        access::give(&run.juju, &own, &run.paths, &run.juju.ledger, &run.nodes).await;
    }
    run.publish_own().map_err(ReconcileError::Publish)?;
    run.replace_own(&own)?;
    run.finish().map_err(ReconcileError::Report)
}

fn concerns_us(event: &Event) -> bool {
    match event {
        Event::Other(name) => name == SWITCHED,
        Event::Action(_) => false,
        // Units of clients say nothing; what their application says brings an event
        // of its own.
        Event::Relation(event) if event.endpoint == CLIENTS.0 => matches!(
            event.change,
            RelationChange::Changed | RelationChange::Broken
        ),
        Event::Lifecycle(_)
        | Event::Relation(_)
        | Event::SecretChanged(_)
        | Event::SecretRemove(..)
        | Event::Storage(..) => true,
    }
}

/// Removes a revision of a secret of ours that nobody reads any more: a password or a
/// key that was replaced is kept nowhere.
fn forget_revision(tools: &Tools, secret: &SecretId, revision: u32) -> Result<(), ToolError> {
    let Ok(uri) = format!("secret:{secret}").parse() else {
        return Ok(());
    };
    match tools.secret_remove(&uri, Some(revision.into())) {
        // Only the leader may, and another may lead by now: it is told as well.
        Err(error) if error.is_of_the_call() || error.is_of_leadership() => Ok(()),
        removed => removed,
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

fn is_of_a_client(event: &Event) -> bool {
    matches!(event, Event::Relation(event) if event.endpoint == CLIENTS.0)
}

fn is_upgrade(hook: &Hook) -> bool {
    hook.event == Event::Lifecycle(Lifecycle::UpgradeCharm)
}

impl Run {
    /// Reads what Juju says.
    ///
    /// # Errors
    /// Juju does not answer.
    pub fn begin(
        tools: Tools,
        paths: Paths,
        hook: &Hook,
        leader: bool,
    ) -> Result<Self, ReconcileError> {
        let now = Timestamp::from(SystemTime::now());
        let juju = observe::juju(&tools, hook, now, leader).map_err(ReconcileError::Observe)?;
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
            status_may_differ: hook.event.may_have_changed_status(),
        })
    }

    /// The program that is to run here; none if there is none that can.
    fn choose(&mut self, event: &Event) -> Result<Option<Chosen>, ToolError> {
        let ask = match event {
            Event::Lifecycle(Lifecycle::Install | Lifecycle::UpgradeCharm) => Ask::Always,
            Event::Lifecycle(_) => Ask::Refused,
            _ => Ask::Never,
        };
        match program::ensure(&self.tools, &self.paths, ask)? {
            Ok(chosen) => {
                let refused = chosen.refused.clone().map(Problem::Archive);
                self.report.problems.extend(refused);
                Ok(Some(chosen))
            }
            Err(error) => {
                let problem = Problem::Program(chain(&error));
                self.report.problems.push(problem);
                Ok(None)
            }
        }
    }

    async fn converge_with(&mut self, own: &OwnSecret, chosen: &Chosen) -> Result<(), ValkeyError> {
        self.converge(own).await?;
        self.renew_program(own, chosen).await
    }

    /// Makes this unit's nodes run; returns why they do not.
    pub(crate) async fn prepare(
        &mut self,
        own: &OwnSecret,
        program: &Path,
        restart_watch: bool,
    ) -> Option<Problem> {
        let juju = &self.juju;
        let Some(address) = juju.address else {
            return Some(Problem::Waiting("an address"));
        };
        let Some(storage) = &juju.storage else {
            return Some(Problem::Waiting("storage"));
        };
        let prepared = machine::ensure(
            juju,
            own,
            address,
            storage,
            &self.paths,
            program,
            restart_watch,
        );
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Some(Problem::Server(chain(&error))),
        };
        if let Err(reason) = machine::wait_until_ready(own, &self.paths).await {
            return Some(Problem::Server(reason));
        }
        if prepared.certificate
            && let Err(problem) = self.reload_certificates(own).await
        {
            return Some(problem);
        }
        None
    }

    /// Lets both nodes read their certificate again. A server does it when it is
    /// told the path that it has; a sentinel, which clients only ask, is restarted
    /// in milliseconds.
    async fn reload_certificates(&self, own: &OwnSecret) -> Result<(), Problem> {
        let tls = self.paths.tls();
        let path = |name: &str| tls.join(name).display().to_string();
        let (certificate, key, authority) = (path("node.crt"), path("node.key"), path("ca.crt"));
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
        let told = async {
            let mut nodes = places::Own::open(&self.juju, own, &self.paths).await?;
            nodes.server.call(&order).await
        };
        told.await
            .map_err(|error: ValkeyError| Problem::Server(chain(&error)))?;
        let sentinel = self.paths.service("sentinel");
        Service::new(&sentinel)
            .restart(Commands)
            .map_err(|error| Problem::Server(chain(&error)))?;
        let ready = machine::wait_until_ready(own, &self.paths).await;
        ready.map_err(Problem::Server)?;
        machine::note_reloaded(&self.paths).map_err(|error| Problem::Server(chain(&error)))
    }

    /// What this unit's server should be configured with, of so many that have joined.
    fn wanted_config(
        &self,
        own: &OwnSecret,
        joined: usize,
        has_users: bool,
    ) -> std::collections::BTreeMap<&'static str, String> {
        let mut wanted = self.juju.options.of_server(joined);
        if let Some(address) = self.juju.address {
            wanted.insert("bind", address.to_string());
            wanted.insert("replica-announce-ip", address.to_string());
        }
        let port = match self.juju.options.client_tls {
            true => 0,
            false => PORT,
        };
        wanted.insert("port", port.to_string());
        let replication = own.internal.replication.expose();
        wanted.insert("masterauth", replication.clone());
        if has_users && cluster::may_be_primary(&self.juju, &self.nodes) {
            wanted.insert("replica-priority", "100".to_owned());
        }
        wanted
    }

    /// Gives this unit's nodes their places among the others.
    pub(crate) async fn converge(&mut self, own: &OwnSecret) -> Result<(), ValkeyError> {
        if let Some(member) = self.juju.members.get_mut(&self.juju.unit) {
            member.address = self.juju.address;
        }
        // Before anything else, as nodes let in each other by their users.
        let (nobody, ledger) = (Nodes::new(), &self.juju.ledger);
        let given = access::give(&self.only_own(), own, &self.paths, ledger, &nobody).await;
        if let Some((_, reason)) = given.lacking.first() {
            self.report.problems.push(Problem::Server(reason.clone()));
        }
        let mut seen = None;
        if self.juju.leader {
            let nodes = observe::nodes(&self.juju, &self.paths).await;
            if let Some(appointment) = cluster::appoint(&self.juju, &nodes) {
                self.juju.ledger.appointment = Some(appointment);
            }
            seen = Some(nodes);
        }
        let has_users = given.lacking.is_empty();
        let settled = places::settle(&mut self.juju, own, &self.paths, has_users, seen).await?;
        self.nodes = settled.nodes;
        if settled.joined {
            // Where a restore was killed. What cannot be removed stays for the next hook.
            let _ = machine::remove_second(&self.paths);
        }
        let mut nodes = places::Own::open(&self.juju, own, &self.paths).await?;
        let joined = self
            .juju
            .members
            .values()
            .filter(|member| member.joined)
            .count();
        let wanted = self.wanted_config(own, joined, has_users);
        nodes.server.ensure_config(&wanted).await?;
        let step = self.juju.members.get(&self.juju.unit);
        let step = step.and_then(|member| member.step);
        if self.sees_a_primary() {
            let renew = step != Some(own.step);
            places::ensure_settings(&self.juju, own, &mut nodes.sentinel, renew).await?;
            if has_users && let Some(member) = self.juju.members.get_mut(&self.juju.unit) {
                member.step = Some(own.step);
            }
        }
        // It takes seconds, and what is new is told first, at the end of a hook.
        let sees = cluster::seen(self.nodes.get(&self.juju.unit));
        let told = self.juju.members.get(&self.juju.unit);
        let is_told = told.is_some_and(|member| member.sees == sees);
        if is_told && cluster::should_reset(&self.juju, &self.nodes) {
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
}
