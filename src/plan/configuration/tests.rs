//! What a unit's files should hold, from what is known of it.

use super::*;
use crate::facts::MemberData;
use crate::facts::provider::{Provider, ProviderUnknown};
use crate::facts::tuning::{CLIENT_PORT, PEER_PORT};
use crate::plan::machine::MachineStep;
use crate::plan::testing::Bench;
use crate::plan::{Stage, plan};
use crate::workload::configuration::etcd_config::{
    Ports, noted_program, noted_server_trust, ports_in,
};

fn text(bench: &Bench) -> String {
    let wanted = wanted(&bench.observed);
    wanted.expect("documents").configuration
}

#[test]
fn a_unit_at_rest_has_what_it_should() {
    let bench = Bench::new(1);
    assert_eq!(
        wanted(&bench.observed),
        Some(bench.observed.machine.written.clone())
    );
    assert!(!is_outdated(&bench.observed));
}

#[test]
fn nothing_is_wanted_while_something_of_it_is_unknown() {
    let without = |change: fn(&mut Observed)| {
        let mut bench = Bench::new(1);
        change(&mut bench.observed);
        let observed = &bench.observed;
        assert_eq!((wanted(observed), is_outdated(observed)), (None, false));
    };
    without(|observed| observed.machine.address = None);
    without(|observed| observed.machine.bootstrap = None);
    without(|observed| observed.machine.service_paths = None);
}

/// What etcd reads at its start alone stands in the text, so that a change of it is a
/// change of the text.
#[test]
fn whatever_etcd_reads_at_its_start_makes_another_text() {
    let bench = Bench::new(1);
    let written = text(&bench);
    let server_ca = bench.observed.machine.server_ca.as_ref();
    let server_ca = digest(server_ca.expect("an authority").as_bytes());
    assert_eq!(noted_server_trust(&written), Some(server_ca));
    assert_eq!(noted_program(&written), Some("/usr/bin/etcd".into()));
    let changes: [fn(&mut Observed); 5] = [
        |observed| observed.options.heartbeat_interval = 99,
        |observed| observed.quota = 3 << 30,
        |observed| observed.machine.address = Some("10.0.0.9".to_owned()),
        |observed| observed.machine.server_ca = Some("another authority".to_owned()),
        |observed| {
            let paths = observed.machine.service_paths.as_mut().expect("paths");
            paths.etcd = paths.charm.clone();
        },
    ];
    for change in changes {
        let mut bench = Bench::new(1);
        change(&mut bench.observed);
        assert_ne!(text(&bench), written);
        assert!(is_outdated(&bench.observed));
    }
    // An option that is not etcd's restarts nothing.
    let mut bench = Bench::new(1);
    bench.observed.options.certificate_days = 9;
    assert_eq!(text(&bench), written);
}

/// A member starts for the first time at the port that the others were told of.
#[test]
fn another_peer_port_waits_for_the_first_start() {
    let mut bench = Bench::new(1);
    bench.observed.options.client_port = 4001;
    bench.observed.options.peer_port = 4002;
    let ports = |client, peer| Some(Ports { client, peer });
    assert_eq!(ports_in(&text(&bench)), ports(4001, 4002));
    bench.observed.machine.data = MemberData::Absent;
    assert_eq!(ports_in(&text(&bench)), ports(4001, PEER_PORT));
    bench.observed.options.client_port = CLIENT_PORT;
    assert_eq!(ports_in(&text(&bench)), ports(CLIENT_PORT, PEER_PORT));
}

/// A unit whose file is one of an earlier revision, in which a member showed clients
/// what it shows to peers, keeps it until something else is changed or somebody else is
/// to sign.
#[test]
fn an_upgrade_of_the_charm_alone_restarts_nothing() {
    let earlier = |bench: &Bench| {
        let pair = "/etc/pki/clients.pem";
        let text = text(bench);
        assert_eq!(text.matches(pair).count(), 2);
        let text = text.replacen(pair, "/etc/pki/server.crt", 1);
        text.replacen(pair, "/etc/pki/server.key", 1)
    };
    let mut bench = Bench::new(1);
    let written = earlier(&bench);
    bench.observed.machine.written.configuration = written.clone();
    bench.observed.machine.loaded_configuration = Some(written.clone());
    assert_eq!(text(&bench), written);
    assert!(!is_outdated(&bench.observed));
    assert!(matches!(bench.stage(), Stage::Publish(_)));
    for provider in [
        Known::Known(None),
        Known::Unknown(ProviderUnknown::NotLookedAt),
    ] {
        bench.observed.provider = provider;
        assert_eq!(text(&bench), written);
    }
    bench.observed.options.snapshot_count = 20_000;
    assert!(text(&bench).contains("/etc/pki/clients.pem"));
    bench.observed.options.snapshot_count = 10_000;
    bench.observed.provider = Known::Known(Some(Provider {
        relation: crate::facts::RelationId(7),
        app: "ca".parse().expect("an application"),
        published: None,
        answers: Ok(Default::default()),
    }));
    assert!(text(&bench).contains("/etc/pki/clients.pem"));
    assert!(is_outdated(&bench.observed));
}

#[test]
fn an_option_is_written_and_then_waits_for_its_turn() {
    let mut bench = Bench::new(3);
    bench.observed.options.heartbeat_interval = 99;
    let Stage::Machine(steps) = bench.stage() else {
        panic!("nothing is written");
    };
    let [MachineStep::Configure(documents)] = &steps[..] else {
        panic!("{steps:?}");
    };
    bench.observed.machine.written = documents.clone();
    assert!(matches!(bench.stage(), Stage::Restart(_)));
    // Where nobody can be asked for a turn, the next plan has no other step than that.
    assert!(plan(&bench.observed).report.wait.is_none());
}

#[test]
fn the_bootstrap_words_tell_the_port() {
    let bootstrap = |initial_cluster: &str| Bootstrap {
        initial_cluster: initial_cluster.to_owned(),
        existing: true,
        token: "token".to_owned(),
        generation: 0,
    };
    let own = MemberName::new("etcd-1");
    let words = "etcd-0=https://10.0.0.1:2380,etcd-1=https://[fd00::2]:4002";
    assert_eq!(bootstrap_port(&bootstrap(words), &own), Some(4002));
    assert_eq!(
        bootstrap_port(&bootstrap("etcd-10=https://a:1"), &own),
        None
    );
    assert_eq!(bootstrap_port(&bootstrap(""), &own), None);
}
