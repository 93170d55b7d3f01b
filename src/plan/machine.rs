//! What this machine needs before its member can serve.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::authorities::Authorities;
use super::founding;
use super::observed::{Leaves, Observed, Pass};
use super::trusted::trusted;
use super::{Report, Wait};
use crate::model::{Founding, Known, Ledger, MemberData, MemberIdentity, Timestamp, Version};
use crate::tls::{OwnCertificate, TrustBundle, needs_new};

/// How long before it expires a certificate of our own is renewed at most: 30
/// days, so that a unit that is away for weeks does not miss it.
const RENEW_BEFORE_SECONDS: i64 = 30 * 24 * 3600;

/// The machine as it is.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Whether etcd's programs are here, from where they are to come.
    pub is_installed: bool,
    /// Whether the archive that etcd is to come from was tried already.
    pub was_tried: bool,
    /// Why the programs of the archive that was tried last are not used.
    pub refused_upgrade: Option<String>,
    /// Why that archive is no etcd for this machine, where it is none.
    pub refused_archive: Option<String>,
    /// The release of the programs that are here, or why it cannot be told;
    /// asked only where this unit has no member yet.
    pub release: Option<Known<Version>>,
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
    /// The words with which this unit's member was founded, once it was.
    pub founding: Option<Founding>,
    /// Which member this unit's is, once that is known: from the moment it is
    /// added, or from the first start of a founder.
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
    /// The certificate that this member shows to clients and peers.
    pub server_certificate: Option<OwnCertificate>,
    /// The certificate with which this unit is `root`.
    pub admin_certificate: Option<OwnCertificate>,
    /// What the files of the service should hold; `None` while something that
    /// stands in them is not known yet.
    pub wanted: Option<Documents>,
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
    /// Whether the service runs.
    pub is_running: bool,
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

/// A step on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MachineStep {
    /// Installs etcd's programs.
    Install,
    /// Stores the authorities' certificates (not their keys).
    StoreAuthorities,
    /// Makes a new key and certificate for this member, with these names and
    /// addresses, valid for so many seconds.
    IssueServer(BTreeSet<String>, i64),
    /// Makes a new key and certificate for this unit as administrator, valid
    /// for so many seconds.
    IssueAdmin(i64),
    /// Puts aside what this unit has of a member that is no more, or of a cluster
    /// that is over, for the one of this generation.
    PutAside(u64),
    /// Remembers with which words the member is founded, and lets etcd start once
    /// without data.
    Found(Founding),
    /// Remembers which member the data is of; etcd starts with no other from now
    /// on.
    Note(MemberIdentity),
    /// Takes the data over that is there: the whole cluster, whose units are gone.
    TakeOver(Founding, MemberIdentity),
    /// Writes the trust file of a member that has never started.
    WriteTrust(String),
    /// Writes the files of the service.
    Configure(Documents),
    /// Starts the service and waits until etcd answers.
    Start,
    /// Restarts a member that serves nobody as it is.
    Restart,
}

impl Machine {
    /// Whether there is data.
    pub fn has_data(&self) -> bool {
        self.data != MemberData::Absent
    }

    /// Whether the data of this unit's member is gone, or what is there is
    /// another's. The member cannot come back: what it has promised is lost.
    pub fn has_lost_its_data(&self) -> bool {
        self.founding.is_some()
            && match &self.data {
                MemberData::Absent => !self.may_begin,
                MemberData::Of(found) => self.identity.is_some_and(|known| known != *found),
                MemberData::Unreadable(_) => false,
            }
    }

    /// Whether the running etcd has read another configuration than it should.
    pub fn is_outdated(&self) -> bool {
        match (&self.wanted, &self.loaded_configuration) {
            (Some(wanted), Some(loaded)) => wanted.configuration != *loaded,
            _ => false,
        }
    }
}

/// The next steps on this machine; empty when it is as it should be, or when
/// the report says what it waits for.
pub(super) fn plan(observed: &Observed, report: &mut Report) -> Vec<MachineStep> {
    let machine = &observed.machine;
    if observed.pass == Pass::Event {
        if machine.founding.is_none() {
            report.wait_for(Wait::Joining);
        }
        return Vec::new();
    }
    if !machine.is_installed {
        // The same archive would be refused again.
        if let Some(refusal) = &machine.refused_archive
            && machine.was_tried
        {
            report.wait_for(Wait::Release(refusal.clone()));
            return Vec::new();
        }
        return vec![MachineStep::Install];
    }
    let Some(address) = &machine.address else {
        report.wait_for(Wait::Machine("an address"));
        return Vec::new();
    };
    if !machine.has_storage {
        report.wait_for(Wait::Machine("storage `data`"));
        return Vec::new();
    }
    let Some(peers) = &observed.peers else {
        report.wait_for(Wait::PeerRelation);
        return Vec::new();
    };
    let generation = peers.generation();
    if let Some(founding) = &machine.founding
        && founding.generation < generation
    {
        return vec![MachineStep::PutAside(generation)];
    }
    let Some(authorities) = &machine.authorities else {
        report.wait_for(Wait::Authorities);
        return Vec::new();
    };
    // Founded or joined with other options than it should, a member could keep
    // them for good; one that is there already goes on with those it has.
    if machine.founding.is_none() && observed.refused_option.is_some() {
        report.wait_for(Wait::Options);
        return Vec::new();
    }
    let steps = certificates(observed, authorities, address);
    if !steps.is_empty() {
        return steps;
    }
    if machine.founding.is_none() {
        return founding::begin(observed, peers, address, report);
    }
    match (&machine.data, machine.identity) {
        (MemberData::Of(found), None) => return vec![MachineStep::Note(*found)],
        (MemberData::Unreadable(_), _) if !machine.is_running => {
            report.wait_for(Wait::UnreadableData);
            return Vec::new();
        }
        _ => {}
    }
    if machine.has_lost_its_data() {
        return founding::lost(observed, peers, address, report);
    }
    // It was taken off the list and has not heard of it, as one whose storage was
    // away: its data is no member's any more.
    if machine.identity.is_some()
        && let Known::Known(cluster) = &observed.cluster
        && super::membership::own_member(observed, cluster).is_none()
    {
        return vec![MachineStep::PutAside(generation)];
    }
    service(observed)
}

fn certificates(observed: &Observed, authorities: &Authorities, address: &str) -> Vec<MachineStep> {
    let Observed {
        machine,
        now,
        options,
        ..
    } = observed;
    let validity = options.validity_seconds();
    let mut steps = Vec::new();
    let is_stored = machine.server_ca.as_ref() == Some(&authorities.server_trust())
        && machine.admin_ca.as_ref() == Some(&authorities.admin_trust());
    if !is_stored {
        steps.push(MachineStep::StoreAuthorities);
    }
    // A peer's connection must come from an address in its own certificate
    // (etcd's `checkCertSAN`), and what a machine sends from is not always what
    // it is reached at; on a machine's own loopback it never is.
    let local = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
    let mut san: BTreeSet<String> = machine.other_addresses.clone();
    san.insert(address.to_owned());
    san.extend(local);
    san.extend(options.names_of(&observed.unit));
    let server = machine.server_certificate.as_ref();
    let server_ca = authorities.server.own();
    if needs_new(server, &san, server_ca, *now, renew_before(server)).is_some() {
        steps.push(MachineStep::IssueServer(san, validity));
    }
    let admin = machine.admin_certificate.as_ref();
    let admin_ca = authorities.admin.own();
    if needs_new(admin, &BTreeSet::new(), admin_ca, *now, renew_before(admin)).is_some() {
        steps.push(MachineStep::IssueAdmin(validity));
    }
    steps
}

/// How long before its end this certificate is renewed: when a third of its own
/// life is left, whatever the option says by now.
fn renew_before(certificate: Option<&OwnCertificate>) -> i64 {
    certificate.map_or(RENEW_BEFORE_SECONDS, |certificate| {
        let life = certificate.not_after.0 - certificate.not_before.0;
        RENEW_BEFORE_SECONDS.min(life / 3)
    })
}

fn service(observed: &Observed) -> Vec<MachineStep> {
    let machine = &observed.machine;
    let mut steps = Vec::new();
    // Until the member has started once, the file is written anew whenever it is
    // not of this moment: a run that was cut short may have left one with
    // certificates of clients that are gone.
    if (machine.written_leaves.is_none() || machine.loaded_leaves.is_none())
        && let Some(trust) = first_trust(observed)
        && machine.written_leaves != Some(trust.leaves())
        && let Ok(text) = trust.render()
    {
        steps.push(MachineStep::WriteTrust(text));
    }
    if let Some(wanted) = &machine.wanted
        && *wanted != machine.written
    {
        steps.push(MachineStep::Configure(wanted.clone()));
    }
    if !machine.is_running {
        if !machine.is_pending && !machine.has_failed {
            steps.push(MachineStep::Start);
        }
    } else if machine.is_outdated() && observed.cluster.known().is_none() {
        // Nobody can be asked for a turn: most likely the address has changed,
        // and etcd listens at one that is this machine's no longer. While any
        // member answers, restarts are taken in turn instead.
        steps.push(MachineStep::Restart);
    }
    steps
}

/// The trust file of a member's first start: the admin authority, and the
/// leaves of every grant that is on record already, which spares a member that
/// joins a restart.
fn first_trust(observed: &Observed) -> Option<TrustBundle> {
    let none = Ledger::default();
    let ledger = match &observed.cluster {
        Known::Known(cluster) => &cluster.ledger,
        Known::Unknown(_) => &none,
    };
    let trusted = trusted(observed.machine.admin_ca.as_deref(), ledger);
    trusted.ok().map(|trusted| trusted.bundle)
}
