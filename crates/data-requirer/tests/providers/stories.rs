//! Every library with every version of the interface that it speaks, for etcd and
//! for Valkey, in one model and in two.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::setting::{Case, SERVICES, Setting};

pub(crate) fn all() -> Vec<Trial> {
    let mut trials = Vec::new();
    // The library of version 1 speaks both, that of version 0 only its own.
    for (library, version) in [("v0", "v0"), ("v1", "v0"), ("v1", "v1")] {
        for across_models in [false, true] {
            let case = Case {
                library,
                version,
                across_models,
            };
            let place = match across_models {
                true => "across_models",
                false => "in_one_model",
            };
            let name = format!("library_{library}_asked_in_{version}_{place}");
            trials.push(Trial::test(name, move || {
                tell(case);
                Ok(())
            }));
        }
    }
    trials
}

fn tell(case: Case) {
    let mut setting = Setting::new(case);
    for service in SERVICES {
        assert_ready_at_once(&setting, service);
    }
    let certificate = offered(&setting);
    assert_eq!(setting.answer("etcd"), whole_answer_of_etcd(&certificate));
    assert_eq!(setting.received().last(), Some(&certificate));
    assert_eq!(setting.answer("valkey"), whole_answer_of_valkey(&setting));

    // What the provider changes in its databag, and what it changes in place.
    setting.tell(&[
        ("endpoints", "10.0.0.3:1"),
        ("ca", "another"),
        ("password", "changed"),
    ]);
    let (etcd, valkey) = (setting.answer("etcd"), setting.answer("valkey"));
    assert_eq!(etcd["endpoints"], json!(["10.0.0.3:1"]));
    assert_eq!(etcd["tls-ca"], "another");
    assert_eq!(valkey["endpoints"], json!(["10.0.0.3:1"]));
    assert_eq!(valkey["password"], "changed");

    // A renewed certificate reaches the provider's charm.
    let requirer = setting.requirer.clone();
    setting.model.set_config(&requirer, "days", 90);
    setting.settle();
    let renewed = offered(&setting);
    assert_ne!(renewed, certificate);
    assert_eq!(setting.received().last(), Some(&renewed));

    // A pass at rest writes nothing, and nothing is left of a relation that ends.
    let asked = setting.asked();
    setting.model.update_status_all();
    setting.settle();
    assert_eq!(setting.asked(), asked);
    for relation in setting.relations {
        setting.model.remove_relation(relation);
    }
    setting.settle();
    assert_eq!(setting.secrets(), Vec::<Value>::new());
}

/// Before an answer is ready nothing is told of it, and from then on all of it.
fn assert_ready_at_once(setting: &Setting, service: &str) {
    let answers = setting.answers(service);
    let first = answers
        .iter()
        .position(|answer| answer["pending"].is_null());
    let (_, after) = answers.split_at(first.expect("it is ready"));
    assert!(
        after.iter().all(|answer| answer["pending"].is_null()),
        "{after:?}"
    );
}

fn offered(setting: &Setting) -> String {
    let answer = setting.answer("etcd");
    answer["certificate"].as_str().unwrap().to_owned()
}

fn whole_answer_of_etcd(certificate: &str) -> Value {
    json!({
        "service": "etcd", "endpoints": ["10.0.0.1:2379", "10.0.0.2:2379"], "version": "3.6.4",
        "username": "client1", "password": null, "tls-ca": "an authority",
        "read-only-endpoints": null, "sentinel-endpoints": null, "mode": null,
        "certificate": certificate,
    })
}

fn whole_answer_of_valkey(setting: &Setting) -> Value {
    json!({
        "service": "valkey", "endpoints": ["10.0.0.1:2379", "10.0.0.2:2379"], "version": "9.0.1",
        "username": format!("relation-{}", setting.relations[1]), "password": "hunter2",
        "tls-ca": null, "read-only-endpoints": "10.0.0.9:6379",
        "sentinel-endpoints": "10.0.0.1:26379", "mode": "sentinel", "certificate": null,
    })
}
