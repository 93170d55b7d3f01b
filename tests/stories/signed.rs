//! Clients whose certificates etcd signs itself, over `tls-certificates`.

pub(crate) mod older;
pub(crate) mod refusals;
pub(crate) mod rotation;

use etcd_charm_world::juju::Call;
use etcd_charm_world::{Certificate, Signing, SigningRequest, UnitName, V0, World};
use serde_json::json;

use crate::actions::done;
use crate::restore::taken;
use crate::support::{
    Client, application_message, ask_v0, assert_serves, deployed, listed, three, trusted, users,
};

/// An application that has asked for a certificate; nothing has run yet.
fn ask(world: &mut World, app: &str) -> (Signing, SigningRequest) {
    let signing = world.relate_certificates(app);
    let request = SigningRequest::new(app);
    world.ask_to_sign(&signing, &[&request]);
    (signing, request)
}

/// An application with a certificate of etcd's, which has asked for access with it.
fn with_access(world: &mut World, app: &str) -> (Signing, Certificate, V0) {
    let (signing, request) = ask(world, app);
    world.settle();
    let shown = world.signed(&signing, &request).expect("a certificate");
    let requirer = ask_v0(world, app, &format!("/{app}/"), &shown);
    (signing, shown, requirer)
}

/// Whether this certificate can do anything on this member.
fn opens(world: &mut World, unit: &UnitName, shown: &Certificate, prefix: &str) -> bool {
    let client = world.client(unit, shown).impatient();
    client.run(&["get", "--prefix", prefix]).ok || client.run(&["put", prefix, "1"]).ok
}

pub(crate) fn access_on_three_members_without_a_restart() {
    let (mut world, all) = three();
    let starts = |world: &World| all.each_ref().map(|unit| world.starts(unit));
    let before = starts(&world);
    let (signing, shown, requirer) = with_access(&mut world, "app");
    let runs = world.settle();
    let told = world.told(&requirer).expect("an answer");
    assert_eq!(told.endpoints.split(',').count(), 3, "{told:?}");
    let answered = runs.iter().filter(|run| !run.changes.is_empty());
    let answered: Vec<_> = answered.map(|run| run.name.clone()).collect();
    assert!(
        answered.len() <= 2,
        "more hooks than the one that answers: {answered:?}"
    );
    assert_serves(&mut world, &told, &shown, "/app/");
    world.rest();
    assert_eq!(starts(&world), before, "a member was restarted");
    assert!(
        all.iter().all(|unit| trusted(&world, unit) == 2),
        "only authorities are trusted"
    );
    let table = listed(&mut world, &all[0]);
    assert!(table.contains("ready on 3 of 3"), "{table}");
    // Renewed with another key: still no restart, and no word to the others.
    let request = SigningRequest::new("app");
    world.ask_to_sign(&signing, &[&request]);
    world.settle();
    let renewed = world.signed(&signing, &request).expect("a certificate");
    let mut requirer = requirer;
    requirer.set_certificate(&mut world.model, &renewed.certificate);
    world.rest();
    let told = world.told(&requirer).expect("an answer");
    assert_serves(&mut world, &told, &renewed, "/app/");
    assert_eq!(starts(&world), before);
}

pub(crate) fn names_stay_their_owners() {
    let (mut world, unit) = deployed();
    let (_, shown, _) = with_access(&mut world, "app");
    world.rest();
    // Somebody else shows it, asks for its name, and asks for those of nobody.
    let thief = ask_v0(&mut world, "thief", "/stolen/", &shown);
    world.rest();
    assert_eq!(world.told(&thief), None);
    let message = application_message(&world);
    let expected = "thief refused: its certificate was issued to another application";
    assert_eq!(message, expected);
    world.model.remove_relation(thief.relation);
    let rival = world.relate_certificates("rival");
    for (name, reason) in [
        ("app", "common name app is asked for over another relation"),
        ("root", "common name root is reserved"),
        (
            "etcd-charm:etcd-0",
            "common name etcd-charm:etcd-0 is reserved",
        ),
        ("etcd-1", "common name etcd-1 is reserved"),
    ] {
        let request = SigningRequest::new(name);
        world.ask_to_sign(&rival, &[&request]);
        world.rest();
        assert_eq!(world.signed(&rival, &request).map(|_| ()), None);
        assert_eq!(
            world.not_signed(&rival, &request),
            Some((102, reason.to_owned()))
        );
    }
    let nonsense = SigningRequest {
        csr: "nonsense".to_owned(),
        ..SigningRequest::new("nonsense")
    };
    let good = SigningRequest::new("rival");
    world.ask_to_sign(&rival, &[&nonsense, &good]);
    world.rest();
    assert_eq!(
        world.not_signed(&rival, &nonsense).map(|(code, _)| code),
        Some(999)
    );
    assert!(world.signed(&rival, &good).is_some());
    assert!(world.not_signed(&rival, &good).is_none());
    assert_eq!(
        users(&world, &unit),
        ["app", "root"],
        "who only has a certificate is no user"
    );
    // Nor may an operator, or a client with a certificate of its own, have it.
    let parameters = json!({"common-name": "rival"});
    let result = world.run_action(&unit, "generate-client-certificates", parameters);
    assert!(
        result.message.contains("that of certificates of rival"),
        "{}",
        result.message
    );
    let other = Client::ask_as(&mut world, "other", "/other/", "rival");
    world.rest();
    assert_eq!(world.told(&other.requirer), None);
}

pub(crate) fn certificates_open_nothing_without_their_relation() {
    let (mut world, all) = three();
    let (signing, shown, requirer) = with_access(&mut world, "app");
    world.rest();
    assert!(opens(&mut world, &all[1], &shown, "/app/"));
    let path = taken(&mut world, &all[0]);
    world.model.remove_relation(signing.relation);
    world.rest();
    for unit in &all {
        assert!(!opens(&mut world, unit, &shown, "/app/"), "{unit}");
    }
    assert_eq!(users(&world, &all[0]), ["root"]);
    assert_eq!(world.told(&requirer), None);
    // Related again it is another relation, and the certificate is still about.
    let again = world.relate_certificates("app");
    let request = SigningRequest::new("app");
    world.ask_to_sign(&again, &[&request]);
    world.rest();
    let (code, message) = world.not_signed(&again, &request).expect("a reason");
    assert_eq!(code, 102);
    assert!(
        message.starts_with("common name app was revoked, and is free after "),
        "{message}"
    );
    // Nor does the snapshot know better, in which it had access.
    done(&mut world, &all[0], &format!("restore snapshot={path}"));
    for unit in &all[..1] {
        assert!(
            !opens(&mut world, unit, &shown, "/app/"),
            "{unit} after restore"
        );
    }
    world.rest();
    for unit in &all {
        assert!(
            !opens(&mut world, unit, &shown, "/app/"),
            "{unit} after restore, at rest"
        );
    }
    assert_eq!(users(&world, &all[0]), ["root"]);
    assert!(world.not_signed(&again, &request).is_some());
}

pub(crate) fn requests_come_and_go_unit_by_unit() {
    let (mut world, unit) = deployed();
    let signing = world.relate_certificates("app");
    let second = world.model.add_unit("app");
    world.settle();
    let requests = ["app", "app"].map(SigningRequest::new);
    let value = |request: &SigningRequest| {
        json!([{ "certificate_signing_request": request.csr, "ca": false }]).to_string()
    };
    for (name, request) in [("app/0", &requests[0]), ("app/1", &requests[1])] {
        let entry = [("certificate_signing_requests", &*value(request))];
        world
            .model
            .relation_set_unit(signing.relation, name, &entry);
    }
    // Nobody is overlooked by a pass that goes by what the one before has noted.
    world.full_pass();
    let other = world.model.add_unit("app");
    world.settle();
    let late = SigningRequest::new("app");
    let entry = [("certificate_signing_requests", &*value(&late))];
    let late_unit = other.to_string();
    world
        .model
        .relation_set_unit(signing.relation, &late_unit, &entry);
    world.rest();
    assert!(world.signed(&signing, &late).is_some());
    world.model.remove_unit(other);
    world.rest();
    assert!(world.signed(&signing, &late).is_none());
    let first = world.signed(&signing, &requests[0]).expect("a certificate");
    let other = world.signed(&signing, &requests[1]).expect("a certificate");
    let requirer = ask_v0(&mut world, "app", "/app/", &first);
    world.rest();
    let told = world.told(&requirer).expect("an answer");
    for shown in [&first, &other] {
        assert_serves(&mut world, &told, shown, "/app/");
    }
    // One of them goes, and the other is not asked for its certificate anew.
    world.model.remove_unit(second);
    world.rest();
    assert!(world.signed(&signing, &requests[1]).is_none());
    let kept = world.signed(&signing, &requests[0]).expect("a certificate");
    assert_eq!(kept.certificate, first.certificate);
    assert_serves(&mut world, &told, &first, "/app/");
    // Nobody asks for it any more: its user is gone, and is back when it does.
    let clear = [("certificate_signing_requests", "")];
    world
        .model
        .relation_set_unit(signing.relation, "app/0", &clear);
    world.rest();
    assert!(!opens(&mut world, &unit, &first, "/app/"));
    let entry = [("certificate_signing_requests", &*value(&requests[0]))];
    world
        .model
        .relation_set_unit(signing.relation, "app/0", &entry);
    world.rest();
    assert!(world.signed(&signing, &requests[0]).is_some());
    assert_eq!(users(&world, &unit), ["app", "root"]);
}

pub(crate) fn again_where_juju_refuses_the_answer_once() {
    let (mut world, unit) = deployed();
    let (signing, request) = ask(&mut world, "app");
    world.rest();
    assert!(world.signed(&signing, &request).is_some());
    for tool in [Call::Nth(1), Call::Tool("relation-set".to_owned())] {
        let renewal = SigningRequest::new("app");
        world.ask_to_sign(&signing, &[&renewal]);
        let text = "ERROR connection is shut down";
        world.model.fail_tool_call(unit.clone(), tool, 1, text);
        world.rest();
        assert!(world.signed(&signing, &renewal).is_some());
    }
}

pub(crate) fn and_pinned_in_turns() {
    let (mut world, unit) = deployed();
    let signing = world.relate_certificates("app");
    let mut requirer = Client::ask_as(&mut world, "app", "/app/", "app");
    world.rest();
    requirer.assert_served(&mut world);
    let request = SigningRequest::new("app");
    world.ask_to_sign(&signing, &[&request]);
    world.rest();
    let starts = world.starts(&unit);
    let shown = world.signed(&signing, &request).expect("a certificate");
    requirer
        .requirer
        .set_certificate(&mut world.model, &shown.certificate);
    world.settle();
    assert_eq!(world.starts(&unit), starts);
    let told = requirer.told(&mut world);
    assert_serves(&mut world, &told, &shown, "/app/");
    world.rest();
    assert_eq!(
        trusted(&world, &unit),
        2,
        "the one before is trusted no more"
    );
    requirer
        .requirer
        .set_certificate(&mut world.model, &requirer.shown.certificate);
    world.rest();
    requirer.assert_served(&mut world);
}
