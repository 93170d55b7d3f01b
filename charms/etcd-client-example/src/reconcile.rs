//! Every hook and the action: observe, ask, use, report.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use certificates::Timestamp;
use data_requirer::{Answer, ClientCertificate, ETCD_CLIENT, Requirer, RequirerError};
use juju_hooks::{Endpoint, Event, Hook, LogLevel, Relation, RelationChange, ToolError, Tools};
use thiserror::Error;

use crate::certificate::{self, Source};
use crate::etcd::Session;
use crate::explain::{State, chain, status};
use crate::measure;
use crate::options::Options;
use crate::since::Since;

/// The endpoint over which etcd is used.
const ETCD: Endpoint = Endpoint("etcd");

/// Why a hook failed; Juju runs it again. etcd's failures are none of these: they
/// are a status, and the next hook tries again.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The relation could not be gone through.
    #[error("failed to go through the relation with etcd")]
    Requirer(#[from] RequirerError),
    /// The time since when etcd can be used could not be kept.
    #[error("failed to keep the time since when etcd can be used")]
    Since(#[source] io::Error),
    /// Juju cannot be asked or told.
    #[error("failed to use the hook tools")]
    Tools(#[from] ToolError),
}

/// Runs one hook or action.
///
/// # Errors
/// See [`ReconcileError`].
pub async fn run(hook: &Hook, root: &Path) -> Result<(), ReconcileError> {
    let name = format!("{}-{}", hook.unit.app(), hook.unit.number());
    let private = root.join("run/etcd-client-example").join(name);
    let tools = Tools::new(&hook.search_path, &private)?;
    let note = private.with_extension("shown");
    let now = SystemTime::now().into();
    withdraw(&tools, hook, now)?;
    certificate::withdraw(&tools, hook, now)?;

    let mut session = None;
    let since = Since::of(root, &hook.unit);
    let state = go(&tools, hook, now, &since, &mut session).await?;
    if !matches!(state, State::Usable { .. }) {
        since.end().map_err(ReconcileError::Since)?;
    }
    if let Event::Action(_) = hook.event {
        return Ok(measure::run(&tools, session.as_mut()).await?);
    }
    let (name, text) = status(&state);
    if let State::Unusable(_, reason) = &state {
        tools.juju_log(LogLevel::Warning, reason)?;
    }
    let report = juju_hooks::Report {
        status: name,
        text: &text,
        leads: tools.is_leader()?,
        version: None,
    };
    let may_differ = hook.event.may_have_changed_status();
    Ok(tools.show(&report, &note, may_differ)?)
}

/// In the hook that ends the relation, what was made for it goes.
fn withdraw(tools: &Tools, hook: &Hook, now: Timestamp) -> Result<(), RequirerError> {
    match &hook.event {
        Event::Relation(event)
            if event.endpoint == ETCD.0 && event.change == RelationChange::Broken =>
        {
            let relation = Relation {
                endpoint: ETCD,
                id: event.id,
            };
            // Which version was spoken is what the databag says.
            let dialect = data_requirer::Dialect::V1;
            Requirer::new(tools, hook, relation, &ETCD_CLIENT, dialect, now).withdraw()
        }
        _ => Ok(()),
    }
}

async fn go(
    tools: &Tools,
    hook: &Hook,
    now: Timestamp,
    since: &Since,
    session: &mut Option<Session>,
) -> Result<State, ReconcileError> {
    let options = match Options::observe(tools)? {
        Ok(options) => options,
        Err(invalid) => return Ok(State::InvalidOption(invalid)),
    };
    let source = certificate::go(tools, hook, now)?;
    // The metadata allows one.
    let Some(relation) = tools.relation_ids(ETCD)?.pop() else {
        return Ok(State::Unrelated);
    };
    let app = tools.remote_app(relation)?;
    let mut wish = options.wish(hook, relation.id);
    let requirer = Requirer::new(tools, hook, relation, &ETCD_CLIENT, options.dialect, now);
    let signed = match source {
        Source::Own => None,
        Source::Signed(identity) => {
            wish.certificate = ClientCertificate::Given(identity.certificate().to_owned());
            Some(identity)
        }
        // What the charm has made before is used until then.
        Source::Unsigned(..) if requirer.identity(&wish)?.is_some() => None,
        Source::Unsigned(app, reason) => return Ok(State::Unsigned(app, reason)),
    };
    requirer.publish(std::slice::from_ref(&wish))?;
    let access = match requirer.answer(&wish)? {
        Answer::Pending(missing) => return Ok(State::Pending(app, missing)),
        Answer::Ready(access) => access,
    };
    let identity = match signed {
        Some(identity) => Some(identity),
        None => requirer.identity(&wish)?,
    };
    let Some(identity) = identity else {
        return Ok(State::NoCertificate);
    };
    let key = format!(
        "{}{}-{}",
        options.prefix,
        hook.unit.app(),
        hook.unit.number()
    );
    match Session::open(&access, &identity, &key, &now.to_string()).await {
        Ok(open) => {
            *session = Some(open);
            let since = since.start(&now.to_string());
            Ok(State::Usable {
                app,
                prefix: options.prefix,
                since: since.map_err(ReconcileError::Since)?,
            })
        }
        Err(error) => Ok(State::Unusable(app, chain(&error))),
    }
}
