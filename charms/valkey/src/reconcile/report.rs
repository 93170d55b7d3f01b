//! What the other units and the operator are told.

use std::collections::BTreeMap;

use juju_hooks::{LogLevel, TcpPort, ToolError};

use super::{ReconcileError, Run};
use crate::explain;
use crate::plan::answer::{PORT, SENTINEL_PORT, SENTINEL_TLS_PORT, TLS_PORT};
use crate::plan::{Problem, cluster};
use crate::valkey::Role;

impl Run {
    pub(super) fn wait_for(mut self, what: &'static str) -> Result<(), ReconcileError> {
        self.report.problems.push(Problem::Waiting(what));
        self.finish().map_err(ReconcileError::Report)
    }

    /// Tells the other units of this one.
    pub(crate) fn publish_own(&mut self) -> Result<(), ToolError> {
        let Some(peers) = self.juju.peers else {
            return Ok(());
        };
        let member = self.juju.members.get(&self.juju.unit);
        let address = member.and_then(|member| member.address);
        let joined = member.is_some_and(|member| member.joined);
        let bag = [
            ("address", address.map(|address| address.to_string())),
            ("joined", joined.then(|| "true".to_owned())),
            ("restart", member.and_then(|member| member.restart.clone())),
            (
                "step",
                member
                    .and_then(|member| member.step)
                    .map(|step| step.to_string()),
            ),
            ("sees", Some(cluster::seen(self.nodes.get(&self.juju.unit)))),
        ];
        let present = self.tools.relation_get_unit(peers, &self.juju.unit)?;
        let changes: BTreeMap<_, _> = bag
            .into_iter()
            .filter(|(key, text)| {
                present.get(*key).map_or("", String::as_str) != text.as_deref().unwrap_or("")
            })
            .map(|(key, text)| (key.to_owned(), text))
            .collect();
        self.tools.relation_set_unit(peers, &changes)?;
        if present.is_empty() && address.is_some() {
            for port in [PORT, TLS_PORT, SENTINEL_PORT, SENTINEL_TLS_PORT] {
                self.tools.open_port(TcpPort(port))?;
            }
        }
        Ok(())
    }

    /// Sets the statuses.
    pub(super) fn finish(mut self) -> Result<(), ToolError> {
        let own = self.nodes.get(&self.juju.unit);
        let role = own
            .and_then(|node| node.server.known())
            .map(|server| &server.role);
        self.report.primary = matches!(role, Some(Role::Primary { .. }));
        self.report.clients = self.juju.ledger.users().count();
        self.report.units = self.juju.members.len();
        self.report.problems.sort();
        // The nodes tell nobody when they answer again or have come to an agreement.
        let mut problems = self.report.problems.iter();
        if problems.any(Problem::ends_by_itself) || self.waits_for_a_primary() {
            self.ask_again();
        }
        if self.juju.leader {
            let said = self.juju.ledger.notices.values().flatten();
            self.report.notices = said.cloned().collect();
            self.report
                .notices
                .sort_by_key(|said| std::cmp::Reverse(said.refusal));
        }
        for problem in &self.report.problems {
            self.tools
                .juju_log(LogLevel::Warning, &explain::of_problem(problem))?;
        }
        for notice in &self.report.notices {
            self.tools.juju_log(LogLevel::Info, &notice.text)?;
        }
        let (status, text) = explain::status(&self.report);
        let server = own.and_then(|node| node.server.known());
        let report = juju_hooks::Report {
            status,
            text: &text,
            leads: self.juju.leader,
            version: server.map(|server| server.version.as_str()),
        };
        let (note, may_differ) = (self.paths.shown(), self.status_may_differ);
        self.tools.show(&report, &note, may_differ)
    }

    /// Whether this unit does not know yet which server is the primary, and so has not
    /// taken its place.
    fn waits_for_a_primary(&self) -> bool {
        let own = self.nodes.get(&self.juju.unit);
        own.is_some_and(|node| node.sentinel.known().is_some())
            && cluster::primary(&self.juju, &self.nodes).known().is_none()
    }
}
