use super::*;
use crate::plan::testing::{address, away, follows, host, is_primary, juju, node, nodes, unit};
use crate::valkey::Seen;

#[test]
fn a_majority_and_the_server_itself_say_who_the_primary_is() {
    let juju = juju(&[1, 2, 3]);
    let three = nodes([
        node(is_primary(9), 1),
        node(follows(1, 9), 1),
        node(follows(1, 9), 1),
    ]);
    assert_eq!(primary(&juju, &three), Known::Known(unit(1)));
    // One that is cut off is outvoted.
    let two = nodes([
        node(is_primary(9), 1),
        node(is_primary(9), 2),
        node(follows(2, 9), 2),
    ]);
    assert_eq!(primary(&juju, &two), Known::Known(unit(2)));
    // Two that disagree, or one alone, say nothing.
    let split = nodes([node(is_primary(9), 1), node(is_primary(9), 2), away()]);
    assert!(matches!(primary(&juju, &split), Known::Unknown(_)));
    let alone = nodes([node(is_primary(9), 1), away(), away()]);
    assert!(matches!(primary(&juju, &alone), Known::Unknown(_)));
    // Nor is one the primary that does not say so itself.
    let early = nodes([
        node(follows(2, 9), 2),
        node(follows(1, 9), 2),
        node(follows(2, 9), 2),
    ]);
    assert!(matches!(primary(&juju, &early), Known::Unknown(_)));
}

#[test]
fn the_leader_appoints_only_where_nobody_else_decides() {
    let mut fresh = juju(&[1, 2, 3]);
    fresh.ledger.appointment = None;
    for member in fresh.members.values_mut() {
        member.joined = false;
    }
    let first = appoint(&fresh, &Nodes::new()).expect("somebody has to begin");
    assert_eq!((first.epoch, first.address), (1, host(1)));
    // A second leader does not begin again while the first is there.
    fresh.ledger.appointment = Some(Appointment {
        epoch: 1,
        address: host(2),
    });
    assert_eq!(appoint(&fresh, &Nodes::new()), None);

    // A lost primary whose unit is still there is the sentinels' business.
    let three = juju(&[1, 2, 3]);
    let lost = nodes([node(follows(3, 5), 3), node(follows(3, 7), 3), away()]);
    assert_eq!(appoint(&three, &lost), None);
    // One whose unit is gone is replaced by whoever has most.
    let two = juju(&[1, 2]);
    let appointed = appoint(&two, &lost).expect("sentinels of a lost majority cannot");
    assert_eq!((appointed.epoch, appointed.address), (2, host(2)));
    // Of two that have as much the primary stays it, at a new address for instance.
    let moved = nodes([node(is_primary(7), 3), node(follows(3, 7), 3), away()]);
    assert_eq!(appoint(&two, &moved).expect("appointed").address, host(1));
    // Whoever does not answer may have more, or know of a primary.
    let mut quiet = lost;
    quiet.get_mut(&unit(2)).expect("a node").sentinel = Known::Unknown("slow".to_owned());
    assert_eq!(appoint(&two, &quiet), None);
    let half = nodes([node(follows(3, 5), 3), away(), away()]);
    assert_eq!(appoint(&two, &half), None);
}

#[test]
fn nobody_is_appointed_while_sentinels_name_a_member() {
    let silent = |role| {
        let mut node = node(role, 1);
        node.sentinel = Known::Unknown("it took too long".to_owned());
        node
    };
    // Two sentinels are slow. The server that the third one names is well.
    let three = juju(&[1, 2, 3]);
    let slow = nodes([
        node(is_primary(9), 1),
        silent(follows(1, 9)),
        silent(follows(1, 9)),
    ]);
    assert_eq!(appoint(&three, &slow), None);
    // One has heard of a switch, and the other will.
    let two = juju(&[1, 2]);
    let switching = nodes([node(is_primary(9), 1), node(follows(1, 9), 2), away()]);
    assert_eq!(appoint(&two, &switching), None);
    // One that has forgotten everything is told what the other one knows.
    let mut forgotten = nodes([node(is_primary(9), 1), node(follows(1, 9), 1), away()]);
    forgotten.get_mut(&unit(2)).expect("a node").sentinel = Known::Known(None);
    let appointed = appoint(&two, &forgotten).expect("no majority comes of itself");
    assert_eq!((appointed.epoch, appointed.address), (2, host(1)));
}

#[test]
fn a_newer_election_is_not_undone_by_who_has_not_heard_of_it() {
    let mut juju = juju(&[1, 2, 3]);
    let elected = |mut node: Node| {
        if let Known::Known(Some(monitored)) = &mut node.sentinel {
            monitored.epoch = 2;
        }
        node
    };
    // The old primary still answers, and two of three sentinels name it.
    let three = nodes([
        node(is_primary(9), 1),
        node(is_primary(9), 1),
        elected(node(follows(1, 9), 2)),
    ]);
    for number in [1, 2, 3] {
        juju.unit = unit(number);
        assert!(matches!(primary(&juju, &three), Known::Unknown(_)));
        let local = local(&juju, &three, 1);
        assert_eq!((local.follow, local.monitor), (None, None), "{number}");
        assert_eq!(appoint(&juju, &three), None);
    }
    // One that names who is gone has not carried out an appointment yet.
    juju.unit = unit(3);
    let three = nodes([
        node(is_primary(9), 1),
        node(follows(1, 9), 1),
        elected(node(follows(1, 9), 9)),
    ]);
    assert_eq!(primary(&juju, &three), Known::Known(unit(1)));
    assert_eq!(local(&juju, &three, 1).monitor, Some(address(1)));
    // An older one than the majority's is outvoted, wherever it points.
    let three = nodes([
        node(is_primary(9), 1),
        elected(node(is_primary(9), 2)),
        elected(node(follows(2, 9), 2)),
    ]);
    assert_eq!(primary(&juju, &three), Known::Known(unit(2)));
}

#[test]
fn a_primary_that_was_replaced_follows() {
    let juju = juju(&[1, 2, 3]);
    let three = nodes([
        node(is_primary(9), 1),
        node(is_primary(9), 2),
        node(follows(2, 9), 2),
    ]);
    let local = local(&juju, &three, 1);
    assert_eq!(local.follow, Some(Some(address(2))));
    assert_eq!(local.monitor, Some(address(2)));
    assert!(!local.joined);
}

#[test]
fn who_does_not_know_the_primary_changes_nothing() {
    let juju = juju(&[1, 2, 3]);
    let alone = nodes([node(is_primary(9), 1), away(), away()]);
    let local = local(&juju, &alone, 1);
    assert_eq!(
        (local.follow, local.monitor, local.obeyed),
        (None, None, None)
    );
}

#[test]
fn a_server_that_was_left_with_a_snapshot_is_the_primary_again() {
    let juju = juju(&[1]);
    let copies = |link| {
        let of = Address {
            host: host(1),
            port: 6381,
        };
        let role = Role::Replica {
            of,
            offset: 9,
            link,
        };
        [(unit(1), node(role, 1))].into()
    };
    for link in [Link::Up, Link::Down] {
        let local = local(&juju, &copies(link), 1);
        assert_eq!((local.follow, local.joined), (Some(None), false));
    }
    assert_eq!(local(&juju, &copies(Link::Syncing), 1).follow, None);
    // Where another was elected meanwhile, it follows that one.
    let mut juju = crate::plan::testing::juju(&[1, 2, 3]);
    juju.unit = unit(1);
    let mut three = nodes([
        node(is_primary(9), 2),
        node(is_primary(9), 2),
        node(follows(2, 9), 2),
    ]);
    three.insert(unit(1), copies(Link::Up)[&unit(1)].clone());
    assert_eq!(local(&juju, &three, 1).follow, Some(Some(address(2))));
}

#[test]
fn an_appointment_is_obeyed_once() {
    let mut juju = juju(&[1, 2]);
    juju.ledger.appointment = Some(Appointment {
        epoch: 2,
        address: host(1),
    });
    let lost = nodes([node(follows(3, 5), 3), node(follows(3, 5), 3), away()]);
    let first = local(&juju, &lost, 1);
    assert_eq!(first.follow, Some(None));
    assert_eq!(first.obeyed, Some(2));
    assert_eq!(local(&juju, &lost, 2).follow, None);
}

#[test]
fn sentinels_forget_one_after_the_other() {
    let mut juju = juju(&[1, 2]);
    let stale = |names| {
        let mut node = node(follows(2, 1), names);
        if let Known::Known(Some(monitored)) = &mut node.sentinel {
            let seen = |number, down| Seen {
                host: host(number),
                down,
                down_for: 0,
            };
            monitored.sentinels = vec![seen(3 - names.min(2), false), seen(3, true)];
            monitored.replicas = vec![seen(1, false)];
        }
        node
    };
    let both = nodes([stale(2), stale(2), away()]);
    assert!(should_reset(&juju, &both), "the first goes first");
    juju.unit = unit(2);
    assert!(!should_reset(&juju, &both), "the second waits");
    let mut clean = stale(2);
    if let Known::Known(Some(monitored)) = &mut clean.sentinel {
        monitored.sentinels.retain(|seen| !seen.down);
    }
    let first_is_done = nodes([clean.clone(), stale(2), away()]);
    assert!(should_reset(&juju, &first_is_done));
    let all_done = nodes([clean.clone(), clean, away()]);
    assert!(!should_reset(&juju, &all_done));
}

#[test]
fn the_quorum_is_more_than_half() {
    for (members, expected) in [(&[1][..], 1), (&[1, 2], 2), (&[1, 2, 3], 2)] {
        assert_eq!(quorum(&juju(members)), expected);
    }
}

#[test]
fn a_unit_is_lost_when_most_sentinels_have_said_so_for_long_enough() {
    let juju = juju(&[1, 2, 3]);
    let sees = |down_for| {
        let mut node = node(follows(1, 9), 1);
        if let Known::Known(Some(monitored)) = &mut node.sentinel {
            let gone = Seen {
                host: host(3),
                down: true,
                down_for,
            };
            monitored.sentinels = vec![gone.clone()];
            monitored.replicas = vec![gone];
        }
        node
    };
    let lost_for = |all: [Node; 3]| lost(&juju, &nodes(all), 5000);
    assert_eq!(lost_for([sees(5000), sees(9000), away()]), [unit(3)].into());
    assert_eq!(lost_for([sees(5000), sees(4000), away()]), [].into());
    assert_eq!(lost_for([sees(5000), away(), away()]), [].into());
    let answers = node(follows(1, 9), 1);
    assert_eq!(lost_for([sees(5000), sees(9000), answers]), [].into());
}

#[test]
fn who_is_cut_off_may_not_become_the_primary() {
    let juju = juju(&[1, 2, 3]);
    let here = || node(follows(2, 9), 2);
    assert!(may_be_primary(&juju, &nodes([here(), here(), away()])));
    assert!(!may_be_primary(&juju, &nodes([here(), away(), away()])));
    let sees = |downs: &[bool]| Monitored {
        primary: address(1),
        epoch: 1,
        quorum: 2,
        sentinels: downs
            .iter()
            .map(|down| Seen {
                host: host(9),
                down: *down,
                down_for: 0,
            })
            .collect(),
        replicas: Vec::new(),
    };
    for (downs, cut_off) in [
        (&[][..], false),
        (&[true], true),
        (&[false, true], false),
        (&[true, true], true),
    ] {
        assert_eq!(is_cut_off(&sees(downs)), cut_off, "{downs:?}");
    }
}
