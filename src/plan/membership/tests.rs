//! Who joins and who leaves.

use crate::facts::{Cause, Databag, Known, MemberData, MemberId, MemberIdentity, MemberName};
use crate::plan::configuration::{bootstrap_port, wanted};
use crate::plan::machine::MachineStep;
use crate::plan::members::{client_url, member_url};
use crate::plan::membership::MembershipStep;
use crate::plan::restart::{Restart, RestartStep};
use crate::plan::testing::{Bench, IDENTITY, member};
use crate::plan::{ReleaseFault, Stage, Wait};
use crate::relation::peer::UnitData;

fn step(bench: &mut Bench) -> Option<MembershipStep> {
    match bench.stage() {
        Stage::Membership(step) => Some(step),
        _ => None,
    }
}

/// A bench on which this unit has no member yet, and so many others do.
fn joining(others: u64) -> Bench {
    let mut bench = Bench::new(others + 1);
    bench.cluster.members.remove(0);
    bench.cluster.answering.remove(&MemberId(100));
    bench.cluster.status.leader = Some(MemberId(101));
    bench.observed.machine.bootstrap = None;
    bench.observed.machine.identity = None;
    bench.observed.machine.data = MemberData::Absent;
    bench.peers().app.generation.initial_member = Some(MemberName::new("etcd-1"));
    bench
}

#[test]
fn members_join_one_at_a_time() {
    let mut bench = joining(1);
    let url = "https://10.0.0.1:2380".to_owned();
    assert_eq!(step(&mut bench), Some(MembershipStep::AddLearner(url)));
    let mut other = member(2);
    other.learner = true;
    bench.cluster.members.push(other);
    assert_eq!(step(&mut bench), None);
    assert_eq!(bench.plan().report.wait, Some(Wait::OtherJoiner));
    bench.cluster.members[1].learner = false;
    bench.cluster.members[1].name = None;
    assert_eq!(bench.plan().report.wait, Some(Wait::OtherJoiner));
}

#[test]
fn a_member_goes_whose_unit_the_model_does_not_have() {
    let mut bench = Bench::new(3);
    let units = |numbers: &[u64]| {
        let names = numbers.iter().filter_map(|unit| member(*unit).name);
        Some(names.collect())
    };
    // One that has not been met yet is there all the same.
    bench.observed.units = units(&[0, 1, 2, 3]);
    assert_eq!(step(&mut bench), None);
    bench.observed.units = units(&[0, 1]);
    assert_eq!(
        step(&mut bench),
        Some(MembershipStep::Remove(MemberId(102), None))
    );
    bench.observed.leader = false;
    assert_eq!(step(&mut bench), None);
    bench.observed.leader = true;
    // What cannot be asked is not known to be gone.
    bench.observed.units = None;
    assert_eq!(step(&mut bench), None);
    // What was never a unit's is nobody's to remove.
    bench.observed.units = units(&[0, 1]);
    bench
        .cluster
        .ledger
        .members
        .remove(&member(2).name.expect("a name"));
    assert_eq!(step(&mut bench), None);
}

#[test]
fn a_unit_joins_with_no_release_that_the_members_refuse() {
    let mut bench = joining(1);
    bench.cluster.status.version = "3.5.1".parse().expect("a version");
    let with = |bench: &mut Bench, release: &str| {
        bench.observed.machine.release = Some(Known::Known(release.parse().expect("a version")));
        (step(bench), bench.plan().report.wait)
    };
    for release in ["3.5.1", "3.5.26", "3.5.0"] {
        let (step, wait) = with(&mut bench, release);
        assert!(step.is_some() && wait.is_none(), "{release}: {wait:?}");
    }
    for release in ["3.4.23", "3.6.16", "3.7.3"] {
        let (step, wait) = with(&mut bench, release);
        assert_eq!(step, None, "{release}");
        let Some(Wait::Release(ReleaseFault::CannotJoin { members, .. })) = wait else {
            panic!("{release}: {wait:?}");
        };
        assert_eq!(members.to_string(), "3.5.1");
    }
    // One that was added before is not started with it either.
    let mut own = member(0);
    own.name = None;
    own.learner = true;
    bench.cluster.members.push(own);
    assert_eq!(with(&mut bench, "3.6.16").0, None);
    // What cannot be told is no release that may join.
    bench.observed.machine.release = Some(Known::Unknown(Cause::of(&std::fmt::Error)));
    assert_eq!(step(&mut bench), None);
}

#[test]
fn who_is_on_the_list_joins_with_everybody_on_it() {
    let mut bench = joining(1);
    let mut own = member(0);
    own.name = None;
    own.learner = true;
    bench.cluster.members.push(own);
    bench.observed.machine.identity = Some(IDENTITY);
    let Some(MembershipStep::Join(bootstrap)) = step(&mut bench) else {
        panic!("no join");
    };
    assert_eq!(
        bootstrap.initial_cluster,
        "etcd-0=https://10.0.0.1:2380,etcd-1=https://10.0.0.2:2380"
    );
    assert!(bootstrap.existing);
    assert_eq!(bootstrap.token, "token");
}

#[test]
fn who_joins_takes_no_member_for_its_own_that_was_not_added_for_it() {
    // One that was added for this unit, and whose identifier was not noted; an
    // earlier one of this unit's own; that of a unit which is gone, and had the
    // address that this one has.
    for (name, learner) in [
        (None, true),
        (Some("etcd-0"), false),
        (Some("etcd-7"), false),
        (Some("etcd-7"), true),
    ] {
        let mut bench = joining(2);
        let mut ghost = member(0);
        ghost.name = name.map(MemberName::new);
        ghost.learner = learner;
        bench.cluster.members.push(ghost);
        let removal = Some(MembershipStep::Remove(MemberId(100), None));
        assert_eq!(step(&mut bench), removal, "{name:?}");
        bench.observed.machine.identity = Some(MemberIdentity {
            member: MemberId(107),
            cluster: 99,
        });
        assert_eq!(step(&mut bench), removal, "{name:?}");
        bench.cluster.members.pop();
        let added = step(&mut bench);
        assert!(matches!(added, Some(MembershipStep::AddLearner(_))));
    }
}

#[test]
fn a_unit_that_has_moved_is_waited_for_and_its_member_kept() {
    let mut bench = joining(2);
    let mut moved = member(0);
    moved.name = Some(MemberName::new("etcd-2"));
    bench.cluster.members[1] = moved;
    let name = MemberName::new("etcd-2");
    bench.peers().others.insert(name, UnitData::default());
    assert_eq!(step(&mut bench), None);
    let unit = "etcd/2".parse().expect("a unit");
    assert_eq!(bench.plan().report.wait, Some(Wait::Address(unit)));
}

#[test]
fn a_member_whose_data_is_gone_leaves_the_list_and_joins_anew() {
    let other = MemberIdentity {
        member: MemberId(107),
        cluster: 99,
    };
    for data in [MemberData::Absent, MemberData::Of(other)] {
        for is_initial in [true, false] {
            let mut bench = Bench::new(3);
            let machine = &mut bench.observed.machine;
            machine.is_running = Some(false);
            machine.data = data.clone();
            let bootstrap = machine.bootstrap.as_mut().expect("a bootstrap");
            bootstrap.existing = !is_initial;
            bench.cluster.status.member = MemberId(101);
            bench.cluster.status.leader = Some(MemberId(101));
            bench.cluster.answering.remove(&MemberId(100));
            let url = Some("https://10.0.0.2:2379".to_owned());
            assert_eq!(
                step(&mut bench),
                Some(MembershipStep::Remove(MemberId(100), url)),
                "{data:?}"
            );
            // The others have not noticed yet that it does not lead any more.
            bench.cluster.status.leader = Some(MemberId(100));
            let removed = step(&mut bench);
            assert!(
                matches!(
                    removed,
                    Some(MembershipStep::Remove(MemberId(100), Some(_)))
                ),
                "{removed:?}"
            );
            bench.cluster.status.leader = Some(MemberId(101));
            let own = bench.cluster.members.remove(0);
            let Stage::Machine(steps) = bench.stage() else {
                panic!("{:?}", bench.stage());
            };
            assert_eq!(steps, [MachineStep::Quarantine(0)]);
            // Where the rest would be without its majority it stays on the list,
            // and is not started.
            bench.cluster.members.insert(0, own);
            bench.cluster.answering.remove(&MemberId(102));
            assert_eq!(step(&mut bench), None);
            assert_eq!(bench.plan().report.wait, Some(Wait::LostCluster));
            bench
                .peers()
                .others
                .insert(MemberName::new("etcd-1"), UnitData::default());
            assert_eq!(bench.plan().report.wait, Some(Wait::LostMember));
        }
    }
}

#[test]
fn a_member_that_was_taken_off_the_list_joins_anew() {
    let mut bench = Bench::new(3);
    bench.observed.machine.is_running = Some(false);
    bench.cluster.members.remove(0);
    bench.cluster.status.member = MemberId(101);
    let Stage::Machine(steps) = bench.stage() else {
        panic!("{:?}", bench.stage());
    };
    assert_eq!(steps, [MachineStep::Quarantine(0)]);
}

#[test]
fn a_learner_of_ours_gets_its_vote() {
    let mut bench = Bench::new(2);
    bench.cluster.members[0].learner = true;
    assert_eq!(
        step(&mut bench),
        Some(MembershipStep::Promote(MemberId(100)))
    );
}

#[test]
fn authentication_comes_before_everything_else() {
    let mut bench = Bench::new(1);
    bench.cluster.authentication = Some(false);
    bench.ask_as(1, "/one/", "alpha", 1);
    assert_eq!(step(&mut bench), Some(MembershipStep::EnableAuthentication));
    // Who did not ask does not know.
    bench.cluster.authentication = None;
    assert_eq!(step(&mut bench), None);
}

#[test]
fn only_a_member_whose_unit_has_left_is_removed() {
    let mut bench = Bench::new(3);
    assert_eq!(step(&mut bench), None);
    let gone = member(2).name.expect("a name");
    bench.observed.departed.insert(gone, None);
    assert_eq!(
        step(&mut bench),
        Some(MembershipStep::Remove(MemberId(102), None))
    );
    bench.observed.leader = false;
    assert_eq!(step(&mut bench), None);
    bench.observed.leader = true;
    // The one that answers is not a majority of the two that would remain.
    bench.cluster.answering.remove(&MemberId(101));
    assert_eq!(step(&mut bench), None);
}

#[test]
fn the_end_of_unit_1_is_not_that_of_10() {
    let mut bench = Bench::new(1);
    bench.cluster.members.push(member(10));
    bench.cluster.answering.insert(MemberId(110));
    let gone = member(1).name.expect("a name");
    let address = Some("10.0.0.1".to_owned());
    bench.observed.departed.insert(gone, None);
    assert_eq!(step(&mut bench), None);
    // An address is compared whole, too, and only for who has no name.
    bench
        .observed
        .departed
        .values_mut()
        .for_each(|at| *at = address.clone());
    assert_eq!(step(&mut bench), None);
}

#[test]
fn a_unit_that_leaves_hands_over_before_it_goes() {
    let mut bench = Bench::new(3);
    bench.observed.stopping = true;
    assert_eq!(
        step(&mut bench),
        Some(MembershipStep::MoveLeader(MemberId(101)))
    );
    bench.cluster.status.leader = Some(MemberId(101));
    let url = Some("https://10.0.0.2:2379".to_owned());
    assert_eq!(
        step(&mut bench),
        Some(MembershipStep::Remove(MemberId(100), url))
    );
    bench.cluster.members.remove(0);
    assert!(matches!(bench.stage(), Stage::Stop));
}

#[test]
fn a_unit_that_the_rest_cannot_do_without_just_stops() {
    let mut bench = Bench::new(3);
    bench.observed.stopping = true;
    bench.cluster.answering.remove(&MemberId(101));
    assert!(matches!(bench.stage(), Stage::Stop));
    assert!(matches!(
        {
            let mut alone = Bench::new(1);
            alone.observed.stopping = true;
            alone.stage()
        },
        Stage::Stop
    ));
}

#[test]
fn addresses_of_both_families_make_urls() {
    assert_eq!(member_url("10.0.0.1", 2380), "https://10.0.0.1:2380");
    assert_eq!(member_url("fd00::1", 2379), "https://[fd00::1]:2379");
}

#[test]
fn a_unit_is_reached_where_it_says() {
    let bag = |entries: &[(&str, &str)]| -> Databag {
        let entries = entries.iter();
        entries
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    for (entries, url) in [
        (
            &[("address", "10.0.0.1"), ("client-port", "4001")][..],
            Some("https://10.0.0.1:4001"),
        ),
        (&[("address", "10.0.0.1")], Some("https://10.0.0.1:2379")),
        (
            &[("address", "10.0.0.1"), ("client-port", "x")],
            Some("https://10.0.0.1:2379"),
        ),
        (&[("client-port", "4001")], None),
    ] {
        assert_eq!(client_url(&UnitData::read(&bag(entries))).as_deref(), url);
    }
}

/// A member that serves moves right before it restarts, and one that the others
/// have lost at once.
#[test]
fn another_peer_port_is_published_in_turn() {
    for members in [1, 3] {
        let mut bench = Bench::new(members);
        bench.observed.options.peer_port = 4002;
        bench.observed.machine.written = wanted(&bench.observed).expect("documents");
        let move_to = (MemberId(100), "https://10.0.0.1:4002".to_owned());
        match bench.stage() {
            Stage::Restart(RestartStep::Restart(Restart::InTurn(restart))) => {
                assert_eq!(restart.moves_to, Some(move_to.clone()));
            }
            stage => panic!("{stage:?}"),
        }
        if members > 1 {
            let (id, url) = move_to.clone();
            bench.cluster.answering.remove(&MemberId(100));
            bench.cluster.status.member = MemberId(101);
            assert_eq!(step(&mut bench), Some(MembershipStep::Move(id, url)));
            bench.cluster.answering.insert(MemberId(100));
            bench.cluster.status.member = MemberId(100);
        }
        // Killed between the two: what is left to do is the restart.
        bench.cluster.members[0].peer_urls = vec![move_to.1];
        match bench.stage() {
            Stage::Restart(RestartStep::Restart(Restart::InTurn(restart))) => {
                assert_eq!(restart.moves_to, None)
            }
            stage => panic!("{stage:?}"),
        }
        let written = bench.observed.machine.written.configuration.clone();
        bench.observed.machine.loaded_configuration = Some(written);
        assert!(matches!(bench.stage(), Stage::Publish(_)));
    }
}

/// The port was changed after this unit was added and before it has started:
/// it starts with the URL that the others know.
#[test]
fn a_unit_that_was_added_with_another_port_joins_with_it() {
    let mut bench = joining(2);
    let mut added = member(0);
    added.name = None;
    added.learner = true;
    bench.cluster.members.push(added);
    bench.observed.machine.identity = Some(IDENTITY);
    bench.observed.options.peer_port = 4002;
    match step(&mut bench) {
        Some(MembershipStep::Join(bootstrap)) => {
            let own = bench.observed.member();
            assert_eq!(bootstrap_port(&bootstrap, &own), Some(2380));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_member_of_no_unit_is_told_and_never_removed() {
    use crate::facts::MemberName;

    let mut bench = Bench::new(4);
    assert!(bench.plan().report.unmanaged_members.is_empty());
    // One joins, as units do.
    bench.cluster.members[3].name = None;
    bench.cluster.members[3].learner = true;
    assert!(bench.plan().report.unmanaged_members.is_empty());
    bench.cluster.members[3].learner = false;
    bench.cluster.members[2].name = Some(MemberName::new("etcd-2-odd"));
    let unmanaged_members = bench.plan().report.unmanaged_members;
    assert_eq!(
        unmanaged_members,
        ["member etcd-2-odd", "the member at 10.0.0.4:2380"]
    );
    assert_eq!(step(&mut bench), None);
}
