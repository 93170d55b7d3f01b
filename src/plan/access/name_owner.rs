//! Whose a common name is: the one question before anybody is given it, a request
//! or an operator.

use crate::facts::{Access, AppName, Cluster, CommonName, IssuedRecord, Ledger, NameClaim};

/// Names that begin like this are the charm's own, the common names of the
/// servers' certificates among them: a user of such a name could act as a
/// server wherever etcd presents its own certificate to itself.
pub const RESERVED_PREFIX: &str = "etcd-charm:";

/// Whose a common name is.
#[derive(Clone, Copy, Debug)]
pub(super) enum NameOwner<'l> {
    /// `root`'s, the charm's or a member's.
    Reserved,
    /// It is that of an identity which the charm has issued.
    Issued(&'l IssuedRecord),
    /// A request has it, or had it until now.
    Request(&'l NameClaim),
    /// etcd has a user or a role of this name which the charm has not made. Adopting
    /// it would give away whatever rights it has.
    Unmanaged,
    /// It is free.
    Nobody,
    /// It was not looked up in etcd.
    Unknown,
}

impl<'l> NameOwner<'l> {
    /// Whose this name is, by the ledger and by what was looked up of the cluster.
    pub(super) fn of(
        name: &CommonName,
        app: &AppName,
        cluster: &Cluster,
        ledger: &'l Ledger,
    ) -> Self {
        if is_reserved(name, app, cluster) {
            return Self::Reserved;
        }
        match (ledger.issued.get(name), ledger.names.get(name)) {
            (Some(record), _) => Self::Issued(record),
            (None, Some(claim)) => Self::Request(claim),
            (None, None) => match cluster.access.get(name) {
                Some(Access {
                    user: None,
                    role: None,
                }) => Self::Nobody,
                Some(_) => Self::Unmanaged,
                None => Self::Unknown,
            },
        }
    }
}

/// Whether nobody may have this name but `root`, the charm, or a member.
fn is_reserved(name: &CommonName, app: &AppName, cluster: &Cluster) -> bool {
    name.as_str() == "root"
        || name.as_str().starts_with(RESERVED_PREFIX)
        || is_of_a_member(name, app, cluster)
}

/// Whether a member is called like this, or one could be: units come and go,
/// and a name that was granted is not taken away when they do.
fn is_of_a_member(name: &CommonName, app: &AppName, cluster: &Cluster) -> bool {
    let number = name
        .as_str()
        .strip_prefix(app.as_str())
        .and_then(|rest| rest.strip_prefix('-'));
    let is_of_a_unit = number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let mut members = cluster.members.iter();
    is_of_a_unit
        || members.any(|member| {
            let member = member.name.as_ref();
            member.is_some_and(|member| member.as_str() == name.as_str())
        })
}
