//! What an operator of the example goes through.

use etcd_charm_world::UnitName;
use etcd_charm_world::juju::Hook;
use libtest_mimic::Trial;
use serde_json::json;

use crate::legacy;
use crate::setting::{APP, Setting, unit};
use crate::signed;

pub(crate) fn all() -> Vec<Trial> {
    let stories: [(&str, fn()); 10] = [
        ("related_renewed_unrelated", related_renewed_unrelated),
        ("version_0_of_the_interface_does_the_same", version_0),
        (
            "units_share_a_certificate_and_have_keys_of_their_own",
            units,
        ),
        ("a_restart_of_etcd_is_seen_and_passes", restart),
        ("another_model_is_served_under_its_key", another_model),
        ("another_prefix_replaces_the_first", another_prefix),
        (
            "signed_by_etcd_it_needs_no_restart",
            signed::without_a_restart,
        ),
        ("signed_by_etcd_and_by_itself_in_turns", signed::in_turns),
        (
            "certificates_may_come_long_before_etcd",
            signed::before_etcd,
        ),
        ("older_interfaces_are_read_in_three_states", legacy::states),
    ];
    let trial = |(name, tell): (&str, fn())| {
        Trial::test(name, move || {
            tell();
            Ok(())
        })
    };
    stories.into_iter().map(trial).collect()
}

fn related_renewed_unrelated() {
    let mut setting = Setting::new(1);
    setting.deploy(1, &[("certificate-days", "1")]);
    setting.world.settle();
    let missing = "blocked: missing relation: integrate etcd with this application";
    assert_eq!(setting.status(&unit(0)), missing);
    let failure = measure(&mut setting, json!({})).unwrap_err();
    assert!(failure.contains("etcd cannot be used"), "{failure}");

    let relation = setting.integrate(APP);
    setting.world.settle();
    let since = setting.since(&unit(0), "/etcd-client-example/");
    let key = "/etcd-client-example/example-0";
    assert_eq!(setting.value(key).len(), 1);
    let users = setting.users();
    assert_eq!(users.len(), 1);
    assert!(
        users[0].starts_with(&format!("{APP}-{relation}-")),
        "{users:?}"
    );

    let results = measure(&mut setting, json!({"count": 5})).unwrap();
    for kind in ["get", "put", "watch"] {
        let median = results[kind]["median"].as_str().unwrap();
        assert!(median.ends_with(" ms"), "{median}");
    }
    assert_eq!(setting.value(key), ["measurement 5"]);
    assert!(measure(&mut setting, json!({"count": 0})).is_err());

    // A day is within a third of ninety, so the certificate is made anew; the user
    // stays the same, and nothing is missed meanwhile.
    let before = setting.offered();
    let runs = {
        setting.world.model.set_config(APP, "certificate-days", 90);
        setting.world.settle()
    };
    assert_ne!(setting.offered(), before);
    assert!(
        runs.iter()
            .any(|run| run.unit == setting.etcd && run.name == "secret-changed")
    );
    setting.world.full_pass();
    assert_eq!(setting.since(&unit(0), "/etcd-client-example/"), since);
    assert_eq!(setting.users(), users);
    let after = setting.offered();
    setting.world.full_pass();
    assert_eq!(setting.offered(), after, "it is renewed once");

    setting.world.model.remove_relation(relation);
    setting.world.settle();
    assert_eq!(setting.status(&unit(0)), missing);
    assert_eq!(setting.users(), [""; 0]);
    assert!(setting.world.model.secrets(APP).is_empty());
}

fn version_0() {
    let mut setting = Setting::new(2);
    setting.deploy(1, &[("interface-version", "v0"), ("prefix", "/v0/")]);
    let relation = setting.integrate(APP);
    setting.world.settle();
    setting.since(&unit(0), "/v0/");
    let asked = setting.world.model.app_bag(relation, APP);
    assert_eq!(asked["prefix"], "/v0/");
    setting.world.model.remove_relation(relation);
    setting.world.settle();
    assert!(setting.world.model.secrets(APP).is_empty());
}

fn units() {
    let mut setting = Setting::new(3);
    setting.deploy(2, &[("prefix", "/two/")]);
    let relation = setting.integrate(APP);
    setting.world.settle();
    for number in [0, 1] {
        setting.since(&unit(number), "/two/");
        assert_eq!(setting.value(&format!("/two/example-{number}")).len(), 1);
    }
    // A new leader goes on with what the old one has asked for, and a unit that
    // goes takes nothing along.
    let asked = setting.world.model.app_bag(relation, APP);
    let offered = setting.offered();
    setting.world.model.set_leader(APP, unit(1));
    setting.world.settle();
    setting.world.model.remove_unit(unit(0));
    setting.world.settle();
    assert_eq!(setting.world.model.app_bag(relation, APP), asked);
    assert_eq!(setting.offered(), offered);
    setting.since(&unit(1), "/two/");
}

fn restart() {
    let mut setting = Setting::new(4);
    setting.deploy(1, &[("prefix", "/a/")]);
    setting.integrate(APP);
    setting.world.settle();
    let since = setting.since(&unit(0), "/a/");

    let etcd = setting.etcd.clone();
    setting.world.machines[&etcd].power_off();
    let look = |setting: &mut Setting| setting.world.model.run_hook(unit(0), Hook::UpdateStatus);
    assert!(look(&mut setting).succeeded());
    let status = setting.status(&unit(0));
    assert!(status.starts_with("waiting: cannot use etcd: "), "{status}");

    setting.world.machines[&etcd].power_on();
    setting.world.full_pass();
    assert!(look(&mut setting).succeeded());
    assert!(setting.since(&unit(0), "/a/") > since, "it is counted anew");
}

fn another_model() {
    for version in ["v0", "v1"] {
        let mut setting = Setting::new(5);
        let name = setting.deploy_remotely(&[("interface-version", version), ("prefix", "/far/")]);
        let relation = setting.integrate(&name);
        setting.world.settle();
        setting.since(&UnitName::new(&name, 0), "/far/");
        let asked = setting.world.model.app_bag(relation, &name);
        assert!(
            !asked.values().any(|value| value.contains("secret-mtls")),
            "{asked:?}"
        );
    }
}

fn another_prefix() {
    let mut setting = Setting::new(6);
    setting.deploy(1, &[("prefix", "/one/")]);
    setting.integrate(APP);
    setting.world.settle();
    setting.since(&unit(0), "/one/");
    let secrets = setting.world.model.secrets(APP).len();
    setting.world.model.set_config(APP, "prefix", "/other/");
    // The first user goes once no member trusts its certificate any more.
    for _ in 0..3 {
        setting.world.settle();
        setting.world.full_pass();
    }
    setting.since(&unit(0), "/other/");
    assert_eq!(setting.users().len(), 1);
    assert_eq!(setting.world.model.secrets(APP).len(), secrets);

    setting.world.model.set_config(APP, "prefix", "");
    setting.world.settle();
    let status = setting.status(&unit(0));
    assert_eq!(status, "blocked: option prefix must not be empty");
}

fn measure(
    setting: &mut Setting,
    parameters: serde_json::Value,
) -> Result<serde_json::Value, String> {
    let result = setting.world.run_action(&unit(0), "measure", parameters);
    match result.status.as_str() {
        "completed" => Ok(result.results),
        _ => Err(result.message),
    }
}
