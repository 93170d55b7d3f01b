//! `generate-client-certificates` and `revoke-client-certificates`: credentials
//! for a person or a tool, and their end. What is decided of them stands in
//! [`crate::plan::credentials`].

mod revoke;

pub(super) use revoke::revoke;

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::apply::{self, Archive};
use crate::context::Context;
use crate::explain::operator_command;
use crate::facts::{ArchivePlace, CommonName, Prefix};
use crate::juju::ActionResults;
use crate::observe;
use crate::plan::credentials::{self, Made, Request};
use crate::plan::refusal::{ParameterFault, Refusal};
use crate::workload::configuration::credentials::quoted;

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

/// Issues credentials and puts them into an archive of this name.
///
/// # Errors
/// See [`ActionError`].
pub(super) async fn generate(
    context: &Context,
    results: &mut ActionResults,
    archive: &str,
) -> Result<(), ActionError> {
    let request = request(context)?;
    let session = Session::of_leader(context).await?;
    let cluster = session.cluster_with(context, &request.name).await?;
    let place = observe::archive_place(context, archive)?;
    let issuing = credentials::admit(request, &context.hook.unit, &place, &cluster)?;
    let request = &issuing.request;
    let authorities = session.authorities()?;
    let archive = apply::make_credentials(context, authorities, request, &session.members)?;
    let made = Made {
        certificate: &archive.certificate,
        issuer: &authorities.admin_issuer(),
        archive: &archive.digest,
        at: context.now,
    };
    let steps = issuing.steps(made, &cluster);
    if !apply::hand_over(context, &session.client, &steps, &place, &archive).await? {
        return Err(Refusal::Superseded(request.name.clone()).into());
    }
    show_issued(context, results, request, &place, &archive);
    Ok(())
}

fn request(context: &Context) -> Result<Request, ActionError> {
    let mut parameters = Parameters::read(context)?;
    let name = common_name(&mut parameters)?;
    let prefix = parameters.text("prefix")?;
    let full_access = parameters.flag_or("full-access", prefix.is_none())?;
    let days = parameters.number("validity-days")?.unwrap_or(VALIDITY_DAYS);
    parameters.finish()?;
    match (&prefix, full_access) {
        (Some(_), true) => {
            return Err(wrong("prefix", ParameterFault::BesideFullAccess));
        }
        (None, false) => {
            return Err(wrong("full-access", ParameterFault::NoKeys));
        }
        _ => {}
    }
    if !(1..=MOST_DAYS).contains(&days) {
        let fault = ParameterFault::Days(days, MOST_DAYS);
        return Err(wrong("validity-days", fault));
    }
    let prefix = prefix
        .map(Prefix::new)
        .transpose()
        .map_err(|refusal| wrong("prefix", ParameterFault::Prefix(refusal)))?;
    Ok(Request {
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
    parsed.map_err(|_| wrong("common-name", ParameterFault::NotACommonName))
}

fn show_issued(
    context: &Context,
    results: &mut ActionResults,
    request: &Request,
    place: &ArchivePlace,
    archive: &Archive,
) {
    let Request { name, .. } = request;
    let (app, certificate) = (context.hook.unit.app(), &archive.certificate);
    results.set(&["path"], place.path.display().to_string());
    results.set(&["copy", "cmd"], copy_command(context, place));
    results.set(&["common-name"], name.as_str());
    results.set(&["range"], request.range().to_string());
    results.set(&["fingerprint"], certificate.fingerprint.as_str());
    results.set(&["certificate-ends"], certificate.not_after.to_string());
    let run = format!("juju run {app}/leader revoke-client-certificates");
    let named = format!("common-name={}", quoted(name.as_str()));
    results.set(&["revoke", "cmd"], operator_command(&run, &named));
}

/// How an operator fetches an archive.
fn copy_command(context: &Context, place: &ArchivePlace) -> String {
    let (unit, path) = (&context.hook.unit, place.path.display());
    match place.is_fetched {
        true => operator_command(&format!("juju scp {unit}:{path}"), "."),
        false => {
            let cat = format!("juju ssh {unit} sudo cat {path}");
            operator_command(&cat, &format!("> {ARCHIVE}"))
        }
    }
}
