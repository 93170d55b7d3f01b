//! Credentials that an operator asks for: made, handed over, and ended.

use super::{ApplyError, access};
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::authorities::Authorities;
use crate::facts::{ArchivePlace, Member};
use crate::plan::credentials::{Request, Revocation, Steps};
use crate::tls::{IssueError, OwnCertificate};
use crate::workload::{Owner, credentials, files};

/// An archive that nobody has yet.
#[derive(Debug)]
pub struct Archive {
    /// The certificate in it.
    pub certificate: OwnCertificate,
    /// Its SHA-256.
    pub digest: String,
    packed: Vec<u8>,
}

/// Makes a certificate and its key, and packs them with whatever is needed to reach
/// these members.
///
/// # Errors
/// Nothing can be issued, or this machine failed.
pub fn make_credentials(
    context: &Context,
    authorities: &Authorities,
    request: &Request,
    members: &[Member],
) -> Result<Archive, ApplyError> {
    let issued = authorities.admin.issue_client(
        request.name.as_str(),
        context.now,
        request.validity_seconds,
    )?;
    let certificate = OwnCertificate::read(&issued.certificate).map_err(IssueError::from)?;
    let readme = request.note(certificate.not_after, members, context.hook.unit.app());
    let provider_ca = files::read_text(&context.paths.provider_ca())?.unwrap_or_default();
    let trust = authorities.server_trust() + &provider_ca;
    let files = [
        ("client.crt", issued.certificate.as_bytes()),
        ("client.key", issued.key.expose().as_bytes()),
        ("ca.crt", trust.as_bytes()),
        ("README.txt", readme.as_bytes()),
    ];
    let packed = credentials::pack(&context.commands, &context.paths, &files)?;
    Ok(Archive {
        certificate,
        digest: credentials::digest(&packed),
        packed,
    })
}

/// Puts credentials on record, writes their archive, and gives them their rights.
/// `false` if what is on record of the name has changed meanwhile: they have none.
///
/// # Errors
/// etcd or this machine failed; credentials whose archive could not be written are
/// off the record again.
pub async fn hand_over(
    context: &Context,
    client: &Client,
    steps: &Steps,
    place: &ArchivePlace,
    archive: &Archive,
) -> Result<bool, ApplyError> {
    let claim = std::slice::from_ref(&steps.claim);
    if !access(client, claim).await?.is_whole() {
        return Ok(false);
    }
    if let Err(error) = write(context, place, archive) {
        access(client, std::slice::from_ref(&steps.undo)).await?;
        return Err(error);
    }
    Ok(access(client, &steps.finish).await?.is_whole())
}

fn write(context: &Context, place: &ArchivePlace, archive: &Archive) -> Result<(), ApplyError> {
    let owner = match place.is_fetched {
        true => Owner::Operator(&context.commands),
        false => Owner::Charm,
    };
    let there = context.paths.named(&place.path);
    let mode = files::PRIVATE_FILE;
    Ok(files::write_atomically(
        &there,
        &archive.packed,
        mode,
        owner,
    )?)
}

/// Whether the end of credentials is on record.
#[derive(Debug)]
#[must_use]
pub enum Noted {
    /// It is.
    Done,
    /// What was on record has changed meanwhile, and nothing was done.
    Superseded,
    /// It could not be written; the rights are gone all the same.
    Failed(ApplyError),
}

/// Ends credentials: their rights go also where that cannot be written.
///
/// # Errors
/// etcd failed a call.
pub async fn revoke(client: &Client, revocation: &Revocation) -> Result<Noted, ApplyError> {
    if let Some(claim) = &revocation.claim
        && !access(client, std::slice::from_ref(claim))
            .await?
            .is_whole()
    {
        return Ok(Noted::Superseded);
    }
    let noted = match access(client, revocation.note.as_slice()).await {
        Ok(change) if change.is_whole() => Noted::Done,
        Ok(_) => return Ok(Noted::Superseded),
        Err(error) => Noted::Failed(error),
    };
    access(client, &revocation.ends).await?;
    Ok(noted)
}
