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
    // Whoever does not answer may have more.
    let half = nodes([node(follows(3, 5), 3), away(), away()]);
    assert_eq!(appoint(&two, &half), None);
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
