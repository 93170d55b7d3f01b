//! Relations that have ended, as only some units were told.

use super::*;
use crate::plan::access::has_ended;

/// Relation 1 ends with this hook.
fn end(bench: &mut Bench) {
    bench.leave(1);
    bench.observed.clients.scope = Scope::Only([RelationId(1)].into());
    bench.observed.clients.ended = Some(RelationId(1));
}

fn is_ended(bench: &Bench) -> bool {
    has_ended(&bench.cluster.ledger, RelationId(1), bench.observed.now)
}

#[test]
fn an_end_is_on_record_before_anything_is_taken() {
    let mut bench = granted();
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

#[test]
fn the_end_of_a_relation_that_never_asked_is_on_record_too() {
    let mut bench = Bench::new(1);
    end(&mut bench);
    assert_eq!(bench.access(), ["write 1 ended"]);
}

#[test]
fn a_full_database_keeps_no_end_from_being_carried_out() {
    let mut bench = granted();
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
    let mut ended = granted();
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

    let mut later = granted();
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
