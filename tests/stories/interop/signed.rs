//! Applications that take their certificates from etcd, with Canonical's libraries
//! for `tls-certificates`: the one of today and its predecessor.

use std::fs;

use etcd_charm_world::{Certificate, UnitName};
use libtest_mimic::Trial;

use crate::interop::requirer::{Fired, first, names, of};
use crate::interop::story::{Story, story};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("signed_per_unit", per_unit),
        story("signed_per_application_by_the_predecessor", per_application),
        story("signed_refused_and_asked_again", refused),
        story("signed_across_models", across_models),
        story("signed_by_another_authority", another_authority),
    ]
}

/// What a unit uses now: its certificate and key.
fn pair(story: &Story, unit: &UnitName) -> Certificate {
    let directory = story.world.model.charm_directory(unit.clone());
    let read = |name| fs::read_to_string(directory.join(name)).expect("the unit has a pair");
    let certificate = read("client.pem");
    Certificate {
        common_name: unit.application().to_owned(),
        chain: certificate.clone(),
        certificate,
        key: read("client.key"),
    }
}

fn second(app: &str) -> UnitName {
    UnitName::new(app, 1)
}

/// Relates an application that has its certificate to etcd, and gives what its
/// library fired.
fn with_access(story: &mut Story, app: &str) -> Fired {
    story.world.relate(app);
    let fired = story.rest_told(app, &["resource_created"]);
    fired.into_iter().next().expect("one event")
}

/// Lets Juju say that the certificates in the library's secrets are near their end.
fn expire(story: &mut Story, app: &str) {
    let secrets = story.world.model.secrets(app);
    let mut found = 0;
    for secret in secrets {
        if secret.label.contains("-certificate-") {
            story.world.model.expire(&secret.uri);
            found += 1;
        }
    }
    assert!(found > 0, "the library keeps its certificates in secrets");
}

/// Asserts that a unit was told of one certificate, with its chain, and gives it.
#[track_caller]
fn assert_told(story: &mut Story, unit: &UnitName) -> Certificate {
    let fired = story.news(unit);
    let available = of(&fired, "certificate_available");
    assert_eq!(available.len(), 1, "{unit}: {:?}", names(&fired));
    let body = available[0].body();
    assert_eq!(body["ordered"], true);
    assert_eq!(body["chain"][1], body["ca"]);
    pair(story, unit)
}

fn per_unit(mut story: Story) {
    story.expect_warning("Removed private key secret");
    story.ask_signed("app", 2, ("charmlibs", "unit"));
    story.rest();
    let units = [first("app"), second("app")];
    let pairs = units.clone().map(|unit| assert_told(&mut story, &unit));
    assert_ne!(pairs[0].certificate, pairs[1].certificate);
    let starts = story.world.starts(&story.etcd);
    let created = with_access(&mut story, "app");
    assert_eq!(created.response("username"), "app");
    for pair in &pairs {
        story.assert_serves_v1(&created, pair, "/signed/");
    }

    // Renewed by each unit, with the key of before.
    expire(&mut story, "app");
    story.rest();
    for (unit, before) in units.iter().zip(&pairs) {
        let renewed = pair(&story, unit);
        assert_ne!(renewed.certificate, before.certificate, "{unit}");
        assert_eq!(renewed.key, before.key, "{unit}");
        story.assert_serves_v1(&created, &renewed, "/signed/");
        let fired = story.news(unit);
        let told = of(&fired, "certificate_available");
        assert_eq!(told.len(), 1, "{unit}: {:?}", names(&fired));
    }

    // One unit leaves, the other goes on; then nobody asks any more.
    story.world.model.remove_unit(second("app"));
    story.rest();
    let kept = pair(&story, &units[0]);
    story.assert_serves_v1(&created, &kept, "/signed/");
    story.world.model.set_config("app", "common-name", "");
    story.rest();
    assert_eq!(story.users(), [""; 0]);
    for pair in pairs.iter().chain([&kept]) {
        let client = story.client_v1(&created, pair).impatient();
        assert!(!client.run(&["get", "/signed/key"]).ok);
    }
    assert_eq!(
        story.world.starts(&story.etcd),
        starts,
        "etcd was restarted"
    );
}

fn per_application(mut story: Story) {
    story.expect_warning("Removed private key secret");
    let relation = story.ask_signed("app", 1, ("v4", "app"));
    story.rest();
    let shown = assert_told(&mut story, &first("app"));
    let starts = story.world.starts(&story.etcd);
    let created = with_access(&mut story, "app");
    story.assert_serves_v1(&created, &shown, "/signed/");
    expire(&mut story, "app");
    story.rest();
    let renewed = assert_told(&mut story, &first("app"));
    assert_ne!(renewed.certificate, shown.certificate);
    story.assert_serves_v1(&created, &renewed, "/signed/");

    story.world.model.remove_relation(relation);
    story.rest();
    assert_eq!(story.users(), [""; 0]);
    for pair in [&shown, &renewed] {
        let client = story.client_v1(&created, pair).impatient();
        assert!(!client.run(&["get", "/signed/key"]).ok);
    }
    assert_eq!(
        story.world.starts(&story.etcd),
        starts,
        "etcd was restarted"
    );
}

fn refused(mut story: Story) {
    let relation = story.ask_signed("root", 1, ("charmlibs", "unit"));
    story.rest();
    let fired = story.news(&first("root"));
    let denied = of(&fired, "certificate_denied");
    assert!(!denied.is_empty(), "{:?}", names(&fired));
    for event in denied {
        assert_eq!(event.body()["code"], 102);
        assert_eq!(event.body()["message"], "common name root is reserved");
    }
    assert!(of(&fired, "certificate_available").is_empty());
    story.world.model.set_config("root", "common-name", "app");
    story.rest();
    let _ = assert_told(&mut story, &first("root"));
    assert!(!story.answer(relation).contains_key("request_errors"));
}

/// An application of another model, and one of this model that would like its name.
fn across_models(mut story: Story) {
    story.expect_warning("Removed private key secret");
    let (app, relation) = story.ask_signed_remotely("app");
    story.rest();
    let shown = Certificate {
        common_name: "app".to_owned(),
        ..assert_told(&mut story, &first(&app))
    };
    let starts = story.world.starts(&story.etcd);
    let created = with_access(&mut story, &app);
    assert_eq!(created.response("username"), "app");
    story.assert_serves_v1(&created, &shown, "/signed/");

    story.ask_signed("app", 1, ("charmlibs", "unit"));
    story.rest();
    let fired = story.news(&first("app"));
    let denied = of(&fired, "certificate_denied");
    assert!(!denied.is_empty(), "{:?}", names(&fired));
    let message = "common name app is asked for over another relation";
    assert_eq!(denied[0].body()["message"], message);
    story.world.model.remove_relation(relation);
    story.rest();
    assert_eq!(story.users(), [""; 0]);
    let client = story.client_v1(&created, &shown).impatient();
    assert!(!client.run(&["get", "/signed/key"]).ok);
    // Its certificate is about, so the name is nobody's yet.
    assert!(of(&story.news(&first("app")), "certificate_available").is_empty());
    assert_eq!(
        story.world.starts(&story.etcd),
        starts,
        "etcd was restarted"
    );
}

/// The authority is replaced under it, and its library and charm take that up.
fn another_authority(mut story: Story) {
    story.ask_signed("app", 1, ("charmlibs", "app"));
    story.rest();
    let before = assert_told(&mut story, &first("app"));
    let created = with_access(&mut story, "app");
    let leader = story.etcd.clone();
    let parameters = serde_json::json!({"grace-minutes": 0});
    let action = story
        .world
        .model
        .run_action(leader, "rotate-client-ca", parameters);
    assert_eq!(action.status, "completed", "{}", action.message);
    story.rest();
    let after = assert_told(&mut story, &first("app"));
    assert_ne!(after.certificate, before.certificate);
    assert_eq!(after.key, before.key, "it is the same request");
    story.assert_serves_v1(&created, &after, "/signed/");
    story.assert_shuts_out_v1(&created, &before);
}
