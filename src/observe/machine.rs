//! What this machine looks like.

use std::path::{Path, PathBuf};

use super::{Application, ObserveError};
use crate::context::Context;
use crate::facts::machine::{Documents, Machine, ServicePaths};
use crate::facts::observed::{Leaves, Pass};
use crate::facts::provider::KeyPair;
use crate::facts::{
    Cause, FilePath, InvalidId, Known, MemberData, Secret, Source, UnwritablePath, Version,
};
use crate::tls::{Issued, OwnCertificate, TrustBundle};
use crate::workload::configuration::etcd_config::{noted_program, noted_server_trust};
use crate::workload::kept_trust::{self, TrustFiles, TrustStamp};
use crate::workload::{
    self, Service, WorkloadError, bolt, data, files, package, release, request_file, wal,
};

/// Reads files and the state of the service. In a pass over one relation only
/// what decides about trust is read.
///
/// # Errors
/// A file could not be read, or systemd could not be asked.
pub fn machine(context: &Context, application: &Application) -> Result<Machine, ObserveError> {
    let mut machine = of_every_pass(context, application)?;
    if application.pass == Pass::Event {
        return Ok(machine);
    }
    let paths = &context.paths;
    let installed = programs(context, application, &mut machine)?;
    if let Some(storage) = &application.storage {
        // Before it is mounted, what is there is not what was lost.
        let is_there = || workload::is_mounted(storage).is_ok_and(|is_mounted| is_mounted);
        machine.has_storage = !context.unit_state.storage_is_mounted || is_there();
        machine.data = wal::identity(&data::current(storage));
    }
    machine.is_whole = machine.bootstrap.is_none() && is_whole(application, &machine.data);
    machine.may_begin = files::read(&paths.first_start())?.is_some();
    machine.authorities = application.authorities.clone();
    let own_server = own(&paths.server_certificate(), &paths.server_key())?;
    (machine.server_certificate, machine.own_pair) = own_server.unzip();
    machine.served =
        files::read_text(&paths.served_pair())?.and_then(|text| KeyPair::read(&Secret::new(text)));
    machine.pending_request = request_file::read_request(paths)?;
    machine.replaces_keys = context.unit_state.replaces_keys;
    let own_admin = own(&paths.admin_certificate(), &paths.admin_key())?;
    machine.admin_certificate = own_admin.map(|(certificate, _)| certificate);
    machine.written = Documents {
        configuration: files::read_text(&paths.wanted_config())?.unwrap_or_default(),
        service: files::read_text(&paths.service_file())?.unwrap_or_default(),
    };
    machine.loaded_configuration = files::read_text(&paths.loaded_config())?;
    let loaded = machine.loaded_configuration.as_deref();
    machine.loaded_server_trust = loaded.and_then(noted_server_trust);
    let service = Service::new(&context.commands, paths.service());
    machine.is_running = Some(service.is_active()?);
    if let (Some(storage), Some(installed)) = (&application.storage, &installed) {
        machine.service_paths = Some(service_paths(context, storage, &installed.etcd)?);
    }
    Ok(machine)
}

/// What decides about trust, and what this unit remembers.
fn of_every_pass(context: &Context, application: &Application) -> Result<Machine, ObserveError> {
    let paths = &context.paths;
    let unit_state = &context.unit_state;
    let trust = trust_files(context, application.pass)?;
    let (loaded_authorities, loaded_leaves) = trust.loaded.unzip();
    Ok(Machine {
        address: application.address.map(|address| address.to_string()),
        other_addresses: application.other_addresses.clone(),
        bootstrap: unit_state.bootstrap.clone(),
        identity: unit_state.identity,
        is_unproven: trust.is_unproven,
        refused_trust: unit_state.refused_trust.clone(),
        restarts_paid_until: unit_state.restarts_paid_until,
        refused_upgrade: unit_state.refused_upgrade.clone(),
        refused_archive: unit_state.refused_archive.clone(),
        server_ca: files::read_text(&paths.server_ca())?,
        admin_ca: files::read_text(&paths.admin_ca())?,
        client_ca: files::read_text(&paths.client_ca())?,
        provider_ca: files::read_text(&paths.provider_ca())?.unwrap_or_default(),
        written_leaves: trust.written,
        loaded_leaves,
        loaded_authorities,
        disconnected: unit_state.disconnected,
        ..Machine::default()
    })
}

/// What the trust files say. They are read where they are others than they were when
/// this hook, or in a pass over one relation one before it, has read them.
fn trust_files(context: &Context, pass: Pass) -> Result<TrustFiles, ObserveError> {
    let paths = &context.paths;
    let stamp = TrustStamp::now(paths, &context.program)?;
    let known = context.trust_files.borrow().clone();
    if let Some((_, files)) = known.filter(|(known, _)| *known == stamp) {
        return Ok(files);
    }
    let kept = (pass == Pass::Event).then(|| kept_trust::recall(paths, &stamp));
    let kept = kept.flatten();
    context.keeps_trust.set(kept.is_some());
    let files = match kept {
        Some(kept) => kept,
        None => read_trust_files(context)?,
    };
    // The service copies files whenever it starts etcd.
    let is_so_still = TrustStamp::now(paths, &context.program)? == stamp;
    let known = is_so_still.then(|| (stamp, files.clone()));
    context.trust_files.replace(known);
    Ok(files)
}

fn read_trust_files(context: &Context) -> Result<TrustFiles, ObserveError> {
    let paths = &context.paths;
    let written = files::read_text(&paths.wanted_trust())?;
    let loaded = files::read_text(&paths.loaded_trust())?;
    let loaded_all = loaded.as_deref().and_then(|text| known(context, text));
    // The same text but between the writing of one and the start of etcd.
    let written_leaves = if written == loaded {
        loaded_all.as_ref().map(|(_, leaves)| leaves.clone())
    } else {
        written
            .as_deref()
            .and_then(trusted)
            .map(|(_, leaves)| leaves)
    };
    let served = files::read_text(&paths.served_trust())?;
    Ok(TrustFiles {
        written: written_leaves,
        loaded: loaded_all,
        is_unproven: loaded.is_some() && served.is_some() && served != loaded,
    })
}

/// Which programs are installed, and what is known of those that are to be.
fn programs(
    context: &Context,
    application: &Application,
    machine: &mut Machine,
) -> Result<Option<package::Installed>, ObserveError> {
    let paths = &context.paths;
    let installed = package::installed(paths)?;
    let is_done = !context.unit_state.installing && is_newest(context, application)?;
    machine.source.clone_from(&application.source);
    machine.was_tried = is_done && matches!(application.source, Some(Source::Archive(_)));
    machine.is_installed = installed.is_some() && is_done;
    let current = installed.as_ref().map(|programs| programs.etcd.as_path());
    if machine.bootstrap.is_none() {
        machine.release = current.map(|program| release(context, program));
    } else if !machine.is_installed {
        let loaded = files::read_text(&paths.loaded_config())?;
        let loaded = loaded.as_deref().and_then(noted_program);
        let loaded = loaded.filter(|program| program.exists());
        let program = loaded.as_deref().or(current);
        let release = program.map(|program| release(context, program));
        machine.member_release = release.as_ref().and_then(Known::known).cloned();
    }
    Ok(installed)
}

/// The release of this program, as it says itself.
pub fn release(context: &Context, program: &Path) -> Known<Version, Cause> {
    let said = release::version(&context.commands, program);
    let read = said.map_err(|error| Cause::of(&error)).and_then(|text| {
        let version: Result<Version, InvalidId> = text.parse();
        version.map_err(|error| Cause::of(&error))
    });
    match read {
        Ok(version) => Known::Known(version),
        Err(reason) => Known::Unknown(reason),
    }
}

/// Whether the data is that of the only member. What cannot be read is
/// not known to be.
fn is_whole(application: &Application, data: &MemberData) -> bool {
    let (Some(storage), MemberData::Of(identity)) = (&application.storage, data) else {
        return false;
    };
    match bolt::members(&data::current(storage)) {
        Ok(members) => members == [identity.member].into(),
        Err(error) => {
            tracing::warn!("failed to read the members in the data that is there: {error}");
            false
        }
    }
}

/// A certificate of ours and its key. A pair that does not belong together is
/// none: a run was cut short between writing the one and the other.
fn own(certificate: &Path, key: &Path) -> Result<Option<(OwnCertificate, KeyPair)>, WorkloadError> {
    let (Some(certificates), Some(key)) = (files::read_text(certificate)?, files::read_text(key)?)
    else {
        return Ok(None);
    };
    let key = Secret::new(key);
    let certificate = OwnCertificate::read(&certificates).ok();
    let certificate = certificate.filter(|found| Issued::belongs_together(found, &key));
    Ok(certificate.map(|found| (found, KeyPair { certificates, key })))
}

/// Whether the archive that etcd is to come from, if any, is the one that was
/// installed last, or refused.
fn is_newest(context: &Context, application: &Application) -> Result<bool, ObserveError> {
    match &application.source {
        None | Some(Source::Distribution) => Ok(true),
        Some(Source::Archive(archive)) => {
            let digest = workload::sha256(archive)?;
            Ok(context.unit_state.source_digest.as_ref() == Some(&digest))
        }
    }
}

/// The authorities and the leaves of a trust file. A file that is missing, or was
/// damaged by somebody else, is no trust file, and gets written anew.
fn trusted(text: &str) -> Option<(Leaves, Leaves)> {
    TrustBundle::fingerprints_in(text).ok()
}

/// The same of the file that is loaded, which is read again only if it is another.
fn known(context: &Context, text: &str) -> Option<(Leaves, Leaves)> {
    let mut last = context.loaded_trust.borrow_mut();
    match &*last {
        Some((known, leaves)) if known == text => leaves.clone(),
        _ => {
            let leaves = trusted(text);
            *last = Some((text.to_owned(), leaves.clone()));
            leaves
        }
    }
}

/// Where everything lies that the files of the service name.
fn service_paths(
    context: &Context,
    storage: &Path,
    etcd: &Path,
) -> Result<ServicePaths, UnwritablePath> {
    let paths = &context.paths;
    let text = |path: PathBuf| FilePath::try_from(path.as_path());
    Ok(ServicePaths {
        root: paths.root().try_into()?,
        charm: context.program.as_path().try_into()?,
        etcd: etcd.try_into()?,
        data_dir: text(data::current(storage))?,
        wanted_config: text(paths.wanted_config())?,
        wanted_trust: text(paths.wanted_trust())?,
        loaded_dir: text(paths.loaded_dir())?,
        loaded_trust: text(paths.loaded_trust())?,
        served_pair: text(paths.served_pair())?,
        server_certificate: text(paths.server_certificate())?,
        server_key: text(paths.server_key())?,
        server_ca: text(paths.server_ca())?,
    })
}
