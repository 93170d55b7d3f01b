//! Relations that have ended, as only some units were told.

use super::*;
use crate::facts::ToldEnd;
use crate::plan::access::has_ended;

/// Relation 1 ends with this hook.
fn end(bench: &mut Bench) {
    bench.leave(1);
    bench.observed.clients.scope = Scope::Only([RelationId(1)].into());
    bench.observed.clients.ended = Some(RelationId(1));
}

fn is_ended(bench: &Bench) -> bool {
    let (ledger, told) = (&bench.cluster.ledger, &bench.observed.told_ends);
    has_ended(ledger, told, RelationId(1), bench.observed.now)
}

#[test]
fn an_end_is_on_record_before_anything_is_taken() {
    let mut bench = granted_by(2);
    end(&mut bench);
    let expected = [
        "write 1 ended",
        "delete user alpha",
        "delete role alpha",
        "write alpha leaving, 1 departed",
    ];
    assert_eq!(bench.access(), expected);
    assert!(is_ended(&bench));
}

/// As a unit was told that did not lead then: Juju lists the relation no more.
#[test]
fn an_end_that_a_unit_was_told_before_it_leads_is_on_record_too() {
    let mut bench = granted_by(2);
    let told = |is_over| ToldEnd { at: NOW, is_over };
    bench.observed.told_ends.insert(RelationId(1), told(false));
    // A unit has left it, and it goes on.
    assert_eq!(bench.access(), [""; 0]);
    bench.leave(1);
    assert_eq!(bench.access()[0], "write 1 ended");
    assert!(is_ended(&bench));
    // Who was told that it is over may go by what Juju lists.
    bench.observed.told_ends.insert(RelationId(1), told(true));
    assert!(!is_ended(&bench));
}

#[test]
fn the_end_of_a_relation_that_never_asked_is_on_record_too() {
    let mut bench = Bench::new(2);
    end(&mut bench);
    assert_eq!(bench.access(), ["write 1 ended"]);
}

#[test]
fn a_unit_alone_keeps_no_record_of_an_end() {
    let mut bench = granted();
    end(&mut bench);
    assert_eq!(bench.access()[0], "delete user alpha");
    assert!(bench.cluster.ledger.ended.is_empty());
}

#[test]
fn a_full_database_keeps_no_end_from_being_carried_out() {
    let mut bench = granted_by(2);
    bench.cluster.status.alarms.insert(Alarm {
        member: MemberId(100),
        kind: AlarmKind::NoSpace,
    });
    end(&mut bench);
    assert_eq!(
        bench.access()[..2],
        ["delete user alpha", "delete role alpha"]
    );
    assert!(!is_ended(&bench));
}

#[test]
fn an_end_is_forgotten_when_the_relation_is_back_or_after_a_while() {
    let mut ended = granted_by(2);
    end(&mut ended);
    ended.access();
    let mut back = ended;
    back.observed.clients.ended = None;
    back.ask_as(1, "/one/", "alpha", 1);
    assert!(
        back.access()
            .contains(&"write end of 1 forgotten".to_owned())
    );
    assert!(!is_ended(&back));

    let mut later = granted_by(2);
    end(&mut later);
    later.access();
    later.observed.clients.ended = None;
    later.observed.clients.scope = Scope::All;
    // Another leader's clock may be behind.
    for seconds in [-1800, 1800] {
        later.observed.now = NOW.plus_seconds(seconds);
        later.access();
        assert!(is_ended(&later), "{seconds}");
    }
    later.observed.now = NOW.plus_seconds(1801);
    assert!(!is_ended(&later));
    assert!(
        later
            .access()
            .contains(&"write end of 1 forgotten".to_owned())
    );
    assert!(later.cluster.ledger.ended.is_empty());
}
