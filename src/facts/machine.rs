//! What this machine looks like.

use std::collections::BTreeSet;

use super::authorities::Authorities;
use super::provider::{KeyPair, PendingRequest};
use super::{
    Bootstrap, Cause, FilePath, Fingerprint, Known, MemberData, MemberIdentity, RefusalNote,
    Source, Timestamp, Version,
};
use crate::tls::OwnCertificate;

/// The leaves of a set of certificates, by fingerprint.
pub type Leaves = BTreeSet<Fingerprint>;

/// The machine as it is.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Where etcd's programs are to come from; `None` where this pass has no reason
    /// to ask, and where what is installed stays.
    pub source: Option<Source>,
    /// Whether etcd's programs are here, from where they are to come.
    pub is_installed: bool,
    /// Whether the archive that etcd is to come from was tried already.
    pub was_tried: bool,
    /// Why the programs of the archive that was tried last are not used.
    pub refused_upgrade: Option<RefusalNote>,
    /// Why that archive is no etcd for this machine, where it is none.
    pub refused_archive: Option<RefusalNote>,
    /// The release of the programs that are here, or why it cannot be told;
    /// asked only where this unit has no member yet.
    pub release: Option<Known<Version, Cause>>,
    /// The release that the member of this unit last ran, or else would run next; looked
    /// for where other programs are to be installed.
    pub member_release: Option<Version>,
    /// The address under which this unit serves.
    pub address: Option<String>,
    /// Other addresses under which it is reached.
    pub other_addresses: BTreeSet<String>,
    /// Whether the storage for etcd's data is here.
    pub has_storage: bool,
    /// The data in it.
    pub data: MemberData,
    /// Whether that member is the only one of its cluster, as the data says; looked
    /// for where this unit has no member.
    pub is_whole: bool,
    /// The words with which this unit's member entered its cluster, once it has.
    pub bootstrap: Option<Bootstrap>,
    /// Which member this unit's is, once that is known: from the moment it is
    /// added, or from the first start of the one that bootstrapped the cluster.
    pub identity: Option<MemberIdentity>,
    /// Whether etcd may start without data, which it may once.
    pub may_begin: bool,
    /// The authorities, where this pass read them.
    pub authorities: Option<Authorities>,
    /// The authorities of the servers as stored here, PEM: one, or two while one
    /// replaces the other.
    pub server_ca: Option<String>,
    /// The digest of the authorities of the servers that the running etcd read.
    pub loaded_server_trust: Option<String>,
    /// The authority of administrators as stored here, PEM.
    pub admin_ca: Option<String>,
    /// The authority that signs certificates of clients, as stored here, PEM; behind
    /// it the other one, while one replaces the other.
    pub client_ca: Option<String>,
    /// The authorities of providers as stored here, PEM; empty where there are
    /// none.
    pub provider_ca: String,
    /// What this unit has asked a provider for.
    pub pending_request: Option<PendingRequest>,
    /// What this member shows to clients, with the key.
    pub served: Option<KeyPair>,
    /// What the charm has issued for this member, with the key.
    pub own_pair: Option<KeyPair>,
    /// Whether an operator wants other keys for this member, and has not got them
    /// yet.
    pub replaces_keys: bool,
    /// The certificate that this member shows to peers, and to clients unless
    /// somebody else signs for those.
    pub server_certificate: Option<OwnCertificate>,
    /// The certificate with which this unit is `root`.
    pub admin_certificate: Option<OwnCertificate>,
    /// Where everything lies that the files of the service name; `None` while etcd or
    /// the storage for its data is not here, and where this pass did not look.
    pub service_paths: Option<ServicePaths>,
    /// What the files of the service hold.
    pub written: Documents,
    /// Leaves in the trust file that etcd will read at its next start; `None`
    /// if there is no such file.
    pub written_leaves: Option<Leaves>,
    /// The configuration that the running etcd read.
    pub loaded_configuration: Option<String>,
    /// Leaves in the trust file that the running etcd read.
    pub loaded_leaves: Option<Leaves>,
    /// Authorities of administrators in that file.
    pub loaded_authorities: Option<Leaves>,
    /// The revision of the ledger at which rights were settled when the member
    /// had no connection left of a client from before; `None` before any was
    /// seen.
    pub disconnected: Option<i64>,
    /// Until when the restarts for certificates are paid for that were made.
    pub restarts_paid_until: Option<Timestamp>,
    /// Whether the running etcd has read another trust file than the one with
    /// which it was seen to serve last.
    pub is_unproven: bool,
    /// The digest of a trust file with which this member did not serve, and when
    /// that was.
    pub refused_trust: Option<(String, Timestamp)>,
    /// Whether the service runs; `None` where this pass did not ask.
    pub is_running: Option<bool>,
    /// Whether this hook has started the service and waited for it, and systemd
    /// goes on: a member that was restarted is not ready before its cluster has
    /// a majority again.
    pub is_pending: bool,
    /// Whether this hook has tried to start the service, or to start it anew, and
    /// it failed. systemd tries again by itself; what keeps etcd down is an
    /// operator's to find.
    pub has_failed: bool,
}

/// Texts of the files that the service is made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Documents {
    /// etcd's configuration.
    pub configuration: String,
    /// The definition of the service.
    pub service: String,
}

/// Where everything lies that the files of the service name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServicePaths {
    /// What stands for `/` to the charm's program.
    pub root: FilePath,
    /// The charm's own program, which says whether etcd may start.
    pub charm: FilePath,
    /// The program. It is the one of a certain archive and not the link to the
    /// newest: etcd changes only with this text, and so only when it is decided.
    pub etcd: FilePath,
    /// The directory of etcd's data, all that etcd may write to.
    pub data_dir: FilePath,
    /// The configuration that the charm writes.
    pub wanted_config: FilePath,
    /// The client trust file that the charm writes.
    pub wanted_trust: FilePath,
    /// Where both are copied to at each start.
    pub loaded_dir: FilePath,
    /// The copy of the client trust file, which etcd reads.
    pub loaded_trust: FilePath,
    /// What the member shows to clients, with the key.
    pub served_pair: FilePath,
    /// Its certificate, shown to peers.
    pub server_certificate: FilePath,
    /// The certificate's private key.
    pub server_key: FilePath,
    /// Whose certificates peers must show.
    pub server_ca: FilePath,
}

impl Machine {
    /// All authorities that a member should trust for clients, administrators
    /// included, PEM.
    pub fn client_trust(&self) -> Option<String> {
        let admin = self.admin_ca.clone()?;
        Some(admin + self.client_ca.as_deref().unwrap_or_default())
    }

    /// The authority that signs certificates of clients, without the other one, PEM.
    pub fn signing_authority(&self) -> Option<&str> {
        const END: &str = "-----END CERTIFICATE-----";
        let all = self.client_ca.as_deref()?;
        let end = all.find(END).map_or(all.len(), |at| at + END.len());
        Some(&all[..end])
    }

    /// All authorities that clients and units check members with, PEM.
    pub fn authorities_of_members(&self) -> Option<String> {
        let own = self.server_ca.clone()?;
        Some(own + &self.provider_ca)
    }

    /// Whether the service is known to run.
    pub fn is_up(&self) -> bool {
        self.is_running == Some(true)
    }

    /// Whether the service is known not to run.
    pub fn is_down(&self) -> bool {
        self.is_running == Some(false)
    }

    /// Whether there is data.
    pub fn has_data(&self) -> bool {
        self.data != MemberData::Absent
    }

    /// Whether the data of this unit's member is gone, or what is there is
    /// another's. The member cannot come back: what it has promised is lost.
    pub fn has_lost_its_data(&self) -> bool {
        self.bootstrap.is_some()
            && match &self.data {
                MemberData::Absent => !self.may_begin,
                MemberData::Of(found) => self.identity.is_some_and(|known| known != *found),
                MemberData::Unreadable(_) => false,
            }
    }
}

/// A unit's own paths, for whoever needs some.
#[cfg(test)]
pub(crate) mod testing {
    use std::path::Path;

    use super::{FilePath, ServicePaths};

    pub(crate) fn path(text: &str) -> FilePath {
        Path::new(text).try_into().expect("a path")
    }

    pub(crate) fn service_paths() -> ServicePaths {
        ServicePaths {
            root: path("/"),
            charm: path("/charm/dispatch"),
            etcd: path("/usr/bin/etcd"),
            data_dir: path("/srv/data"),
            wanted_config: path("/etc/etcd-charm/etcd-0/wanted/etcd.yaml"),
            wanted_trust: path("/etc/etcd-charm/etcd-0/wanted/trust.pem"),
            loaded_dir: path("/run/etcd-charm/etcd-0/loaded"),
            loaded_trust: path("/run/etcd-charm/etcd-0/loaded/trust.pem"),
            served_pair: path("/etc/pki/clients.pem"),
            server_certificate: path("/etc/pki/server.crt"),
            server_key: path("/etc/pki/server.key"),
            server_ca: path("/etc/pki/server-ca.crt"),
        }
    }
}
