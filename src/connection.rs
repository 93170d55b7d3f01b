//! How this unit reaches members of the cluster: as the administrator that its
//! certificate makes it. Who reads and who writes asks them the same way.

use thiserror::Error;

use crate::context::Context;
use crate::etcd::{Client, Credentials, EtcdError};
use crate::facts::Secret;
use crate::facts::tuning::CLIENT_PORT;
use crate::workload::configuration::etcd_config::{Ports, ports_in};
use crate::workload::configuration::https_url;
use crate::workload::{MachineError, WorkloadError, files};

/// Why there is no connection to a member.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// It is not known where the member of this unit serves.
    #[error("this unit has no address")]
    NoAddress,
    /// The administrator's certificate of this unit is not there yet.
    #[error("failed to find this unit's administrator certificate")]
    NoCredentials,
    /// The certificate, or an authority, could not be read.
    #[error(transparent)]
    Workload(Box<WorkloadError>),
    /// The URL is none, the certificate is of no use, or etcd failed the call.
    #[error(transparent)]
    Etcd(Box<EtcdError>),
}

impl From<WorkloadError> for ConnectError {
    fn from(error: WorkloadError) -> Self {
        Self::Workload(Box::new(error))
    }
}

impl From<MachineError> for ConnectError {
    fn from(error: MachineError) -> Self {
        WorkloadError::from(error).into()
    }
}

impl From<EtcdError> for ConnectError {
    fn from(error: EtcdError) -> Self {
        Self::Etcd(Box::new(error))
    }
}

/// The ports at which the etcd of this unit serves: those that it has loaded, which are
/// not the configured ones while it waits for its restart.
///
/// # Errors
/// The file could not be read.
pub fn served_ports(context: &Context) -> Result<Option<Ports>, WorkloadError> {
    let loaded = files::read_text(&context.paths.loaded_config())?;
    Ok(loaded.as_deref().and_then(ports_in))
}

/// The port of them at which it serves clients.
///
/// # Errors
/// The file could not be read.
pub fn served_client_port(context: &Context) -> Result<u16, WorkloadError> {
    let ports = served_ports(context)?;
    Ok(ports.map_or(CLIENT_PORT, |ports| ports.client))
}

/// Where the etcd of this unit serves clients, if that is known. A file that
/// cannot be read is an error of whoever reads it for more than this.
pub fn own_url(context: &Context) -> Option<String> {
    let port = served_client_port(context).ok()?;
    Some(https_url(context.unit_state.address?, port))
}

/// A connection to one certain member.
///
/// # Errors
/// This unit has no administrator's certificate, or the URL is none.
pub async fn client_at(context: &Context, url: &str) -> Result<Client, ConnectError> {
    let credentials = credentials(context)?.ok_or(ConnectError::NoCredentials)?;
    let urls = [url.to_owned()];
    Ok(Client::new(&urls, &credentials, context.ledger_keys()).await?)
}

/// The administrator's credentials of this unit; `None` until they are made.
///
/// # Errors
/// A file could not be read.
pub fn credentials(context: &Context) -> Result<Option<Credentials>, WorkloadError> {
    let paths = &context.paths;
    let server_ca = files::read_text(&paths.server_ca())?;
    // A member may show clients a certificate of another authority.
    let provider_ca = files::read_text(&paths.provider_ca())?.unwrap_or_default();
    let server_ca = server_ca.map(|own| own + &provider_ca);
    let certificate = files::read_text(&paths.admin_certificate())?;
    let key = files::read_text(&paths.admin_key())?;
    let (Some(server_ca), Some(certificate), Some(key)) = (server_ca, certificate, key) else {
        return Ok(None);
    };
    Ok(Some(Credentials {
        server_ca,
        certificate,
        key: Secret::new(key),
    }))
}

/// A connection to the member of this unit: what concerns it alone is asked of
/// it alone, whichever member told what is known of the cluster.
///
/// # Errors
/// This unit has no address or no certificate yet.
pub async fn own_member(context: &Context) -> Result<Client, ConnectError> {
    let url = own_url(context).ok_or(ConnectError::NoAddress)?;
    client_at(context, &url).await
}

/// Asks the member of this unit whether it serves.
///
/// # Errors
/// It does not, and why.
pub async fn ask_own_member(context: &Context) -> Result<(), ConnectError> {
    // The status is the member's own word; a key needs the cluster's
    // agreement, which is what clients need too. A member that is still
    // learning answers nothing else, and no client asks it.
    let client = own_member(context).await?;
    if !client.status().await?.learner {
        client.ask_cluster().await?;
    }
    Ok(())
}
