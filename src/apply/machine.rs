//! Packages, files and the service of this machine.

use std::path::Path;
use std::time::Duration;

use super::{ApplyError, Missing, recreate, serving};
use crate::connection;
use crate::context::Context;
use crate::facts::machine::Documents;
use crate::facts::provider::KeyPair;
use crate::facts::{Bootstrap, MemberName, RefusalNote, Secret, Source, UpgradeRefusal};
use crate::juju::StatusName;
use crate::log;
use crate::plan::access::RESERVED_PREFIX;
use crate::plan::machine::{Installation, MachineStep, ServerIssuance, TrustTexts};
use crate::tls::Issued;
use crate::workload::files::{PRIVATE_FILE, PUBLIC_FILE, ensure_absent, ensure_file};
use crate::workload::request_file::forget_request;
use crate::workload::{
    self, Installed, MachineError, Owner, Service, Started, State, USER, data, layout, package,
};

/// How long a start is waited for. A member whose cluster has no quorum is not
/// ready for as long as that lasts; the hook must not wait with it.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a start is waited for that somebody else ordered (systemd, when the
/// machine came up) while no member is there that could be joined: it most
/// likely waits for the majority of the cluster.
const REST_LIMIT: Duration = Duration::from_secs(3);

/// How long a started etcd is asked before it counts as unreachable.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How far the service of this unit has come when the steps are carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// It serves, as far as it was started.
    Ready,
    /// It was started and is not ready yet, which passes by itself.
    Starting,
    /// It does not come up, and others serve: a unit that fails for it would
    /// hear of no client, and might be the one that leads.
    Failed,
}

/// Programs that were brought to this machine and are not installed yet.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// Where they are.
    pub programs: Installed,
    /// What they are to be installed for.
    pub installation: Installation,
}

/// What came of the steps on this machine.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MachineOutcome {
    /// How far etcd has come; `None` if it was not to be started.
    pub started: Option<Readiness>,
    /// What is to be installed once it is known which release it is.
    pub unpacked: Option<Unpacked>,
}

/// Carries the steps out; `others_serve` tells that the cluster has its majority
/// without this unit.
///
/// # Errors
/// See [`ApplyError`]; a later run goes on where this one stopped. That etcd
/// does not come up is one only if no other member serves.
pub async fn machine(
    context: &mut Context,
    steps: &[MachineStep],
    others_serve: bool,
) -> Result<MachineOutcome, ApplyError> {
    let mut outcome = MachineOutcome::default();
    for step in steps {
        match step {
            MachineStep::Install(installation) => outcome.unpacked = unpack(context, installation)?,
            MachineStep::StoreAuthorities(trust) => store_authorities(context, trust)?,
            MachineStep::IssueServer(issuance) => issue_server(context, issuance)?,
            MachineStep::IssueAdmin(authority, seconds) => {
                let issued = authority.issue_client("root", context.now, *seconds)?;
                let paths = &context.paths;
                let (certificate, key) = (paths.admin_certificate(), paths.admin_key());
                store(&issued, &certificate, &key, Owner::Charm)?;
            }
            MachineStep::StoreProviderTrust(text) => serving::store_trust(context, text)?,
            MachineStep::Request(relation, names) => serving::request(context, *relation, names)?,
            MachineStep::ForgetRequest => forget_request(&context.paths)?,
            MachineStep::Show(pair) => serving::show(context, pair)?,
            MachineStep::KeysReplaced => {
                context.unit_state.replaces_keys = false;
                context.unit_state.write(&context.paths)?;
            }
            MachineStep::Bootstrap(bootstrap) => {
                context.unit_state.identity = None;
                begin(context, bootstrap)?;
            }
            MachineStep::TakeOver(bootstrap, identity) => {
                context.unit_state.bootstrap = Some(bootstrap.clone());
                context.unit_state.identity = Some(*identity);
                context.unit_state.storage_is_mounted = is_mounted(context)?;
                context.unit_state.write(&context.paths)?;
            }
            MachineStep::Note(identity) => {
                context.unit_state.identity = Some(*identity);
                context.unit_state.storage_is_mounted = is_mounted(context)?;
                context.unit_state.write(&context.paths)?;
            }
            MachineStep::Quarantine(generation) => {
                recreate::quarantine(context, *generation).await?
            }
            MachineStep::WriteTrust(text) => {
                // With none has it served yet.
                ensure_absent(&context.paths.served_trust())?;
                let path = context.paths.wanted_trust();
                ensure_file(&path, text.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
            }
            MachineStep::Configure(documents) => configure(context, documents)?,
            MachineStep::Start => outcome.started = Some(start(context, others_serve).await?),
        }
    }
    Ok(outcome)
}

async fn start(context: &Context, others_serve: bool) -> Result<Readiness, ApplyError> {
    let service = Service::new(&context.commands, context.paths.service());
    let has_others = context.unit_state.client_endpoints.len() > 1;
    let limit = match service.state()? {
        State::Activating if !others_serve && has_others => REST_LIMIT,
        _ => START_LIMIT,
    };
    let came_up = up(context, service.start(limit)).await;
    unless_others_serve(came_up, others_serve)
}

/// Remembers with which words this unit's member enters its cluster, and lets etcd
/// start once without data. The words first: without the permission the member
/// counts as one whose data is gone, which is made good.
pub(super) fn begin(context: &mut Context, bootstrap: &Bootstrap) -> Result<(), ApplyError> {
    let storage = context.unit_state.data_dir.clone();
    let storage = storage.ok_or(ApplyError::Missing(Missing::Storage))?;
    context.unit_state.bootstrap = Some(bootstrap.clone());
    context.unit_state.storage_is_mounted = is_mounted(context)?;
    context.unit_state.write(&context.paths)?;
    let (commands, paths) = (&context.commands, &context.paths);
    Ok(data::begin(
        commands,
        paths,
        &storage,
        bootstrap.generation,
    )?)
}

fn is_mounted(context: &Context) -> Result<bool, ApplyError> {
    match &context.unit_state.data_dir {
        Some(storage) => Ok(workload::is_mounted(storage)?),
        None => Ok(false),
    }
}

/// Waits until a service that was started answers.
pub(super) async fn up(
    context: &Context,
    started: Result<Started, MachineError>,
) -> Result<Readiness, ApplyError> {
    match started? {
        Started::Ready => answers(context).await.map(|()| Readiness::Ready),
        Started::Pending => Ok(Readiness::Starting),
    }
}

/// An etcd that does not come up is an error of the hook only where nobody else
/// serves; see [`Readiness::Failed`].
pub(super) fn unless_others_serve(
    came_up: Result<Readiness, ApplyError>,
    others_serve: bool,
) -> Result<Readiness, ApplyError> {
    match came_up {
        Err(error) if others_serve => {
            tracing::warn!("{}", log::chain(&error));
            Ok(Readiness::Failed)
        }
        came_up => came_up,
    }
}

/// Stops the service for good. Its data stays where it is.
///
/// # Errors
/// systemd refused.
pub fn stop(context: &Context) -> Result<(), ApplyError> {
    // It was never installed, or an earlier run has forgotten it.
    if !context.paths.service_file().exists() {
        return Ok(());
    }
    let service = Service::new(&context.commands, context.paths.service());
    service.disable()?;
    Ok(service.stop()?)
}

/// Brings programs to this machine. `None` where it is the archive that is at fault: it
/// is for an operator to attach another one; what was installed before goes on, and so do
/// hooks.
fn unpack(
    context: &mut Context,
    installation: &Installation,
) -> Result<Option<Unpacked>, ApplyError> {
    // It takes a minute, and nobody should wonder.
    context
        .tools
        .status_set(StatusName::Maintenance, "installing etcd")?;
    // Written ahead: the machine may go down amid the packages' own scripts.
    let was_cut_short = std::mem::replace(&mut context.unit_state.installing, true);
    context.unit_state.write(&context.paths)?;
    let (commands, paths) = (&context.commands, &context.paths);
    match package::ensure_there(commands, &installation.source, paths, was_cut_short) {
        Ok(programs) => Ok(Some(Unpacked {
            programs,
            installation: installation.clone(),
        })),
        Err(error) => match error.of_the_archive() {
            Some(fault) => {
                tracing::warn!("{}", log::chain(&error));
                context.unit_state.refused_archive = Some(fault.into());
                context.unit_state.refused_upgrade = None;
                note_source(context, &installation.source)?;
                Ok(None)
            }
            None => Err(error.into()),
        },
    }
}

/// Installs programs that were brought here, unless they are refused for this reason.
///
/// # Errors
/// This machine is at fault; a later run brings them here again.
pub fn install(
    context: &mut Context,
    unpacked: &Unpacked,
    refused: Option<UpgradeRefusal>,
) -> Result<(), ApplyError> {
    let source = &unpacked.installation.source;
    if refused.is_none() {
        package::make_current(&context.paths, source, &unpacked.programs)?;
    }
    context.unit_state.refused_archive = None;
    context.unit_state.refused_upgrade = refused.map(RefusalNote::from);
    note_source(context, source)
}

/// Remembers that what there is of this source was tried, and what came of it.
fn note_source(context: &mut Context, source: &Source) -> Result<(), ApplyError> {
    context.unit_state.installing = false;
    context.unit_state.source_digest = match source {
        Source::Archive(archive) => Some(workload::sha256(archive)?),
        Source::Distribution => None,
    };
    context.unit_state.write(&context.paths)?;
    Ok(())
}

fn store_authorities(context: &Context, trust: &TrustTexts) -> Result<(), ApplyError> {
    let paths = &context.paths;
    for (path, text) in [
        (paths.server_ca(), Some(&trust.server)),
        (paths.admin_ca(), Some(&trust.admin)),
        (paths.client_ca(), trust.client.as_ref()),
    ] {
        if let Some(text) = text {
            ensure_file(&path, text.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
        }
    }
    Ok(())
}

fn issue_server(context: &Context, issuance: &ServerIssuance) -> Result<(), ApplyError> {
    // No user of etcd may have this name: see `RESERVED_PREFIX`.
    let name = format!("{RESERVED_PREFIX}{}", MemberName::of(&context.hook.unit));
    let ServerIssuance {
        authority,
        names,
        seconds,
        is_shown,
    } = issuance;
    let issued = authority.issue_server(&name, names, context.now, *seconds)?;
    // It comes first, so that a run that is killed leaves what can be verified.
    if *is_shown {
        let pair = KeyPair {
            certificates: issued.certificate.clone(),
            key: issued.key.clone(),
        };
        serving::show(context, &pair)?;
    }
    let paths = &context.paths;
    let (certificate, key) = (paths.server_certificate(), paths.server_key());
    store(
        &issued,
        &certificate,
        &key,
        Owner::User(&context.commands, USER),
    )
}

fn configure(context: &mut Context, documents: &Documents) -> Result<(), ApplyError> {
    let storage = context.unit_state.data_dir.as_ref();
    let storage = storage.ok_or(ApplyError::Missing(Missing::Storage))?;
    layout::ensure_data_dir(&context.commands, &storage.join("etcd"))?;
    let paths = &context.paths;
    for (path, text) in [
        (paths.wanted_config(), &documents.configuration),
        (paths.service_file(), &documents.service),
    ] {
        ensure_file(&path, text.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
    }
    workload::daemon_reload(&context.commands)?;
    Service::new(&context.commands, paths.service()).enable()?;
    Ok(())
}

/// The key first: etcd reads the pair anew for each connection, and between
/// the two writes a new certificate with an old key would fit nobody, so what
/// is written second is what makes the pair change.
fn store(
    issued: &Issued,
    certificate: &Path,
    key: &Path,
    owner: Owner<'_>,
) -> Result<(), ApplyError> {
    let secret: &Secret<String> = &issued.key;
    ensure_file(key, secret.expose().as_bytes(), PRIVATE_FILE, owner)?;
    ensure_file(
        certificate,
        issued.certificate.as_bytes(),
        PUBLIC_FILE,
        Owner::Charm,
    )?;
    Ok(())
}

/// Waits until the member of this unit answers.
///
/// # Errors
/// It does not within the time allowed.
pub(super) async fn answers(context: &Context) -> Result<(), ApplyError> {
    let begun = std::time::Instant::now();
    loop {
        match connection::ask_own_member(context).await {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > ANSWER_LIMIT => {
                let reason = log::chain(&error);
                return Err(ApplyError::Unreachable(reason, context.paths.service()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
