//! Observing: what one round of a hook sees.

use std::collections::{BTreeMap, BTreeSet};

use super::{ReconcileError, Run};
use crate::apply::Readiness;
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::observed::{Clients, Observed, Pass, Scope};
use crate::facts::{
    AppName, Cluster, CommonName, Databag, Known, MemberName, NoAnswer, RelationId, RequestKey,
    Share,
};
use crate::hook::Event;
use crate::observe::{self, Quorum};
use crate::plan::access::{self, audited};
use crate::workload::WorkloadError;
use crate::workload::relation_notes::{self, RelationNote};

impl Run {
    /// Looks at Juju, this machine and etcd. What Juju says cannot change within
    /// a hook, so it is read once; the rest is read anew in each round.
    pub(super) async fn observe_round(
        &mut self,
        context: &mut Context,
    ) -> Result<(Observed, Option<Client>), ReconcileError> {
        self.remember_application(context);
        let application = &self.application;
        let mut machine = observe::machine(context, application)?;
        machine.is_pending = self.started == Some(Readiness::Starting) && machine.is_down();
        // It may run again by now, for a moment.
        machine.has_failed = self.started == Some(Readiness::Failed);
        let (cluster, client) = match self.look_again(context).await? {
            Some((cluster, client)) => (Known::Known(cluster), Some(client)),
            None => self.observe_cluster(context, machine.is_down()).await?,
        };
        if let Known::Known(cluster) = &cluster {
            machine.disconnected = self.note_cluster(context, cluster)?;
        }
        let application = &self.application;
        let mut clients = self.clients.clone().unwrap_or_default();
        clients.fresh = self.fresh(&cluster);
        clients.server_ca = machine.authorities_of_members();
        let mut observed = Observed {
            now: context.now,
            unit: context.hook.unit.clone(),
            leader: application.leader,
            stopping: context.unit_state.dying,
            departed: context.unit_state.departed.clone(),
            units: application.units.clone(),
            pass: application.pass,
            is_regular: is_regular(context),
            unreachable: context.unit_state.unreachable.clone(),
            told_ends: context.unit_state.told_ends.clone(),
            machine,
            peers: application.peers.clone(),
            provider: application.provider.clone(),
            cluster,
            clients,
            options: application.options.clone(),
            refused_option: application.refused_option.clone(),
            granted: self.granted,
            restarted: self.restarted,
            disconnection: self.disconnection.clone(),
            quota: application.options.quota_on(context.unit_state.auto_quota),
            repaired: self.repaired,
            recalled: context.recalled.clone(),
        };
        // The ledger in it is large where there are many clients, so it is not copied.
        if let (Some(cluster), Some(client), true) =
            (observed.cluster.known(), &client, observed.leader)
        {
            let names = access::names_of_interest(&observed, &cluster.ledger);
            if let Known::Known(cluster) = &mut observed.cluster {
                cluster.access.append(&mut self.known_rights);
                read_rights(context, client, cluster, names).await?;
            }
        }
        Ok((observed, client))
    }

    /// What only a full pass asks Juju for, the others remember.
    fn remember_application(&self, context: &mut Context) {
        let application = &self.application;
        if application.pass != Pass::Full {
            return;
        }
        let unit_state = &mut context.unit_state;
        unit_state.address = application.address.or(unit_state.address);
        unit_state.data_dir.clone_from(&application.storage);
        unit_state.auto_quota = application.auto_quota.max(unit_state.auto_quota);
        // As if their departure had been told.
        unit_state.departed.extend(application.gone.clone());
    }

    /// The cluster and a connection to it.
    async fn observe_cluster(
        &self,
        context: &mut Context,
        is_down: bool,
    ) -> Result<(Known<Cluster, NoAnswer>, Option<Client>), ReconcileError> {
        let peers = self.application.peers.read();
        let (pass, leader) = (self.application.pass, self.application.leader);
        Ok(
            match observe::quorum(context, peers, pass, leader, is_down).await? {
                Quorum::Agreed(client, cluster) => (Known::Known(*cluster), Some(*client)),
                // Before anything was done nothing is half done, and a unit that
                // stops may have been asking its own member, which ends when it is
                // off the list. Otherwise the hook fails, and is run again soon.
                Quorum::Unknown(reason)
                    if self.first_requests.is_some()
                        && !context.unit_state.dying
                        && !matches!(reason, NoAnswer::Minority(_)) =>
                {
                    return Err(ReconcileError::Lost(reason));
                }
                Quorum::Unknown(reason) => (Known::Unknown(reason), None),
            },
        )
    }

    /// Remembers what the cluster says, and reads what clients ask for once it is
    /// known. At which revision of the ledger no connection was left of a client
    /// from before.
    fn note_cluster(
        &mut self,
        context: &mut Context,
        cluster: &Cluster,
    ) -> Result<Option<i64>, ReconcileError> {
        context.unit_state.client_endpoints = cluster
            .members
            .iter()
            .flat_map(|member| member.client_urls.clone())
            .collect();
        // Before this unit saw any of it nobody had a connection to end.
        let disconnected = context.unit_state.disconnected.or(cluster.ledger.settled);
        if std::mem::replace(&mut context.unit_state.disconnected, disconnected) != disconnected {
            // Written at once: seen only after a start it would be too new.
            let written = context.unit_state.write(&context.paths);
            written.map_err(ReconcileError::UnitState)?;
        }
        count_unreachable(context, cluster, &mut self.has_counted);
        self.first_requests
            .get_or_insert_with(|| cluster.ledger.clients.known());
        if self.clients.is_none() {
            let application = &self.application;
            let mut clients = observe::clients(context, application, &cluster.ledger)?;
            observe::legacy(context, application, &cluster.ledger, &mut clients)?;
            observe::signing(context, application, &cluster.ledger, &mut clients)?;
            let end = context.hook.event.end();
            clients.ended = end.and_then(|(relation, is_over)| is_over.then_some(relation));
            observe::transfers(context, application, &mut clients)?;
            forget_shares(&mut context.unit_state.shares, &clients);
            note_relations(context, &clients).map_err(ReconcileError::UnitState)?;
            self.clients = Some(clients);
        }
        Ok(disconnected)
    }

    /// Requests that this hook has put on record.
    fn fresh(&self, cluster: &Known<Cluster, NoAnswer>) -> BTreeSet<RequestKey> {
        let (Some(first), Some(cluster)) = (&self.first_requests, cluster.known()) else {
            return BTreeSet::new();
        };
        cluster.ledger.clients.added_since(first)
    }
}

/// What was shared is forgotten once the databag tells of it, or is gone.
fn forget_shares(shares: &mut BTreeMap<RelationId, Share>, clients: &Clients) {
    shares.retain(|id, _| match clients.relations.get(id) {
        // What could not be read says nothing.
        Some(relation) => relation.refused_share.is_some() || relation.own.is_empty(),
        None => !clients.scope.contains(*id),
    });
}

/// Looks up users and roles of these names: those that the ledger has only if they may be
/// others than what it says.
async fn read_rights(
    context: &mut Context,
    client: &Client,
    cluster: &mut Cluster,
    mut names: BTreeSet<CommonName>,
) -> Result<(), ReconcileError> {
    let identity = context.unit_state.identity.map(|identity| identity.cluster);
    let note = context.unit_state.audited_rights.as_ref();
    if context.hook.event.may_use_notes()
        && let (Some(identity), Some(note)) = (identity, note)
        && audited::stands(note, identity, cluster)
    {
        names.retain(|name| match access::as_granted(&cluster.ledger, name) {
            Some(granted) if !note.changed.contains(name) => {
                cluster.access.insert(name.clone(), granted);
                false
            }
            _ => true,
        });
    }
    // What this hook has seen or made itself.
    names.retain(|name| !cluster.access.contains_key(name));
    observe::access(client, cluster, names).await?;
    if let (Some(identity), Some(_)) = (identity, cluster.rights_revision) {
        context.unit_state.audited_rights = audited::audited(identity, cluster);
    }
    Ok(())
}

/// Notes what Juju has said of relations, for the passes to come.
fn note_relations(context: &Context, clients: &Clients) -> Result<(), WorkloadError> {
    if context.is_preview || clients.scope != Scope::All {
        return Ok(());
    }
    let known = clients.relations.keys().chain(clients.signing.keys());
    relation_notes::retain(&context.paths, &known.copied().collect())?;
    let note = |id, app: &Option<AppName>, own: &Databag, units| match app {
        Some(app) => {
            RelationNote::new(app.clone(), own.clone(), units, context.now).note(&context.paths, id)
        }
        // Nothing is known of it.
        None => Ok(()),
    };
    for (id, relation) in &clients.relations {
        if !relation.is_noted {
            note(*id, &relation.app, &relation.own, BTreeSet::new())?;
        }
    }
    for (id, relation) in &clients.signing {
        if !relation.is_noted {
            note(*id, &relation.app, &relation.own, relation.units.clone())?;
        }
    }
    Ok(())
}

/// Whether this hook comes by itself, or an operator asks for what such a one
/// does.
fn is_regular(context: &Context) -> bool {
    matches!(
        context.hook.event,
        Event::Lifecycle { .. } | Event::Action(_)
    )
}

/// Remembers for how many regular passes which members have been unreachable; a
/// look at what would be done is no pass.
fn count_unreachable(context: &mut Context, cluster: &Cluster, is_counted: &mut bool) {
    if context.is_preview {
        return;
    }
    let members = cluster.members.iter();
    let unreachable: BTreeSet<&MemberName> = members
        .filter(|member| !cluster.answers(member.id))
        .filter_map(|member| member.name.as_ref())
        .collect();
    let counts = &mut context.unit_state.unreachable;
    counts.retain(|name, _| unreachable.contains(name));
    if is_regular(context) && !std::mem::replace(is_counted, true) {
        for name in unreachable {
            let count = context
                .unit_state
                .unreachable
                .entry(name.clone())
                .or_default();
            *count = count.saturating_add(1);
        }
    }
}
