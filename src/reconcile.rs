//! Every hook is the same five steps: observe, plan, apply, publish, report.
//! State is compared, never deltas, so a hook that was killed, repeated or
//! skipped is made good by the next one of any kind.

mod apply_stage;
mod departing_units;
mod keep;
mod look;
mod observe_round;
mod report;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::apply::{self, ApplyError, Readiness};
use crate::connection;
use crate::context::{Context, ContextError};
use crate::etcd::{Client, EtcdError};
use crate::explain;
use crate::explain::preview::{self, Preview};
use crate::explain::reasons;
use crate::explain::steps::{self, Step};
use crate::facts::observed::{Clients, Disconnection, Pass, Repaired};
use crate::facts::{
    Access, ClientRecord, CommonName, Condition, Keys, NoAnswer, RequestKey, Requirer,
};
use crate::hook::{Event, Hook};
use crate::juju::{LogLevel, ToolError};
use crate::observe::{self, Application, ObserveError};
use crate::plan::{self, Plan, Report, Stage, Wait};
use crate::workload::relation_notes;
use departing_units::{note_departing_units, note_told_ends, prune};
use keep::keep;
use look::Look;

/// How many stages one hook may carry out. A first start takes about ten; more
/// than this means that two stages undo each other.
const MAX_ROUNDS: usize = 40;

/// Why a hook failed.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The run could not begin.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Something that must be known could not be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A step could not be carried out.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The outcome could not be reported.
    #[error("failed to report to the model")]
    Report(#[source] ToolError),
    /// What this unit must remember could not be written.
    #[error("failed to remember what was done")]
    UnitState(#[source] crate::workload::WorkloadError),
    /// etcd answered, and stopped to before the hook was done.
    #[error("failed to go on without etcd: {}", reasons::no_answer(.0))]
    Lost(NoAnswer),
    /// etcd does not let the member of this unit go, and its storage goes next:
    /// the others would count on a member that is no more.
    #[error("failed to leave the cluster: etcd does not let this unit's member go yet")]
    Stays,
    /// The plan did not come to rest.
    #[error("failed to bring etcd to rest within {MAX_ROUNDS} rounds; last stage: {0}")]
    DidNotConverge(&'static str),
}

/// Runs one hook.
///
/// # Errors
/// See [`ReconcileError`]; Juju drops what was written to it and runs the hook
/// again.
pub async fn run(hook: Hook) -> Result<(), ReconcileError> {
    let mut context = Context::new(hook)?;
    match &context.hook.event {
        Event::Ignored | Event::Action(_) => return Ok(()),
        Event::Remove => return Ok(apply::forget(&context)?),
        Event::SecretRemove(secret, revision) => {
            prune(&context, secret, *revision).map_err(ReconcileError::Report)?;
            return Ok(());
        }
        Event::StorageDetaching
        | Event::Stop
        | Event::Client { .. }
        | Event::Legacy { .. }
        | Event::Signing { .. }
        | Event::Transfer { .. }
        | Event::Provider { .. }
        | Event::Peer { .. }
        | Event::SecretChanged(_)
        | Event::Lifecycle { .. } => {}
    }
    note_told_ends(&mut context);
    note_departing_units(&mut context)?;
    let run = Run::new(&mut context)?;
    make_pass(&mut context, run).await.map(drop)?;
    if context.hook.event == Event::Stop {
        apply::forget(&context)?;
    }
    Ok(())
}

/// Brings everything to where it should be, as every hook does, and reports.
///
/// # Errors
/// See [`ReconcileError`]; a later run goes on.
pub(crate) async fn pass(context: &mut Context) -> Result<Report, ReconcileError> {
    let run = Run::new(context)?;
    let (_, report) = make_pass(context, run).await?;
    Ok(report)
}

/// What was carried out, if the run records that, and what is waited for.
async fn make_pass(
    context: &mut Context,
    mut run: Run,
) -> Result<(Vec<Step>, Report), ReconcileError> {
    let mut report = if apply::recreate(context).await? {
        run.rounds(context).await?
    } else {
        let mut report = Report::default();
        report.wait_for(Wait::Recreation);
        report
    };
    let done = run.done.take().unwrap_or_default();
    run.finish(context, &mut report)?;
    Ok((done, report))
}

/// What a full pass would do now; nothing is changed.
///
/// # Errors
/// See [`ReconcileError`].
pub(crate) async fn preview(context: &mut Context) -> Result<Preview, ReconcileError> {
    let (observed, client) = Run::new(context)?.observe_round(context).await?;
    if let Some(client) = client {
        context.etcd_calls += client.take_calls();
    }
    Ok(preview::preview(&observed))
}

/// Makes a full pass because an operator asks for one, as `update-status` would
/// make it. What it has done, and what is still waited for.
///
/// # Errors
/// See [`ReconcileError`].
pub(crate) async fn full_pass(
    context: &mut Context,
) -> Result<(Vec<Step>, Report), ReconcileError> {
    let mut run = Run::new(context)?;
    run.done = Some(Vec::new());
    make_pass(context, run).await
}

/// A write that etcd refused for an alarm is no failure of this hook: it would
/// be one of every hook, until an operator has dealt with it. What was written
/// before it stands in the ledger, and is gone on with then.
fn wait_for_alarm(error: ReconcileError) -> Result<Progress, ReconcileError> {
    if let ReconcileError::Apply(cause) = &error
        && let Some(alarm) = cause.alarm()
    {
        return Ok(Progress::Waits(Wait::Alarm(alarm)));
    }
    Err(error)
}

/// Whether nothing was written since it was decided on what is not true any more.
fn is_superseded(error: &ReconcileError) -> bool {
    matches!(
        error,
        ReconcileError::Apply(ApplyError::Etcd(EtcdError::Superseded { .. }))
    )
}

/// How a hook goes on after a stage.
enum Progress {
    /// With the next round.
    Goes,
    /// Not at all: everything is published.
    Over,
    /// Not now, for a reason that passes by itself.
    Waits(Wait),
}

struct Run {
    application: Application,
    /// What clients ask for; read once, as soon as etcd is known, since what
    /// clients ask cannot change within a hook.
    clients: Option<Clients>,
    /// The requests that were on record when this hook began.
    first_requests: Option<Keys<RequestKey, ClientRecord>>,
    /// What the last round saw of etcd, as far as it is so still.
    look: Option<Look>,
    /// Users and roles as this hook has seen or made them, for the next round.
    known_rights: BTreeMap<CommonName, Access>,
    /// Whether this round goes by what the one before has seen.
    is_second_hand: bool,
    /// Whether the last steps of access were not all carried out, so that etcd has to
    /// be asked what came of them.
    is_access_cut_short: bool,
    granted: bool,
    restarted: bool,
    /// What came of ending the connections of clients in this hook.
    disconnection: Disconnection,
    /// Whether this hook has taken rights away, or was about to.
    took_rights: bool,
    /// Whether the others were told so although it could not be written down.
    published_unsettled: bool,
    repaired: Repaired,
    /// What came of the last start of etcd in this hook.
    started: Option<Readiness>,
    /// Whether others have restarted while this hook waited for its turn.
    superseded: bool,
    /// Whether this hook has counted who did not answer.
    has_counted: bool,
    log: Vec<String>,
    /// The requests that Juju did not let this hook answer, and why.
    unanswered: Vec<(Requirer, Condition)>,
    /// What was carried out, step by step, where somebody wants to know.
    done: Option<Vec<Step>>,
}

impl Run {
    /// Reads what Juju says, which is constant within a hook.
    fn new(context: &mut Context) -> Result<Self, ReconcileError> {
        let application = observe::application(context)?;
        // Another unit leads and writes, or may have done so until now.
        if !application.leader || context.hook.event.may_follow_another_leader() {
            relation_notes::forget_all(&context.paths)
                .map_err(|error| ReconcileError::UnitState(error.into()))?;
        }
        // Units may have come or gone.
        if let Event::Signing { relation, .. } = &context.hook.event {
            relation_notes::forget(&context.paths, relation.id)
                .map_err(|error| ReconcileError::UnitState(error.into()))?;
        }
        // Events that do not read the options go by these from now on.
        let unit_state = &mut context.unit_state;
        unit_state.options.clone_from(&application.config);
        unit_state
            .refused_option
            .clone_from(&application.refused_option);
        Ok(Self {
            application,
            clients: None,
            first_requests: None,
            look: None,
            known_rights: BTreeMap::new(),
            is_second_hand: false,
            is_access_cut_short: false,
            granted: false,
            restarted: false,
            disconnection: Disconnection::Untried,
            took_rights: false,
            published_unsettled: false,
            repaired: Repaired::default(),
            started: None,
            superseded: false,
            has_counted: false,
            log: Vec::new(),
            unanswered: Vec::new(),
            done: None,
        })
    }

    /// Another unit may lead by now, since Juju promises leadership for 30 s at a
    /// time. What this one has read of clients is then not its business any more.
    fn ask_who_leads(&mut self, context: &Context) -> Result<(), ReconcileError> {
        let led = self.application.leader;
        self.application.leader = led && observe::leads(context)?;
        if led && !self.application.leader {
            self.clients = None;
        }
        Ok(())
    }

    async fn rounds(&mut self, context: &mut Context) -> Result<Report, ReconcileError> {
        let mut last = "";
        for _ in 0..MAX_ROUNDS {
            // reads only
            let (observed, client) = self.observe_round(context).await?;
            // pure
            let Plan { stage, mut report } = plan::plan(&observed);
            last = stage.name();
            tracing::debug!(stage = last, "planned");
            if self.needs_another_look(&observed, &stage) {
                context.etcd_calls += client.as_ref().map_or(0, Client::take_calls);
                continue;
            }
            for remark in explain::remarks(&report) {
                if !self.log.contains(&remark) {
                    self.log.push(remark);
                }
            }
            if matches!(stage, Stage::Publish(_)) {
                keep(context, &observed, client.as_ref());
            }
            // writes only
            let progress = self
                .apply_stage(context, &observed, client.as_ref(), &stage)
                .await;
            if let Some(client) = &client {
                context.etcd_calls += client.take_calls();
            }
            if let Some(cluster) = observed.cluster.known() {
                context.records_read.set(cluster.ledger.records_read());
            }
            let progress = match progress {
                Err(error) if is_superseded(&error) => {
                    self.ask_who_leads(context)?;
                    continue;
                }
                progress => progress.or_else(wait_for_alarm)?,
            };
            if let (Some(done), false) = (&mut self.done, matches!(progress, Progress::Waits(_))) {
                done.extend(steps::steps(&stage));
            }
            match progress {
                Progress::Goes => self.keep_look(context, observed, client, &stage),
                Progress::Over => {
                    report.conditions.append(&mut self.unanswered);
                    return Ok(report);
                }
                // Rights were taken away as far as that needs no write, so what
                // is open from before ends first.
                Progress::Waits(Wait::Alarm(_))
                    if self.took_rights && !self.published_unsettled =>
                {
                    self.published_unsettled = true;
                    let publication = plan::publish::unsettled(&observed);
                    self.publish(context, None, &publication).await?;
                }
                Progress::Waits(wait) => {
                    report.wait_for(wait);
                    return Ok(report);
                }
            }
        }
        Err(ReconcileError::DidNotConverge(last))
    }

    /// Reports, and remembers what the next hook need not ask for.
    fn finish(self, context: &mut Context, report: &mut Report) -> Result<(), ReconcileError> {
        let is_full = self.application.pass == Pass::Full;
        if is_full && report.wait.is_none() {
            let port = connection::served_client_port(context);
            apply::open_port(context, port.map_err(ObserveError::from)?)?;
        }
        // What only a full pass looks at stands until the next one.
        match is_full {
            true => context.unit_state.provider.clone_from(&report.provider),
            false => report.provider.clone_from(&context.unit_state.provider),
        }
        report.refused_port = context.unit_state.refused_port;
        if is_full && let Some(relation) = context.peer_relation().map_err(ObserveError::from)? {
            context.unit_state.peer_relation = Some(relation.id);
        }
        let may_differ = context.hook.event.may_have_changed_status();
        let changes = report::changes(context, report, self.application.leader, may_differ);
        if !changes.is_empty() {
            changes.forget(&mut context.unit_state);
            let written = context.unit_state.write(&context.paths);
            written.map_err(ReconcileError::UnitState)?;
            changes.set(context).map_err(ReconcileError::Report)?;
        }
        if context.hook.event == Event::StorageDetaching {
            departing_units::last_words(context)?;
        }
        if !self.log.is_empty() {
            context
                .tools
                .juju_log(LogLevel::Info, &self.log.join("; "))
                .map_err(ReconcileError::Report)?;
        }
        tracing::debug!(
            hook_tools = context.tools.calls(),
            etcd_calls = context.etcd_calls,
            records_read = context.records_read.get(),
            "done"
        );
        context
            .unit_state
            .write(&context.paths)
            .map_err(ReconcileError::UnitState)?;
        Ok(())
    }
}
