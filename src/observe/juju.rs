//! What Juju says of this application, its units and its options.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{ObserveError, authorities, provider};
use crate::context::Context;
use crate::facts::authorities::Authorities;
use crate::facts::observed::{Pass, PeerRelation, Peers};
use crate::facts::options::{Options, auto_quota};
use crate::facts::provider::{Provider, ProviderUnknown};
use crate::facts::{Known, MemberName, RefusalNote, Source};
use crate::hook::Event;
use crate::juju::Resource;
use crate::log::chain;
use crate::plan::options::Configured;
use crate::plan::source;
use crate::relation::CLUSTER;
use crate::relation::peer::{ApplicationData, UnitData};
use crate::workload::{self, package};

/// What Juju says; constant within a hook.
#[derive(Debug)]
pub struct Application {
    /// Whether this unit leads.
    pub leader: bool,
    /// How much this hook looks at.
    pub pass: Pass,
    /// The peer relation and what stands in it.
    pub peers: PeerRelation,
    /// The members of the units that there are, where this pass asked.
    pub units: Option<BTreeSet<MemberName>>,
    /// The members of units that the peer relation still shows and the model
    /// does not have any more, with the addresses they had.
    pub gone: BTreeMap<MemberName, Option<String>>,
    /// The certificate authorities, once the leader has made them.
    pub authorities: Option<Authorities>,
    /// Whoever signs what members show to clients, where it is not the charm.
    pub provider: Known<Option<Provider>, ProviderUnknown>,
    /// The address of this unit.
    pub address: Option<IpAddr>,
    /// Other addresses under which this unit is reached.
    pub other_addresses: BTreeSet<String>,
    /// The directory of the storage for etcd's data.
    pub storage: Option<PathBuf>,
    /// Where etcd is to come from; `None` where this hook has no reason to ask, and
    /// where what is installed stays.
    pub source: Option<Source>,
    /// The options that are in force.
    pub options: Options,
    /// Those options as Juju had them; `None` if no valid ones were ever seen.
    pub config: Option<Map<String, Value>>,
    /// Why the options are not in force as they are set now.
    pub refused_option: Option<RefusalNote>,
    /// The same, with a sentence for each option that is wrong.
    pub refused_options: Vec<RefusalNote>,
    /// The quota that the volume of the data is good for.
    pub auto_quota: Option<u64>,
}

/// Reads what this hook needs of Juju: for an event on one relation, and for a
/// unit that goes away, whose storage and relations end, only who leads; the rest
/// is remembered from the last full pass.
///
/// # Errors
/// A hook tool failed.
pub fn application(context: &Context) -> Result<Application, ObserveError> {
    let tools = &context.tools;
    let leader = leads(context)?;
    let is_action = matches!(context.hook.event, Event::Action(_));
    if is_of_one_relation(context, leader) || context.unit_state.dying && !is_action {
        return Ok(remembered(context, leader));
    }
    let mut peers = peers(context)?;
    let units = if leader {
        units(context, peers.read())
    } else {
        None
    };
    let gone = match (peers.read_mut(), &units) {
        (Some(peers), Some(units)) => without_unit(peers, units),
        _ => BTreeMap::new(),
    };
    let authorities = match peers.read() {
        Some(peers) => authorities::read(context, peers)?,
        None => None,
    };
    let storage = match tools.storage_list("data")?.first() {
        Some(id) => Some(tools.storage_get_location(id)?),
        None => None,
    };
    let network = tools.network_get(CLUSTER)?;
    let Configured {
        options,
        config,
        refused,
        refused_each,
    } = super::options::configured(context, network.bind)?;
    let volume = storage.as_deref().and_then(workload::volume_bytes);
    Ok(Application {
        leader,
        pass: Pass::Full,
        peers,
        units,
        gone,
        authorities,
        provider: provider::provider(context)?,
        address: network.bind,
        other_addresses: network.ingress.into_iter().collect(),
        storage,
        source: etcd_source(context)?,
        options,
        config,
        refused_option: refused,
        refused_options: refused_each,
        auto_quota: volume.map(auto_quota),
    })
}

/// Whether this hook concerns one relation only.
fn is_of_one_relation(context: &Context, leader: bool) -> bool {
    let event = &context.hook.event;
    // What is asked for first makes the authority that signs, which takes a full pass.
    let makes_authority = leader
        && matches!(event, Event::Signing { broken: false, .. })
        && !context.paths.client_ca().exists();
    let is_of_one = matches!(
        event,
        Event::Client { .. }
            | Event::Legacy { .. }
            | Event::Signing { .. }
            | Event::Transfer { .. }
            | Event::SecretChanged(_)
    );
    is_of_one && !makes_authority
}

/// What the last full pass knew.
fn remembered(context: &Context, leader: bool) -> Application {
    let Configured {
        options,
        config,
        refused,
        refused_each,
    } = super::options::remembered(context);
    Application {
        leader,
        pass: Pass::Event,
        peers: PeerRelation::Unread,
        units: None,
        gone: BTreeMap::new(),
        authorities: None,
        provider: Known::Unknown(ProviderUnknown::NotLookedAt),
        address: context.unit_state.address,
        other_addresses: BTreeSet::new(),
        storage: context.unit_state.data_dir.clone(),
        source: None,
        options,
        config,
        refused_option: refused,
        refused_options: refused_each,
        auto_quota: None,
    }
}

/// Where etcd is to come from. It is asked where Juju says that there may be another
/// archive, and as long as an installation has not come to its end.
fn etcd_source(context: &Context) -> Result<Option<Source>, ObserveError> {
    let may_be_new = matches!(
        context.hook.event,
        Event::Lifecycle {
            resources: true,
            ..
        }
    );
    let is_installed = package::installed(&context.paths)?.is_some();
    if is_installed && !may_be_new && !context.unit_state.installing {
        return Ok(None);
    }
    let attached = match context.tools.resource_get("etcd")? {
        Resource::File(path) => Some(path),
        Resource::Absent(_) => None,
        Resource::Unavailable(reason) => {
            tracing::warn!("{reason}");
            // What came with the charm may be another release.
            if is_installed {
                return Ok(None);
            }
            None
        }
    };
    let packed = match &context.hook.charm_dir {
        Some(charm) => package::packed(charm)?,
        None => None,
    };
    Ok(source::choose(attached, packed, is_installed))
}

/// Whether this unit leads. To one that is going away Juju shows every relation as
/// broken. What it concluded from that would be true of itself alone, so it leads
/// no more.
///
/// # Errors
/// The hook tool failed.
pub fn leads(context: &Context) -> Result<bool, ObserveError> {
    Ok(!context.unit_state.dying && context.tools.is_leader()?)
}

fn peers(context: &Context) -> Result<PeerRelation, ObserveError> {
    let Some(relation) = context.peer_relation()? else {
        return Ok(PeerRelation::Absent);
    };
    let tools = &context.tools;
    let unit = &context.hook.unit;
    let mut peers = Peers {
        app: ApplicationData::read(&tools.relation_get_app(relation, unit.app())?),
        own: UnitData::read(&tools.relation_get_unit(relation, unit)?),
        ..Peers::default()
    };
    for other in tools.relation_list(relation)? {
        let bag = UnitData::read(&tools.relation_get_unit(relation, &other)?);
        peers.others.insert(MemberName::of(&other), bag);
    }
    Ok(peers.into())
}

/// The members of the units that there are. What cannot be asked, or is
/// nonsense, is not known. A unit that was always alone has nobody to ask for.
fn units(context: &Context, peers: Option<&Peers>) -> Option<BTreeSet<MemberName>> {
    // Who comes after a cluster that is gone has to know that it is.
    let comes_after = context.unit_state.bootstrap.is_none()
        && peers.is_some_and(|peers| peers.app.is_bootstrapped);
    let is_alone = context.unit_state.client_endpoints.len() < 2 && !comes_after;
    if is_alone && peers.is_none_or(|peers| peers.others.is_empty()) {
        return None;
    }
    match context.tools.units() {
        Ok(units) if units.contains(&context.hook.unit) => {
            Some(units.iter().map(MemberName::of).collect())
        }
        Ok(_) => None,
        Err(error) => {
            tracing::warn!("{}", chain(&error));
            None
        }
    }
}

/// Takes those that have no unit any more from what the peer relation shows:
/// nothing that they wrote is so any more.
fn without_unit(
    peers: &mut Peers,
    units: &BTreeSet<MemberName>,
) -> BTreeMap<MemberName, Option<String>> {
    let mut gone = BTreeMap::new();
    peers.others.retain(|member, unit| {
        let exists = units.contains(member);
        if !exists {
            gone.insert(member.clone(), unit.address.clone());
        }
        exists
    });
    gone
}
