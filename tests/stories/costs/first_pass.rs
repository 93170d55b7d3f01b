//! The first regular pass after the charm itself has changed rights: it knows what it
//! has changed, and that nobody else has changed anything.

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{Etcdctl, Programs, RelationId, V0};

use crate::costs::bench::{Bench, Cost, Measure};

/// The newest release, which tells the revision of its rights.
fn bench() -> Bench {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    let programs = Programs::all().pop().unwrap();
    let mut bench = Bench::with(charm.as_ref(), Measure::Calls, programs);
    bench.crowd(1);
    bench
}

/// Another application is given access.
fn admit(bench: &mut Bench) -> RelationId {
    let app = bench.next_app();
    let relation = bench.world.relate(&app);
    bench.hook_of("etcd-client-relation-created");
    let certificate = bench.authority.issue(&app);
    let model = &mut bench.world.model;
    let mut client = V0::ask(model, &app, relation, &format!("/{app}/"));
    client.set_certificate(model, &certificate.certificate);
    bench.hook_of("etcd-client-relation-changed");
    relation
}

fn remove(bench: &mut Bench, relation: RelationId) {
    bench.world.model.remove_relation(relation);
    bench.hook_of("etcd-client-relation-broken");
}

/// What the first two passes cost after a new request, and after its end.
fn passes(bench: &mut Bench) -> [Cost; 4] {
    bench.rest();
    let relation = admit(bench);
    let admitted = [(); 2].map(|()| bench.run(Hook::UpdateStatus));
    remove(bench, relation);
    let [first, second] = [(); 2].map(|()| bench.run(Hook::UpdateStatus));
    let [admitted, after] = admitted;
    [admitted, after, first, second]
}

pub(super) fn one_and_many() {
    let mut bench = bench();
    let few = passes(&mut bench);
    bench.crowd(10);
    let many = passes(&mut bench);
    for (few, many) in few.iter().zip(&many) {
        assert_eq!(few.etcd, many.etcd, "{few:?} and {many:?}");
    }
}

/// What others change before, between and after what the charm changes is found by the
/// first pass.
pub(super) fn among_changes_by_hand() {
    let mut bench = bench();
    bench.crowd(1);
    let admin = bench.world.admin(&bench.unit);
    let name = "client-x1001";
    let rights = |admin: &Etcdctl| {
        let user = admin.lines(&["user", "get", name]);
        [user, admin.lines(&["role", "get", name])]
    };
    let before = rights(&admin);
    for change in [
        &["role", "grant-permission", name, "read", "/other"][..],
        &["user", "grant-role", name, "client-x1002"],
        &["role", "delete", name],
        &["user", "delete", name],
    ] {
        for is_late in [false, true] {
            bench.rest();
            let mut relation = None;
            if is_late {
                relation = Some(admit(&mut bench));
            }
            assert!(admin.run(change).ok, "{change:?}");
            let relation = relation.unwrap_or_else(|| admit(&mut bench));
            bench.run(Hook::UpdateStatus);
            assert_eq!(rights(&admin), before, "{change:?}, late: {is_late}");
            assert!(admin.run(change).ok, "{change:?}");
            remove(&mut bench, relation);
            bench.run(Hook::UpdateStatus);
            assert_eq!(rights(&admin), before, "{change:?}, late: {is_late}");
        }
    }
}

/// Each change that the charm counts raises the revision by one in each release that
/// tells it, whatever else goes with it, and what changes nothing is an error or not
/// counted.
pub(super) fn counted_by_etcd() {
    let mut releases = 0;
    for programs in Programs::all() {
        let version = programs.version.clone();
        let charm = env!("CARGO_BIN_EXE_etcd-charm");
        let mut bench = Bench::with(charm.as_ref(), Measure::Calls, programs);
        bench.rest();
        let admin = bench.world.admin(&bench.unit);
        let Some(mut before) = revision(&admin) else {
            assert!(version.starts_with("3.4."), "{version}");
            continue;
        };
        releases += 1;
        for (call, ok, raises) in CALLS {
            let call: Vec<&str> = call.split(' ').collect();
            assert_eq!(admin.run(&call).ok, *ok, "{version}: {call:?}");
            let after = revision(&admin).unwrap();
            assert_eq!(after - before, *raises, "{version}: {call:?}");
            before = after;
        }
    }
    assert!(releases >= 2);
}

/// Calls in their order, whether etcd answers with success, and by how much each raises
/// the revision.
const CALLS: &[(&str, bool, u64)] = &[
    ("role add a", true, 1),
    ("role add a", false, 0),
    ("role grant-permission a readwrite /a/ /a0", true, 1),
    // Why a grant counts only to what was made just before.
    ("role grant-permission a readwrite /a/ /a0", true, 1),
    ("user add a --no-password", true, 1),
    ("user add a --no-password", false, 0),
    ("user grant-role a a", true, 1),
    ("user grant-role a a", true, 0),
    ("user add b --no-password", true, 1),
    ("user grant-role b a", true, 1),
    ("user revoke-role b a", true, 1),
    ("user revoke-role b a", false, 0),
    ("role revoke-permission a /a/ /a0", true, 1),
    ("role revoke-permission a /a/ /a0", false, 0),
    ("user grant-role b a", true, 1),
    // It takes the role from two users.
    ("role delete a", true, 1),
    ("role delete a", false, 0),
    ("user delete a", true, 1),
    ("user delete a", false, 0),
    ("user get b", true, 0),
    ("user list", true, 0),
    ("user grant-role b a", false, 0),
    ("role grant-permission a readwrite /a/ /a0", false, 0),
];

/// The revision of users and roles; `None` where this release does not tell.
fn revision(admin: &Etcdctl) -> Option<u64> {
    let lines = admin.run(&["auth", "status"]).stdout;
    let line = lines
        .lines()
        .find_map(|line| line.strip_prefix("AuthRevision: "))?;
    line.parse().ok()
}
