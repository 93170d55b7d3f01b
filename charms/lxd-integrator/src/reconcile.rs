//! Every hook is the same five steps: observe, plan, apply, publish, report.
//! State is compared, never deltas, so a hook that was killed, repeated or
//! skipped is made good by the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use certificates::{Fingerprint, Timestamp};
use juju_hooks::{Event, Hook, Lifecycle, LogLevel, RelationChange, ToolError, Tools};
use thiserror::Error;

use crate::apply::apply;
use crate::explain;
use crate::facts::{Juju, Lxd};
use crate::lxd::{Client, LxdError};
use crate::observe;
use crate::plan::access::Step;
use crate::plan::credentials::{Connection, CredentialProblem, connection};
use crate::plan::{self, Plan, Problem};
use crate::relation::{API, UNITS};

/// What is planned, carried out and read back takes two rounds; a third is for
/// a change that somebody else made meanwhile.
const MAX_ROUNDS: usize = 3;

/// Why a hook failed; Juju runs it again.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// Hook tools cannot be used.
    #[error("failed to prepare the hook tools")]
    Tools(#[source] ToolError),
    /// Juju does not say what every charm may know.
    #[error("failed to read the model")]
    Observe(#[source] ToolError),
    /// What others are told could not be written.
    #[error("failed to publish to the model")]
    Publish(#[source] ToolError),
    /// The outcome could not be reported.
    #[error("failed to report to the model")]
    Report(#[source] ToolError),
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was planned last.
    pub plan: Plan,
    /// What was carried out.
    pub done: Vec<Step>,
    /// What LXD said last, if it said anything.
    pub lxd: Option<Lxd>,
    /// The names of LXD's projects, where somebody wants to know.
    pub projects: Option<Vec<String>>,
    /// How many requests LXD got.
    pub requests: u32,
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It changes what has to be changed.
    Apply,
    /// It looks, and changes nothing.
    Look,
}

/// Runs one hook.
///
/// # Errors
/// See [`ReconcileError`]. LXD's failures are none of these: they are a status,
/// and the next hook tries again.
pub async fn run(hook: Hook, root: PathBuf) -> Result<(), ReconcileError> {
    if !concerns_us(&hook.event) {
        return Ok(());
    }
    let note = private(&hook, &root).with_extension("shown");
    let tools = tools(&hook, root)?;
    // observe
    let juju = observe::juju(&tools, &hook, now()).map_err(ReconcileError::Observe)?;
    if leaves_to_others(&tools, &hook).map_err(ReconcileError::Observe)? {
        return Ok(());
    }
    // plan, apply
    let outcome = converge(&juju, Mode::Apply).await;
    // publish
    publish(&tools, &juju, &outcome).map_err(ReconcileError::Publish)?;
    // report
    let may_differ = hook.event.may_have_changed_status();
    report(&tools, &juju, &outcome, &note, may_differ).map_err(ReconcileError::Report)
}

/// The hook tools of a run.
///
/// # Errors
/// The private directory cannot be made.
pub fn tools(hook: &Hook, root: PathBuf) -> Result<Tools, ReconcileError> {
    Tools::new(&hook.search_path, &private(hook, &root)).map_err(ReconcileError::Tools)
}

/// The directory of one unit, which is gone after a boot.
fn private(hook: &Hook, root: &Path) -> PathBuf {
    let name = hook.unit.to_string().replace('/', "-");
    root.join("run").join("lxd-integrator").join(name)
}

/// The time of the hook, which is read once.
pub fn now() -> Timestamp {
    SystemTime::now().into()
}

fn concerns_us(event: &Event) -> bool {
    match event {
        Event::Action(_) | Event::Other(_) | Event::SecretRemove(..) | Event::Storage(..) => false,
        Event::Relation(event) => event.endpoint == API.0 || event.endpoint == UNITS.0,
        Event::Lifecycle(_) | Event::SecretChanged(_) => true,
    }
}

/// Whether this unit is going away while others stay: Juju then tells it that
/// its relations end, and they do not. Who stays looks after the trust store.
fn leaves_to_others(tools: &Tools, hook: &Hook) -> Result<bool, ToolError> {
    let may_be_leaving = match &hook.event {
        Event::Lifecycle(event) => matches!(event, Lifecycle::Stop | Lifecycle::Remove),
        Event::Relation(event) => match event.change {
            RelationChange::Broken => true,
            RelationChange::Departed => event.departing.as_ref() == Some(&hook.unit),
            _ => false,
        },
        _ => false,
    };
    if !may_be_leaving {
        return Ok(false);
    }
    let units = tools.unit_goals()?;
    let stays = |dying: &bool| !dying;
    let is_leaving = units.get(&hook.unit).is_none_or(|dying| *dying);
    Ok(is_leaving
        && units
            .iter()
            .any(|(unit, dying)| *unit != hook.unit && stays(dying)))
}

/// Brings the trust store to where it should be, and reads it back.
pub async fn converge(juju: &Juju, mode: Mode) -> Outcome {
    let connection = match connection(juju) {
        Ok(connection) => connection,
        Err(problem) => return Outcome::stopped(Problem::Credentials(problem)),
    };
    let mut outcome = Outcome::default();
    if let Err(error) = converge_over(juju, &connection, mode, &mut outcome).await {
        outcome.plan = Plan::stopped(problem(&connection, &error));
    }
    outcome
}

async fn converge_over(
    juju: &Juju,
    connection: &Connection,
    mode: Mode,
    outcome: &mut Outcome,
) -> Result<(), LxdError> {
    let mut client = Client::connect(connection).await?;
    let mut refused = BTreeMap::new();
    for round in 1..=MAX_ROUNDS {
        let lxd = observe::lxd(&mut client, connection).await;
        outcome.requests = client.requests();
        let Some(mut lxd) = lxd? else {
            outcome.plan = Plan::stopped(Problem::NotTrusted(connection.place()));
            return Ok(());
        };
        lxd.refused.clone_from(&refused);
        outcome.plan = plan::plan(juju, connection, &lxd);
        outcome.lxd = Some(lxd);
        if mode == Mode::Look {
            outcome.projects = Some(client.projects().await?);
        }
        if outcome.plan.steps.is_empty() || mode == Mode::Look || round == MAX_ROUNDS {
            break;
        }
        for step in std::mem::take(&mut outcome.plan.steps) {
            match apply(&mut client, &step).await {
                Ok(()) => outcome.done.push(step),
                Err(error) => refuse(&step, error, &mut refused)?,
            }
        }
    }
    outcome.requests = client.requests();
    Ok(())
}

/// What LXD does not like about one certificate is about that one alone. A
/// project that it does not have (404) is our own mistake.
fn refuse(
    step: &Step,
    error: LxdError,
    refused: &mut BTreeMap<Fingerprint, String>,
) -> Result<(), LxdError> {
    match (step, error) {
        (
            Step::Add { fingerprint, .. },
            LxdError::Refused {
                status: 400, words, ..
            },
        ) => {
            refused.insert(fingerprint.clone(), words);
            Ok(())
        }
        (_, error) => Err(error),
    }
}

fn problem(connection: &Connection, error: &LxdError) -> Problem {
    match error {
        LxdError::AnotherServer { expected, shown } => Problem::AnotherServer {
            expected: expected.clone(),
            shown: shown.clone(),
        },
        LxdError::Refused { status: 403, .. } => Problem::NotTrusted(connection.place()),
        // Its own trouble, which passes: LXD that changes into a cluster, for one.
        LxdError::Refused {
            status: 500..,
            words,
            ..
        } => Problem::Unreachable {
            place: connection.place(),
            reason: words.clone(),
        },
        LxdError::Refused { words, .. } => Problem::Refused(words.clone()),
        LxdError::Credentials(_) => {
            let (key, certificate) = match connection {
                Connection::Https(https) => https.names,
                Connection::Socket(_) => ("the key", "the certificate"),
            };
            Problem::Credentials(CredentialProblem::WrongKey(key, certificate))
        }
        LxdError::Answer { .. } | LxdError::Timeout(_) | LxdError::Unreachable(_) => {
            Problem::Unreachable {
                place: connection.place(),
                reason: juju_hooks::chain_once(error),
            }
        }
    }
}

/// Tells relations what is true now, and the other units that it has changed.
pub(crate) fn publish(tools: &Tools, juju: &Juju, outcome: &Outcome) -> Result<(), ToolError> {
    for (id, changes) in &outcome.plan.changes {
        let relation = juju_hooks::Relation {
            endpoint: API,
            id: *id,
        };
        // The agent may know by now that a relation is gone, which is nobody's
        // failure.
        match tools.relation_set_unit(relation, changes) {
            Err(error) if error.is_not_found() || error.is_denied() => {}
            result => result?,
        }
    }
    if outcome.done.is_empty() {
        return Ok(());
    }
    for relation in tools.relation_ids(UNITS)? {
        tools.relation_set_app(relation, &registered(juju.now, &outcome.done))?;
    }
    Ok(())
}

/// What the units of this application are told: when each certificate was
/// registered, which LXD does not say. Units that do not lead hear of every change
/// by it, and tell their relations what is trusted now.
fn registered(now: Timestamp, done: &[Step]) -> BTreeMap<String, Option<String>> {
    let changes = done.iter().filter_map(|step| match step {
        Step::Add { fingerprint, .. } => Some((fingerprint.to_string(), Some(now.to_string()))),
        Step::Remove { fingerprint, .. } => Some((fingerprint.to_string(), None)),
        Step::Update { .. } => None,
    });
    changes.collect()
}

fn report(
    tools: &Tools,
    juju: &Juju,
    outcome: &Outcome,
    note: &Path,
    may_differ: bool,
) -> Result<(), ToolError> {
    let lines: Vec<_> = outcome.done.iter().map(explain::step).collect();
    tools.juju_log(LogLevel::Info, &lines.join("; "))?;
    if let Some(problem) = &outcome.plan.report.problem {
        tools.juju_log(LogLevel::Warning, &explain::in_full(problem))?;
    }
    let (status, text) = explain::status(&outcome.plan.report);
    let report = juju_hooks::Report {
        status,
        text: &text,
        leads: juju.leader,
        version: outcome.lxd.as_ref().map(|lxd| lxd.server.version.as_str()),
    };
    tools.show(&report, note, may_differ)
}

impl Outcome {
    fn stopped(problem: Problem) -> Self {
        Self {
            plan: Plan::stopped(problem),
            ..Self::default()
        }
    }
}
