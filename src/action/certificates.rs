//! `generate-client-certificates` and `revoke-client-certificates`: credentials
//! for a person or a tool, and their end.
//!
//! The order is such that a run that is killed leaves nothing that works. The
//! name is claimed first; then the archive is written; then the identity is in
//! force, and only then user and role are made, which a full pass does as well.
//! Before that it has no rights, whoever has found its archive.

mod revoke;

use std::path::PathBuf;

pub(crate) use revoke::revoke;

use super::parameters::{Parameters, wrong};
use super::{ActionError, Session};
use crate::apply;
use crate::context::Context;
use crate::explain::operator_command;
use crate::facts::{
    Cluster, CommonName, IssuedRecord, IssuedState, LedgerWrite, MemberName, Prefix, Purpose,
};
use crate::juju::ActionResults;
use crate::observe;
use crate::plan::access::{admit_operator, grant_steps};
use crate::relation::legacy::connection_string;
use crate::tls::{Issued, OwnCertificate};
use crate::workload::configuration::credentials::{CredentialsNote, note, quoted};
use crate::workload::{Owner, credentials, files, sha256};

/// Where `juju scp` looks for files without a directory.
const HOME: &str = "/home/ubuntu";

/// The name of the archive, as this action and as the older one has it.
pub(super) const ARCHIVE: &str = "etcd_client_credentials.tar.gz";
pub(super) const OLDER_ARCHIVE: &str = "etcd_credentials.tar.gz";

/// The common name that credentials have if nobody says otherwise.
const COMMON_NAME: &str = "client";

/// How long credentials are valid if nobody says otherwise, and at most: as
/// long as the authority that signs them.
const VALIDITY_DAYS: u64 = 365;
const MOST_DAYS: u64 = 3650;

const DAY_SECONDS: i64 = 24 * 3600;

/// What is asked for.
struct Asked {
    name: CommonName,
    prefix: Option<Prefix>,
    validity_seconds: i64,
}

/// Issues credentials and puts them into an archive of this name.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn generate(
    context: &Context,
    results: &mut ActionResults,
    archive: &str,
) -> Result<(), ActionError> {
    let asked = asked(context)?;
    let session = Session::begin(context).await?;
    session.require_leader(context)?;
    let name = &asked.name;
    let cluster = observe_name(context, &session, name).await?;
    let app = context.hook.unit.app();
    let before =
        admit_operator(name, asked.prefix.as_ref(), app, &cluster).map_err(ActionError::Refused)?;
    let place = Place::of(context, archive);
    place.admit(context, &cluster, name)?;

    let authorities = session.application.authorities.as_ref().ok_or_else(|| {
        ActionError::Refused(
            "the certificate authorities cannot be read yet; wait until the unit is active"
                .to_owned(),
        )
    })?;
    let issued = authorities
        .admin
        .issue_client(name.as_str(), context.now, asked.validity_seconds)
        .map_err(apply::ApplyError::from)?;
    let own = OwnCertificate::read(&issued.certificate)
        .map_err(|source| apply::ApplyError::Issue(source.into()))?;
    let readme = note(CredentialsNote {
        common_name: name,
        prefix: asked.prefix.as_ref(),
        not_after: own.not_after,
        endpoints: &connection_string(&session.members),
        app: app.as_str(),
    });
    let provider_ca = files::read_text(&context.paths.provider_ca())?.unwrap_or_default();
    let trust = authorities.server_trust() + &provider_ca;
    let packed = pack(context, &issued, &trust, &readme)?;
    let record = IssuedRecord {
        purpose: Purpose::Operator,
        prefix: asked.prefix,
        fingerprint: Some(own.fingerprint.clone()),
        issuer: Some(authorities.admin_issuer()),
        issued_at: context.now,
        // An older certificate of the name works as long as this one does.
        not_after: own.not_after.max(
            before
                .as_ref()
                .map_or(own.not_after, |before| before.not_after),
        ),
        ended_at: None,
        state: match &before {
            Some(before) => before.state,
            None => IssuedState::Unfinished,
        },
        archive: Some(credentials::digest(&packed)),
    };
    let is_ours = match &before {
        Some(before) => session.client.replace_issued(name, before, &record).await?,
        None => session.client.claim_issued(name, &record).await?,
    };
    if !is_ours {
        return Err(superseded(name));
    }
    if let Err(error) = place.write(context, &packed) {
        // Nobody has the key, so it is as if nothing had been asked.
        match &before {
            Some(before) => drop(session.client.replace_issued(name, &record, before).await?),
            None => {
                let forget = LedgerWrite::ForgetIssued(name.clone());
                session.client.write_ledger(&[forget]).await?;
            }
        }
        return Err(error);
    }
    let in_force = IssuedRecord {
        state: IssuedState::InForce,
        ..record.clone()
    };
    if !session
        .client
        .replace_issued(name, &record, &in_force)
        .await?
    {
        return Err(superseded(name));
    }
    let range = in_force.range();
    let steps = grant_steps(&cluster, name, &range);
    apply::access(&session.client, &steps).await?;

    results.set(&["path"], place.path.display().to_string());
    results.set(&["copy", "cmd"], place.copy_command(context));
    results.set(&["common-name"], name.as_str());
    results.set(&["range"], range.to_string());
    results.set(&["fingerprint"], own.fingerprint.as_str());
    results.set(&["certificate-ends"], own.not_after.to_string());
    let run = format!("juju run {app}/leader revoke-client-certificates");
    let named = format!("common-name={}", quoted(name.as_str()));
    results.set(&["revoke", "cmd"], operator_command(&run, &named));
    Ok(())
}

fn asked(context: &Context) -> Result<Asked, ActionError> {
    let mut parameters = Parameters::read(context)?;
    let name = common_name(&mut parameters)?;
    let prefix = parameters.text("prefix")?;
    let full_access = parameters.flag_or("full-access", prefix.is_none())?;
    let days = parameters.number("validity-days")?.unwrap_or(VALIDITY_DAYS);
    parameters.finish()?;
    match (&prefix, full_access) {
        (Some(_), true) => {
            return Err(wrong(
                "prefix",
                "contradicts `full-access=true`: leave one out",
            ));
        }
        (None, false) => {
            return Err(wrong("full-access", "is false: name the keys by `prefix`"));
        }
        _ => {}
    }
    if !(1..=MOST_DAYS).contains(&days) {
        let reason = format!("is {days}: choose 1 to {MOST_DAYS}");
        return Err(wrong("validity-days", reason));
    }
    let prefix = prefix
        .map(Prefix::new)
        .transpose()
        .map_err(|refusal| wrong("prefix", format!("cannot be granted: {refusal}")))?;
    Ok(Asked {
        name: match name {
            Some(name) => name,
            None => COMMON_NAME.parse().expect("six letters are a common name"),
        },
        prefix,
        validity_seconds: i64::try_from(days).map_or(i64::MAX, |days| days * DAY_SECONDS),
    })
}

fn common_name(parameters: &mut Parameters) -> Result<Option<CommonName>, ActionError> {
    let text = parameters.text("common-name")?;
    let parsed = text.map(|text| text.parse()).transpose();
    parsed.map_err(|_| {
        let reason = "is no common name: 1 to 64 characters, no control characters";
        wrong("common-name", reason)
    })
}

/// What etcd says, of the user and the role of this name as well.
async fn observe_name(
    context: &Context,
    session: &Session,
    name: &CommonName,
) -> Result<Cluster, ActionError> {
    let mut cluster = super::observe_cluster(context, &session.client).await?;
    observe::access(&session.client, &mut cluster, [name.clone()].into()).await?;
    Ok(cluster)
}

fn superseded(name: &CommonName) -> ActionError {
    ActionError::Refused(format!(
        "common name {name} was changed by somebody else meanwhile: run it again"
    ))
}

fn pack(
    context: &Context,
    issued: &Issued,
    server_ca: &str,
    readme: &str,
) -> Result<Vec<u8>, ActionError> {
    let files = [
        ("client.crt", issued.certificate.as_bytes()),
        ("client.key", issued.key.expose().as_bytes()),
        ("ca.crt", server_ca.as_bytes()),
        ("README.txt", readme.as_bytes()),
    ];
    Ok(credentials::pack(
        &context.commands,
        &context.paths,
        &files,
    )?)
}

/// Where an archive goes.
struct Place {
    /// As an operator names it.
    path: PathBuf,
    /// Whether `juju scp` can fetch it.
    is_fetched: bool,
}

impl Place {
    /// In the home of the user whom `juju scp` logs in as; where there is none,
    /// beside what else belongs to the unit.
    fn of(context: &Context, archive: &str) -> Self {
        let home = PathBuf::from(HOME);
        let is_fetched = context.paths.named(&home).is_dir();
        let directory = if is_fetched {
            home
        } else {
            let member = MemberName::of(&context.hook.unit);
            PathBuf::from("/etc/etcd-charm").join(member.as_str())
        };
        Self {
            path: directory.join(archive),
            is_fetched,
        }
    }

    /// Whether an archive of this name may be written here: nothing is
    /// overwritten that somebody may still want to fetch.
    fn admit(
        &self,
        context: &Context,
        cluster: &Cluster,
        name: &CommonName,
    ) -> Result<(), ActionError> {
        let there = context.paths.named(&self.path);
        if !there.exists() {
            return Ok(());
        }
        let digest = sha256(&there)?;
        let mut issued = cluster.ledger.issued.iter();
        let owner = issued.find(|(_, record)| record.archive.as_ref() == Some(&digest));
        let holds = match owner {
            Some((owner, record)) if owner == name || record.state == IssuedState::Revoked => {
                return Ok(());
            }
            Some((owner, _)) => format!("holds the credentials of {owner}"),
            None => "is there and was not made last by this action".to_owned(),
        };
        let (unit, path) = (&context.hook.unit, self.path.display());
        Err(ActionError::Refused(format!(
            "{path} {holds}: fetch it if it is needed, remove it by `juju ssh {unit} sudo rm {path}`, \
             and run this again"
        )))
    }

    fn write(&self, context: &Context, packed: &[u8]) -> Result<(), ActionError> {
        let owner = if self.is_fetched {
            Owner::Operator(&context.commands)
        } else {
            Owner::Charm
        };
        let there = context.paths.named(&self.path);
        Ok(files::write_atomically(
            &there,
            packed,
            files::PRIVATE_FILE,
            owner,
        )?)
    }

    /// How an operator fetches it.
    fn copy_command(&self, context: &Context) -> String {
        let (unit, path) = (&context.hook.unit, self.path.display());
        if self.is_fetched {
            operator_command(&format!("juju scp {unit}:{path}"), ".")
        } else {
            let cat = format!("juju ssh {unit} sudo cat {path}");
            operator_command(&cat, &format!("> {ARCHIVE}"))
        }
    }
}
