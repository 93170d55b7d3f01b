//! What is there on behalf of clients, counted.

use etcd_charm_world::World;

use crate::show::{Outcome, Show, check, failure};
use crate::table::Table;

/// Keys of the charm's own, which begin with a zero byte and `etcd-charm/`, as
/// `etcdctl` encodes them.
const OWN_KEYS: &str = "AGV0Y2QtY2hhcm0v";

/// Numbers of things that a client's access consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    users: usize,
    roles: usize,
    secrets: usize,
    trusted: usize,
    records: usize,
    /// What clients have stored; it stays when they go.
    pub(crate) data: usize,
}

impl Counts {
    /// Counts now.
    pub(crate) fn take(show: &Show<'_>) -> Outcome<Self> {
        let keys = ["get", "", "--prefix", "--keys-only", "--write-out=json"];
        let answer = show.admin().run(&keys);
        check(answer.ok, || failure("etcdctl get", &answer))?;
        // Each key stands there as `"key":"<base64>"`.
        let all = answer.stdout.matches("\"key\":").count();
        let records = answer.stdout.matches(OWN_KEYS).count();
        Ok(Self {
            users: show.admin_lines(&["user", "list"])?.len(),
            roles: show.admin_lines(&["role", "list"])?.len(),
            secrets: show.world.model.secrets("etcd").len(),
            trusted: trusted(&show.world, show),
            records,
            data: all - records,
        })
    }

    /// Whether nothing of any client is left that was not there before.
    pub(crate) fn is_access_of(&self, other: &Self) -> bool {
        let without_data = |counts: &Self| Self {
            data: 0,
            ..counts.clone()
        };
        without_data(self) == without_data(other)
    }

    /// The same for what clients can use: refusals are on record, and nothing
    /// else is there because of them.
    pub(crate) fn is_access_of_clients(&self, other: &Self) -> bool {
        let without_records = |counts: &Self| Self {
            records: 0,
            ..counts.clone()
        };
        without_records(self).is_access_of(&without_records(other))
    }

    /// How many clients' certificates etcd has loaded, the charm's own
    /// authorities not counted.
    pub(crate) const fn trusted(&self) -> usize {
        self.trusted
    }
}

fn trusted(world: &World, show: &Show<'_>) -> usize {
    let file = world.trust_file(&show.unit);
    file.matches("-----BEGIN CERTIFICATE-----").count() - 2
}

type Count = fn(&Counts) -> usize;

/// Shows several counts side by side.
pub(crate) fn show(show: &Show<'_>, columns: &[(&str, &Counts)]) {
    let mut headings = vec![""];
    headings.extend(columns.iter().map(|(heading, _)| heading));
    let mut table = Table::of(&headings);
    let rows: [(&str, Count); 6] = [
        ("users in etcd", |counts| counts.users),
        ("roles in etcd", |counts| counts.roles),
        ("secrets that the charm owns", |counts| counts.secrets),
        ("client certificates that etcd trusts", |counts| {
            counts.trusted
        }),
        ("records of the charm in etcd", |counts| counts.records),
        ("keys of clients (data stays)", |counts| counts.data),
    ];
    for (name, count) in rows {
        let mut cells = vec![name.to_owned()];
        cells.extend(columns.iter().map(|(_, counts)| count(counts).to_string()));
        table.row(cells);
    }
    table.show(show.screen);
}
